//! Steps that ask other systems.

use super::*;

/// The question that came out last.
fn question(rig: &mut Rig) -> (LookupId, Question) {
    let asked = rig.actions.iter().rev().find_map(|action| match action {
        Action::Ask { lookup, question, .. } => Some((*lookup, (**question).clone())),
        _ => None,
    });
    rig.actions.clear();
    asked.expect("a question")
}

fn reply(rig: &mut Rig, lookup: LookupId, result: Result<Reply, LookupError>) -> Vec<String> {
    rig.event(Event::Replied { lookup, result }).take()
}

fn http_reply(status: u16, body: &str, is_json: bool) -> Result<Reply, LookupError> {
    Reply::http(status, body.to_owned(), is_json)
}

fn http(config: Value) -> Rig {
    let mut config = config;
    config["saveAs"] = json!("r");
    rig(
        json!({}),
        json!({"h": {"type": "http", "config": config, "on": {"success": "s", "http_error": "x", "error": "f"}},
        "s": end(), "x": end(), "f": end()}),
    )
}

#[test]
fn an_http_request_carries_values_where_they_cannot_change_who_is_asked() {
    let mut rig = http(
        json!({"method": "POST", "url": "https://crm.example/by/{{call.from}}?q={{call.fromName | default: 'a b&c'}}",
        "headers": {"X-Call": "{{call.callKey | default: 'k'}}", "Authorization": {"secret": "crm", "prefix": "Bearer "}},
        "json": {"from": "{{call.from}}", "deep": [1, "x{{call.from}}\"", true]}, "timeoutSec": 3, "retries": 1}),
    );
    let Question::Http(request) = question(&mut rig).1 else { panic!("no http") };
    assert_eq!(request.url, "https://crm.example/by/%2B14155550100?q=a%20b%26c");
    assert_eq!(
        request.body,
        Some(("application/json", r#"{"from":"+14155550100","deep":[1,"x+14155550100\"",true]}"#.to_owned()))
    );
    assert!(
        matches!(&request.headers[..], [(_, HeaderValue::Text(text)), (_, HeaderValue::Secret { prefix, name })]
        if text == "k" && prefix == "Bearer " && name == "crm")
    );
    assert_eq!((request.timeout.as_secs(), request.retries), (3, 1));
}

#[test]
fn what_an_http_reply_says_decides_the_port_and_can_be_read() {
    for (result, port, status, tier) in [
        (http_reply(200, r#"{"tier": ["gold"]}"#, true), "leave success", "200", "gold"),
        (http_reply(204, "", true), "leave success", "204", ""),
        (http_reply(404, "no", false), "leave http_error", "404", ""),
        (http_reply(301, "", false), "leave http_error", "301", ""),
        (http_reply(200, "{", true), "error http_bad_json", "", ""),
        (http_reply(200, "{", false), "leave success", "200", ""),
        (Err(LookupError { code: "http_failed", message: "x".into() }), "error http_failed", "", ""),
    ] {
        let steps = json!({
            "h": {"type": "http", "config": {"url": "https://a.example/", "saveAs": "r"},
                "on": {"success": "t", "http_error": "t", "error": "t"}},
            "t": {"type": "set", "config": {"variables": [
                {"name": "status", "value": "{{r.status}}"}, {"name": "tier", "value": "{{r.json.tier.0}}"}]}, "on": {"next": "w"}},
            "w": {"type": "wait", "config": {"seconds": 1}}});
        let mut rig = rig(json!({}), steps);
        let lookup = question(&mut rig).0;
        let taken = reply(&mut rig, lookup, result.clone());
        assert_eq!(taken[0], port, "{result:?}");
        assert_eq!((rig.var("status"), rig.var("tier")), (status.into(), tier.into()), "{result:?}");
    }
}

#[test]
fn no_reply_in_time_is_an_error_and_a_late_one_is_ignored() {
    let mut rig = http(json!({"url": "https://a.example", "timeoutSec": 2, "waitAudio": file("music")}));
    let lookup = question(&mut rig).0;
    assert_eq!(rig.at(999).take(), [""; 0], "a quick answer is not worth a scrap of music");
    assert_eq!(rig.at(2_499).take(), ["answer", "play p1 music"]);
    assert_eq!(rig.at(2_500).take()[..3], ["stop p1", "forget 0", "error timeout"]);
    assert_eq!(reply(&mut rig, lookup, http_reply(200, "", false)), [""; 0]);
}

#[test]
fn a_caller_who_hangs_up_while_it_is_looked_up_is_gone_at_once() {
    let mut rig = http(json!({"url": "https://a.example/", "waitAudio": file("music")}));
    rig.take();
    rig.keys("12").at(9).event(Event::CallerHungUp);
    assert!(
        rig.actions.contains(&Action::Forget { lookup: LookupId(0) }),
        "nobody waits for the answer any more"
    );
    assert_eq!(rig.outcome().outcome, OutcomeKind::ShortAbandon);
}

#[test]
fn values_go_into_a_query_between_quotes_and_cannot_end_them() {
    let facts =
        CallFacts { from: "+1".into(), from_name: "O'Hara\\ OR Name != '".into(), ..CallFacts::default() };
    let steps = json!({"q": {"type": "query", "config": {"soql": "SELECT Id FROM Contact WHERE Name = '{{call.fromName}}'", "limit": 2, "saveAs": "c"},
        "on": {"found": "f", "not_found": "n", "error": "e"}}, "f": {"type": "wait", "config": {"seconds": 1}}, "n": end(), "e": end()});
    let mut rig = rig_for(facts, &document(json!({}), steps));
    let (lookup, asked) = question(&mut rig);
    let Question::Query(query) = asked else { panic!("no query") };
    assert_eq!(query.soql, r"SELECT Id FROM Contact WHERE Name = 'O\'Hara\\ OR Name != \'' LIMIT 2");
    let records = ["a", "b", "c"].map(|id| json!({"Id": id}).as_object().unwrap().clone());
    let taken = reply(&mut rig, lookup, Ok(Reply::Query(records.into())));
    assert_eq!(taken[..2], ["leave found", "enter f"]);
    assert_eq!(rig.var("c"), r#"{"count":2,"ids":"a|b","0":{"Id":"a"},"1":{"Id":"b"}}"#);
}

#[test]
fn a_query_without_a_record_is_not_found() {
    let steps = json!({"q": {"type": "query", "config": {"soql": "SELECT Id FROM Lead"}, "on": {"not_found": "n"}}, "n": end()});
    let mut rig = rig(json!({}), steps);
    let lookup = question(&mut rig).0;
    assert_eq!(reply(&mut rig, lookup, Ok(Reply::Query(vec![])))[0], "leave not_found");
}

#[test]
fn a_callout_gives_texts_and_nothing_else() {
    for (value, expected) in [
        (json!({"owner": "005", "none": null}), "leave next"),
        (json!({"owner": 5}), "error callout_not_flat"),
        (json!({"owner": {"id": "005"}}), "error callout_not_flat"),
    ] {
        let steps = json!({"c": {"type": "callout", "config": {"path": "/callflow/owner", "input": {"phone": "{{call.from}}"}, "saveAs": "o"},
            "on": {"next": "w", "error": "w"}}, "w": {"type": "wait", "config": {"seconds": 1}}});
        let mut rig = rig(json!({}), steps);
        let (lookup, asked) = question(&mut rig);
        assert!(
            matches!(&asked, Question::Callout(c) if c.input == [("phone".to_owned(), "+14155550100".to_owned())])
        );
        let taken = reply(&mut rig, lookup, Ok(Reply::Callout(value.as_object().unwrap().clone())));
        assert_eq!(taken[0], expected, "{value}");
    }
}

#[test]
fn a_message_is_sent_once_and_nobody_waits_for_it() {
    let message = json!({"type": "sms", "config": {"body": "Sorry we missed you, {{call.from}}"}, "on": {"next": "w", "error": "w"}});
    let ask =
        json!({"type": "menu", "config": {"prompt": file("w"), "options": {"1": {}}}, "on": {"key:1": "m"}});
    let steps = json!({"m": message, "w": ask});
    let facts = CallFacts { from: "+14155550100".into(), to: "+15550100".into(), ..CallFacts::default() };
    let mut rig = rig_for(facts.clone(), &document(json!({}), steps.clone()));
    assert_eq!(rig.step(), "w");
    let Question::Sms(message) = question(&mut rig).1 else { panic!("no message") };
    assert_eq!((message.to.as_str(), message.from.as_str()), ("+14155550100", "+15550100"));
    assert_eq!(message.body, "Sorry we missed you, +14155550100");
    rig.keys("1").at(9);
    assert!(!rig.actions.iter().any(|action| matches!(action, Action::Ask { .. })));

    let mut again = steps.clone();
    again["m"]["config"]["oncePerCall"] = json!(false);
    again["m"]["config"]["waitForResult"] = json!(true);
    let mut rig = rig_for(facts, &document(json!({}), again));
    let lookup = question(&mut rig).0;
    assert_eq!(rig.step(), "m");
    assert_eq!(reply(&mut rig, lookup, Ok(Reply::Sms))[0], "leave next");
    assert!(rig.keys("1").at(9).actions.iter().any(|action| matches!(action, Action::Ask { .. })));
}

#[test]
fn a_message_is_sent_to_its_end_also_to_who_hangs_up() {
    let steps = json!({"m": {"type": "sms", "config": {"body": "x", "waitForResult": true}}});
    let mut rig = rig(json!({}), steps);
    rig.event(Event::CallerHungUp);
    let taken = rig.take();
    assert!(!taken.iter().any(|action| action.starts_with("forget")), "{taken:?}");
}

#[test]
fn a_reply_that_came_is_not_forgotten() {
    let mut rig = http(json!({"url": "https://a.example/"}));
    let lookup = question(&mut rig).0;
    let taken = reply(&mut rig, lookup, http_reply(200, "", false));
    assert!(!taken.iter().any(|action| action.starts_with("forget")), "{taken:?}");
}

#[test]
fn a_message_to_nobody_is_an_error() {
    let steps = json!({"m": {"type": "sms", "config": {"body": "x"}, "on": {"error": "e"}}, "e": end()});
    let taken = rig_for(CallFacts::default(), &document(json!({}), steps)).take();
    assert_eq!(taken[1], "error sms_no_number");
}

#[test]
fn replies_fill_no_memory() {
    let steps = json!({"h": {"type": "http", "config": {"url": "https://a.example/", "saveAs": "r"}, "on": {"success": "m", "error": "m"}},
        "m": {"type": "menu", "config": {"prompt": file("m"), "options": {"1": {}}}, "on": {"key:1": "h"}}});
    let mut rig = rig(json!({}), steps);
    let lookup = question(&mut rig).0;
    assert_eq!(
        reply(&mut rig, lookup, http_reply(200, &"x".repeat(2_000_000), false))[0],
        "error variable_refused"
    );
    rig.keys("1").at(9);
    let lookup = question(&mut rig).0;
    let large = "y".repeat(200_000);
    assert_eq!(reply(&mut rig, lookup, http_reply(200, &large, false))[0], "leave success");
    rig.event(Event::CallerHungUp);
    assert!(rig.outcome().vars.iter().any(|(name, value)| name == "r" && value.ends_with("bytes)")));
}

#[test]
fn questions_are_printed_without_what_is_asked() {
    let mut rig =
        http(json!({"url": "https://crm.example/by/{{call.from}}?pin=1", "headers": {"X": "{{call.from}}"}}));
    let text = format!("{:?}", question(&mut rig).1);
    assert_eq!(text, "http to https://crm.example");
}

#[test]
fn a_caller_whose_name_is_dots_does_not_ask_for_something_else() {
    for (name, refused) in
        [("..", true), (".", true), ("%2E%2e", false), ("...", false), ("a/..", false), ("", false)]
    {
        let facts = CallFacts { from_name: name.into(), ..CallFacts::default() };
        let steps = json!({"h": {"type": "http", "config": {"url": "https://a.example/customers/{{call.fromName}}/notes"}}});
        let mut rig = rig_for(facts, &document(json!({}), steps));
        assert_eq!(rig.take().contains(&"error http_refused".to_owned()), refused, "{name}");
    }
}
