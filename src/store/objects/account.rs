//! The account: what holds where a flow or a number says nothing.

use super::{ACCOUNT_ID, Checked, Link, Object, schedules};
use crate::config::reader::Section;
use crate::flow::schedule;
use serde_json::{Map, Value};

pub const KEYS: [&str; 10] = [
    "name",
    "time_zone",
    "language",
    "voice",
    "recording",
    "assign_abandoned_to",
    "append_final_step",
    "abandoned_subject",
    "abandoned_comments",
    "short_abandon_sec",
];

/// What the account says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Account {
    /// The zone of schedules and flows that name none, and its holidays.
    pub calendar: schedule::Account,
    /// Fields of a flow's `settings`, by their names there, for flows that do not have them.
    pub settings: Map<String, Value>,
}

pub(super) fn read(section: &Section<'_>) -> Option<Checked> {
    let mut settings = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings.insert(key.to_owned(), value);
        }
    };
    let name = section.text("name");
    set("language", section.parsed("language", language).map(Value::from));
    set("voice", bounded(section, "voice", 100).map(Value::from));
    let recording = section.parsed("recording", |text| match text {
        "inherit" | "always" | "never" => Ok(text.to_owned()),
        _ => Err("a recording policy: inherit, always or never".to_owned()),
    });
    set("recording", recording.map(Value::from));
    let agent = bounded(section, "assign_abandoned_to", 100);
    set("assignAbandonedTo", agent.clone().map(Value::from));
    set("appendFinalStep", section.boolean("append_final_step").map(Value::from));
    set("abandonedSubject", template(section, "abandoned_subject", 255));
    set("abandonedComments", template(section, "abandoned_comments", 32_000));
    set("shortAbandonSec", section.integer("short_abandon_sec", 0..=60).map(Value::from));
    let links = agent.map(|id| Link { kind: "agent", id }).into_iter().collect();
    let object = Object::Account(Account { calendar: schedules::account(section), settings });
    Some(Checked { id: ACCOUNT_ID.to_owned(), name: name.unwrap_or_default(), links, object })
}

/// The shape of BCP 47: a language, and what belongs to it behind dashes.
pub(super) fn language(text: &str) -> Result<String, String> {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or("");
    let fits = text.split('-').all(is_part)
        && (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic());
    if fits { Ok(text.to_owned()) } else { Err("a language, such as en or en-US".to_owned()) }
}

/// A text that is not too long.
pub(super) fn bounded(section: &Section<'_>, key: &'static str, chars_max: usize) -> Option<String> {
    let text = section.text(key)?;
    if text.chars().count() > chars_max {
        section.error(key, format!("is longer than {chars_max} characters"), "");
        return None;
    }
    Some(text)
}

fn template(section: &Section<'_>, key: &'static str, chars_max: usize) -> Option<Value> {
    let text = bounded(section, key, chars_max)?;
    if let Err(error) = crate::flow::Template::parse(&text) {
        section.error(key, error.to_string(), "write {{name}} or {{name | filter}}");
        return None;
    }
    Some(Value::from(text))
}
