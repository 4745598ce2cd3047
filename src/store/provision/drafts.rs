//! Drafts as files: of flows that were never published, and those that are other than what is live.

use super::{finding, flow_files, read_flow};
use crate::config::reader::{Finding, Severity};
use crate::flow::{Flow, Resources};
use crate::store::database::flows::flow_id;
use serde_json::Value;
use std::path::Path;

/// Reads the drafts of a folder with the ids of their flows. What would keep one from being published is a warning: a
/// draft may be half done.
pub(super) fn read(
    folder: &Path,
    resources: &Resources,
    findings: &mut Vec<Finding>,
) -> Vec<(String, Value)> {
    let mut drafts: Vec<(String, Value)> = Vec::new();
    for path in flow_files(folder) {
        let mut say =
            |severity, message: String, remedy| findings.push(finding(severity, &path, message, remedy));
        let text = match read_flow(&path) {
            Ok(text) => text,
            Err(message) => {
                say(Severity::Error, message, "");
                continue;
            }
        };
        let document: Value = match serde_json::from_str(&text) {
            Ok(document) => document,
            Err(error) => {
                say(Severity::Error, format!("is no JSON: {error}"), "");
                continue;
            }
        };
        let id = match flow_id(&document) {
            Ok(id) => id,
            Err(error) => {
                say(Severity::Error, error.to_string(), "");
                continue;
            }
        };
        if drafts.iter().any(|(other, _)| *other == id) {
            let message = format!("a draft of \"{id}\" was read from another file");
            say(Severity::Error, message, "a call flow has one draft");
            continue;
        }
        let errors = Flow::compile(&text, resources).err().unwrap_or_default();
        if let Some(first) = errors.iter().find(|found| found.is_error()) {
            say(Severity::Warning, format!("the draft cannot be published as it is: {first}"), "");
        }
        drafts.push((id, document));
    }
    drafts
}
