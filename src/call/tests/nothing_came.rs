//! What the record says of calls out and transfers that came to nothing.

use super::agents::talking;
use super::transfers::{bench as with_bob, refer};
use super::trunks::{OUT, changed, login, trunk_at, two_trunks};
use super::*;
use serde_json::{Value, json};

fn record(bench: &mut Bench) -> Value {
    let records = bench.records();
    assert_eq!(records.len(), 1);
    serde_json::to_value(&records[0]).unwrap()
}

fn offers(bench: &mut Bench) -> Value {
    record(bench)["offers"].take()
}

#[test]
fn an_offer_of_the_record_has_the_trunk_that_it_went_over_and_what_that_said() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        snapshot.trunks.pop();
    }));
    bench.receive(caller(), &invite(OUT));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    bench.receive(at, &response(&text, 404, ""));
    let expected = json!([{"agent": "+15550199", "ringSec": 0, "result": "unavailable", "trunk": "first", "reason": "404 Some Words"}]);
    assert_eq!(offers(&mut bench), expected);
}

#[test]
fn an_offer_that_went_over_several_trunks_names_each_and_what_it_said() {
    let mut bench = Bench::new();
    bench.handle(changed(two_trunks));
    bench.receive(caller(), &invite(OUT));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    bench.receive(at, &response(&text, 503, ""));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    assert_eq!(at, trunk_at(2));
    bench.receive(at, &response(&text, 486, ""));
    let offer = offers(&mut bench)[0].take();
    assert_eq!((&offer["trunk"], &offer["result"]), (&json!("second"), &json!("busy")));
    assert_eq!(offer["reason"], "the trunk \"first\": 503 Some Words; the trunk \"second\": 486 Some Words");
}

#[test]
fn an_offer_that_could_not_go_out_says_which_trunks_are_down_or_full_and_why() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        let first = &mut snapshot.trunks[1];
        (first.login, first.register) = (login("100"), Some(Duration::from_secs(600)));
        snapshot.trunks[2].ping =
            Some(crate::call::trunk::Ping { interval: Duration::from_secs(60), threshold: 1 });
    }));
    bench.pass(5_000);
    let sent = bench.sent();
    for (kind, at, code) in [("REGISTER", trunk_at(1), 403), ("OPTIONS", trunk_at(2), 503)] {
        let text = sent.iter().find(|text| head(text) == kind).unwrap();
        bench.receive(at, &response(text, code, ""));
    }
    bench.receive(caller(), &invite(OUT));
    let offer = offers(&mut bench)[0].take();
    let why = offer["reason"].as_str().unwrap();
    assert!(
        why.starts_with(
            "all trunks that calls go out over are down: the trunk \"first\" (credentials rejected"
        ),
        "{why}"
    );
    assert!(why.ends_with("the trunk \"second\" (it answered 503 Some Words)"), "{why}");
    assert_eq!(offer["trunk"], Value::Null);
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        for trunk in &mut snapshot.trunks {
            trunk.limits = crate::call::trunk::CallLimits { calls_out: Some(0), ..Default::default() };
        }
    }));
    bench.receive(caller(), &invite(OUT).replace("call-1", "call-2").replace("INVITE1", "i2"));
    let offer = offers(&mut bench)[0].take();
    let why = offer["reason"].as_str().unwrap();
    assert!(why.contains("the trunk \"first\": ") && why.contains("the trunk \"second\": "), "{why}");
}

#[test]
fn an_offer_to_an_agent_who_is_not_registered_says_so() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.receive(caller(), &invite(DIRECT));
    let offer = offers(&mut bench)[0].take();
    assert_eq!(offer["reason"], "the agent \"alice\" is not registered");
}

#[test]
fn an_offer_that_was_answered_has_its_trunk_and_no_reason() {
    let mut bench = Bench::new();
    bench.handle(changed(two_trunks));
    bench.receive(caller(), &invite(OUT));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    bench.receive(at, &response(&text, 200, &sdp(at.ip())));
    bench.handle(Input::Stop);
    bench.closed(1);
    bench.closed(2);
    let offer = offers(&mut bench)[0].take();
    assert_eq!((&offer["trunk"], &offer["reason"]), (&json!("first"), &Value::Null));
}

#[test]
fn transfers_that_came_to_nothing_stand_in_the_record_with_who_asked_and_why() {
    let mut bench = with_bob();
    let (_, to_alice) = talking(&mut bench);
    bench.receive(agent(), &refer(&to_alice, 1, "<sip:+1900-555-0100@evil.example>"));
    only(&bench.sent(), "403 REFER");
    bench.receive(agent(), &refer(&to_alice, 2, "<sip:bob@cordboard.example>"));
    let to_bob = only(&bench.sent(), "INVITE");
    let at = SocketAddr::from(([198, 51, 100, 21], 5072));
    bench.receive(at, &response(&to_bob, 486, ""));
    bench.handle(Input::Stop);
    bench.closed(1);
    bench.closed(2);
    let record = record(&mut bench);
    let transfers = &record["failedTransfers"];
    let why = "no trunk takes transfers to +19005550100: see transfer_to";
    assert_eq!((&transfers[0]["party"], &transfers[0]["code"]), (&json!("alice"), &json!(403)));
    assert_eq!(transfers[0]["reason"], why);
    assert_eq!((&transfers[1]["code"], &transfers[1]["to"]), (&json!(486), &json!("bob")));
    assert_eq!(transfers[1]["reason"], "486 Some Words");
    assert!(transfers[0]["at"].is_string() && transfers[2].is_null());
}
