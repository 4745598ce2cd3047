use super::*;
use serde_json::json;

fn findings(kind: Kind, document: Value) -> Vec<String> {
    let found = match check(kind, &document) {
        Ok((_, _, findings)) => findings,
        Err(findings) => findings,
    };
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_field_of_a_number_is_checked_and_kept_in_one_way() {
    let document = json!({
        "tags": ["a", "b"], "label": "Main", "flow": "main", "e164": "+1 (555) 01-00", "kind": "local",
        "assignment": "flow", "accountId": "acme", "campaign": "spring", "smsEnabled": true, "callerName": null,
        "recordingPolicy": "inherit", "language": "en-GB", "unassignedBehaviour": "reject", "blockedCallers": "bad",
        "maxConcurrentCalls": 2, "status": "inactive", "description": "",
    });
    let (checked, kept, findings) = check(Kind::Number, &document).unwrap();
    assert_eq!(findings, []);
    assert_eq!(
        kept.to_string(),
        r#"{"e164":"+15550100","label":"Main","description":"","kind":"local","assignment":"flow","flow":"main","status":"inactive","unassignedBehaviour":"reject","blockedCallers":"bad","maxConcurrentCalls":2,"language":"en-GB","recordingPolicy":"inherit","smsEnabled":true,"accountId":"acme","campaign":"spring","tags":["a","b"]}"#
    );
    assert_eq!(check(Kind::Number, &kept).unwrap().1, kept);
    assert_eq!((checked.id.as_str(), checked.name.as_str()), ("+15550100", "Main"));
    let links: Vec<_> = checked.links.iter().map(|link| (link.kind, link.id.as_str())).collect();
    assert_eq!(links, [("flow", "main"), ("list", "bad")]);
    let Object::Number(number) = checked.object else { panic!("a number") };
    assert!(!number.is_active && number.max_concurrent_calls == Some(2));
}

#[test]
fn what_is_wrong_with_a_number_is_said_with_its_pointer() {
    for (document, expected) in [
        (json!({"flow": "a"}), "error: number: needs one of e164, prefix and pattern"),
        (
            json!({"e164": "1", "prefix": "2", "flow": "a"}),
            "error: number: has more than one of e164, prefix and pattern: none of them wins",
        ),
        (
            json!({"pattern": "+1[4-2]", "flow": "a"}),
            "error: number:/pattern: \"+1[4-2]\" is no pattern: a bracket",
        ),
        (json!({"e164": "1"}), "error: number: needs a flow, a user or a service, or assignment"),
        (json!({"e164": "1", "flow": ""}), "error: number:/flow: is empty"),
        (json!({"e164": "1", "flow": "a", "user": "b"}), "error: number: leads to one place"),
        (
            json!({"e164": "1", "flow": "a", "assignment": "none"}),
            "error: number:/assignment: says another thing",
        ),
        (json!({"e164": "1", "assignment": "queue"}), "error: number:/assignment: is not possible yet"),
        (
            json!({"e164": "1", "flow": "a", "kind": "x"}),
            "error: number:/kind: \"x\" is not a kind of number",
        ),
        (json!({"e164": "1", "flow": "a", "status": "x"}), "error: number:/status: \"x\" is not a status"),
        (
            json!({"e164": "1", "flow": "a", "language": "x y"}),
            "error: number:/language: \"x y\" is not a language",
        ),
        (
            json!({"e164": "1", "flow": "a", "tags": [""]}),
            "error: number:/tags: has more than 50 tags, an empty one",
        ),
        (
            json!({"e164": "1", "flow": "a", "maxConcurrentCalls": 0}),
            "error: number:/maxConcurrentCalls: 0 is not",
        ),
        (
            json!({"e164": "1", "flow": "a", "labl": ""}),
            "error: number:/labl: unknown key (did you mean \"label\"?)",
        ),
        (
            json!({"e164": "1", "flow": "a", "callerName": "Acme Corporation"}),
            "error: number:/callerName: is longer",
        ),
        (json!([]), "error: number: is no JSON object"),
    ] {
        let found = findings(Kind::Number, document.clone());
        assert!(found.iter().any(|found| found.starts_with(expected)), "{document}: {found:#?}");
    }
    for document in [json!({"pattern": "1xx", "user": "a"}), json!({"prefix": "+1", "assignment": "none"})] {
        assert_eq!(findings(Kind::Number, document), [""; 0]);
    }
}

#[test]
fn a_password_is_kept_by_reference_only() {
    let agent = |password: &str| json!({"id": "a", "uri": "sip:a@127.0.0.1:5070", "password": password});
    let found = findings(Kind::Agent, agent("secret"));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("error: agent:/password: a secret is not kept")
            && !found[0].contains("\"secret\"")
    );
    let (_, kept, _) = check(Kind::Agent, &agent("${file:/etc/hostname}")).unwrap();
    assert_eq!(kept["password"], "${file:/etc/hostname}");
}

#[test]
fn the_account_has_settings_for_flows_and_a_calendar() {
    let account = json!({
        "timeZone": "Europe/Berlin", "language": "de", "shortAbandonSec": 3, "abandonedSubject": "Lost {{call.from}}",
        "assignAbandonedTo": "alice",
        "holiday": [{"date": "2026-12-25", "name": "Christmas"}, {"from": "2026-12-27", "to": "2026-12-31"}],
    });
    let (checked, ..) = check(Kind::Account, &account).unwrap();
    let Object::Account(account) = checked.object else { panic!("the account") };
    assert_eq!(account.settings["language"], "de");
    assert_eq!(account.calendar.holidays.len(), 2);
    assert_eq!(checked.links, [Link { kind: "agent", id: "alice".to_owned() }]);
    for (document, expected) in [
        (json!({"timeZone": "Mars/Base"}), "error: account:/timeZone: \"Mars/Base\" is no time zone"),
        (json!({"abandonedSubject": "{{"}), "error: account:/abandonedSubject: "),
        (json!({"holiday": [{"date": "25.12."}]}), "error: account:/holiday/0/date: \"25.12.\" is no date"),
    ] {
        let found = findings(Kind::Account, document.clone());
        assert!(found.iter().any(|found| found.starts_with(expected)), "{document}: {found:#?}");
    }
}

#[test]
fn a_file_that_is_written_read_and_written_again_is_the_same() {
    let long: Vec<String> = (0..20).map(|n| format!("+1555010{n:02}")).collect();
    let documents = [
        json!({"id": "a", "name": "Quotes \" and \\ and\nlines\u{7}", "numbers": ["+1*"]}),
        json!({"id": "b", "numbers": long}),
    ];
    let text = toml_text::file(Kind::List, &documents);
    let reader = Document::parse(std::path::Path::new("lists.toml"), &text);
    let root = reader.root();
    let sections = root.sections("list");
    let again: Vec<Value> = sections.iter().map(Section::to_json).collect();
    for section in &sections {
        list(section);
    }
    assert_eq!(again, documents);
    assert_eq!(toml_text::file(Kind::List, &again), text);
    drop((sections, root));
    assert_eq!(reader.into_findings(), []);
    let nested = json!({"holiday": [{"date": "2026-12-25", "name": "x"}], "timeZone": "UTC"});
    assert_eq!(
        toml_text::file(Kind::Account, &[nested]),
        "holiday = [{ date = \"2026-12-25\", name = \"x\" }]\ntime_zone = \"UTC\"\n"
    );
}

#[test]
fn a_trunk_that_is_dialled_where_it_registered_has_an_account_here_and_no_host() {
    let trunk = |more: Value| {
        let mut trunk =
            json!({"id": "pbx", "dialRegistered": true, "username": "pbx", "password": "${file:pbx}"});
        trunk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        findings(Kind::Trunk, trunk)
    };
    assert_eq!(trunk(json!({})), [""; 0]);
    for more in [json!({"host": "pbx.example"}), json!({"username": null}), json!({"register": true})] {
        let found = trunk(more.clone());
        let expected = "error: trunk:/dialRegistered: needs an account";
        assert!(found.iter().any(|found| found.starts_with(expected)), "{more}: {found:#?}");
    }
}

#[test]
fn the_number_that_a_test_of_a_trunk_calls_is_one_that_can_be_dialled_over_it() {
    let trunk = |more: Value| {
        let mut document = json!({"id": "carrier", "host": "192.0.2.1"});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        findings(Kind::Trunk, document)
    };
    for number in ["+14155550100", "echo", "*43", "(415) 555-0100"] {
        assert_eq!(trunk(json!({"testNumber": number})), [""; 0], "{number}");
    }
    for number in ["a\u{7}b", "né", &"1".repeat(65)] {
        let found = trunk(json!({"testNumber": number}));
        assert!(
            found[0].starts_with("error: trunk:/testNumber: is no number that can be dialled"),
            "{found:?}"
        );
    }
    let found = trunk(json!({"testNumber": "echo", "host": null, "match": ["192.0.2.1"]}));
    assert!(found[0].starts_with("warning: trunk:/testNumber: is not used without a host"), "{found:?}");
}
