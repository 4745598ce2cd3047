//! The columns of a record by its own names. What has no room in a cell (the path, legs with their figures) is in the JSON
//! lines.

use super::{Column, Row};
use serde_json::{Map, Value};

pub const COLUMNS: [Column; 33] = [
    ("callId", |row| row.value("/callId")),
    ("callKey", |row| row.value("/callKey")),
    ("sipCallId", |row| row.value("/sipCallId")),
    ("node", |row| row.node.to_owned()),
    ("trunk", |row| row.value("/trunk")),
    ("source", |row| row.value("/source")),
    ("number", |row| row.value("/number")),
    ("flowId", |row| row.value("/flowId")),
    ("version", |row| row.value("/version")),
    ("from", |row| row.value("/from")),
    ("to", |row| row.value("/to")),
    ("start", |row| row.value("/start")),
    ("answer", |row| row.value("/answer")),
    ("end", |row| row.value("/end")),
    ("durationSec", |row| row.value("/durationSec")),
    ("billedSec", |row| row.value("/billedSec")),
    ("talkSec", |row| row.value("/talkSec")),
    ("sipCode", |row| row.value("/sipCode")),
    ("endReason", |row| row.value("/endReason")),
    ("reason", |row| row.value("/reason")),
    ("outcome", |row| row.value("/outcome")),
    ("outcomeText", |row| row.value("/outcomeText")),
    ("finalStepId", |row| row.value("/finalStep/id")),
    ("finalStepName", |row| row.value("/finalStep/name")),
    ("finalStepSecondsIn", |row| row.value("/finalStep/secondsIn")),
    ("agentId", |row| row.value("/agentId")),
    ("endedBy", |row| row.value("/endedBy")),
    ("keys", keys),
    ("tags", |row| row.value("/tags")),
    ("vars", variables),
    ("abandonedSubject", |row| row.value("/abandonedTask/subject")),
    ("abandonedComments", |row| row.value("/abandonedTask/comments")),
    ("troubles", troubles),
];

/// All that were pressed, one after the other.
fn keys(row: &Row<'_>) -> String {
    row.list("/keys").iter().filter_map(|key| key.get("digit")?.as_str()).collect()
}

/// As a JSON object, as tags are.
fn variables(row: &Row<'_>) -> String {
    let pairs = row.list("/vars").iter().filter_map(|pair| {
        let [Value::String(name), value] = pair.as_array()?.as_slice() else { return None };
        Some((name.clone(), value.clone()))
    });
    let variables: Map<String, Value> = pairs.collect();
    if variables.is_empty() { String::new() } else { Value::Object(variables).to_string() }
}

/// `caller:no_audio alice:loss`.
fn troubles(row: &Row<'_>) -> String {
    let word = |trouble: &Value| {
        let text = |name: &str| trouble.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}:{}", text("party"), text("kind"))
    };
    row.list("/troubles").iter().map(word).collect::<Vec<_>>().join(" ")
}
