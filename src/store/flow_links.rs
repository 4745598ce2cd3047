//! What a flow document points to: agents, prompts, schedules, lists of callers, and flows with their versions.

use super::objects::Link;
use serde_json::Value;
use std::collections::BTreeSet;

/// All that a flow names in so many words; what a template makes of variables is known only in a call.
pub fn links(document: &Value) -> Vec<Link> {
    let mut found = BTreeSet::new();
    if let Some(agent) = document["settings"]["assignAbandonedTo"].as_str() {
        agents(agent, &mut found);
    }
    for config in configs(document) {
        walk(config, &mut found);
    }
    found.into_iter().collect()
}

/// Flows that are run in a version of theirs, by number.
pub fn pinned(document: &Value) -> Vec<(String, u32)> {
    let pinned = configs(document).filter_map(|config| {
        let version = config.get("version")?.as_u64()?;
        Some((config.get("flowId")?.as_str()?.to_owned(), u32::try_from(version).ok()?))
    });
    pinned.collect()
}

fn configs(document: &Value) -> impl Iterator<Item = &Value> {
    let steps = document.get("steps").and_then(Value::as_object);
    steps.into_iter().flat_map(|steps| steps.values()).filter_map(|step| step.get("config"))
}

/// The depth is limited by the reader of JSON.
fn walk(value: &Value, found: &mut BTreeSet<Link>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let text = value.as_str().filter(|text| !text.is_empty());
                let kind = match key.as_str() {
                    "scheduleId" => "schedule",
                    "listId" => "list",
                    "flowId" => "flow",
                    "target" => {
                        target(value, found);
                        continue;
                    }
                    "id" if fields.get("kind").and_then(Value::as_str) == Some("file") => "prompt",
                    _ => {
                        walk(value, found);
                        continue;
                    }
                };
                found.extend(text.map(|id| Link { kind, id: id.to_owned() }));
            }
        }
        _ => {}
    }
}

fn target(target: &Value, found: &mut BTreeSet<Link>) {
    if !matches!(target["kind"].as_str(), Some("user" | "users")) {
        return;
    }
    let values = target["values"].as_array().into_iter().flatten();
    for text in values.chain(target.get("value")).filter_map(Value::as_str) {
        agents(text, found);
    }
}

/// One agent, or several with `|` or `,` between.
fn agents(text: &str, found: &mut BTreeSet<Link>) {
    if text.contains("{{") {
        return;
    }
    let ids = text.split(['|', ',']).map(str::trim).filter(|id| !id.is_empty());
    found.extend(ids.map(|id| Link { kind: "agent", id: id.to_owned() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_that_a_flow_names_is_found() {
        let document = json!({"settings": {"assignAbandonedTo": "carol"}, "steps": {
            "a": {"config": {"audio": {"kind": "seq", "items": [{"kind": "file", "id": "hello"}, {"kind": "tts", "text": "x"}]}}},
            "b": {"config": {"target": {"kind": "users", "values": ["alice", "{{x}}", "bob|dave"]}, "whisper": {"kind": "file", "id": "psst"}}},
            "c": {"config": {"target": {"kind": "number", "value": "+1"}}},
            "d": {"config": {"listId": "vip"}}, "e": {"config": {"scheduleId": "office"}},
            "f": {"config": {"flowId": "sub", "version": 3}}, "g": {"config": {"flowId": "other", "version": "live"}},
            "h": {"config": {"branches": [{"id": "x", "kind": "other"}]}}, "i": {},
        }});
        let found: Vec<String> = links(&document).iter().map(|l| format!("{} {}", l.kind, l.id)).collect();
        assert_eq!(
            found,
            [
                "agent alice",
                "agent bob",
                "agent carol",
                "agent dave",
                "flow other",
                "flow sub",
                "list vip",
                "prompt hello",
                "prompt psst",
                "schedule office",
            ]
        );
        assert_eq!(pinned(&document), [("sub".to_owned(), 3)]);
        assert_eq!(links(&json!([1])), []);
    }
}
