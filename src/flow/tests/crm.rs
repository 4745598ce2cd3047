//! What a flow has of the CRM: who calls, the owner of the record, queries that no caller can bend, and the task's texts.

use super::*;

fn person() -> Person {
    Person {
        id: "003A".into(),
        kind: "Contact".into(),
        name: "Ann".into(),
        owner_id: "0055e000001AbCdAAK".into(),
        url: None,
    }
}

/// The number of the question who calls, once it was asked.
fn asked(rig: &mut Rig) -> Option<LookupId> {
    rig.actions.iter().find_map(|action| match action {
        Action::Ask { lookup, step, question } if matches!(**question, Question::Match(_)) => {
            assert_eq!(step, CONTACT_STEP);
            Some(*lookup)
        }
        _ => None,
    })
}

fn known(rig: &mut Rig, lookup: LookupId, person: Option<Person>) -> Vec<String> {
    rig.event(Event::Replied { lookup, result: Ok(Reply::Match(person)) }).take()
}

/// A step that takes its time, then one that reads who calls.
fn reads() -> Value {
    json!({
        "w": {"type": "wait", "config": {"seconds": 2}, "on": {"next": "s"}},
        "s": {"type": "set", "config": {"variables": [{"name": "who", "value": "{{contact.name | default: 'nobody'}} {{owner_id}}"}]}, "on": {"next": "e"}},
        "e": {"type": "wait", "config": {"seconds": 60}}})
}

#[test]
fn who_calls_is_asked_beside_the_first_steps_of_a_flow_that_reads_it() {
    let mut rig = rig(json!({}), reads());
    let lookup = asked(&mut rig).expect("asked at once");
    rig.take();
    assert_eq!(known(&mut rig, lookup, Some(person())), [""; 0]);
    assert_eq!(rig.at(2_000).take()[..2], ["leave next", "enter s"]);
    assert_eq!(rig.var("who"), "Ann 0055e000001AbCdAAK");
    assert_eq!((rig.var("contact.id"), rig.var("contact.type")), ("003A".into(), "Contact".into()));
    rig.at(9_000).event(Event::CallerHungUp);
    assert_eq!(rig.outcome().contact, Some(person()));
}

#[test]
fn a_flow_that_does_not_read_it_asks_nobody_and_neither_does_a_caller_without_a_number() {
    let mut quiet = rig(json!({}), json!({"w": {"type": "wait", "config": {"seconds": 2}}}));
    assert_eq!(asked(&mut quiet), None);
    let mut anonymous = rig_for(CallFacts::default(), &document(json!({}), reads()));
    assert_eq!(asked(&mut anonymous), None);
    anonymous.at(2_000);
    assert_eq!(anonymous.var("who"), "nobody ");
}

#[test]
fn the_first_step_that_reads_it_waits_three_seconds_from_the_question_and_no_longer() {
    let mut steps = reads();
    steps["w"]["config"]["seconds"] = json!(1);
    let mut late = rig(json!({}), steps.clone());
    let lookup = asked(&mut late).unwrap();
    late.take();
    assert_eq!(late.at(1_000).take(), ["leave next", "enter s"]);
    assert_eq!(late.at(2_999).take(), [""; 0]);
    assert_eq!(late.at(3_000).take()[..2], ["leave next", "enter e"]);
    assert_eq!(late.var("who"), "nobody ");
    // The answer counts all the same, for what comes after and for the record.
    known(&mut late, lookup, Some(person()));
    assert_eq!(late.var("contact.name"), "Ann");
    let mut soon = rig(json!({}), steps);
    let lookup = asked(&mut soon).unwrap();
    soon.at(1_500).take();
    assert_eq!(known(&mut soon, lookup, Some(person()))[..2], ["leave next", "enter e"]);
    assert_eq!(soon.var("who"), "Ann 0055e000001AbCdAAK");
}

#[test]
fn whoever_hangs_up_meanwhile_is_not_waited_for() {
    let mut rig = rig(json!({}), reads());
    let lookup = asked(&mut rig).unwrap();
    rig.at(100).event(Event::CallerHungUp);
    assert!(rig.actions.contains(&Action::Forget { lookup }));
    assert_eq!(rig.outcome().contact, None);
}

/// Rings the owner of the record, else carol.
fn owner(fallback: bool) -> Value {
    let mut dial = json!({"type": "dial", "config": {"target": {"kind": "record_owner"}, "ringSec": 20,
        "taskSubject": "Talked to {{contact.name}}", "taskComments": "{{secret}} for {{dial.talkSec}} s"}, "on": {"unavailable": "n", "busy": "n"}});
    if fallback {
        dial["config"]["fallbackOwner"] = json!({"kind": "user", "value": "carol"});
    }
    json!({"d": dial, "n": {"type": "wait", "config": {"seconds": 9}}})
}

fn owner_rig(fallback: bool) -> (Rig, LookupId) {
    let library = Library {
        crm_users: [(crm_user_key("0055e000001AbCdAAK").to_owned(), "bob".to_owned())].into(),
        ..Library::default()
    };
    let facts = CallFacts { from: "+14155550100".into(), ..CallFacts::default() };
    let mut actions = Vec::new();
    let now = Now { instant: Instant::from_millis(1_000), wall: Wall::from_unix_seconds(1_795_446_000) };
    let flow = FlowVersion::unpublished(compile(&document(json!({"shortAbandonSec": 0}), owner(fallback))));
    let interpreter =
        Interpreter::start(flow, library.into(), facts, Random::from_seed(1), now, &mut actions);
    let mut rig = Rig { interpreter, now, actions };
    let lookup = asked(&mut rig).unwrap();
    rig.take();
    (rig, lookup)
}

#[test]
fn the_owner_of_the_record_is_rung_by_either_of_salesforces_two_forms_of_an_id() {
    for id in ["0055e000001AbCdAAK", "0055e000001AbCd"] {
        let (mut rig, lookup) = owner_rig(false);
        let taken = known(&mut rig, lookup, Some(Person { owner_id: id.into(), ..person() }));
        assert!(taken.contains(&"dial d0 bob".to_owned()), "{taken:?}");
    }
}

#[test]
fn without_an_owner_who_can_be_rung_it_is_the_fallback_or_the_port() {
    let unavailable =
        |dial: u32| Event::DialFailed { dial: DialId(dial), cause: DialFailure::Unavailable, sip_code: None };
    let (mut rig, lookup) = owner_rig(true);
    assert!(known(&mut rig, lookup, None).contains(&"dial d0 carol".to_owned()), "nobody has that number");
    let (mut rig, lookup) = owner_rig(true);
    assert!(known(&mut rig, lookup, Some(person())).contains(&"dial d0 bob".to_owned()));
    assert_eq!(rig.event(unavailable(0)).take(), ["dial d1 carol"], "bob has no telephone");
    assert_eq!(rig.event(unavailable(1)).take()[..2], ["leave unavailable", "enter n"]);
    let (mut rig, lookup) = owner_rig(true);
    known(&mut rig, lookup, Some(person()));
    let busy = Event::DialFailed { dial: DialId(0), cause: DialFailure::Busy, sip_code: Some(486) };
    assert_eq!(
        rig.event(busy).take()[..2],
        ["leave busy", "enter n"],
        "an owner who talks is not passed over"
    );
    let (mut rig, lookup) = owner_rig(false);
    assert_eq!(known(&mut rig, lookup, None)[..2], ["leave unavailable", "enter n"]);
    let stranger = Person { owner_id: "005000000000009AAA".into(), ..person() };
    let (mut rig, lookup) = owner_rig(false);
    assert!(known(&mut rig, lookup, Some(stranger)).contains(&"dial d0 005000000000009AAA".to_owned()));
}

#[test]
fn the_task_of_a_conversation_says_what_the_dial_step_says() {
    let (mut rig, lookup) = owner_rig(false);
    known(&mut rig, lookup, Some(person()));
    rig.event(Event::Answered { dial: DialId(0) });
    rig.at(12_000).event(Event::CallerHungUp);
    let outcome = rig.outcome();
    let expected = TaskText { subject: "Talked to Ann".into(), comments: " for 12 s".into() };
    assert_eq!((outcome.call_task, outcome.abandoned_task), (Some(expected), None));
}

#[test]
fn the_same_query_of_the_same_call_is_answered_from_memory_for_a_minute() {
    let query = |next: &str| json!({"type": "query", "config": {"soql": "SELECT Id FROM Lead WHERE Phone = '{{call.from}}'", "saveAs": "c"}, "on": {"found": next}});
    let wait = |next: &str| json!({"type": "wait", "config": {"seconds": 30}, "on": {"next": next}});
    let steps = json!({"q": query("w"), "w": wait("r"), "r": query("x"), "x": wait("s"), "s": query("e"), "e": {"type": "wait", "config": {"seconds": 1}}});
    let mut rig = rig(json!({"maxStepsBetweenInput": 100}), steps);
    let ask = |taken: &[String]| taken.iter().any(|line| line.contains("ask"));
    assert!(ask(&rig.take()));
    let record = json!({"Id": "00Q"}).as_object().unwrap().clone();
    rig.event(Event::Replied { lookup: LookupId(0), result: Ok(Reply::Query(vec![record])) });
    rig.take();
    let again = rig.at(30_000).take();
    assert!(!ask(&again) && again.contains(&"leave found".to_owned()), "{again:?}");
    assert!(ask(&rig.at(60_000).take()), "a minute later it is asked anew");
}

/// What stands outside of the quotes of a statement, and whether they are closed. As the SOQL reference has them.
fn skeleton(soql: &str) -> (String, bool) {
    let (mut outside, mut inside, mut escaped) = (String::new(), false, false);
    for c in soql.chars() {
        match (inside, escaped, c) {
            (true, true, _) => escaped = false,
            (true, false, '\\') => escaped = true,
            (_, false, '\'') => {
                inside = !inside;
                outside.push('\'');
            }
            (true, false, _) => {}
            (false, ..) => outside.push(c),
        }
    }
    (outside, !inside)
}

#[test]
fn no_variable_that_a_caller_controls_can_become_part_of_a_statement() {
    let attacks = [
        "' OR Name != '",
        "\\' OR Name != '",
        "\\\\' OR Name != '",
        "x\\",
        "'",
        "\"' OR \"",
        "' UNION SELECT Id FROM User WHERE Name != '",
        "') OR (Id != '",
        "%' OR Name LIKE '%",
        "' LIMIT 2000 --",
        "a'/**/OR/**/'a'='a",
        "\u{2019} OR 1=1",
        "\u{ff07} OR Name != \u{ff07}",
        "'\n OR Name != '\r\n",
        "\0' OR Name != '",
        "\u{8}' OR Name != '",
        "{{call.to}}' OR '{{call.to}}",
        "' + String.valueOf(1) + '",
        "1; DELETE FROM Contact",
        ":name",
    ];
    let soql = "SELECT Id FROM Contact WHERE Name = '{{VALUE}}' AND Phone IN ('{{VALUE}}', 'x{{VALUE}}y')";
    let expected = skeleton(&format!("{} LIMIT 1", soql.replace("{{VALUE}}", ""))).0;
    for attack in attacks {
        // Each variable that comes from the caller, and how the attack gets into it.
        for variable in [
            "call.from",
            "call.fromName",
            "call.to",
            "call.numberLabel",
            "copied",
            "contact.name",
            "filtered",
        ] {
            let facts = CallFacts {
                from: attack.into(),
                from_name: attack.into(),
                to: attack.into(),
                number_label: attack.into(),
                ..CallFacts::default()
            };
            let value = match variable {
                "filtered" => "call.fromName | upper | trim".to_owned(),
                other => other.to_owned(),
            };
            let steps = json!({
                "s": {"type": "set", "config": {"variables": [{"name": "copied", "value": "{{call.fromName}}"}]}, "on": {"next": "q"}},
                "q": {"type": "query", "config": {"soql": soql.replace("VALUE", &value)}}});
            let mut rig = rig_for(facts, &document(json!({}), steps));
            if let Some(lookup) = asked(&mut rig) {
                let named = Some(Person { name: attack.into(), ..person() });
                rig.event(Event::Replied { lookup, result: Ok(Reply::Match(named)) });
            }
            let query = last_query(&mut rig).expect("a query");
            let (outside, is_closed) = skeleton(&query);
            assert!(is_closed, "{variable} = {attack:?} leaves a quote open: {query}");
            assert_eq!(outside, expected, "{variable} = {attack:?} made {query}");
            assert!(!query.chars().any(char::is_control), "{variable} = {attack:?}: {query:?}");
        }
    }
}

fn last_query(rig: &mut Rig) -> Option<String> {
    rig.actions.iter().find_map(|action| match action {
        Action::Ask { question, .. } => match &**question {
            Question::Query(query) => Some(query.soql.clone()),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn digits_of_a_caller_stay_digits_in_a_statement() {
    let steps = json!({
        "p": {"type": "prompt", "config": {"prompt": {"kind": "file", "id": "x"}, "saveAs": "account", "minDigits": 1, "maxDigits": 6}, "on": {"next": "q"}},
        "q": {"type": "query", "config": {"soql": "SELECT Id FROM Account WHERE AccountNumber = '{{account}}'"}}});
    let mut rig = rig(json!({}), steps);
    rig.keys("12*A3#").at(500);
    assert_eq!(last_query(&mut rig).unwrap(), "SELECT Id FROM Account WHERE AccountNumber = '12*A3' LIMIT 1");
}
