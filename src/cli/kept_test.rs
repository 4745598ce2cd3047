//! Tests that the API keeps, as an export has them: `simulations/NAME.json` beside `flows`.

use super::flow::{facts, load, prompt_lengths, read_text};
use super::flow_test::Outcome;
use crate::flow::FlowVersion;
use crate::flow::simulate::kept::{self, Prepared};
use crate::store::export::pretty;
use crate::store::objects::DOCUMENT_BYTES_MAX;
use crate::store::provision::{flow_file, library};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Runs one test. With `update` the ladder that came of it is put in its place.
pub(super) fn run(file: &Path, update: bool) -> Outcome {
    try_run(file, update).unwrap_or_else(|why| Outcome::said(file, why))
}

fn try_run(file: &Path, update: bool) -> Result<Outcome, String> {
    let text = read_text(file, DOCUMENT_BYTES_MAX).map_err(|error| error.to_string())?;
    let mut document: Value = serde_json::from_str(&text).map_err(|error| format!("is no JSON: {error}"))?;
    let mut test = kept::read(&document).map_err(|error| error.to_string())?;
    let folder = std::path::absolute(file).map_err(|error| error.to_string())?;
    let folder = folder.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let flow = prepare(folder, &mut test)?;
    if !test.asserts() && !update {
        return Err("asserts nothing: keep what it does with --update".to_owned());
    }
    let expected = test.expected().join("\n");
    let run = test.run(flow);
    let actual = run.lines.join("\n");
    document["expected"] = run.lines.into();
    Ok(Outcome::compared(file, (&expected, &actual), update.then_some(|| write(file, &document))))
}

#[expect(clippy::disallowed_methods, reason = "the command was told to write this file")]
fn write(file: &Path, document: &Value) -> io::Result<()> {
    std::fs::write(file, pretty(document))
}

/// The flow that is tried, what is live or else its draft, and what lies beside it.
fn prepare(folder: &Path, test: &mut Prepared) -> Result<FlowVersion, String> {
    let file = flow_file(folder, &test.flow)
        .ok_or_else(|| format!("there is no call flow \"{}\" in flows or drafts", test.flow))?;
    let shown = file.display();
    let flow = match load(&file).map_err(|error| format!("{shown}: {error}"))? {
        Ok((flow, _)) => flow,
        Err(findings) => {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            return Err(format!("{shown} has errors: {first}"));
        }
    };
    let numbers = std::mem::take(&mut test.setting.facts);
    test.setting.facts = facts(&numbers.from, &numbers.to);
    test.setting.prompt_lengths = prompt_lengths(&file, flow.prompts());
    test.setting.library = Arc::new(library(folder));
    Ok(FlowVersion::unpublished(flow))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "files that the test makes")]

    use super::*;
    use serde_json::json;

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
            let mut document = json!({"id": "busy", "flow": "main", "dials": {"alice": "busy"},
                "inputs": [{"input": "press", "keys": "1"}, {"input": "wait", "seconds": 10}]});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            std::fs::write(&file, document.to_string()).unwrap();
            super::run(&file, update).result
        };
        assert!(run(json!({}), false).starts_with("asserts nothing"));
        assert_eq!(run(json!({"expected": ["something else"]}), false), "changed");
        assert!(run(json!({"pres": "2"}), false).contains("`pres`"));
        assert!(run(json!({"flow": "other"}), false).contains("no call flow \"other\""));
        assert_eq!(run(json!({}), true), "updated");
        let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(written["expected"][0], "    0.000  ask (menu \"ask\")");
        assert_eq!(super::run(&file, false).result, "ok");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
