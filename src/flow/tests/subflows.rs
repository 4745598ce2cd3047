//! Flows within flows.

use super::*;

/// A call that enters the first of these flows; each is an id, settings and steps.
fn rig_in(flows: &[(&str, Value, Value)]) -> Rig {
    let versions: Vec<_> = flows
        .iter()
        .map(|(id, settings, steps)| {
            let mut document = document(settings.clone(), steps.clone());
            document["id"] = json!(id);
            FlowVersion { flow: Arc::new(compile(&document)), number: 7 }
        })
        .collect();
    let live = |version: &FlowVersion| (version.flow.id().to_owned(), LiveFlow::new(version.flow.clone(), 7));
    let library = Library { flows: versions.iter().map(live).collect(), ..Library::default() };
    let mut actions = Vec::new();
    let now = Now { instant: Instant::from_millis(1_000), wall: Wall::from_unix_seconds(1_795_446_000) };
    let facts = CallFacts { from: "+14155550100".into(), ..CallFacts::default() };
    let random = Random::from_seed(1);
    let interpreter =
        Interpreter::start(versions[0].clone(), Arc::new(library), facts, random, now, &mut actions);
    Rig { interpreter, now, actions }
}

fn call(flow: &str, config: Value, on: Value) -> Value {
    let mut config = config;
    config["flowId"] = json!(flow);
    json!({"type": "subflow", "config": config, "on": on})
}

fn set(name: &str, value: &str, next: &str) -> Value {
    json!({"type": "set", "config": {"variables": [{"name": name, "value": value}]}, "on": {"next": next}})
}

fn greet(text: &str) -> Value {
    json!({"type": "greeting", "config": {"audio": say(text)}})
}

fn silence() -> Value {
    json!({"type": "wait", "config": {"seconds": 60}})
}

#[test]
fn a_called_flow_has_its_own_variables_and_gives_back_what_is_asked_for() {
    let main = json!({
        "s": set("secret", "mine", "c"),
        "c": call("sub", json!({"params": {"given": "{{secret}}!"}, "returnVars": ["back"]}), json!({"return": "g"})),
        "g": greet("{{back}} {{kept | default: 'none'}} {{flow.id}} {{flow.version}}")});
    let sub = json!({
        "a": set("back", "{{given}}{{secret}} {{flow.id}}", "b"),
        "b": {"type": "set", "config": {"variables": [{"name": "kept", "value": "x"}]}}});
    let mut rig = rig_in(&[("main", json!({}), main), ("sub", json!({}), sub)]);
    assert_eq!(
        rig.take(),
        [
            "enter s",
            "leave next",
            "enter c",
            "enter sub/a",
            "leave next",
            "enter sub/b",
            "leave next",
            "leave return",
            "enter g",
            "answer",
            "play p1 'mine! sub none main 7'"
        ]
    );
    rig.event(Event::CallerHungUp);
    let path = rig.outcome().path;
    let path: Vec<_> = path
        .iter()
        .map(|visit| {
            (visit.flow.as_ref().map(|flow| flow.version), visit.step.as_str(), visit.port.as_deref())
        })
        .collect();
    assert_eq!(
        path,
        [
            (None, "s", Some("next")),
            (None, "c", Some("return")),
            (Some(7), "a", Some("next")),
            (Some(7), "b", Some("next")),
            (None, "g", None)
        ]
    );
}

#[test]
fn a_flow_that_is_jumped_to_keeps_the_variables_and_does_not_come_back() {
    let main = json!({
        "s": set("v", "kept", "j"),
        "j": call("other", json!({"mode": "jump", "params": {"w": "new"}}), json!({})) });
    let mut rig = rig_in(&[
        ("main", json!({}), main),
        ("other", json!({}), json!({"g": greet("{{v | default: ''}} {{w | default: ''}}")})),
    ]);
    let taken = rig.take();
    assert_eq!(taken[2..], ["enter j", "leave jump", "enter other/g", "answer", "play p1 'kept new'"]);
    rig.ended(1);
    assert_eq!(rig.take(), ["leave next", "play p2 Goodbye"]);
    rig.ended(2);
    assert_eq!(rig.outcome().final_step.unwrap().flow.unwrap().id, "other");
}

#[test]
fn what_cannot_be_run_leaves_by_error() {
    let main = json!({"c": call("none", json!({}), json!({"error": "e"})), "e": end()});
    let mut rig = rig_in(&[("main", json!({}), main)]);
    let expected = ["enter c", "error flow_unavailable", "leave error", "enter e"];
    assert_eq!(rig.take()[..4], expected);
    let pinned = json!({"c": call("main", json!({"version": 6}), json!({"error": "e"})), "e": end()});
    assert_eq!(rig_in(&[("main", json!({}), pinned)]).take()[..4], expected);
}

#[test]
fn flows_in_one_another_go_no_deeper_than_the_first_one_allows() {
    let main = json!({"c": call("main", json!({}), json!({"return": "e", "error": "e"})), "e": end()});
    let mut rig = rig_in(&[("main", json!({"maxSubflowDepth": 3}), main)]);
    let taken = rig.take();
    assert_eq!(taken.iter().filter(|line| line.ends_with("enter c")).count(), 4);
    assert_eq!(taken[4..7], ["error subflow_too_deep", "leave error", "enter e"]);
}

#[test]
fn the_loop_guard_leads_back_to_the_fallback_of_the_first_flow() {
    let main = json!({
        "c": call("sub", json!({}), json!({"return": "c"})),
        "f": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}}}});
    let sub =
        json!({"a": set("v", "1", "b"), "b": {"type": "tag", "config": {"key": "k", "value": "{{v}}"}}});
    let settings = json!({"fallback": "f", "maxStepsBetweenInput": 10});
    let mut rig = rig_in(&[("main", settings, main), ("sub", json!({}), sub)]);
    assert_eq!(rig.take().last().map(String::as_str), Some("play p1 m"));
    assert!(rig.interpreter.subflow().is_none());
}

#[test]
fn a_caller_who_gives_up_within_another_flow_becomes_a_task_of_the_first() {
    let settings = json!({"assignAbandonedTo": "bob", "appendFinalStep": true,
        "abandonedSubject": "Missed {{call.from}} {{card | default: '-'}}", "abandonedComments": "{{flow.id}}"});
    let main = json!({"c": call("sub", json!({}), json!({}))});
    let sub = json!({"p": {"type": "prompt", "name": "Card number", "config": {"prompt": file("p"), "saveAs": "card", "sensitive": true},
        "on": {"next": "g"}}, "g": silence()});
    let mut rig = rig_in(&[("main", settings, main), ("sub", json!({}), sub)]);
    rig.keys("4111#").at(9_000).event(Event::CallerHungUp);
    let task = rig.outcome().abandoned_task.unwrap();
    assert_eq!(task.subject, "Missed +14155550100 •••");
    assert_eq!(task.comments, "main\nLast step: g (g), for 8 s.");
    assert_eq!(task.assign_to.as_deref(), Some("bob"));
}

#[test]
fn only_who_gave_up_after_the_threshold_becomes_a_task() {
    for (ms, subject) in [(4_999, None), (5_000, Some("Abandoned call from +14155550100"))] {
        let mut rig = rig(json!({}), json!({"h": silence()}));
        rig.at(ms).event(Event::CallerHungUp);
        assert_eq!(rig.outcome().abandoned_task.map(|task| task.subject).as_deref(), subject);
    }
    let mut ended = rig(json!({}), json!({"h": end()}));
    assert_eq!(ended.outcome().abandoned_task, None);
    let mut ended = rig(json!({}), json!({"h": silence()}));
    ended.at(9_000).event(Event::EndedHere);
    let outcome = ended.outcome();
    assert_eq!((outcome.abandoned_task, outcome.ended_by), (None, EndedBy::System));
}

#[test]
fn a_share_of_the_callers_gets_the_canary_each_time_the_same() {
    let flow = |name: &str| {
        let mut document = document(json!({}), json!({"e": end()}));
        document["name"] = json!(name);
        Arc::new(compile(&document))
    };
    let canary = Canary { version: FlowVersion { flow: flow("new"), number: 2 }, share: 20 };
    let live = LiveFlow { canary: Some(canary), ..LiveFlow::new(flow("old"), 1) };
    let of = |caller: u32| live.choose(&format!("+1415555{caller:04}")).number;
    let canaries = (0..1_000).filter(|caller| of(*caller) == 2).count();
    assert!((150..250).contains(&canaries), "{canaries}");
    assert!((0..100).all(|caller| of(caller) == of(caller)));
    assert_eq!(live.choose("").number, 1);
}

#[test]
fn flows_that_run_one_another_without_a_wait_are_found() {
    let flow = |id: &str, steps: Value| {
        let mut document = document(json!({}), steps);
        document["id"] = json!(id);
        compile(&document)
    };
    let runs = |id: &str, other: &str| {
        flow(id, json!({"c": call(other, json!({}), json!({"return": "e"})), "e": end()}))
    };
    let waits = |id: &str, other: &str| {
        flow(
            id,
            json!({"m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}},
            "on": {"key:1": "c", "no_response": "e"}}, "c": call(other, json!({}), json!({"return": "e"})), "e": end()}),
        )
    };
    for (a, b, expected) in [
        (runs("a", "a"), runs("b", "a"), Some("/steps/c/config/flowId")),
        (runs("a", "b"), runs("b", "a"), Some("/steps/c/config/flowId")),
        (runs("a", "b"), waits("b", "a"), None),
        (runs("a", "b"), runs("b", "c"), None),
    ] {
        let found = cycle(&a, |id| [&a, &b].into_iter().find(|flow| flow.id() == id).map(Flow::runs));
        assert_eq!(
            found.map(|found| (found.code, found.pointer)),
            expected.map(|at| (Code::E10, at.to_owned()))
        );
    }
}
