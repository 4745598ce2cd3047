//! Tests that the API keeps, as an export has them: `simulations/NAME.json` beside `flows`.

use super::{Difference, Outcome};
use crate::cli::flow::{facts, load, prompt_lengths, read_text};
use crate::flow::FlowVersion;
use crate::flow::simulate::kept::{self, Prepared};
use crate::store::export::pretty;
use crate::store::objects::DOCUMENT_BYTES_MAX;
use crate::store::provision::library;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs one test. With `update` the ladder that came of it is put in its place.
pub fn run(file: &Path, update: bool) -> Outcome {
    let (result, difference) = match try_run(file, update) {
        Ok((result, difference)) => (result.to_owned(), difference),
        Err(why) => (why, None),
    };
    Outcome { file: file.display().to_string(), result, difference }
}

fn try_run(file: &Path, update: bool) -> Result<(&'static str, Option<Difference>), String> {
    let text = read_text(file, DOCUMENT_BYTES_MAX).map_err(|error| error.to_string())?;
    let mut document: Value = serde_json::from_str(&text).map_err(|error| format!("is no JSON: {error}"))?;
    let mut test = kept::read(&document).map_err(|error| error.to_string())?;
    let folder = file.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let flow = prepare(folder, &mut test)?;
    let asserts = test.asserts();
    let run = test.run(flow);
    let Some(difference) = run.difference else { return Ok(("ok", None)) };
    if update {
        document["expected"] = run.lines.into();
        return write(file, &document).map(|()| ("updated", None));
    }
    if !asserts {
        return Ok(("asserts nothing: keep what it does with --update", None));
    }
    let text = |line: Option<String>| line.unwrap_or_else(|| "(the end)".to_owned());
    let (expected, actual) = (text(difference.expected), text(difference.actual));
    Ok(("changed", Some(Difference { line: difference.line, expected, actual })))
}

#[expect(clippy::disallowed_methods, reason = "the command was told to write anew what has changed")]
fn write(file: &Path, document: &Value) -> Result<(), String> {
    std::fs::write(file, pretty(document)).map_err(|error| error.to_string())
}

/// The flow that is tried, and what lies beside it.
fn prepare(folder: &Path, test: &mut Prepared) -> Result<FlowVersion, String> {
    let file = flow_file(&folder.join("flows"), &test.flow).ok_or_else(|| {
        format!("there is no call flow \"{}\" in {}", test.flow, folder.join("flows").display())
    })?;
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

/// The file of a flow: most often named like it, else found by its id.
fn flow_file(folder: &Path, id: &str) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| {
        let text = read_text(path, DOCUMENT_BYTES_MAX).ok()?;
        let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        (document.get("id")?.as_str()? == id).then_some(())
    };
    super::files(folder, "json").ok()?.into_iter().find(|path| is_it(path).is_some())
}
