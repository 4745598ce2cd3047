use super::*;
use crate::flow::DOCUMENT_BYTES_MAX;
use proptest::prelude::*;
use serde_json::Map;

/// A trigger that leads calls to the first of the states, and those.
fn definition(states: &[Value]) -> Value {
    let first = states.first().map_or("", |state| state["name"].as_str().unwrap());
    let trigger = state("Trigger", "trigger", json!({}), &[("incomingCall", first)]);
    let states: Vec<Value> = std::iter::once(trigger).chain(states.iter().cloned()).collect();
    json!({"description": "Test", "initial_state": "Trigger", "states": states})
}

fn state(name: &str, kind: &str, properties: Value, ways: &[(&str, &str)]) -> Value {
    let ways: Vec<Value> = ways.iter().map(|(event, next)| json!({"event": event, "next": next})).collect();
    json!({"name": name, "type": kind, "properties": properties, "transitions": ways})
}

fn brought(states: &[Value]) -> Imported {
    import(&definition(states).to_string()).unwrap()
}

fn line<'a>(imported: &'a Imported, widget: &str) -> &'a Line {
    imported.report.iter().find(|line| line.widget == widget).unwrap()
}

#[test]
fn what_is_no_flow_is_refused_with_its_reason() {
    let cases = [
        ("", "no JSON"),
        ("[1]", "no list of `states`"),
        (r#"{"states":[]}"#, "no list of `states`"),
        (r#"{"states":[{"name":"a"}],"initial_state":"b"}"#, "begins with `b`"),
        (r#"{"states":[{"name":"a","type":"trigger"}]}"#, "does nothing with calls"),
    ];
    for (text, reason) in cases {
        let error = import(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    assert!(matches!(import(&" ".repeat(BYTES_MAX + 1)), Err(ImportError::TooLarge)));
    let many = json!({"states": vec![json!({}); STATES_MAX + 1]}).to_string();
    assert!(matches!(import(&many), Err(ImportError::TooManyStates { count: 1_001 })));
}

#[test]
fn what_the_rest_api_returns_is_read_as_well() {
    let definition = definition(&[state("hi", "say-play", json!({"say": "Hi"}), &[])]);
    let fetched = json!({"sid": "FW1", "friendly_name": "Front  Desk 2", "definition": definition});
    let imported = import(&format!("\u{feff}{fetched}")).unwrap();
    assert_eq!(imported.document["name"], "Front Desk 2");
    assert_eq!(imported.document["id"], "front_desk_2");
    assert_eq!(imported.summary(), "2 of 2 widgets mapped");
}

#[test]
fn liquid_becomes_templates_or_is_named() {
    let states = [
        state("My Menu", "gather-input-on-call", json!({"say": "?"}), &[]),
        state("web", "make-http-request", json!({}), &[]),
        state("ring", "connect-call-to", json!({}), &[]),
    ];
    let text = definition(&states).to_string();
    let source = source::Source::read(&text).unwrap();
    let mut liquid = plan::Import::new(&source).liquid;
    let cases = [
        ("no values", Some("no values")),
        ("{{contact.channel.address}}", Some("{{call.from}}")),
        ("{{ trigger.call.To }} {x}", Some("{{call.to}} {x}")),
        ("{{-flow.variables.Name-}}", Some("{{name}}")),
        ("{{flow.variables.name}}", Some("{{name_2}}")),
        ("{{flow.variables.call}}", Some("{{v_call}}")),
        ("{{flow.variables.4th-try}}", Some("{{v_4th_try}}")),
        ("{{flow.data.order.lines[0]['id']}}", Some("{{order.lines.0.id}}")),
        ("{{widgets.My Menu.Digits}}", Some("{{my_menu_digits}}")),
        ("{{widgets.web.parsed.a.b[2]}}", Some("{{web_reply.json.a.b.2}}")),
        ("{{widgets.web.status_code}}", Some("{{web_reply.status}}")),
        ("{{widgets.ring.DialCallStatus}}", Some("{{dial.result}}")),
        ("{{flow.variables.Name | upcase | strip}}", Some("{{name | upper | trim}}")),
        (r"{{flow.variables.Name | default: 'a \ | b'}}", Some(r#"{{name | default: "a \\ | b"}}"#)),
        ("{{flow.variables.Name | default: 7}}", Some("{{name | default: 7}}")),
        ("{{ 'fixed' }}!", Some("fixed!")),
        ("{{flow.variables.n | plus: 1}}", None),
        ("{{'now' | date: '%H'}}", None),
        ("{{widgets.web.SpeechResult}}", None),
        ("{{widgets.nobody.Digits}}", None),
        ("{% if a %}x{% endif %}", None),
        ("{{never closed", None),
        ("{{{flow.variables.Name}}}", None),
    ];
    for (theirs, ours) in cases {
        let mut notes = report::Notes::default();
        let translated = liquid.translate(theirs, liquid::Place::Text, &mut notes);
        assert!(crate::flow::Template::parse(&translated).is_ok(), "{theirs}: {translated}");
        assert_eq!(notes.needs_attention(), ours.is_none(), "{theirs}: {translated}");
        if let Some(ours) = ours {
            assert_eq!(translated, ours);
        }
    }
}

#[test]
fn a_split_behind_a_gather_makes_a_menu_only_where_all_it_tests_is_single_keys_of_it() {
    let digits = "{{widgets.ask.Digits}}";
    let flow = |kind: &str, argument: &str, value: &str, extra: &[Value]| {
        let condition = json!({"type": kind, "arguments": [argument], "value": value});
        let mut split = state("split", "split-based-on", json!({"input": argument}), &[("noMatch", "ask")]);
        let way = json!({"event": "match", "next": "hi", "conditions": [condition]});
        split["transitions"].as_array_mut().unwrap().push(way);
        let ask = state("ask", "gather-input-on-call", json!({"say": "?"}), &[("keypress", "split")]);
        let hi = state("hi", "say-play", json!({"say": "Hi"}), &[("audioComplete", "ask")]);
        let states: Vec<Value> = [ask, split, hi].into_iter().chain(extra.iter().cloned()).collect();
        let imported = brought(&states);
        assert!(imported.compiles, "{:?}", imported.report);
        imported.document["steps"]["ask"]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(flow("equal_to", digits, "1", &[]), "menu");
    assert_eq!(flow("matches_any_of", digits, "1,2, #", &[]), "menu");
    assert_eq!(flow("equal_to", digits, "12", &[]), "prompt");
    assert_eq!(flow("not_equal_to", digits, "1", &[]), "prompt");
    assert_eq!(flow("contains", digits, "1", &[]), "prompt");
    assert_eq!(flow("equal_to", "{{trigger.call.From}}", "1", &[]), "prompt");
    let other = state("other", "say-play", json!({"say": "x"}), &[("audioComplete", "split")]);
    assert_eq!(flow("equal_to", digits, "1", &[other]), "prompt");
}

#[test]
fn comparisons_that_are_turned_round_or_joined_keep_their_meaning() {
    use crate::flow::simulate::{Scenario, Setting, simulate};
    use crate::flow::{CallFacts, FlowVersion};
    let way = |next: &str, conditions: &[(&str, &str)]| {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(
                |(kind, value)| json!({"type": kind, "arguments": ["{{trigger.call.From}}"], "value": value}),
            )
            .collect();
        json!({"event": "match", "next": next, "conditions": conditions})
    };
    let say = |name: &str| state(name, "say-play", json!({"say": name}), &[]);
    let mut split = state("split", "split-based-on", json!({}), &[("noMatch", "rest")]);
    split["transitions"] = json!([
        {"event": "noMatch", "next": "rest"},
        way("comma", &[("equal_to", "+1,2")]),
        way("both", &[("starts_with", "+1555"), ("does_not_contain", "99")]),
        way("not_two", &[("does_not_match_any_of", "+15559900, +4930")]),
        way("never", &[("is_before_time", "09:00")]),
        way("four", &[("equal_to", "+4930")]),
    ]);
    let names = ["comma", "both", "not_two", "never", "four", "rest"];
    let states: Vec<Value> = std::iter::once(split).chain(names.map(say)).collect();
    let imported = brought(&states);
    assert!(line(&imported, "split").sentence.contains("time step"));
    assert_eq!(line(&imported, "never").outcome, Outcome::LeftOut);
    let (flow, _) = Flow::compile(&imported.document.to_string(), &Resources::default()).unwrap();
    let flow = FlowVersion::unpublished(flow);
    let cases = [
        ("+1,2", "comma"),
        ("+1", "not_two"),
        ("+15550100", "both"),
        ("+15559900", "rest"),
        ("+4930", "four"),
        ("+4940", "not_two"),
        ("", "not_two"),
    ];
    for (from, step) in cases {
        let facts = CallFacts { from: from.to_owned(), ..CallFacts::default() };
        let ladder = simulate(
            flow.clone(),
            &Scenario { setting: Setting { facts, ..Setting::default() }, ..Scenario::default() },
        );
        assert_eq!(ladder.outcome.final_step.unwrap().id, step, "from {from:?}");
    }
}

#[test]
fn widgets_without_a_step_are_led_past_and_a_circle_of_them_is_an_end() {
    let imported = brought(&[
        state("record", "record-call", json!({}), &[("failed", "lost"), ("success", "bot")]),
        state("bot", "run-function", json!({}), &[("success", "hi"), ("fail", "lost")]),
        state("hi", "say-play", json!({"say": "Hi"}), &[("audioComplete", "a")]),
        state("a", "fork-stream", json!({}), &[("next", "b")]),
        state("b", "fork-stream", json!({}), &[("next", "a")]),
        state("lost", "say-play", json!({"say": "x"}), &[]),
    ]);
    assert!(imported.compiles);
    assert_eq!(imported.document["entry"], "hi");
    assert_eq!(imported.document["steps"]["hi"].get("on"), None);
    assert_eq!(line(&imported, "lost").outcome, Outcome::LeftOut);
    assert_eq!(imported.summary(), "2 of 7 widgets mapped; 5 left out");
    let nothing = brought(&[state("f", "run-function", json!({}), &[("success", "f")])]);
    assert!(nothing.compiles);
    assert_eq!(nothing.document["steps"]["f"]["type"], "hangup");
}

#[test]
fn names_are_made_to_fit_and_stay_apart() {
    let long = "An Endless Name ".repeat(20);
    let imported = brought(&[
        state("Ü 1", "say-play", json!({"say": "a"}), &[("audioComplete", "1-ü")]),
        state("1-ü", "say-play", json!({"say": "b"}), &[("audioComplete", &long)]),
        state(&long, "gather-input-on-call", json!({"say": "c"}), &[("keypress", "s_1")]),
        state("s_1", "gather-input-on-call", json!({"say": "d"}), &[("keypress", "S_1")]),
        state("S_1", "say-play", json!({"say": "e"}), &[("audioComplete", "Ü 1")]),
    ]);
    assert!(imported.compiles, "{:?}", imported.report);
    assert_eq!(imported.document["steps"].as_object().unwrap().len(), 5);
}

#[test]
fn bodies_of_requests_are_json_forms_or_named() {
    let steps = |properties: Value| {
        let imported = brought(&[state("web", "make-http-request", properties, &[])]);
        assert!(imported.compiles, "{:?}", imported.report);
        (imported.document["steps"]["web"]["config"].clone(), line(&imported, "web").clone())
    };
    let web = |kind: &str, body: &str| {
        steps(json!({"method": "post", "url": "https://a.example/x", "content_type": kind, "body": body}))
    };
    let (config, said) = web("application/json", r#"{"a": "x {{flow.sid}} \"q\"", "b": [1, "ü\\"]}"#);
    assert_eq!(config["json"], json!({"a": "x {{call.id}} \"q\"", "b": [1, "ü\\"]}));
    assert_eq!(said.outcome, Outcome::Mapped);
    let (config, said) =
        web("application/json", r#"{"a": {{flow.data.n}}, "b": "{{flow.data.m | default: "x"}}"}"#);
    assert_eq!(config["json"], json!({"a": "{{n}}", "b": "{{m | default: \"x\"}}"}));
    assert_eq!(said.outcome, Outcome::Attention);
    let (config, said) = web("application/json", "{oops");
    assert_eq!(config.get("json"), None);
    assert!(said.sentence.contains("no JSON"));
    let (config, _) = web("application/x-www-form-urlencoded", "&a=1+2&b=%C3%BC%2&c");
    assert_eq!(config["form"], json!({"a": "1 2", "b": "ü%2", "c": ""}));
    let parameters = json!([{"key": "a b", "value": "ü {{flow.data.n | url_encode}}"}]);
    let (config, said) = steps(json!({"url": "https://a.example", "parameters": parameters}));
    assert_eq!(config["url"], "https://a.example?a%20b=%C3%BC%20{{n}}");
    assert_eq!(said.outcome, Outcome::Mapped);
    for url in ["", "ftp://x/y", "https://{{flow.data.host}}/y", "{{flow.data.base}}/y", "https://u:p@{{x}}"]
    {
        let (config, said) = steps(json!({"url": url}));
        assert!(config["url"].as_str().unwrap().starts_with("https://host.invalid/"), "{url}: {config}");
        assert_eq!(said.outcome, Outcome::Attention);
    }
}

#[test]
fn a_secret_is_not_carried_over() {
    let imported = brought(&[
        state(
            "web",
            "make-http-request",
            json!({"url": "https://me:hunter2@a.example/"}),
            &[("success", "d")],
        ),
        state(
            "d",
            "connect-call-to",
            json!({"noun": "sip", "sip_endpoint": "sip:a@b.example",
            "sip_username": "u", "sip_password": "hunter2"}),
            &[],
        ),
    ]);
    assert!(imported.compiles);
    assert!(!imported.document.to_string().contains("hunter2"));
    assert!(!imported.report.iter().any(|line| line.to_string().contains("hunter2")));
}

#[test]
fn too_many_steps_are_said_where_the_flow_begins() {
    let states: Vec<Value> = (0..600)
        .map(|i| {
            state(
                &format!("s{i}"),
                "say-play",
                json!({"say": "x"}),
                &[("audioComplete", &format!("s{}", i + 1))],
            )
        })
        .collect();
    let imported = brought(&states);
    assert!(!imported.compiles);
    let first = &imported.report[0];
    assert_eq!(first.outcome, Outcome::Attention);
    assert!(first.sentence.contains("600 steps"), "{}", first.sentence);
    assert!(printed(&imported.document).len() < DOCUMENT_BYTES_MAX);
}

const KINDS: [&str; 14] = [
    "trigger",
    "say-play",
    "gather-input-on-call",
    "split-based-on",
    "connect-call-to",
    "set-variables",
    "make-http-request",
    "send-message",
    "run-subflow",
    "record-voicemail",
    "enqueue-call",
    "run-function",
    "capture-payments",
    "?",
];
const EVENTS: [&str; 12] = [
    "incomingCall",
    "audioComplete",
    "keypress",
    "speech",
    "timeout",
    "noMatch",
    "match",
    "callCompleted",
    "next",
    "success",
    "failed",
    "completed",
];
const PROPERTIES: [&str; 24] = [
    "say",
    "play",
    "loop",
    "language",
    "voice",
    "timeout",
    "number_of_digits",
    "finish_on_key",
    "input",
    "noun",
    "to",
    "from",
    "body",
    "caller_id",
    "sip_endpoint",
    "url",
    "method",
    "content_type",
    "flow_sid",
    "flow_revision",
    "variables",
    "parameters",
    "offset",
    "stop_gather",
];
const TEXTS: [&str; 34] = [
    "",
    " ",
    "1",
    "-1",
    "1e99",
    "NaN",
    "#",
    "ü💡{",
    "{{",
    "{%",
    "}}",
    "{{{",
    "{{flow.variables.a b}}",
    "{{flow.variables.A.b[0]}}",
    "{{widgets.w1.Digits}}",
    "{{widgets.w2.parsed.x}}",
    "{{contact.channel.address | default: \"x\"}}",
    "{{a | plus: 1}}",
    "<b>x</b <",
    "number",
    "number-multi",
    "sip",
    "client",
    "+15550100,+15550101, x",
    "sip:a@b",
    "https://a.example/{{flow.data.x}}?y",
    "http://u@h\u{0}",
    "application/json",
    "application/x-www-form-urlencoded",
    "{\"a\": {{flow.data.x}}, \"{{\": \"\\",
    "a=%zz&%C3=1&=&&b=+{{flow.data.x | url_encode}}",
    "no-answer",
    "(",
    "en-US",
];

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => proptest::sample::select(&TEXTS[..]).prop_map(Value::from),
        2 => (proptest::sample::select(&TEXTS[..]), 0..6_000usize).prop_map(|(text, n)| text.repeat(n % 900).into()),
        1 => proptest::string::string_regex("[ -~üß\n{}|%]{0,40}").unwrap().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => proptest::collection::vec(proptest::sample::select(&TEXTS[..]), 0..30).prop_map(|texts| {
            texts.iter().map(|text| json!({"key": text, "value": text})).collect()
        }),
        1 => (any::<f64>(), any::<f64>()).prop_map(|(x, y)| json!({"x": x, "y": y})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    const TYPES: [&str; 12] = [
        "equal_to",
        "not_equal_to",
        "matches_any_of",
        "contains",
        "does_not_start_with",
        "is_blank",
        "is_not_blank",
        "regex",
        "less_than",
        "is_after_date",
        "does_not_match_any_of",
        "?",
    ];
    (proptest::sample::select(&TYPES[..]), text(), text())
        .prop_map(|(kind, argument, value)| json!({"type": kind, "arguments": [argument], "value": value}))
}

fn any_state() -> impl Strategy<Value = Value> {
    let properties = proptest::collection::vec((proptest::sample::select(&PROPERTIES[..]), text()), 0..10);
    let way =
        (proptest::sample::select(&EVENTS[..]), 0..8usize, proptest::collection::vec(condition(), 0..3));
    let ways = proptest::collection::vec(way, 0..6);
    (0..8usize, proptest::sample::select(&KINDS[..]), properties, ways).prop_map(|(n, kind, properties, ways)| {
        let properties: Map<String, Value> =
            properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let ways: Vec<Value> = ways
            .into_iter()
            .map(|(event, n, conditions)| json!({"event": event, "next": format!("w{n}"), "conditions": conditions}))
            .collect();
        json!({"name": format!("w{n}"), "type": kind, "properties": properties, "transitions": ways})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_widgets_give_a_whole_flow_with_a_line_each(states in proptest::collection::vec(any_state(), 1..8)) {
        let count = states.len() + 1;
        let imported = import(&definition(&states).to_string());
        let Ok(imported) = imported else { return Ok(()) };
        prop_assert_eq!(imported.report.len(), count);
        prop_assert!(imported.report.iter().all(|line| !line.sentence.is_empty()));
        let compiled = Flow::compile(&printed(&imported.document), &Resources::default());
        match compiled {
            Ok(_) => prop_assert!(imported.compiles),
            Err(findings) => {
                prop_assert!(!imported.compiles);
                let told = |finding: &Finding| {
                    imported.report.iter().any(|line| line.sentence.contains(&finding.to_string()))
                };
                prop_assert!(findings.iter().filter(|finding| finding.is_error()).all(told));
                // Circles that Studio allows and what a person must decide are all that may be wrong.
                prop_assert!(
                    findings.iter().filter(|finding| finding.is_error()).all(|finding| finding.code == crate::flow::Code::E11),
                    "{:?}\n{}", findings, printed(&imported.document)
                );
            }
        }
    }

    #[test]
    fn any_text_gives_a_result_or_an_error(text in "[\\[\\]{}\":,a-z0-9 ]{0,200}") {
        let _ = import(&text);
    }
}
