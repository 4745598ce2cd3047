//! Steps that choose a way and take no time.

use super::*;

fn split(by: &str, weights: &[(&str, u32)]) -> Value {
    let branches: Vec<_> = weights.iter().map(|(id, weight)| json!({"id": id, "weight": weight})).collect();
    document(
        json!({}),
        json!({"s": {"type": "split", "config": {"by": by, "branches": branches}, "on": {"no_response": "e"}}, "e": end()}),
    )
}

fn taken(flow: &FlowVersion, from: &str, seed: u64) -> String {
    let facts = CallFacts { from: from.into(), ..CallFacts::default() };
    let (now, mut actions) = (Now { instant: Instant::ZERO, wall: Wall::default() }, Vec::new());
    Interpreter::start(flow.clone(), library(), facts, Random::from_seed(seed), now, &mut actions);
    actions.iter().filter_map(short).find(|line| line.starts_with("leave")).unwrap_or_default()
}

#[test]
fn a_split_by_caller_goes_by_the_hash_of_flow_step_and_number_alone() {
    let flow = FlowVersion::unpublished(compile(&split("caller", &[("a", 18), ("off", 0), ("b", 82)])));
    // The first 64 bits of SHA-256 over `t NUL s NUL number`, in hundredths.
    for (from, branch) in
        [("+14155550100", "a"), ("+14155550101", "a"), ("+442079460018", "b"), ("+14155550103", "b")]
    {
        for seed in 0..5 {
            assert_eq!(taken(&flow, from, seed), format!("leave b:{branch}"), "{from}");
        }
    }
}

#[test]
fn a_split_at_random_and_one_of_withheld_callers_draw_from_the_calls_seed() {
    for (by, from) in [("random", "+14155550100"), ("caller", "")] {
        let flow = FlowVersion::unpublished(compile(&split(by, &[("a", 20), ("b", 80)])));
        let draw = |seed| taken(&flow, from, seed);
        assert!((0..100).all(|seed| draw(seed) == draw(seed)));
        let first = (0..1_000).filter(|seed| draw(*seed) == "leave b:a").count();
        assert!((150..250).contains(&first), "{first} of 1,000");
    }
}

#[test]
fn tags_stand_in_the_record_the_last_of_a_key_wins_and_sensitive_ones_are_masked() {
    let tag = |value: &str, next: &str| json!({"type": "tag", "config": {"key": "reason", "value": value}, "on": {"next": next}});
    let steps = json!({
        "a": tag("first", "b"),
        "b": tag("{{call.from}}", "card"),
        "card": {"type": "prompt", "config": {"prompt": file("c"), "saveAs": "card", "maxDigits": 2, "sensitive": true}, "on": {"next": "c"}},
        "c": {"type": "tag", "config": {"key": "card", "value": "{{card}}"}, "on": {"next": "e"}},
        "e": end()});
    let mut rig = rig(json!({}), steps);
    rig.keys("42").at(1);
    let log = format!("{:?}", rig.actions);
    assert!(log.contains(r#"key: "reason", value: "first""#) && !log.contains("\"42\""), "{log}");
    let tags: Vec<_> = rig.outcome().tags.into_iter().collect();
    assert_eq!(tags, [("card".into(), "•••".into()), ("reason".to_owned(), "+14155550100".to_owned())]);
}

#[test]
fn a_tag_over_the_limits_is_a_step_error() {
    let mut steps: serde_json::Map<_, _> = (0..51)
        .map(|i| {
            let on = json!({"next": format!("t{}", i + 1), "error": "e"});
            (
                format!("t{i}"),
                json!({"type": "tag", "config": {"key": format!("k{i}"), "value": "v"}, "on": on}),
            )
        })
        .collect();
    steps.insert("e".into(), end());
    steps.insert("t51".into(), end());
    let mut many = document(json!({}), Value::Object(steps));
    many["entry"] = json!("t0");
    let taken = rig_for(CallFacts::default(), &many).take();
    assert!(
        taken.contains(&"error tag_refused".to_owned()) && taken.contains(&"enter e".to_owned()),
        "{taken:?}"
    );

    let long = json!({"t": {"type": "tag", "config": {"key": "k", "value": "{{call.fromName}}"}, "on": {"error": "e"}}, "e": end()});
    let facts = CallFacts { from_name: "ä".repeat(256), ..CallFacts::default() };
    let taken = rig_for(facts, &document(json!({}), long)).take();
    assert_eq!(taken[1], "error tag_refused");
}

/// What each item of a loop was, where the body is a tag step.
fn items_of(list: Value, from_name: &str, max_items: u32) -> (Vec<String>, Vec<String>) {
    let steps = json!({
        "l": {"type": "loop", "config": {"list": list, "itemName": "v", "maxItems": max_items}, "on": {"body": "t", "completed": "e", "error": "e"}},
        "t": {"type": "tag", "config": {"key": "k", "value": "{{v}}{{v.id}}"}},
        "e": end()});
    let facts = CallFacts { from_name: from_name.into(), ..CallFacts::default() };
    let mut rig = rig_for(facts, &document(json!({"maxStepsBetweenInput": 500}), steps));
    let tag = |action: &Action| match action {
        Action::Log(LogEvent::Tag { value, .. }) => Some(value.clone()),
        _ => None,
    };
    (rig.actions.iter().filter_map(tag).collect(), rig.take())
}

#[test]
fn a_loop_takes_its_items_from_text_json_or_the_document_up_to_its_limit() {
    let spelled = "{{call.fromName}}";
    for (list, value, max_items, expected) in [
        (json!(spelled), "a| b ||c", 20, vec!["a", "b", "c"]),
        (json!(spelled), r#"["x", 7, {"id": "i"}, null]"#, 20, vec!["x", "7", r#"{"id":"i"}i"#]),
        (json!("one"), "", 20, vec!["one"]),
        (json!(["a|b", "{{call.fromName}}"]), "n", 20, vec!["a|b", "n"]),
        (json!("a|b|c"), "", 2, vec!["a", "b"]),
        (json!(spelled), "", 20, vec![]),
        (json!(spelled), "[]", 20, vec![]),
    ] {
        let (items, taken) = items_of(list.clone(), value, max_items);
        assert_eq!(items, expected, "{list} {value}");
        let port = if expected.is_empty() { "leave empty" } else { "leave completed" };
        assert!(taken.contains(&port.to_owned()), "{taken:?}");
    }
}

#[test]
fn a_loop_rings_on_until_somebody_was_talked_to() {
    let steps = json!({
        "l": {"type": "loop", "config": {"list": "a|b|c", "itemName": "who"}, "on": {"body": "d", "completed": "none", "break": "done"}},
        "d": {"type": "dial", "config": {"target": {"kind": "user", "value": "{{who}}"}, "afterAnswered": "continue"}},
        "none": end(), "done": {"type": "wait", "config": {"seconds": 1}}});
    let mut rig = rig(json!({"fallback": "none"}), steps);
    rig.event(Event::DialFailed { dial: DialId(0), cause: DialFailure::Busy, sip_code: None });
    rig.event(Event::Answered { dial: DialId(1) }).event(Event::DialledHungUp { dial: DialId(1) });
    let taken = rig.take();
    let marks: Vec<_> =
        taken.iter().filter(|line| line.starts_with("dial") || line.starts_with("leave")).collect();
    assert_eq!(
        marks,
        [
            "leave body",
            "dial d0 a",
            "leave busy",
            "leave body",
            "dial d1 b",
            "leave after_call",
            "leave break"
        ]
    );
    assert_eq!(rig.step(), "done");
}

#[test]
fn loops_within_loops_run_all_their_items_and_the_loop_guard_holds_over_them() {
    let lists = |settings: Value| {
        let steps = json!({
            "out": {"type": "loop", "config": {"list": "1|2|3", "itemName": "a"}, "on": {"body": "in", "completed": "e"}},
            "in": {"type": "loop", "config": {"list": "x|y", "itemName": "b"}, "on": {"body": "t", "completed": "out"}},
            "t": {"type": "tag", "config": {"key": "k", "value": "{{a}}{{b}}"}, "on": {"next": "in"}},
            "e": end()});
        let mut rig = rig(settings, steps);
        let tags =
            rig.actions.iter().filter(|action| matches!(action, Action::Log(LogEvent::Tag { .. }))).count();
        (tags, rig.var("a") + &rig.var("b"), rig.take().last().cloned().unwrap_or_default())
    };
    assert_eq!(lists(json!({})), (6, "3y".into(), "finished DisconnectedByFlow".into()));
    assert_eq!(lists(json!({"maxStepsBetweenInput": 10})), (3, "2y".into(), "play p1 Goodbye".into()));
}

#[test]
fn a_list_of_callers_parts_those_in_it_from_others_and_an_unknown_one_is_a_step_error() {
    for (list, from, port) in [
        ("vip", "+14155550100", "leave match"),
        ("vip", "+12125550100", "leave no_match"),
        ("vip", "", "leave no_match"),
        ("gone", "+14155550100", "leave error"),
    ] {
        let steps = json!({"l": {"type": "caller_list", "config": {"listId": list}, "on": {"match": "e", "no_match": "e", "error": "e"}}, "e": end()});
        let facts = CallFacts { from: from.into(), ..CallFacts::default() };
        let taken = rig_for(facts, &document(json!({}), steps)).take();
        assert!(taken.contains(&port.to_owned()), "{list} {from}: {taken:?}");
    }
}
