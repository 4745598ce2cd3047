//! flows.md 1.5: each code by the smallest document that raises it.

use super::*;

fn codes(text: &str, resources: &Resources) -> Vec<(String, String)> {
    let findings = match Flow::compile(text, resources) {
        Ok((_, findings)) | Err(findings) => findings,
    };
    findings.into_iter().map(|finding| (finding.code.to_string(), finding.pointer)).collect()
}

#[test]
fn each_code_is_raised_with_its_pointer() {
    let hi = || json!({"type": "greeting", "config": {"audio": file("hi")}, "on": {"next": "e"}});
    let dial = |target: Value, on: Value| json!({"d": {"type": "dial", "config": {"target": target}, "on": on}, "e": end()});
    let menu = |options: Value, on: Value| json!({"m": {"type": "menu", "config": {"prompt": file("hi"), "options": options}, "on": on}, "e": end()});
    let set = |value: &str, on: Value| json!({"s": {"type": "set", "config": {"variables": [{"name": "v", "value": value}]}, "on": on}, "e": end()});
    let split = |weights: [u32; 2], id: &str| json!({"s": {"type": "split", "config": {"branches": [{"id": "a", "weight": weights[0]}, {"id": id, "weight": weights[1]}]}, "on": {"no_response": "e"}}, "e": end()});
    for (code, pointer, settings, steps) in [
        (
            "E02",
            "/steps/g/on/next",
            json!({}),
            json!({"g": {"type": "greeting", "config": {"audio": file("hi")}, "on": {"next": "nowhere"}}}),
        ),
        ("E02", "/settings/fallback", json!({"fallback": "x"}), json!({"e": end()})),
        ("E03", "/steps/g/type", json!({}), json!({"g": {"type": "greetin"}})),
        ("E15", "/steps/g/type", json!({}), json!({"g": {"type": "voicemail"}})),
        (
            "E15",
            "/steps/d/config/target/kind",
            json!({}),
            dial(json!({"kind": "skill", "value": "x"}), json!({})),
        ),
        ("E03", "/settings/langage", json!({"langage": "de"}), json!({"e": end()})),
        (
            "E04",
            "/steps/g/config/audio",
            json!({}),
            json!({"g": {"type": "greeting", "on": {"next": "e"}}, "e": end()}),
        ),
        ("E04", "/steps/d/config/target/value", json!({}), dial(json!({"kind": "user"}), json!({}))),
        (
            "E05",
            "/steps/d/config/target/value",
            json!({}),
            dial(json!({"kind": "user", "value": "alicia"}), json!({})),
        ),
        (
            "E05",
            "/steps/g/config/audio/id",
            json!({}),
            json!({"g": {"type": "greeting", "config": {"audio": file("gone")}}, "e": end()}),
        ),
        (
            "E06",
            "/steps/b/name",
            json!({}),
            json!({"a": {"type": "hangup", "name": "X"}, "b": {"type": "hangup", "name": "x"}}),
        ),
        ("E07", "/steps/s/config/variables/0/value", json!({}), set("{{a | nope}}", json!({"next": "e"}))),
        (
            "E03",
            "/steps/t/config/key",
            json!({}),
            json!({"t": {"type": "tag", "config": {"key": "A b", "value": "x"}}}),
        ),
        ("E04", "/steps/t/config/value", json!({}), json!({"t": {"type": "tag", "config": {"key": "k"}}})),
        (
            "E14",
            "/steps/t/config/value",
            json!({}),
            json!({"t": {"type": "tag", "config": {"key": "k", "value": "x".repeat(256)}}}),
        ),
        (
            "E02",
            "/steps/g/config/stepId",
            json!({}),
            json!({"g": {"type": "goto", "config": {"stepId": "x"}}}),
        ),
        (
            "E03",
            "/steps/g/on/next",
            json!({}),
            json!({"g": {"type": "goto", "config": {"stepId": "e"}, "on": {"next": "e"}}, "e": end()}),
        ),
        ("E04", "/steps/g/config/stepId", json!({}), json!({"g": {"type": "goto"}})),
        (
            "E11",
            "/steps/a",
            json!({}),
            json!({"a": {"type": "goto", "config": {"stepId": "b"}}, "b": {"type": "goto", "config": {"stepId": "a"}}}),
        ),
        (
            "E09",
            "/steps/l/on",
            json!({}),
            json!({"l": {"type": "loop", "config": {"list": "a|b", "itemName": "v"}, "on": {"no_response": "e"}}, "e": end()}),
        ),
        (
            "E04",
            "/steps/l/config/itemName",
            json!({}),
            json!({"l": {"type": "loop", "config": {"list": "a|b"}, "on": {"body": "e"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/l/config/itemName",
            json!({}),
            json!({"l": {"type": "loop", "config": {"list": "a", "itemName": "call"}, "on": {"body": "e"}}, "e": end()}),
        ),
        (
            "E14",
            "/steps/l/config/maxItems",
            json!({}),
            json!({"l": {"type": "loop", "config": {"list": "a", "itemName": "v", "maxItems": 101}, "on": {"body": "e"}}, "e": end()}),
        ),
        (
            "W02",
            "/steps/l/on",
            json!({}),
            json!({"l": {"type": "loop", "config": {"list": "a", "itemName": "v"}, "on": {"body": "e"}}, "e": end()}),
        ),
        (
            "E11",
            "/steps/a",
            json!({}),
            json!({"a": {"type": "loop", "config": {"list": "a", "itemName": "v"}, "on": {"body": "e", "completed": "b"}}, "b": {"type": "goto", "config": {"stepId": "a"}}, "e": end()}),
        ),
        (
            "E05",
            "/steps/l/config/listId",
            json!({}),
            json!({"l": {"type": "caller_list", "config": {"listId": "vop"}, "on": {"no_response": "e"}}, "e": end()}),
        ),
        (
            "E04",
            "/steps/l/config/listId",
            json!({}),
            json!({"l": {"type": "caller_list", "on": {"no_response": "e"}}, "e": end()}),
        ),
        ("E13", "/steps/s/config/branches", json!({}), split([50, 49], "b")),
        ("E14", "/steps/s/config/branches/0/weight", json!({}), split([101, 0], "b")),
        ("E06", "/steps/s/config/branches/1/id", json!({}), split([50, 50], "a")),
        ("E11", "/steps/s", json!({}), set("1", json!({"next": "s"}))),
        (
            "E11",
            "/steps/g",
            json!({"fallback": "g"}),
            json!({"g": {"type": "greeting", "config": {"audio": file("hi")}}}),
        ),
        (
            "E14",
            "/steps/m/config/timeoutSec",
            json!({}),
            json!({"m": {"type": "menu", "config": {"prompt": file("hi"), "options": {"1": {}}, "timeoutSec": 61}}}),
        ),
        ("W01", "/steps/lone", json!({}), json!({"g": hi(), "e": end(), "lone": end()})),
        (
            "W02",
            "/steps/g/on",
            json!({}),
            json!({"g": {"type": "greeting", "config": {"audio": file("hi")}}}),
        ),
        ("W03", "/steps/s/config/variables/0/value", json!({}), set("{{later}}", json!({"next": "e"}))),
        ("W04", "/steps/m/on", json!({}), menu(json!({"1": {}}), json!({"key:1": "e"}))),
        (
            "W05",
            "/steps/d/on",
            json!({}),
            dial(json!({"kind": "user", "value": "alice"}), json!({"busy": "e"})),
        ),
        ("W07", "/steps/s/config/variables/0/value", json!({}), set("{{queue_size}}", json!({"next": "e"}))),
        (
            "W08",
            "/steps/t/on",
            json!({}),
            json!({"t": {"type": "time", "config": {"weekly": []}, "on": {"open": "e"}}, "e": end()}),
        ),
        ("W09", "/settings/status", json!({"status": "paused"}), json!({"e": end()})),
        (
            "W10",
            "/steps/m/config/options",
            json!({}),
            menu(json!({"1": {}, "2": {}, "3": {}, "4": {}, "5": {}, "6": {}}), json!({})),
        ),
        (
            "E05",
            "/steps/s/config/flowId",
            json!({}),
            json!({"s": {"type": "subflow", "config": {"flowId": "none"}, "on": {"return": "e"}}, "e": end()}),
        ),
        (
            "E14",
            "/steps/s/config/version",
            json!({}),
            json!({"s": {"type": "subflow", "config": {"flowId": "t", "version": 0}}}),
        ),
        (
            "E03",
            "/steps/s/config/params/call",
            json!({}),
            json!({"s": {"type": "subflow", "config": {"flowId": "t", "params": {"call": "1"}}}}),
        ),
        (
            "N01",
            "/steps/s/config/returnVars",
            json!({}),
            json!({"s": {"type": "subflow", "config": {"flowId": "t", "mode": "jump", "returnVars": ["v"]}}}),
        ),
        (
            "E03",
            "/steps/x/config/url",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "{{call.from}}/x"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/url",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://{{call.from}}.example/"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/url",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://user@host.example/"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/headers/Host",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "headers": {"Host": "b"}}}, "e": end()}),
        ),
        (
            "E05",
            "/steps/x/config/headers/A/secret",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "headers": {"A": {"secret": "none"}}}}, "e": end()}),
        ),
        (
            "E05",
            "/steps/x/config/signWith",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "signWith": "none"}}, "e": end()}),
        ),
        (
            "E04",
            "/steps/x/config/json",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "body": "json"}}, "e": end()}),
        ),
        (
            "E07",
            "/steps/x/config/json/a",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "json": {"a": "{{b"}}}, "e": end()}),
        ),
        (
            "E14",
            "/steps/x/config/timeoutSec",
            json!({}),
            json!({"x": {"type": "http", "config": {"url": "https://a.example/", "timeoutSec": 21}}, "e": end()}),
        ),
        ("E04", "/steps/x/config/body", json!({}), json!({"x": {"type": "sms", "config": {}}, "e": end()})),
        (
            "E03",
            "/steps/x/config/path",
            json!({}),
            json!({"x": {"type": "callout", "config": {"path": "/a/../b"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/input/a b",
            json!({}),
            json!({"x": {"type": "callout", "config": {"path": "/a", "input": {"a b": "1"}}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/soql",
            json!({}),
            json!({"x": {"type": "query", "config": {"soql": "SELECT {{call.from}} FROM Contact"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/soql",
            json!({}),
            json!({"x": {"type": "query", "config": {"soql": "SELECT Id FROM Contact WHERE Name = 'x"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/soql",
            json!({}),
            json!({"x": {"type": "query", "config": {"soql": "DELETE FROM Contact"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/soql",
            json!({}),
            json!({"x": {"type": "query", "config": {"soql": "SELECT Id FROM Contact LIMIT 5"}}, "e": end()}),
        ),
        (
            "E03",
            "/steps/x/config/soql",
            json!({}),
            json!({"x": {"type": "query", "config": {"soql": "SELECT Id FROM Contact FOR UPDATE"}}, "e": end()}),
        ),
        ("W11", "/settings/recording", json!({"recording": "always"}), json!({"e": end()})),
    ] {
        let resources = Resources {
            agents: Some(["alice".to_owned()].into()),
            prompts: Some(["hi".to_owned()].into()),
            schedules: None,
            lists: Some(["vip".to_owned()].into()),
            flows: Some(["t".to_owned()].into()),
            secrets: Some(["crm".to_owned()].into()),
            allowed_hosts: None,
            sends_messages: None,
            asks_crm: None,
            numbers: [("t".to_owned(), vec!["+15550100".to_owned()])].into(),
        };
        let found = codes(&document(settings, steps.clone()).to_string(), &resources);
        assert!(found.contains(&(code.to_owned(), pointer.to_owned())), "{code} {pointer}: {found:?}");
    }
}

#[test]
fn what_leads_nowhere_is_said_once_and_only_where_the_built_in_end_is_reached() {
    let found = |settings: Value, on: Value| {
        let menu = json!({"prompt": file("hi"), "options": {"1": {}}});
        let mut steps = json!({"m": {"type": "menu", "config": menu, "on": on}, "e": end()});
        steps["m"]["on"]["key:1"] = json!("e");
        let (_, found) =
            Flow::compile(&document(settings, steps).to_string(), &Resources::default()).unwrap();
        let of_ports = found.iter().filter(|found| found.pointer.ends_with("/on"));
        of_ports.map(|found| format!("{} {}", found.code, found.message)).collect::<Vec<_>>()
    };
    for (settings, on, expected) in [
        (json!({}), json!({}), Some("W04 A caller who presses nothing, or something wrong, leads nowhere.")),
        (
            json!({}),
            json!({"no_input": "e"}),
            Some("W04 A caller who presses something wrong leads nowhere."),
        ),
        (json!({}), json!({"invalid": "e"}), Some("W04 A caller who presses nothing leads nowhere.")),
        (json!({}), json!({"no_input": "e", "invalid": "e"}), None),
        (json!({}), json!({"no_response": "e"}), None),
        (json!({"fallback": "e"}), json!({}), None),
    ] {
        let found = found(settings.clone(), on.clone());
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{settings} {on}");
    }
    let hours = json!({"t": {"type": "time", "config": {"weekly": []}, "on": {"open": "e"}}, "e": end()});
    let found = codes(&document(json!({"fallback": "e"}), hours).to_string(), &Resources::default());
    assert!(!found.iter().any(|(code, _)| code == "W08" || code == "W02"), "{found:?}");
}

#[test]
fn a_step_that_needs_what_the_configuration_does_not_name_is_a_warning_where_it_is_known() {
    let steps = json!({
        "s": {"type": "sms", "config": {"body": "Hello"}, "on": {"next": "q"}},
        "q": {"type": "query", "config": {"soql": "SELECT Id FROM Contact", "saveAs": "c"}, "on": {"found": "c", "not_found": "c"}},
        "c": {"type": "callout", "config": {"path": "x", "saveAs": "o"}, "on": {"next": "e"}}, "e": end()});
    let found = |sends_messages, asks_crm| {
        let resources = Resources { sends_messages, asks_crm, ..Resources::default() };
        let mut found = codes(&document(json!({}), steps.clone()).to_string(), &resources);
        found.retain(|(code, _)| code == "W13");
        found.into_iter().map(|(_, pointer)| pointer).collect::<Vec<_>>()
    };
    assert_eq!(found(None, None), Vec::<String>::new());
    assert_eq!(found(Some(true), Some(true)), Vec::<String>::new());
    assert_eq!(found(Some(false), None), ["/steps/s/type"]);
    let mut crm = found(None, Some(false));
    crm.sort();
    assert_eq!(crm, ["/steps/c/type", "/steps/q/type"]);
}

#[test]
fn an_address_that_the_server_would_not_ask_is_a_warning_unless_the_configuration_allows_it() {
    let found = |url: &str, allowed: Option<&[&str]>| {
        let steps = json!({"h": {"type": "http", "config": {"url": url}, "on": {"success": "e", "http_error": "e", "error": "e"}}, "e": end()});
        let allowed_hosts = allowed.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect());
        let resources = Resources { allowed_hosts, ..Resources::default() };
        let (_, found) = Flow::compile(&document(json!({}), steps).to_string(), &resources).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let here = "http://127.0.0.1:9000/{{call.from}}";
    for (url, allowed, expected) in [
        ("https://crm.example/", None, ""),
        (here, Some(&["127.0.0.1:9000"][..]), ""),
        (
            here,
            Some(&[][..]),
            "The server refuses to ask `127.0.0.1:9000`: this is not a public address, and [http_client] allow does not name it.",
        ),
        (
            here,
            None,
            "The server asks `127.0.0.1:9000` only where its configuration allows it: this is not a public address.",
        ),
        ("https://localhost", None, "only where its configuration allows it"),
        ("https://169.254.169.254/x", Some(&["127.0.0.1"]), "this is not a public address"),
        ("http://crm.example/", Some(&[]), "it is asked without encryption"),
    ] {
        let found = found(url, allowed);
        assert_eq!(found.is_empty(), expected.is_empty(), "{url} {allowed:?}: {found}");
        assert!(found.contains(expected), "{url} {allowed:?}: {found}");
        assert!(
            expected.is_empty()
                || found.contains("W12 /steps/h/config/url") && found.contains("[http_client]"),
            "{found}"
        );
    }
}

#[test]
fn documents_that_are_none_are_refused_in_words() {
    let steps: serde_json::Map<_, _> = (0..501).map(|i| (format!("s{i}"), end())).collect();
    let many = document(json!({}), Value::Object(steps)).to_string();
    let huge = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES_MAX));
    let deep = "[".repeat(100_000);
    for (text, code) in [
        ("", "E03"),
        ("{", "E03"),
        ("7", "E03"),
        ("{}", "E01"),
        (many.as_str(), "E12"),
        (huge.as_str(), "E12"),
        (deep.as_str(), "E03"),
        (r#"{"id":"a","id":"b"}"#, "E06"),
    ] {
        let found = codes(text, &Resources::default());
        assert!(found.iter().any(|(found, _)| found == code), "{code}: {found:?}");
    }
}

#[test]
fn a_variable_that_one_of_two_paths_sets_is_no_early_read() {
    let steps = json!({
        "m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}, "2": {}}}, "on": {"key:1": "s", "key:2": "g", "no_response": "g"}},
        "s": {"type": "set", "config": {"variables": [{"name": "v", "value": "1"}]}, "on": {"next": "g"}},
        "g": {"type": "greeting", "config": {"audio": say("{{v}} {{w | default: 'x'}}")}, "on": {"next": "e"}},
        "e": end()});
    assert_eq!(codes(&document(json!({}), steps).to_string(), &Resources::default()), []);
}

#[test]
fn the_digest_follows_what_the_flow_does_and_not_how_it_is_drawn() {
    let digest = |text: &str| Flow::compile(text, &Resources::default()).unwrap().0.digest().to_owned();
    let plain = r#"{"schema":"callflow/1","id":"a","name":"A","entry":"e","steps":{"e":{"type":"hangup"}}}"#;
    let drawn = r#"{"id":"a","schema":"callflow/1","name":"A","entry":"e","steps":{"e":{"ui":{"x":1},"type":"hangup"}}}"#;
    let other = r#"{"schema":"callflow/1","id":"a","name":"B","entry":"e","steps":{"e":{"type":"hangup"}}}"#;
    assert_eq!(digest(plain), digest(drawn));
    assert_ne!(digest(plain), digest(other));
    assert_eq!(digest(plain).len(), 64);
}

#[test]
fn texts_without_variables_are_listed_for_rendering() {
    let steps = json!({"g": {"type": "greeting", "config": {"audio": {"kind": "seq", "items": [
        say("Hello"), say("{{call.from}}"), file("music")]}}, "on": {"next": "e"}}, "e": end()});
    let flow = compile(&document(json!({"language": "de", "voice": "anna"}), steps));
    let speech: Vec<_> =
        flow.speech().iter().map(|s| (s.text.as_str(), s.language.as_str(), s.voice.as_str())).collect();
    assert_eq!(speech, [("Hello", "de", "anna")]);
    assert_eq!(flow.prompts().iter().collect::<Vec<_>>(), ["music"]);
}

#[test]
fn each_of_these_steps_has_nothing_to_say_when_it_is_right() {
    let right = [
        json!({"h": {"type": "http", "config": {"method": "PUT", "url": "https://a.example/{{call.from}}", "headers": {"A": {"secret": "crm"}},
            "form": {"from": "{{call.from}}"}, "signWith": "crm", "saveAs": "r"}, "on": {"success": "g", "http_error": "e", "error": "e"}},
            "g": {"type": "greeting", "config": {"audio": say("{{r.json.name}}")}, "on": {"next": "e"}}, "e": end()}),
        json!({"q": {"type": "query", "config": {"soql": "SELECT Id, Name FROM Contact WHERE Phone = '{{call.from}}' AND Type = 'x;LIMIT' ORDER BY Name", "saveAs": "c"},
            "on": {"found": "l", "not_found": "e"}}, "l": {"type": "loop", "config": {"list": "{{c.ids}}", "itemName": "id"}, "on": {"body": "t", "completed": "e"}},
            "t": {"type": "tag", "config": {"key": "k", "value": "{{id}}"}}, "e": end()}),
        json!({"c": {"type": "callout", "config": {"path": "/a/b", "input": {"x": "{{call.from}}"}, "saveAs": "o"}, "on": {"next": "m", "no_response": "e"}},
            "m": {"type": "sms", "config": {"to": "{{o.mobile}}", "body": "Hi"}, "on": {"next": "e"}}, "e": end()}),
        json!({"s": {"type": "subflow", "config": {"flowId": "t", "version": "live", "params": {"in": "{{call.from}}"}, "returnVars": ["out"]},
            "on": {"return": "g", "no_response": "e"}}, "g": {"type": "greeting", "config": {"audio": say("{{out}}")}, "on": {"next": "s"}}, "e": end()}),
        json!({"s": {"type": "split", "config": {"by": "random", "branches": [
            {"id": "a", "name": "A", "weight": 0}, {"id": "b", "weight": 100}]}, "on": {"b:a": "e", "b:b": "e"}}, "e": end()}),
        json!({"t": {"type": "tag", "config": {"key": "k", "value": "{{call.to}}"}, "on": {"next": "e"}}, "e": end()}),
        json!({"g": {"type": "goto", "config": {"stepId": "e"}}, "e": end()}),
        // A body may come back by itself or by an edge, and what it sets is known behind the loop.
        json!({"l": {"type": "loop", "config": {"list": ["a", "b"], "itemName": "v"}, "on": {"body": "s", "completed": "t"}},
            "s": {"type": "set", "config": {"variables": [{"name": "last", "value": "{{v}}"}]}, "on": {"error": "l"}},
            "t": {"type": "tag", "config": {"key": "k", "value": "{{last}}"}, "on": {"next": "e"}}, "e": end()}),
        json!({"l": {"type": "loop", "config": {"list": "{{call.fromName}}", "itemName": "v"}, "on": {"body": "d", "no_response": "e"}},
            "d": {"type": "dial", "config": {"target": {"kind": "user", "value": "{{v}}"}}}, "e": end()}),
        json!({"l": {"type": "caller_list", "config": {"listId": "vip"}, "on": {"match": "e", "no_match": "e"}}, "e": end()}),
    ];
    for steps in right {
        let found = codes(&document(json!({}), steps.clone()).to_string(), &Resources::default());
        assert_eq!(found, [], "{steps}");
    }
}

#[test]
fn what_the_catalogue_has_and_this_version_cannot_run_is_told_from_what_nobody_knows() {
    let message = |kind: &str| {
        let steps = json!({"x": {"type": kind}});
        let found =
            Flow::compile(&document(json!({}), steps).to_string(), &Resources::default()).unwrap_err();
        (found[0].code, found[0].message.clone())
    };
    for kind in ["voicemail", "record", "queue_check", "callback"] {
        let (code, message) = message(kind);
        assert!(code == Code::E15 && message.contains("which this version does not have yet"), "{message}");
    }
    assert_eq!(
        message("queue_check").1,
        "A queue_check step needs queues, which this version does not have yet."
    );
    for kind in ["queue", "teleport"] {
        assert_eq!(message(kind).0, Code::E03, "{kind}");
    }
    let queue = json!({"x": {"type": "dial", "config": {"target": {"kind": "queue", "value": "sales"}}}});
    let found = Flow::compile(&document(json!({}), queue).to_string(), &Resources::default()).unwrap_err();
    assert_eq!(found[0].message, "A dial to a `queue` needs queues, which this version does not have yet.");
}
