//! Flows of Twilio Studio over the API.

use super::*;

#[test]
fn a_flow_of_studio_becomes_a_document_with_a_line_for_each_widget() {
    run(async |world| {
        let definition = json!({
            "description": "Says hello", "initial_state": "Trigger", "flags": {},
            "states": [
                {"name": "Trigger", "type": "trigger", "properties": {},
                 "transitions": [{"event": "incomingCall", "next": "hello"}]},
                {"name": "hello", "type": "say-play", "properties": {"say": "Hello", "loop": 1},
                 "transitions": [{"event": "audioComplete", "next": "tell"}]},
                {"name": "tell", "type": "send-to-flex", "properties": {}, "transitions": []},
            ],
        });
        let answer = world.as_admin("POST", "/flows/import-studio", Some(definition)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let imported = answer.json();
        let outcomes: Vec<_> =
            imported["report"].as_array().unwrap().iter().map(|line| &line["outcome"]).collect();
        assert_eq!(outcomes, ["mapped", "mapped", "left_out"], "{imported}");
        assert_eq!(imported["document"]["schema"], "callflow/1");
        assert!(imported["summary"].as_str().unwrap().contains("left out"), "{imported}");
        let checked = world.as_admin("POST", "/flows/validate", Some(imported["document"].clone())).await;
        assert_eq!(checked.json()["valid"], imported["compiles"], "{checked:?}");
    });
}

#[test]
fn what_is_no_flow_of_studio_is_told_so() {
    run(async |world| {
        for (body, words) in [
            (json!({}), "no flow definition of Twilio Studio"),
            (json!({"states": []}), "no flow definition of Twilio Studio"),
            (json!({"schema": "callflow/1", "steps": {}}), "no flow definition of Twilio Studio"),
        ] {
            let answer = world.as_admin("POST", "/flows/import-studio", Some(body)).await;
            assert_eq!(answer.status, 422, "{answer:?}");
            assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{answer:?}");
        }
    });
}
