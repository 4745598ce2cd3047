//! Flows over the API: drafts, versions, trials, simulations, kept tests.

use super::*;

#[test]
fn a_kept_test_is_run_on_the_draft_and_fails_once_the_flow_does_something_else() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let flow = |text: &str| {
            let hi = json!({"type": "greeting", "name": "Hi", "config": {"audio": {"kind": "tts", "text": text}}, "on": {"next": "bye"}});
            let bye = json!({"type": "hangup", "name": "Bye", "config": {}, "on": {}});
            json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "hi", "steps": {"hi": hi, "bye": bye}})
        };
        let made = world.as_admin("POST", "/flows", Some(flow("Hello"))).await;
        assert_eq!(made.status, 201, "{made:?}");
        let test = |expected: Value| {
            Some(
                json!({"id": "hello", "flow": "t", "inputs": [{"input": "wait", "seconds": 60}], "expected": expected}),
            )
        };
        let wrong = json!({"id": "hello", "flow": "t", "press": "1"});
        let refused = world.as_admin("POST", "/flow-tests", Some(wrong)).await;
        assert_eq!(
            (refused.status, refused.json()["findings"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("/press")),
            "{refused:?}"
        );
        assert_eq!(world.as_admin("POST", "/flow-tests", test(json!([]))).await.status, 201);
        let first = world.as_admin("POST", "/flow-tests/hello/run", None).await;
        assert_eq!((first.status, &first.json()["passed"]), (StatusCode::OK, &json!(false)), "{first:?}");
        let kept = test(first.json()["lines"].clone());
        assert_eq!(world.ask("PUT", "/flow-tests/hello", &[&admin, "if-match: *"], kept).await.status, 200);
        let again = world.as_admin("POST", "/flows/t/test", None).await;
        assert_eq!(
            (again.json()["passed"].as_bool(), again.json()["items"][0]["id"].as_str()),
            (Some(true), Some("hello"))
        );
        world.ask("PUT", "/flows/t/draft", &[&admin, "if-match: *"], Some(flow("Good day"))).await;
        let changed = world.as_admin("POST", "/flows/t/test?version=draft", None).await.json();
        assert_eq!(changed["passed"], false);
        assert!(
            changed["items"][0]["difference"]["actual"].as_str().unwrap().contains("Good day"),
            "{changed}"
        );
        assert_eq!(world.as_admin("POST", "/flows/t/test?version=live", None).await.status, 404);
    });
}

#[test]
fn a_flow_is_checked_and_stepped_through() {
    run(async |world| {
        let say = json!({"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": "Hello"}}, "on": {"next": "bye"}});
        let bye = json!({"type": "hangup", "name": "Bye", "config": {}, "on": {}});
        let mut flow = json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "say", "steps": {"say": say, "bye": bye}});
        let checked = world.as_admin("POST", "/flows/validate", Some(flow.clone())).await;
        assert_eq!((checked.status.as_u16(), &checked.json()["valid"]), (200, &json!(true)), "{checked:?}");
        let new = json!({"document": flow, "at": "2026-11-23T09:00:00Z", "from": "+15550101"});
        let started = world.as_admin("POST", "/simulations", Some(new)).await;
        assert_eq!(
            (started.status.as_u16(), &started.json()["step"]["id"]),
            (201, &json!("say")),
            "{started:?}"
        );
        let path = format!("/simulations/{}", started.json()["id"].as_str().unwrap());
        let input = format!("{path}/input");
        let later =
            world.as_admin("POST", &input, Some(json!({"input": "wait", "seconds": 60}))).await.json();
        assert_eq!(later["outcome"]["outcome"], "disconnected_by_flow", "{later}");
        assert!(
            later["events"].as_array().unwrap().iter().any(|event| event["event"] == "hang_up"),
            "{later}"
        );
        let over = world.as_admin("POST", &input, Some(json!({"input": "hang_up"}))).await;
        assert_eq!(over.status, 409, "{over:?}");
        let nonsense = world.as_admin("POST", &input, Some(json!({"input": "jump"}))).await;
        assert_eq!(nonsense.status, 422, "{nonsense:?}");
        assert_eq!(world.as_admin("DELETE", &path, None).await.status, 204);
        assert_eq!(world.as_admin("DELETE", &path, None).await.status, 404);
        flow["entry"] = json!("nowhere");
        let broken = world.as_admin("POST", "/flows/validate", Some(flow.clone())).await.json();
        assert_eq!(
            (&broken["valid"], &broken["findings"][0]["code"]),
            (&json!(false), &json!("E01")),
            "{broken}"
        );
        let refused = world.as_admin("POST", "/simulations", Some(json!({"document": flow}))).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["findings"][0]["code"]), (422, &json!("E01")));
    });
}

#[test]
fn one_user_has_ten_open_simulations_and_nobody_sees_those_of_others() {
    run(async |world| {
        let bye = json!({"type": "wait", "name": "Bye", "config": {"seconds": 60}, "on": {}});
        let flow =
            json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "bye", "steps": {"bye": bye}});
        let new = json!({"document": flow});
        let mut last = String::new();
        for _ in 0..10 {
            let started = world.as_admin("POST", "/simulations", Some(new.clone())).await;
            assert_eq!(started.status, 201, "{started:?}");
            last = started.json()["id"].as_str().unwrap().to_owned();
        }
        assert_eq!(world.as_admin("POST", "/simulations", Some(new.clone())).await.status, 409);
        world.user("eve", "editor").await;
        let signed_in = world.sign_in("eve", PASSWORD).await;
        let cookie = format!("cookie: {}", signed_in.cookie());
        let csrf = format!("x-csrf-token: {}", signed_in.json()["csrfToken"].as_str().unwrap());
        let of_other = world.ask("DELETE", &format!("/simulations/{last}"), &[&cookie, &csrf], None).await;
        assert_eq!(of_other.status, 404);
        assert_eq!(world.ask("POST", "/simulations", &[&cookie, &csrf], Some(new)).await.status, 201);
    });
}

#[test]
fn a_flow_is_drafted_published_compared_and_deleted_only_when_nothing_needs_it() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let flow = |seconds: u32, status: &str| {
            json!({"schema": "callflow/1", "id": "main", "name": "Main", "entry": "w", "settings": {"status": status}, "steps": {
                "w": {"type": "wait", "name": "Wait", "config": {"seconds": seconds}, "on": {}}}})
        };
        let made = world.as_admin("POST", "/flows", Some(flow(5, "active"))).await;
        assert_eq!(made.status, 201, "{made:?}");
        let tag = format!("if-match: {}", made.header("etag"));
        let publish = async |tag: &str| {
            let body = json!({"comment": "first"});
            world.ask("POST", "/flows/main/publish", &[&admin, tag], Some(body)).await
        };
        let first = publish(&tag).await;
        assert_eq!((first.status.as_u16(), &first.json()["version"]), (200, &json!(1)), "{first:?}");
        assert_eq!(publish(&tag).await.json()["unchanged"], true);
        let number = json!({"e164": "+15550100", "flow": "main"});
        assert_eq!(world.as_admin("POST", "/numbers", Some(number)).await.status, 201);
        let save =
            async |tag: &str, draft| world.ask("PUT", "/flows/main/draft", &[&admin, tag], Some(draft)).await;
        let saved = save(&tag, flow(8, "paused")).await;
        assert_eq!(save(&tag, flow(9, "paused")).await.status, 412);
        assert_eq!(publish(&format!("if-match: {}", saved.header("etag"))).await.json()["version"], 2);
        let diff = world.as_admin("GET", "/flows/main/diff?from=1&to=live", None).await.json();
        assert!(
            diff["sentences"].as_array().unwrap().iter().any(|text| text.as_str().unwrap().contains('8')),
            "{diff}"
        );
        let canary = json!({"version": 1, "share": 10});
        let tried = world.as_admin("PUT", "/flows/main/canary", Some(canary)).await;
        assert_eq!(tried.json()["canary"], json!({"version": 1, "share": 10}), "{tried:?}");
        assert_eq!(world.as_admin("DELETE", "/flows/main/canary", None).await.status, 204);
        let needed = world.as_admin("DELETE", "/flows/main", None).await;
        assert_eq!(needed.status, 409, "{needed:?}");
        assert!(needed.json()["detail"].as_str().unwrap().contains("+15550100"), "{needed:?}");
        assert_eq!(world.as_admin("DELETE", "/numbers/%2B15550100", None).await.status, 204);
        assert_eq!(world.as_admin("DELETE", "/flows/main", None).await.status, 204);
        let changes = world.as_admin("GET", "/audit?kind=flow&limit=200", None).await.json();
        assert!(
            changes["items"].as_array().unwrap().iter().all(|row| row["actor"] == "cordboard.toml"),
            "{changes}"
        );
    });
}

#[test]
fn what_is_deleted_or_rolled_out_goes_by_the_etag_where_one_is_given() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let flow = json!({"schema": "callflow/1", "id": "main", "name": "Main", "entry": "w",
            "settings": {"status": "paused"}, "steps": {
            "w": {"type": "wait", "name": "Wait", "config": {"seconds": 5}, "on": {}}}});
        let made = world.as_admin("POST", "/flows", Some(flow.clone())).await;
        let tag = format!("if-match: {}", made.header("etag"));
        let publish = Some(json!({"comment": "once"}));
        assert_eq!(world.ask("POST", "/flows/main/publish", &[&admin, &tag], publish).await.status, 200);
        let user = format!("/users/{}", world.user("ann", "viewer").await);
        let number = json!({"e164": "+15550100", "assignment": "none"});
        assert_eq!(world.as_admin("POST", "/numbers", Some(number)).await.status, 201);
        let canary = || Some(json!({"version": 1, "share": 10}));
        let version = || Some(json!({"version": 1, "comment": "back"}));
        for (method, path, body, status) in [
            ("POST", "/flows/main/rollback", version(), 200),
            ("PUT", "/flows/main/canary", canary(), 422),
            ("POST", "/flows/main/canary/promote", None, 422),
            ("DELETE", "/flows/main/canary", None, 422),
            ("DELETE", "/flows/main/scheduled", None, 422),
            ("DELETE", "/flows/main", None, 204),
            ("DELETE", "/numbers/%2B15550100", None, 204),
            ("DELETE", user.as_str(), None, 204),
        ] {
            let read = path.trim_end_matches("/rollback").trim_end_matches("/promote");
            let read = read.trim_end_matches("/canary").trim_end_matches("/scheduled");
            let tag = world.as_admin("GET", read, None).await.header("etag").to_owned();
            for (given, expected) in [("\"old\"", 412), ("W/\"1\"", 412), (tag.as_str(), status)] {
                let header = format!("if-match: {given}");
                let done = world.ask(method, path, &[&admin, &header], body.clone()).await;
                assert_eq!(done.status.as_u16(), expected, "{method} {path} {given}: {done:?}");
            }
        }
    });
}

#[test]
fn a_publication_to_come_says_which_draft_it_froze_and_whether_it_was_changed_since() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let flow = |seconds: u32| {
            json!({"schema": "callflow/1", "id": "main", "name": "Main", "entry": "w", "steps": {
                "w": {"type": "wait", "name": "Wait", "config": {"seconds": seconds}, "on": {}}}})
        };
        let made = world.as_admin("POST", "/flows", Some(flow(5))).await;
        let tag = format!("if-match: {}", made.header("etag"));
        let set = async |due: &str| {
            let body = json!({"due": due, "comment": "later"});
            world.ask("PUT", "/flows/main/scheduled", &[&admin, &tag], Some(body)).await
        };
        let past = set("2020-01-01T00:00:00Z").await;
        assert_eq!((past.status.as_u16(), &past.json()["findings"][0]["pointer"]), (422, &json!("/due")));
        let message = past.json()["findings"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("is in the past"), "{message}");
        let due = (world.api.now().wall + Duration::from_secs(86_400)).to_string();
        let scheduled = set(&due).await.json();
        assert_eq!(scheduled["scheduled"]["etag"], scheduled["draftEtag"], "{scheduled}");
        assert_eq!(scheduled["scheduled"]["draftChanged"], false);
        world.ask("PUT", "/flows/main/draft", &[&admin, "if-match: *"], Some(flow(8))).await;
        let changed = world.as_admin("GET", "/flows/main", None).await.json();
        assert_eq!(changed["scheduled"]["etag"], scheduled["draftEtag"], "{changed}");
        assert_eq!(changed["scheduled"]["draftChanged"], true);
    });
}

#[test]
fn what_keeps_a_draft_from_being_published_has_its_severity() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let flow = json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "none", "steps": {
            "w": {"type": "wait", "name": "Wait", "config": {"seconds": 5}, "on": {}}}});
        assert_eq!(world.as_admin("POST", "/flows", Some(flow)).await.status, 201);
        let body = Some(json!({"comment": "first"}));
        let refused = world.ask("POST", "/flows/t/publish", &[&admin, "if-match: *"], body).await.json();
        let severities: Vec<_> =
            refused["findings"].as_array().unwrap().iter().map(|f| &f["severity"]).collect();
        assert!(severities.contains(&&json!("error")) && !severities.contains(&&Value::Null), "{refused}");
    });
}

#[test]
fn a_simulation_may_assume_what_a_schedule_says() {
    run(async |world| {
        let end = |name: &str| json!({"type": "hangup", "name": name, "config": {}, "on": {}});
        let flow = json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "h", "steps": {
            "h": {"type": "time", "name": "H", "config": {"scheduleId": "office"}, "on": {"open": "o", "closed": "c"}},
            "o": end("O"), "c": end("C")}});
        let week = json!({"id": "office", "timeZone": "UTC", "weekly": []});
        assert_eq!(world.as_admin("POST", "/schedules", Some(week)).await.status, 201);
        for (state, step) in [("open", "o"), ("closed", "c")] {
            let new = json!({"document": flow, "schedules": {"office": state}});
            let started = world.as_admin("POST", "/simulations", Some(new)).await;
            assert_eq!(started.json()["step"]["id"], step, "{started:?}");
        }
        let new = json!({"document": flow, "schedules": {"office": "shut"}});
        assert_eq!(world.as_admin("POST", "/simulations", Some(new)).await.status, 422);
    });
}

#[test]
fn where_files_are_the_truth_a_change_and_the_findings_say_that_it_is_undone() {
    run(async |world| {
        let made = world.as_admin("POST", "/lists", Some(json!({"id": "a", "numbers": ["+15550100"]}))).await;
        assert_eq!((made.status.as_u16(), made.header("cordboard-overwritten")), (201, "at-reload"));
        let flow = json!({"schema": "callflow/1", "id": "t", "name": "T", "entry": "w", "steps": {
            "w": {"type": "wait", "name": "Wait", "config": {"seconds": 5}, "on": {}}}});
        let made = world.as_admin("POST", "/flows", Some(flow)).await;
        assert_eq!((made.status.as_u16(), made.header("cordboard-overwritten")), (201, "at-reload"));
        // Users are no matter of files.
        let body = json!({"login": "ann", "name": "A", "role": "viewer", "password": PASSWORD});
        assert_eq!(world.as_admin("POST", "/users", Some(body)).await.header("cordboard-overwritten"), "");
        let found = world.as_admin("GET", "/findings?kind=setup", None).await.json();
        assert_eq!(found["items"][0]["severity"], "warning", "{found}");
        assert!(found["items"][0]["message"].as_str().unwrap().contains("config/site"), "{found}");
    });
}

#[test]
fn a_draft_with_a_key_that_no_document_has_is_refused_and_nothing_is_kept() {
    run(async |world| {
        let wrapped = json!({"id": "main", "document": {"schema": "callflow/1"}});
        let refused = world.as_admin("POST", "/flows", Some(wrapped.clone())).await;
        assert_eq!(
            (refused.status, &refused.json()["findings"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/document"))
        );
        assert_eq!(world.as_admin("GET", "/flows/main", None).await.status, 404);
        let unfinished = json!({"id": "main", "name": "Main"});
        assert_eq!(world.as_admin("POST", "/flows", Some(unfinished)).await.status, 201);
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let refused = world.ask("PUT", "/flows/main/draft", &[&admin, "if-match: *"], Some(wrapped)).await;
        assert_eq!(
            (refused.status, &refused.json()["findings"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/document"))
        );
    });
}
