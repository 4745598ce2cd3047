//! Lists of call records, a page at a time, the latest call first.
//!
//! Every page is found through an index, however many records there are: by what is equal (number, flow, agent, outcome, reason of the end)
//! the index has the order of the list, so that a page is read off it. A beginning (of a caller or a call id) has no such
//! order: where few records match they are sorted, and where many match the list is walked by time until a page is full.

use super::{Database, DatabaseError, Engine};
use crate::clock::Wall;
use serde_json::Value;
use sqlx::Row;

/// Records of one page; a reader that wants more asks again.
pub const PAGE_MAX: u32 = 500;
/// Matches of a beginning that are sorted at once: some milliseconds. With more among them than this, a page is found
/// within a small share of all records.
const SORTED_MAX: u32 = 1_000;

/// A record as it was written.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredRecord {
    /// The server that had the call.
    pub node: String,
    pub call_id: String,
    pub started: Wall,
    pub ended: Wall,
    /// The whole record, with the path of the call and the time it entered each step.
    pub document: Value,
}

/// What a list shows: records for which all that is given holds.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Filter {
    /// The Smart Number.
    pub number: Option<String>,
    pub flow_id: Option<String>,
    /// A word of flows.md 1.6, such as `abandoned_in_flow`.
    pub outcome: Option<String>,
    pub agent_id: Option<String>,
    /// A word of [`crate::call::record::EndReason`], such as `rejected`.
    pub end_reason: Option<String>,
    /// How the caller's number begins.
    pub caller: Option<String>,
    /// How the call's id, its key or the caller's Call-ID begins.
    pub call: Option<String>,
    /// Calls that started not before, and before.
    pub from: Option<Wall>,
    pub until: Option<Wall>,
}

/// Where the next page begins: after this record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub started: Wall,
    pub node: String,
    pub call_id: String,
}

impl StoredRecord {
    pub fn cursor(&self) -> Cursor {
        Cursor { started: self.started, node: self.node.clone(), call_id: self.call_id.clone() }
    }
}

impl Database {
    /// A page of records, the latest call first: at most `limit`, and at most [`PAGE_MAX`].
    pub async fn records(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, DatabaseError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut beginnings = Statement::default();
        beginnings.beginnings(filter, "");
        let is_rare = !beginnings.text.is_empty() && self.is_rare(beginnings).await?;
        let rows = page(self.engine, filter, after, limit, is_rare).fetch_all(&self.pool).await?;
        rows.iter().map(stored).collect()
    }

    /// Whether a filter holds for more records than that. So many entries of an index are looked at.
    pub async fn are_more_than(&self, most: u32, filter: &Filter) -> Result<bool, DatabaseError> {
        let mut statement = Statement::default();
        statement.beginnings(filter, "");
        statement.equals(filter);
        statement.times(filter, None);
        let condition =
            if statement.text.is_empty() { String::new() } else { format!("WHERE {}", statement.text) };
        statement.text = format!("SELECT 1 FROM call_records {condition} LIMIT 1 OFFSET {most}");
        Ok(statement.query().fetch_optional(&self.pool).await?.is_some())
    }

    /// One record.
    pub async fn record(&self, node: &str, call_id: &str) -> Result<Option<StoredRecord>, DatabaseError> {
        const ONE: &str = "SELECT node, call_id, started, ended, document FROM call_records WHERE node = $1 AND call_id = $2";
        let row = sqlx::query(ONE).bind(node).bind(call_id).fetch_optional(&self.pool).await?;
        row.as_ref().map(stored).transpose()
    }

    /// Whether so few records match that they are sorted in no time.
    async fn is_rare(&self, beginnings: Statement) -> Result<bool, DatabaseError> {
        let Statement { text, values } = beginnings;
        let limit = SORTED_MAX + 1;
        let text =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM call_records WHERE {text} LIMIT {limit}) AS found");
        let row = Statement { text, values }.query().fetch_one(&self.pool).await?;
        Ok(row.try_get::<i64, _>(0)? <= i64::from(SORTED_MAX))
    }
}

fn stored(row: &sqlx::any::AnyRow) -> Result<StoredRecord, DatabaseError> {
    Ok(StoredRecord {
        node: row.try_get(0)?,
        call_id: row.try_get(1)?,
        started: Wall::from_unix_micros(row.try_get(2)?),
        ended: Wall::from_unix_micros(row.try_get(3)?),
        document: serde_json::from_str(row.try_get(4)?)?,
    })
}

/// Text with its parameters.
#[derive(Default)]
struct Statement {
    text: String,
    values: Vec<Parameter>,
}

enum Parameter {
    Text(String),
    Number(i64),
}

type Query = sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>;

/// The keys of a page are found first, by indexes alone; then their rows are read.
fn page(engine: Engine, filter: &Filter, after: Option<&Cursor>, limit: u32, is_rare: bool) -> Query {
    const ORDER: &str = "ORDER BY started DESC, node DESC, call_id DESC";
    let (mut first, mut from) = (Statement::default(), "call_records");
    let mut begin = String::new();
    if is_rare {
        first.beginnings(filter, "");
        begin = format!("WITH found AS MATERIALIZED (SELECT * FROM call_records WHERE {}) ", first.text);
        (first.text, from) = (String::new(), "found");
    } else {
        // SQLite would take the index of the beginnings, and sort all that it finds there: a plus forbids it that index.
        first.beginnings(filter, if engine == Engine::Sqlite { "+" } else { "" });
    }
    first.equals(filter);
    first.times(filter, after);
    let condition = if first.text.is_empty() { String::new() } else { format!("WHERE {}", first.text) };
    first.text = format!(
        "{begin}SELECT r.node, r.call_id, r.started, r.ended, r.document \
         FROM (SELECT node, call_id FROM {from} {condition} {ORDER} LIMIT {limit}) AS k \
         JOIN call_records AS r ON r.node = k.node AND r.call_id = k.call_id \
         ORDER BY r.started DESC, r.node DESC, r.call_id DESC"
    );
    first.query()
}

impl Statement {
    fn parameter(&mut self, value: Parameter) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn and(&mut self, condition: &str) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(condition);
    }

    fn beginnings(&mut self, filter: &Filter, hint: &str) {
        for (columns, beginning) in
            [(&["caller"][..], &filter.caller), (&["call_id", "call_key", "sip_call_id"], &filter.call)]
        {
            let Some(beginning) = beginning.as_deref().filter(|text| !text.is_empty()) else { continue };
            let low = self.parameter(Parameter::Text(beginning.to_owned()));
            // No text sorts behind it but one that begins otherwise.
            let high = self.parameter(Parameter::Text(format!("{beginning}\u{10FFFF}")));
            let range = |column: &&str| format!("{hint}{column} >= {low} AND {hint}{column} < {high}");
            let ranges: Vec<_> = columns.iter().map(range).collect();
            self.and(&format!("({})", ranges.join(" OR ")));
        }
    }

    fn equals(&mut self, filter: &Filter) {
        for (column, value) in [
            ("number", &filter.number),
            ("flow_id", &filter.flow_id),
            ("outcome", &filter.outcome),
            ("agent_id", &filter.agent_id),
            ("end_reason", &filter.end_reason),
        ] {
            if let Some(value) = value {
                let value = self.parameter(Parameter::Text(value.clone()));
                self.and(&format!("{column} = {value}"));
            }
        }
    }

    fn times(&mut self, filter: &Filter, after: Option<&Cursor>) {
        for (comparison, time) in [(">=", filter.from), ("<", filter.until)] {
            if let Some(time) = time {
                let time = self.parameter(Parameter::Number(time.as_unix_micros()));
                self.and(&format!("started {comparison} {time}"));
            }
        }
        if let Some(Cursor { started, node, call_id }) = after {
            let started = self.parameter(Parameter::Number(started.as_unix_micros()));
            let node = self.parameter(Parameter::Text(node.clone()));
            let call_id = self.parameter(Parameter::Text(call_id.clone()));
            self.and(&format!("(started, node, call_id) < ({started}, {node}, {call_id})"));
        }
    }

    fn query(self) -> Query {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                // PostgreSQL refuses the character, and no record has it.
                Parameter::Text(text) => query.bind(text.replace('\0', "\u{FFFD}")),
                Parameter::Number(number) => query.bind(number),
            };
        }
        query
    }
}

#[cfg(test)]
mod tests;
