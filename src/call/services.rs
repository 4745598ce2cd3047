//! What numbers do that lead to no call flow: flows of ours, so that there is one way in which calls run.

use super::snapshot::{Answers, Number};
use crate::flow::{Flow, Resources};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The key of what a number says that leads nowhere; no number has this pattern.
pub const NOT_IN_SERVICE: &str = "not in service";
/// The prompt that is played there, where somebody has recorded one; else "goodbye" is said.
pub const NOT_IN_SERVICE_PROMPT: &str = "not-in-service";

/// The services that some numbers need, by their pattern, and [`NOT_IN_SERVICE`]. `has_prompt`: there is a prompt
/// [`NOT_IN_SERVICE_PROMPT`].
pub fn of_numbers(numbers: &[Number], has_prompt: bool) -> HashMap<String, Arc<Flow>> {
    let ringing = numbers.iter().filter_map(|number| match &number.answers {
        Answers::Agent(id) => Some((number.pattern.text(), compile(&ring(id, number.language.as_deref()))?)),
        _ => None,
    });
    let nowhere = compile(&not_in_service(has_prompt)).map(|flow| (NOT_IN_SERVICE.to_owned(), flow));
    ringing.chain(nowhere).collect()
}

fn compile(document: &Value) -> Option<Arc<Flow>> {
    match Flow::compile(&document.to_string(), &Resources::default()) {
        Ok((flow, _)) => Some(Arc::new(flow)),
        Err(findings) => {
            tracing::error!(?findings, "a service of a number does not compile");
            None
        }
    }
}

/// A step that leads nowhere ends with "goodbye"; the tag in the record says why.
fn not_in_service(has_prompt: bool) -> Value {
    let next = if has_prompt { json!({"next": "say"}) } else { json!({}) };
    let mut steps =
        json!({"note": {"type": "tag", "config": {"key": "reason", "value": "not in service"}, "on": next}});
    if has_prompt {
        steps["say"] = json!({
            "type": "greeting", "config": {"audio": {"kind": "file", "id": NOT_IN_SERVICE_PROMPT}},
            "on": {"next": "end", "error": "end"}
        });
        steps["end"] = json!({"type": "hangup", "config": {}});
    }
    json!({"schema": "callflow/1", "id": "not-in-service", "name": "Not in service", "entry": "note", "steps": steps})
}

fn ring(agent: &str, language: Option<&str>) -> Value {
    let settings = language.map_or_else(|| json!({}), |language| json!({"language": language}));
    json!({
        "schema": "callflow/1", "id": "ring-an-agent", "name": "Ring an agent", "settings": settings,
        "entry": "ring",
        "steps": {"ring": {"type": "dial", "config": {"target": {"kind": "users", "values": [agent]}}}}
    })
}
