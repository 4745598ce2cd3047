//! What a Smart Number does beside running its flow.

use super::*;
use crate::call::record::EndReason;
use crate::call::services;
use crate::call::snapshot::Unassigned;

/// With one number that leads to the flow `direct`, as `change` makes it.
fn bench(change: impl FnOnce(&mut Number)) -> Bench {
    let mut number = Number::new(Pattern::Exact(DIRECT.to_owned()), "", Answers::Flow("direct".to_owned()));
    change(&mut number);
    let mut library = (*snapshot().library).clone();
    let mut list = crate::flow::CallerList::default();
    list.add("+1415*").unwrap();
    library.caller_lists.insert("bad".to_owned(), list);
    let services = services::of_numbers(std::slice::from_ref(&number), false);
    let old = Arc::into_inner(snapshot()).unwrap();
    let snapshot = Snapshot { numbers: vec![number].into(), library: Arc::new(library), services, ..old };
    let mut bench = Bench::new();
    bench.handle(Input::Snapshot(Arc::new(snapshot)));
    bench
}

/// Another call than that of [`invite`].
fn other(text: &str, name: &str) -> String {
    text.replace("call-1", name).replace("INVITE1", name).replace("tag=theirs", &format!("tag={name}"))
}

#[test]
fn a_number_takes_as_many_calls_as_it_may_and_is_busy_for_more() {
    let mut bench = bench(|number| number.max_concurrent_calls = Some(1));
    bench.receive(caller(), &invite(DIRECT));
    bench.sent();
    bench.receive(caller(), &other(&invite(DIRECT), "second"));
    let refusal = only(&bench.sent(), "486 INVITE");
    assert!(value(&refusal, "Warning").contains("has 1 calls, and takes 1 at one time"), "{refusal}");
    assert_eq!(bench.switchboard.counters().number_full, 1);
    bench.receive(
        caller(),
        &request("CANCEL", DIRECT, 1, Transport::Udp, "", "").replace("CANCEL1", "INVITE1"),
    );
    bench.pass(40_000);
    let ended = bench.records().into_iter().map(|record| record.end_reason).collect::<Vec<_>>();
    assert_eq!(ended, [EndReason::Rejected, EndReason::CallerHungUp]);
    bench.sent();
    bench.receive(caller(), &other(&invite(DIRECT), "third"));
    assert_eq!(bench.heads()[0], "100 INVITE");
    assert_eq!(bench.switchboard.counters().number_full, 1);
}

#[test]
fn a_caller_in_the_list_of_the_number_is_declined() {
    let mut bench = bench(|number| number.blocked_callers = Some("bad".to_owned()));
    bench.receive(caller(), &invite(DIRECT));
    let refusal = only(&bench.sent(), "603 INVITE");
    assert!(value(&refusal, "Warning").contains("takes no calls from +14155550123"), "{refusal}");
    assert_eq!(bench.switchboard.counters().blocked, 1);
    let records = bench.records();
    assert_eq!(records[0].number.as_deref(), Some(DIRECT), "a refused call is counted with its number");
}

#[test]
fn a_number_that_is_not_active_is_answered_and_ended_or_refused() {
    let mut answered = bench(|number| number.is_active = false);
    answered.receive(caller(), &invite(DIRECT));
    answered.pass(40_000);
    let heads = answered.heads();
    assert!(!heads.iter().any(|head| head.starts_with('4')), "{heads:?}");
    let mut refused = bench(|number| {
        number.is_active = false;
        number.unassigned = Unassigned::Refuse;
    });
    refused.receive(caller(), &invite(DIRECT));
    let refusal = only(&refused.sent(), "404 INVITE");
    assert!(value(&refusal, "Warning").contains("is not in service"), "{refusal}");
    assert_eq!(refused.switchboard.counters().not_in_service, 1);
}

#[test]
fn a_record_has_the_number_that_was_dialled_as_it_came_where_it_was_read_as_another() {
    for (dialled, raw) in [(GREETED, None), ("7715550100", Some("7715550100"))] {
        let mut bench = bench(|_| ());
        bench.handle(super::trunks::changed(|snapshot| {
            let rule = &mut snapshot.trunks[0].numbers;
            (rule.prefix_in, rule.country) = ("77".to_owned(), Some(phonenumber::country::Id::US));
        }));
        bench.receive(caller(), &invite(dialled));
        let id = *bench.switchboard.calls.keys().next().expect("a call");
        bench.handle(Input::HangUp(id));
        bench.pass(40_000);
        bench.closed(1);
        let record = bench.records().remove(0);
        assert_eq!((&*record.to, record.to_raw.as_deref()), (GREETED, raw));
    }
}
