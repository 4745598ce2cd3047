//! Kept flow tests (`/flow-tests`, `simulations/NAME.json`): a call that is tried, and what has to come of it.

use super::flow::{SimulateOptions, simulated};
use super::flow_test::{MOMENT, Outcome};
use crate::flow::DOCUMENT_BYTES_MAX;
use crate::flow::simulate::Ladder;
use crate::store::provision::flow_file;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What is assumed of the world, in the words of `POST /simulations`, and what is expected.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Kept {
    flow: String,
    /// RFC 3339; always the same moment where absent.
    at: Option<String>,
    from: String,
    to: String,
    /// As `flow simulate --press` takes it.
    press: String,
    /// What becomes of dialled legs; who is not named answers.
    dials: BTreeMap<String, String>,
    /// What other systems reply, by the step that asks.
    replies: BTreeMap<String, Reply>,
    /// Seconds after which the caller hangs up.
    hang_up: Option<f64>,
    seed: u64,
    expect: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Value(Value),
    Failure(String),
}

/// Runs a kept test. `update` writes what has changed among what it expects.
pub(super) fn run(file: &Path, update: bool) -> Outcome {
    let (mut document, kept) = match read(file) {
        Ok(read) => read,
        Err(message) => return Outcome::said(file, message),
    };
    if kept.expect.is_empty() {
        let remedy = "say in `expect` what the `outcome`, the `path` of steps or the whole `ladder` is";
        return Outcome::said(file, format!("asserts nothing: {remedy}"));
    }
    let ladder = match play(file, &kept) {
        Ok(ladder) => ladder,
        Err(message) => return Outcome::said(file, message),
    };
    let mut actual = Map::new();
    for key in kept.expect.keys() {
        match found(&ladder, key) {
            Some(value) => _ = actual.insert(key.clone(), value),
            None => {
                let message = format!("expects `{key}`: `outcome`, `path` and `ladder` are known");
                return Outcome::said(file, message);
            }
        }
    }
    let (expected, is) = (lines(&kept.expect), lines(&actual));
    document.insert("expect".to_owned(), Value::Object(actual));
    let text = format!("{:#}\n", Value::Object(document));
    Outcome::compared(file, (&expected, &is), update.then_some(|| write(file, &text)))
}

fn read(file: &Path) -> Result<(Map<String, Value>, Kept), String> {
    let text = read_text(file).map_err(|error| error.to_string())?;
    let document: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| format!("is no JSON: {error}"))?;
    let mut fields = document.clone();
    // For people, and for the store.
    for key in ["id", "name", "description"] {
        fields.remove(key);
    }
    let kept = Kept::deserialize(Value::Object(fields)).map_err(|error| error.to_string())?;
    Ok((document, kept))
}

#[expect(clippy::disallowed_methods, reason = "the command was given this file to read")]
fn read_text(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(DOCUMENT_BYTES_MAX as u64).read_to_string(&mut text)?;
    Ok(text)
}

#[expect(clippy::disallowed_methods, reason = "the command was told to write this file")]
fn write(file: &Path, text: &str) -> io::Result<()> {
    std::fs::write(file, text)
}

/// Runs the call through the flow that lies in the same provisioned folder: what is live, else the draft.
fn play(file: &Path, kept: &Kept) -> Result<Ladder, String> {
    let folder: PathBuf = std::path::absolute(file).map_err(|error| error.to_string())?;
    let flow = folder.parent().and_then(Path::parent).and_then(|folder| flow_file(folder, &kept.flow));
    let flow = flow.ok_or_else(|| format!("there is no call flow \"{}\" in flows or drafts", kept.flow))?;
    let reply = |(step, reply): (&String, &Reply)| match reply {
        Reply::Value(value) => format!("{step}={value}"),
        Reply::Failure(reason) => format!("{step}=!{reason}"),
    };
    let options = SimulateOptions {
        file: flow,
        at: kept.at.clone(),
        from: kept.from.clone(),
        to: kept.to.clone(),
        press: kept.press.clone(),
        dial: kept.dials.iter().map(|(who, outcome)| format!("{who}={outcome}")).collect(),
        reply: kept.replies.iter().map(reply).collect(),
        hang_up: kept.hang_up,
        seed: kept.seed,
        json: false,
    };
    simulated(&options, MOMENT).map(|simulated| simulated.ladder).map_err(|refused| refused.said)
}

/// What can be expected of a call, by its key.
fn found(ladder: &Ladder, key: &str) -> Option<Value> {
    match key {
        "outcome" => serde_json::to_value(ladder.outcome.outcome).ok(),
        "path" => Some(ladder.outcome.path.iter().map(|visit| visit.step.clone()).collect()),
        "ladder" => Some(json!(ladder.to_string().lines().collect::<Vec<_>>())),
        _ => None,
    }
}

/// A line for each thing that is expected.
fn lines(expect: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (key, value) in expect {
        match value {
            Value::Array(items) => items.iter().for_each(|item| text.push_str(&format!("{key}: {item}\n"))),
            other => text.push_str(&format!("{key}: {other}\n")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "files that the test makes")]

    use super::*;

    #[test]
    fn a_kept_test_says_what_came_of_the_call_and_one_that_expects_nothing_is_no_success() {
        let folder = std::env::temp_dir().join(format!("cordboard-kept-{}", std::process::id()));
        for part in ["drafts", "simulations"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        let flow = json!({
            "schema": "callflow/1", "id": "main", "name": "Main", "entry": "ask", "steps": {
                "ask": {"type": "menu", "config": {"prompt": {"kind": "tts", "text": "Press one."}, "options": {"1": {}}},
                    "on": {"key:1": "ring", "no_response": "bye"}},
                "ring": {"type": "dial", "config": {"target": {"kind": "user", "value": "alice"}}, "on": {"no_response": "bye"}},
                "bye": {"type": "hangup"}}});
        std::fs::write(folder.join("drafts/x.json"), flow.to_string()).unwrap();
        let file = folder.join("simulations/busy.json");
        let run = |fields: Value, update| {
            let mut document =
                json!({"id": "busy", "flow": "main", "press": "1", "dials": {"alice": "busy"}});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            std::fs::write(&file, document.to_string()).unwrap();
            super::run(&file, update).result
        };
        let path = json!(["ask", "ring", "bye"]);
        assert_eq!(run(json!({"expect": {"path": path, "outcome": "disconnected_by_flow"}}), false), "ok");
        assert_eq!(run(json!({"expect": {"path": ["ask", "bye"]}}), false), "changed");
        assert!(run(json!({}), true).starts_with("asserts nothing"));
        assert!(run(json!({"expect": {"paths": []}}), true).starts_with("expects `paths`"));
        assert!(run(json!({"expect": {"path": path}, "pres": "2"}), false).contains("`pres`"));
        assert!(
            run(json!({"expect": {"path": path}, "flow": "other"}), false).contains("no call flow \"other\"")
        );
        assert_eq!(run(json!({"expect": {"ladder": []}}), true), "updated");
        let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(written["expect"]["ladder"][0], "    0.000  ask (menu \"ask\")");
        assert_eq!(super::run(&file, false).result, "ok");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
