//! query: looks records up with SOQL. Values of the call go between quotes only, escaped: they cannot become part of
//! the statement.

use super::failure;
use super::lookup::Lookup;
use crate::clock::Instant;
use crate::flow::audio::Audio;
use crate::flow::context::{Call, Exit};
use crate::flow::finding::Code;
use crate::flow::lookup::{LookupError, Query, Question, Reply};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::{Escape, Template};
use crate::flow::variables::{Scope, VariableValue};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 5] = [
    ("soql", "One SELECT; variables stand between quotes, and LIMIT is set by the field limit."),
    ("limit", "How many records are fetched at most."),
    ("saveAs", "The name of the variable that keeps count, ids and the records, by their numbers from 0."),
    ("timeoutSec", "How long the reply is waited for, in seconds."),
    ("waitAudio", "What the caller hears where the reply takes longer than a second; silence without it."),
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

    /// The statement with its values; nothing where it is too long with them.
    pub fn statement(&self, scope: &Scope) -> Option<String> {
        let rendered = self.soql.render(scope, Escape::Soql, SOQL_CHARS_MAX * 4);
        let fits = !rendered.cut && rendered.text.chars().count() <= SOQL_CHARS_MAX;
        fits.then(|| format!("{} LIMIT {}", rendered.text.trim(), self.limit))
    }

    pub fn enter(&self, call: &mut Call) -> ControlFlow<Exit, Lookup> {
        let Some(soql) = self.statement(&call.scope()) else {
            return failure("query_too_long", "With its values the query is longer than 4,000 characters.");
        };
        if let Some(records) = call.state.answers.known(&soql, call.now.instant) {
            return ControlFlow::Break(self.keep(records, call));
        }
        call.state.answers.asked = Some(soql.clone());
        let question = Question::Query(Query { soql, timeout: self.timeout });
        let audio = self.wait_audio.as_ref();
        ControlFlow::Continue(Lookup::start(question, self.timeout, audio, call))
    }

    pub fn replied(&self, result: Result<Reply, LookupError>, call: &mut Call) -> ControlFlow<Exit> {
        let asked = call.state.answers.asked.take();
        let records = match result {
            Ok(Reply::Query(records)) => records,
            Ok(_) => return failure("query_failed", "The reply is none to a query."),
            Err(error) => return failure(error.code, error.message),
        };
        if let Some(soql) = asked {
            call.state.answers.note(soql, &records, call.now.instant);
        }
        ControlFlow::Break(self.keep(records, call))
    }

    /// Keeps the records in the variable, and gives the way out.
    fn keep(&self, mut records: Vec<Record>, call: &mut Call) -> Exit {
        records.truncate(self.limit as usize);
        let port = if records.is_empty() { Port::NotFound } else { Port::Found };
        let Some(name) = &self.save_as else { return Exit::Port(port) };
        let ids: Vec<&str> = records.iter().filter_map(|r| r.get("Id").and_then(Value::as_str)).collect();
        let mut value = Map::new();
        value.insert("count".to_owned(), json!(records.len()));
        value.insert("ids".to_owned(), json!(ids.join("|")));
        for (i, record) in records.into_iter().enumerate() {
            value.insert(i.to_string(), Value::Object(record));
        }
        match call.state.variables.set_reply(name, VariableValue::Json(value.into())) {
            Ok(()) => Exit::Port(port),
            Err(error) => Exit::Error { code: "variable_refused", message: format!("`{name}`: {error}.") },
        }
    }
}

type Record = Map<String, Value>;

/// For how long an answer stands for the same question of the same call: a loop or a menu that leads back asks again and
/// again, and a record that is changed meanwhile is seen soon.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// Answers of one call that are kept; each may be of 256 KB.
const ANSWERS_MAX: usize = 4;

/// What queries of one call were answered.
#[derive(Debug, Default)]
pub(in crate::flow) struct Answers {
    /// The statement that waits for its answer.
    asked: Option<String>,
    /// The latest last.
    known: VecDeque<(Instant, String, Vec<Record>)>,
}

impl Answers {
    fn known(&self, soql: &str, now: Instant) -> Option<Vec<Record>> {
        let fresh = |(at, known, _): &&(Instant, String, Vec<Record>)| known == soql && now - *at < FRESH_FOR;
        self.known.iter().find(fresh).map(|(_, _, records)| records.clone())
    }

    fn note(&mut self, soql: String, records: &[Record], now: Instant) {
        self.known.retain(|(_, known, _)| *known != soql);
        if self.known.len() >= ANSWERS_MAX {
            self.known.pop_front();
        }
        self.known.push_back((now, soql, records.to_vec()));
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
