//! query: looks records up with SOQL. Values of the call go between quotes only, escaped: they cannot become part of
//! the statement.

use super::lookup::Lookup;
use super::{failure, leave};
use crate::flow::audio::Audio;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::lookup::{LookupError, Query, Question, Reply};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::{Escape, Template};
use crate::flow::variables::VariableValue;
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 5] = [
    ("soql", "One SELECT; variables stand between quotes, and LIMIT is set by the field limit."),
    ("limit", "How many records are fetched at most."),
    ("saveAs", "The name of the variable that keeps count, ids and the records, by their numbers from 0."),
    ("timeoutSec", "How long the reply is waited for, in seconds."),
    ("waitAudio", "What the caller hears meanwhile; silence without it."),
];
/// Longest statement in characters. flows.md 1.3.
const SOQL_CHARS_MAX: usize = 4_000;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    soql: Template,
    limit: u32,
    save_as: Option<String>,
    timeout: Duration,
    wait_audio: Option<Audio>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let soql = fields.required_template("soql", SOQL_CHARS_MAX, reading);
        if !soql.is_empty()
            && let Some((message, remedy)) = objection(&soql)
        {
            reading.error(Code::E03, &fields.at("soql"), message, remedy);
        }
        Config {
            soql,
            limit: fields.number("limit", 1..=10, 1, reading),
            save_as: fields.variable_name("saveAs", reading),
            timeout: Duration::from_secs(fields.number("timeoutSec", 1..=15, 8, reading).into()),
            wait_audio: Audio::read(fields, "waitAudio", reading),
        }
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Lookup> {
        let rendered = self.soql.render(&call.scope(), Escape::Soql, SOQL_CHARS_MAX * 4);
        if rendered.cut || rendered.text.chars().count() > SOQL_CHARS_MAX {
            return failure("query_too_long", "With its values the query is longer than 4,000 characters.");
        }
        let soql = format!("{} LIMIT {}", rendered.text.trim(), self.limit);
        let question = Question::Query(Query { soql, timeout: self.timeout });
        let audio = self.wait_audio.as_ref();
        ControlFlow::Continue(Lookup::start(question, self.timeout, audio, call))
    }

    pub fn replied(&self, result: Result<Reply, LookupError>, call: &mut Call) -> ControlFlow<Exit> {
        let mut records = match result {
            Ok(Reply::Query(records)) => records,
            Ok(_) => return failure("query_failed", "The reply is none to a query."),
            Err(error) => return failure(error.code, error.message),
        };
        records.truncate(self.limit as usize);
        let found = !records.is_empty();
        if let Some(name) = &self.save_as {
            let ids: Vec<&str> = records.iter().filter_map(|r| r.get("Id").and_then(Value::as_str)).collect();
            let mut value = Map::new();
            value.insert("count".to_owned(), json!(records.len()));
            value.insert("ids".to_owned(), json!(ids.join("|")));
            for (i, record) in records.into_iter().enumerate() {
                value.insert(i.to_string(), Value::Object(record));
            }
            if let Err(error) = call.state.variables.set_reply(name, VariableValue::Json(value.into())) {
                return failure("variable_refused", format!("`{name}`: {error}."));
            }
        }
        leave(if found { Port::Found } else { Port::NotFound })
    }
}

/// What speaks against a statement: it must be one SELECT, with values between quotes, and without a LIMIT.
fn objection(soql: &Template) -> Option<(&'static str, &'static str)> {
    let outside = match soql.outside_quotes() {
        Ok(outside) => outside,
        Err(_) => {
            return Some((
                "A variable stands outside of quotes, or a quote is not closed.",
                "Put it between quotes, as in `WHERE Phone = '{{call.from}}'`.",
            ));
        }
    };
    let words: Vec<String> = outside
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    if words.first().map(String::as_str) != Some("SELECT") || outside.contains(';') {
        return Some(("The query is not one SELECT.", "Begin with SELECT."));
    }
    let is_there = |word: &str| words.iter().any(|known| known == word);
    if is_there("LIMIT") || is_there("OFFSET") {
        return Some(("The query has a LIMIT of its own.", "Take it out; set `limit`."));
    }
    if ["UPDATE", "FOR"].into_iter().any(is_there) {
        return Some(("The query locks or marks records.", "Take FOR and UPDATE out."));
    }
    None
}
