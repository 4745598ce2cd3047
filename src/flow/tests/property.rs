//! Any document and any events: no panic, and the call ends.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const WORDS: [&str; 25] = [
    "greeting",
    "menu",
    "prompt",
    "branch",
    "time",
    "dial",
    "set",
    "wait",
    "hangup",
    "users",
    "number",
    "sip",
    "sequential",
    "continue",
    "press_1",
    "press_any",
    "music",
    "s0",
    "s1",
    "mon",
    "{{v}}",
    "{{v | last4}}",
    "readback",
    "queue",
    "split",
];

fn pick<'a, T>(random: &mut Random, items: &'a [T]) -> &'a T {
    &items[random.below(items.len() as u32) as usize]
}

/// A document that compiles: random steps with random connections.
fn valid_document(random: &mut Random) -> Value {
    let count = 1 + random.below(6);
    let ports = [
        "next",
        "error",
        "no_response",
        "key:1",
        "key:12",
        "no_input",
        "invalid",
        "b:x",
        "b:y",
        "any",
        "none",
        "open",
        "closed",
        "no_answer",
        "busy",
        "unavailable",
        "rejected",
        "failed",
        "after_call",
        "match",
        "no_match",
        "body",
        "completed",
        "break",
        "return",
        "success",
        "http_error",
        "found",
        "not_found",
    ];
    let mut steps = serde_json::Map::new();
    for i in 0..count {
        let config = match random.below(19) {
            0 => {
                json!(["greeting", {"audio": say("Hi {{v}}"), "bargeIn": random.below(2) == 0, "repeat": 2}])
            }
            1 => {
                json!(["menu", {"prompt": file("m"), "options": {"1": {}, "12": {}}, "failPrompt": say("x"), "saveAs": "v",
                "bargeIn": random.below(2) == 0, "typeAhead": random.below(2) == 0}])
            }
            2 => {
                json!(["prompt", {"prompt": say("p"), "saveAs": "v", "confirm": "readback", "sensitive": true,
                "minDigits": 0, "bargeIn": random.below(2) == 0}])
            }
            3 => json!(["branch", {"value": "{{v}}", "branches": [{"id": "x", "op": "lt", "values": [5]}]}]),
            4 => json!(["time", {"weekly": [{"days": ["mon"], "open": "10:00", "close": "09:00"}]}]),
            5 => {
                json!(["dial", {"target": {"kind": "users", "values": ["a", "b", "{{v}}"]}, "screen": *pick(random, &["off", "press_any", "press_1"]),
                "strategy": *pick(random, &["simultaneous", "sequential"]), "whisper": say("w"),
                "ringback": *pick(random, &["tone", "music"]), "afterAnswered": *pick(random, &["end", "continue"]),
                "maxTalkSec": random.below(30)}])
            }
            6 => json!(["set", {"variables": [{"name": "v", "value": "{{v}}{{call.from}}{{v}}"}]}]),
            7 => json!(["split", {"by": *pick(random, &["caller", "random"]), "branches": [
                {"id": "x", "weight": 40}, {"id": "y", "weight": 60}]}]),
            8 => json!(["tag", {"key": "k", "value": "{{v}}"}]),
            9 => json!(["goto", {"stepId": format!("s{}", random.below(count))}]),
            10 => {
                json!(["loop", {"list": *pick(random, &["a|b|c", "{{v}}", "[1, {\"x\": 2}]"]), "itemName": "v"}])
            }
            11 => json!(["caller_list", {"listId": *pick(random, &["vip", "none"])}]),
            14 => {
                json!(["http", {"url": "https://a.example/{{v}}", "saveAs": "v", "json": {"v": ["{{v}}"]}, "waitAudio": file("w")}])
            }
            15 => {
                json!(["sms", {"body": "x{{v}}", "oncePerCall": random.below(2) == 0, "waitForResult": random.below(2) == 0}])
            }
            16 => json!(["callout", {"path": "/x", "input": {"v": "{{v}}"}, "saveAs": "v"}]),
            17 => json!(["query", {"soql": "SELECT Id FROM X WHERE Y = '{{v}}'", "saveAs": "v", "limit": 3}]),
            13 => {
                json!(["subflow", {"flowId": *pick(random, &["t", "none"]), "mode": *pick(random, &["call", "jump"]),
                "params": {"v": "{{v}}"}, "version": "live"}])
            }
            12 => json!(["wait", {"seconds": 1 + random.below(10), "audio": file("w")}]),
            _ => json!(["hangup", {"audio": say("bye")}]),
        };
        let kind = config[0].as_str().unwrap();
        let mut on = serde_json::Map::new();
        for port in ports {
            let fits = kind != "hangup" && kind != "goto" && random.below(3) > 0;
            if fits || (kind == "loop" && port == "body") {
                on.insert(port.to_owned(), json!(format!("s{}", random.below(count))));
            }
        }
        steps.insert(format!("s{i}"), json!({"type": kind, "config": config[1], "on": on}));
    }
    let fallback = if random.below(2) == 0 { json!("s0") } else { Value::Null };
    document(
        json!({"fallback": fallback, "maxCallSec": 120, "maxStepsBetweenInput": 10}),
        Value::Object(steps),
    )
}

/// Takes out ports that a step does not have, and the ways out of one that lets the call run in circles, so that
/// the document compiles; `None` where errors remain.
fn compiled(mut value: Value) -> Option<Flow> {
    for _ in 0..10 {
        match Flow::compile(&value.to_string(), &Resources::default()) {
            Ok((flow, _)) => return Some(flow),
            Err(findings) => {
                for finding in findings.iter().filter(|finding| finding.is_error()) {
                    let mut pointer = finding.pointer.clone();
                    if matches!(finding.code, Code::E09 | Code::E11) {
                        let step = value.pointer_mut(pointer.trim_end_matches("/on"))?;
                        if step["type"] == "goto" || step["type"] == "loop" {
                            *step = end();
                            continue;
                        }
                        pointer.push_str("/on");
                        value["settings"]["fallback"] = Value::Null;
                    }
                    let (parent, key) = pointer.rsplit_once('/')?;
                    value.pointer_mut(parent)?.as_object_mut()?.remove(key);
                }
            }
        }
    }
    None
}

/// Any JSON at all, in the words of flow documents.
fn spoil(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(map) if !map.is_empty() && random.below(8) > 0 => {
            let i = random.below(map.len() as u32) as usize;
            if let Some(inner) = map.values_mut().nth(i) {
                spoil(inner, random);
            }
        }
        Value::Array(list) if !list.is_empty() && random.below(8) > 0 => {
            let i = random.below(list.len() as u32) as usize;
            spoil(&mut list[i], random);
        }
        other => {
            *other = match random.below(7) {
                0 => Value::Null,
                1 => json!(random.next_u64()),
                2 => json!(-1.5),
                3 => json!([*pick(random, &WORDS), 1]),
                4 => json!({*pick(random, &WORDS): *pick(random, &WORDS), "kind": "tts"}),
                5 => json!("{{ä | \u{0}\u{1f600}"),
                _ => json!(*pick(random, &WORDS)),
            }
        }
    }
}

fn random_reply(random: &mut Random) -> Result<Reply, LookupError> {
    let record = json!({"Id": "1", "name": "{{v}}"}).as_object().unwrap().clone();
    Ok(match random.below(6) {
        0 => Reply::Http {
            status: *pick(random, &[200, 404, 500]),
            body: "[1, {\"a\": 2}]".into(),
            json: json!([1, {"a": 2}]),
        },
        1 => return Reply::http(200, "{".into(), random.below(2) == 0),
        2 => Reply::Sms,
        3 => Reply::Callout(record),
        4 => Reply::Query(vec![record; random.below(5) as usize]),
        _ => return Err(LookupError { code: "http_failed", message: "m".into() }),
    })
}

fn random_event(random: &mut Random) -> Event {
    let dial = DialId(random.below(6));
    let playback = PlaybackId(u64::from(random.below(12)));
    let party = if random.below(3) == 0 { Party::Dialled(dial) } else { Party::Caller };
    match random.below(27) {
        0..=7 => Event::Digit {
            party,
            digit: *pick(random, &['0', '1', '2', '5', '#', '*', 'a', '\u{7}']),
            source: "x",
        },
        8..=9 => Event::PlaybackStarted { playback },
        10..=13 => Event::PlaybackEnded { playback },
        14 => Event::PlaybackFailed { playback, message: "m".into() },
        15 => Event::Ringing { dial },
        16..=17 => Event::Answered { dial },
        18..=19 => Event::DialFailed {
            dial,
            cause: *pick(random, &[DialFailure::Busy, DialFailure::Failed]),
            sip_code: Some(486),
        },
        20 => Event::DialledHungUp { dial },
        24..=26 => Event::Replied { lookup: LookupId(random.below(6)), result: random_reply(random) },
        21 if random.below(10) == 0 => Event::CallerVanished,
        _ => Event::Timeout,
    }
}

/// Runs random events, then nothing but timers, and checks what must hold of every call.
fn run(flow: Flow, random: &mut Random) {
    let mut now = Now { instant: Instant::from_millis(1), wall: Wall::from_unix_seconds(1_795_446_000) };
    let mut actions = Vec::new();
    let flow = FlowVersion::unpublished(flow);
    let mut library = (*library()).clone();
    library.flows.insert("t".to_owned(), LiveFlow::new(flow.flow.clone(), 1));
    let mut interpreter =
        Interpreter::start(flow, Arc::new(library), CallFacts::default(), random.fork(), now, &mut actions);
    let mut gone = Vec::new();
    for _ in 0..60 {
        now = now.later(Duration::from_micros(
            u64::from(random.below(2_000_000)) / u64::from(1 + random.below(1_000)),
        ));
        let event = random_event(random);
        let over = match event {
            Event::DialFailed { dial, .. } | Event::DialledHungUp { dial } => Some(dial),
            _ => None,
        };
        interpreter.handle(now, event, &mut actions);
        // A timer that was due may have dialled it just before.
        let was_dialled = |dial: &DialId| {
            actions.iter().any(|action| matches!(action, Action::Dial { dial: known, .. } if known == dial))
        };
        gone.extend(over.filter(was_dialled));
    }
    for _ in 0..10_000 {
        let Some(due) = interpreter.next_timeout() else { break };
        now = now.later(due - now.instant);
        interpreter.handle(now, Event::Timeout, &mut actions);
    }
    assert!(interpreter.is_finished(), "in {:?}", interpreter.current_step());
    let count = |test: &dyn Fn(&Action) -> bool| actions.iter().filter(|action| test(action)).count();
    assert_eq!(count(&|action| matches!(action, Action::Finished(_))), 1);
    assert!(matches!(actions.last(), Some(Action::Finished(_))));
    assert!(count(&|action| matches!(action, Action::Answer)) <= 1);
    let first = |test: &dyn Fn(&Action) -> bool| actions.iter().position(test).unwrap_or(usize::MAX);
    let heard =
        first(&|action| matches!(action, Action::Play { party: Party::Caller, .. } | Action::Connect { .. }));
    assert!(heard == usize::MAX || first(&|action| matches!(action, Action::Answer)) < heard);
    legs_are_accounted_for(&actions, &gone);
}

/// Every leg that was dialled and did not end by itself is given up, and none is joined twice.
fn legs_are_accounted_for(actions: &[Action], gone: &[DialId]) {
    let mut joined = Vec::new();
    let mut given_up = gone.to_vec();
    for action in actions {
        match action {
            Action::Connect { dial } => {
                assert!(!joined.contains(dial), "{dial} is joined twice");
                joined.push(*dial);
            }
            Action::Cancel { dial, .. } => {
                assert!(!joined.contains(dial), "{dial} is cancelled after it was joined");
                given_up.push(*dial);
            }
            Action::HangUpDialled { dial } => given_up.push(*dial),
            _ => {}
        }
    }
    for action in actions {
        if let Action::Dial { dial, .. } = action {
            assert!(given_up.contains(dial), "{dial} is left over");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flow_and_any_events_end(seed in any::<u64>()) {
        let mut random = Random::from_seed(seed);
        if let Some(flow) = compiled(valid_document(&mut random)) {
            run(flow, &mut random);
        }
    }

    #[test]
    fn any_document_is_read_or_refused(seed in any::<u64>()) {
        let mut random = Random::from_seed(seed);
        let mut value = valid_document(&mut random);
        for _ in 0..1 + random.below(4) {
            spoil(&mut value, &mut random);
        }
        match Flow::compile(&value.to_string(), &Resources::default()) {
            Ok((flow, _)) => run(flow, &mut random),
            Err(findings) => prop_assert!(findings.iter().any(Finding::is_error)),
        }
    }

    #[test]
    fn any_text_is_a_template_or_an_error(text in "[{}|%. a-z:\"'\\\\0-9]{0,40}") {
        let _ = Template::parse(&text);
        let _ = Flow::compile(&text, &Resources::default());
    }
}

#[test]
fn most_generated_documents_compile() {
    let mut random = Random::from_seed(1);
    let compiled = (0..200).filter(|_| compiled(valid_document(&mut random)).is_some()).count();
    assert!(compiled > 190, "only {compiled} of 200");
}
