//! The CRM over the API, where none is connected: with one, `tests/crm.rs` and the console's tests.

use super::*;
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::{Told, Verdict, kind};
use crate::store::database::samples;

fn flow(settings: Value) -> Value {
    json!({"schema": "callflow/1", "id": "main", "name": "Main", "entry": "menu", "settings": settings,
        "steps": {"menu": {"type": "menu", "name": "Ask", "config": {"prompt": {"kind": "tts", "text": "Press one."}, "options": {"1": {}}}}}})
}

#[test]
fn without_a_crm_its_state_says_so_and_nothing_can_be_asked_of_it() {
    run(async |world| {
        let state = world.as_admin("GET", "/crm", None).await;
        assert_eq!(state.status, 200, "{state:?}");
        let state: Value = state.json();
        assert_eq!(
            (&state["kind"], &state["isFailing"], &state["outbox"]["waiting"]),
            (&Value::Null, &json!(false), &json!(0))
        );
        for (path, body) in
            [("/crm/check", None), ("/crm/query", Some(json!({"soql": "SELECT Id FROM Lead"})))]
        {
            let answer = world.as_admin("POST", path, body).await;
            assert_eq!(answer.status, 409, "{path}: {answer:?}");
            assert!(answer.text.contains("no CRM is connected"), "{answer:?}");
        }
    });
}

#[test]
fn the_task_of_an_abandoned_call_is_shown_before_there_is_one() {
    run(async |world| {
        let agent = json!({"id": "dora", "name": "Dora", "uri": "sip:dora@127.0.0.1:5071"});
        assert_eq!(world.as_admin("POST", "/agents", Some(agent)).await.status, 201);
        let settings = json!({"abandonedSubject": "Lost {{call.from}}", "appendFinalStep": true, "assignAbandonedTo": "dora"});
        let body = json!({"document": flow(settings), "from": "+14155550100", "to": "+15550100"});
        let answer = world.as_admin("POST", "/crm/task-preview", Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let preview: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(preview["subject"], "Lost +14155550100");
        assert!(preview["comments"].as_str().unwrap().starts_with("Last step: Ask (menu)"), "{preview}");
        assert!(preview["problem"].as_str().unwrap().contains("\"dora\" is neither"), "{preview}");
        let user = json!({"assignAbandonedTo": "0055e000001AbCdAAK"});
        let preview =
            world.as_admin("POST", "/crm/task-preview", Some(json!({"document": flow(user)}))).await.json();
        assert_eq!((&preview["assignTo"], &preview["problem"]), (&json!("0055e000001AbCdAAK"), &Value::Null));
        let over = json!({"schema": "callflow/1", "id": "m", "name": "M", "entry": "bye", "steps": {"bye": {"type": "hangup", "config": {}}}});
        let answer = world.as_admin("POST", "/crm/task-preview", Some(json!({"document": over}))).await;
        assert_eq!(answer.status, 422, "{answer:?}");
    });
}

#[test]
fn a_row_that_was_set_aside_is_tried_anew_once_and_its_record_says_what_was_told() {
    run(async |world| {
        let database = world.api.database().unwrap().clone();
        let number = (0..)
            .find(|n| samples::record(*n).outcome.is_some_and(|outcome| outcome.abandoned_task.is_some()));
        let record = NewRecord::read("east", &samples::document(number.unwrap())).unwrap();
        database.write_records(std::slice::from_ref(&record), Told::default()).await.unwrap();
        let now = samples::BEGIN + Duration::from_secs(86_400);
        let due = database.outbox_due(&[kind::TASK], 10, now).await.unwrap();
        let claimed = database.outbox_claim(&due, now).await.unwrap();
        let words = "FIELD_CUSTOM_VALIDATION_EXCEPTION: Say why";
        let parked =
            claimed.into_iter().map(|entry| (entry, Verdict::Parked(words.to_owned()))).collect::<Vec<_>>();
        database.outbox_settle(&parked, now).await.unwrap();
        let listed = world.as_admin("GET", "/outbox?state=parked", None).await;
        assert!(listed.text.contains(words), "{listed:?}");
        let path = format!("/records/east/{}", record.call_id());
        let told: Value = serde_json::from_str(&world.as_admin("GET", &path, None).await.text).unwrap();
        assert_eq!(
            (&told["told"][0]["state"], &told["told"][0]["kind"]),
            (&json!("parked"), &json!("crm_task")),
            "{told}"
        );
        let retry = format!("/outbox/{}/retry", parked[0].0.id);
        assert_eq!(world.ask("POST", &retry, &[], None).await.status, 401);
        assert_eq!(world.as_admin("POST", &retry, None).await.status, 204);
        assert_eq!(world.as_admin("POST", &retry, None).await.status, 409, "it waits already");
        assert_eq!(world.as_admin("POST", "/outbox/999999/retry", None).await.status, 409);
        let state: Value = serde_json::from_str(&world.as_admin("GET", "/crm", None).await.text).unwrap();
        assert_eq!((&state["outbox"]["waiting"], &state["outbox"]["parked"]), (&json!(1), &json!(0)));
    });
}
