//! The variables of a call, and the scope that templates read.

use super::template::{Escape, Path, Rendered, Template};
use super::{CallFacts, graph::Flow};
use crate::clock::Wall;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Longest value in bytes. flows.md 1.2 rule 9.
pub const VALUE_BYTES_MAX: usize = 8 * 1_024;
/// Replies of other systems in one call, in bytes: four of the largest. flows.md 1.3 lets one have 256 KB.
const REPLY_BYTES_MAX: usize = 1_024 * 1_024;
/// Most variables of a call. flows.md 1.2 rule 9.
pub const VARIABLES_MAX: usize = 200;
/// What log and record show in place of a sensitive value.
pub(super) const MASK: &str = "•••";

/// Fields of `call.*`.
pub(super) const CALL_FIELDS: [&str; 11] = [
    "id",
    "callKey",
    "from",
    "caller",
    "to",
    "fromAreaCode",
    "fromCountryCode",
    "divertedFrom",
    "fromName",
    "startedAt",
    "numberLabel",
];
/// Fields of `flow.*`.
pub(super) const FLOW_FIELDS: [&str; 3] = ["id", "name", "version"];
/// Fields of `dial.*`, written when a dial step is left.
pub(super) const DIAL_FIELDS: [&str; 5] = ["result", "agentId", "talkSec", "ringSec", "sipCode"];
/// Fields of `error.*`, written by a step error.
pub(super) const ERROR_FIELDS: [&str; 3] = ["code", "step", "message"];
/// Fields of `contact.*`, set where the CRM knows the caller's number.
pub(super) const CONTACT_FIELDS: [&str; 4] = ["id", "type", "name", "ownerId"];
/// The owner of that record, by the name that the seed gives it.
pub(super) const OWNER_ID: &str = "owner_id";
/// Reserved names that only a queue gives a value.
pub(super) const QUEUE_VARIABLES: [&str; 2] = ["queue_size", "queue_average_wait_time"];
/// First words that belong to the engine; a step cannot save under them.
pub(super) const RESERVED: [&str; 8] =
    ["call", "flow", "dial", "error", "contact", "owner_id", "queue_size", "queue_average_wait_time"];

/// The engine's own are told by the dot in their names, but for the one that the seed named.
fn is_own(name: &str) -> bool {
    name.contains('.') || name == OWNER_ID
}

/// `[a-z][a-zA-Z0-9_]{0,39}`, flows.md 1.2 rule 9.
pub(super) fn is_variable_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[derive(Clone, PartialEq, Debug)]
struct Variable {
    value: VariableValue,
    sensitive: bool,
    /// Set since the current step was entered.
    changed: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum VariableValue {
    Text(String),
    Json(Value),
}

/// Why a variable was not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum VariableError {
    #[error("the value is longer than 8 KB")]
    TooLong,
    #[error("the replies of this call would be more than 1 MB")]
    RepliesTooLarge,
    #[error("the call has 200 variables already")]
    TooMany,
}

/// Set by steps, read by templates.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Variables {
    by_name: BTreeMap<String, Variable>,
}

impl Variables {
    pub(super) fn set(
        &mut self,
        name: &str,
        value: VariableValue,
        sensitive: bool,
    ) -> Result<(), VariableError> {
        if value.text().len() > VALUE_BYTES_MAX {
            return Err(VariableError::TooLong);
        }
        let variable = Variable { value, sensitive, changed: true };
        if let Some(known) = self.by_name.get_mut(name) {
            *known = variable;
        } else if self.by_name.len() >= VARIABLES_MAX {
            return Err(VariableError::TooMany);
        } else {
            self.by_name.insert(name.to_owned(), variable);
        }
        Ok(())
    }

    /// Sets what another system replied, which may be longer than other values.
    pub(super) fn set_reply(&mut self, name: &str, value: VariableValue) -> Result<(), VariableError> {
        let others = self
            .by_name
            .iter()
            .filter(|(known, variable)| *known != name && matches!(variable.value, VariableValue::Json(_)));
        let held: usize = others.map(|(_, variable)| variable.value.bytes()).sum();
        if held + value.bytes() > REPLY_BYTES_MAX {
            return Err(VariableError::RepliesTooLarge);
        }
        if self.by_name.len() >= VARIABLES_MAX && !self.by_name.contains_key(name) {
            return Err(VariableError::TooMany);
        }
        self.by_name.insert(name.to_owned(), Variable { value, sensitive: false, changed: true });
        Ok(())
    }

    /// Sets one of the engine's own few, which no limit keeps out.
    pub(super) fn set_own(&mut self, name: &str, value: String) {
        if self.get(name).unwrap_or_default() == value {
            return;
        }
        let variable = Variable { value: VariableValue::Text(value), sensitive: false, changed: true };
        self.by_name.insert(name.to_owned(), variable);
    }

    /// The engine's own, for another flow of the same call.
    pub(super) fn own(&self) -> Variables {
        let own = self.by_name.iter().filter(|(name, _)| is_own(name));
        Variables { by_name: own.map(|(name, variable)| (name.clone(), variable.clone())).collect() }
    }

    /// Takes over the engine's own and those of the given names.
    pub(super) fn take_from(&mut self, other: &Variables, names: &[String]) -> Result<(), VariableError> {
        for (name, variable) in &other.by_name {
            if is_own(name) {
                self.by_name.insert(name.clone(), variable.clone());
            } else if names.contains(name) {
                self.set(name, variable.value.clone(), variable.sensitive)?;
            }
        }
        Ok(())
    }

    /// Takes over all of `inner`.
    pub(super) fn overlay(&mut self, inner: &Variables) {
        self.by_name.extend(inner.by_name.iter().map(|(name, variable)| (name.clone(), variable.clone())));
    }

    /// The same without the sensitive values.
    pub(super) fn masked(&self) -> Variables {
        let mut masked = self.clone();
        for variable in masked.by_name.values_mut().filter(|variable| variable.sensitive) {
            variable.value = VariableValue::Text(MASK.to_owned());
        }
        masked
    }

    /// A variable's text, whether sensitive or not.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.by_name.get(name).map(|variable| variable.value.text())
    }

    /// Names and values in order of their names, sensitive ones masked.
    pub fn shown(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.by_name.iter().map(|(name, variable)| (name.as_str(), variable.shown()))
    }

    /// Names and values without the sensitive ones.
    pub(super) fn open(&self) -> Vec<(String, String)> {
        self.by_name
            .iter()
            .filter(|(_, variable)| !variable.sensitive)
            .map(|(name, variable)| (name.clone(), variable.shown().into_owned()))
            .collect()
    }

    /// What was set since the last time this was asked, sensitive values masked.
    pub(super) fn take_changed(&mut self) -> Vec<(String, String)> {
        self.by_name
            .iter_mut()
            .filter_map(|(name, variable)| {
                std::mem::take(&mut variable.changed).then(|| (name.clone(), variable.shown().into_owned()))
            })
            .collect()
    }
}

impl Variable {
    fn shown(&self) -> Cow<'_, str> {
        if self.sensitive {
            return Cow::Borrowed(MASK);
        }
        // A large reply is not put into words only to be left out.
        match self.value.bytes() {
            bytes if bytes > VALUE_BYTES_MAX => Cow::Owned(format!("({bytes} bytes)")),
            _ => self.value.text(),
        }
    }
}

impl VariableValue {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            VariableValue::Text(text) => Cow::Borrowed(text),
            VariableValue::Json(value) => json_text(value),
        }
    }

    /// About as many bytes as its text has.
    fn bytes(&self) -> usize {
        match self {
            VariableValue::Text(text) => text.len(),
            VariableValue::Json(value) => json_bytes(value),
        }
    }
}

/// About as many bytes as the text of a value has, without making it: numbers count as eight, escapes as one.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| json_bytes(item) + 1).sum::<usize>() + 1,
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() + 4 + json_bytes(value)).sum::<usize>() + 1
        }
    }
}

fn json_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Everything a template may read at one moment.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub flow: &'a Flow,
    pub version: u32,
    pub facts: &'a CallFacts,
    pub started: Wall,
    pub variables: &'a Variables,
}

/// What a path led to; empty where nothing was there.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub text: Cow<'a, str>,
    pub sensitive: bool,
    pub is_json: bool,
}

impl<'a> Scope<'a> {
    pub fn find(&self, path: &Path) -> Found<'a> {
        match path.root() {
            "call" => self.call_field(path.rest()).into(),
            "flow" => match path.rest() {
                Some("id") => Cow::Borrowed(self.flow.id()).into(),
                Some("name") => Cow::Borrowed(self.flow.name()).into(),
                Some("version") => Cow::Owned::<'a, str>(self.version.to_string()).into(),
                _ => Found::default(),
            },
            _ => self.variable(path),
        }
    }

    /// The JSON that a path leads to.
    pub fn json(&self, path: &Path) -> Option<&'a Value> {
        let variable = self.variables.by_name.get(path.root())?;
        let VariableValue::Json(value) = &variable.value else { return None };
        let Some(rest) = path.rest() else { return Some(value) };
        rest.split('.').try_fold(value, inner)
    }

    pub fn render(&self, template: &Template, bytes_max: usize) -> Rendered {
        template.render(self, Escape::Plain, bytes_max)
    }

    /// A text of so many characters at most.
    pub fn render_chars(&self, template: &Template, chars_max: usize) -> String {
        // Four bytes hold any character.
        let text = self.render(template, chars_max * 4).text;
        text.chars().take(chars_max).collect()
    }

    fn call_field(&self, field: Option<&str>) -> Cow<'a, str> {
        let facts = self.facts;
        Cow::Borrowed(match field {
            Some("id") => &facts.call_id,
            Some("callKey") => &facts.call_key,
            Some("from" | "caller") => &facts.from,
            Some("to") => &facts.to,
            Some("fromAreaCode") => &facts.from_area_code,
            Some("fromCountryCode") => &facts.from_country_code,
            Some("divertedFrom") => &facts.diverted_from,
            Some("fromName") => &facts.from_name,
            Some("numberLabel") => &facts.number_label,
            Some("startedAt") => return Cow::Owned(self.started.to_string()),
            _ => "",
        })
    }

    /// The engine's own (`dial.result`) stand under their full names; within JSON the path is followed.
    fn variable(&self, path: &Path) -> Found<'a> {
        if let Some(variable) = self.variables.by_name.get(&path.full) {
            return Found {
                text: variable.value.text(),
                sensitive: variable.sensitive,
                is_json: matches!(variable.value, VariableValue::Json(_)),
            };
        }
        let Some(Variable { value: VariableValue::Json(value), sensitive, .. }) =
            self.variables.by_name.get(path.root())
        else {
            return Found::default();
        };
        let inner = path.rest().unwrap_or_default().split('.').try_fold(value, inner);
        match inner {
            Some(value) => Found {
                text: json_text(value),
                sensitive: *sensitive,
                is_json: !matches!(value, Value::String(_)),
            },
            None => Found::default(),
        }
    }
}

/// A field of an object, or an item of a list by its number from 0.
fn inner<'a>(value: &'a Value, segment: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(segment),
        Value::Array(list) => segment.parse::<usize>().ok().and_then(|i| list.get(i)),
        _ => None,
    }
}

impl<'a> From<Cow<'a, str>> for Found<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Found { text, ..Found::default() }
    }
}
