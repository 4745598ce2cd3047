//! The account: what holds where a flow or a number says nothing.

use super::{ACCOUNT_ID, Checked, Link, Object};
use crate::config::reader::Section;
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
/// Days and ranges of days: ten years of a country's holidays.
const HOLIDAYS_MAX: usize = 500;

/// Settings for flows that have none of their own.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Account {
    /// Fields of a flow's `settings`, by their names there.
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
    set("timeZone", section.parsed("time_zone", time_zone).map(Value::from));
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
    holidays(section);
    let links = agent.map(|id| Link { kind: "agent", id }).into_iter().collect();
    let object = Object::Account(Account { settings });
    Some(Checked { id: ACCOUNT_ID.to_owned(), name: name.unwrap_or_default(), links, object })
}

/// A zone of the IANA database.
pub(super) fn time_zone(text: &str) -> Result<String, String> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("a time zone, such as America/New_York".to_owned()),
    }
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

/// Days on which nobody works: `{date, name}` or `{from, to, name}`.
fn holidays(section: &Section<'_>) {
    let holidays = section.sections("holidays");
    if holidays.len() > HOLIDAYS_MAX {
        section.error("holidays", format!("has more than {HOLIDAYS_MAX} entries"), "take the past ones out");
    }
    for day in &holidays {
        bounded(day, "name", 80);
        let date = |key| {
            day.parsed(key, |text| {
                let date = text.parse::<jiff::civil::Date>();
                date.map_err(|_| "a day, such as 2026-12-25".to_owned())
            })
        };
        let days = ["date", "from", "to"].map(|key| (day.has(key), date(key)));
        match days {
            // What cannot be read has been said.
            [(true, None), ..] | [_, (true, None), _] | [.., (true, None)] => {}
            [(true, _), (false, _), (false, _)] => {}
            [(false, _), (_, Some(from)), (_, Some(to))] => {
                if to < from {
                    day.error("to", "is before from", "");
                }
            }
            _ => day.error("", "needs date, or from and to", "date = \"2026-12-25\""),
        }
    }
}
