//! Call records: written once each, with what follows from them. [`super::record_list`] reads them.

use super::counts::Tally;
use super::outbox::Told;
use super::{Database, DatabaseError, erasure, outbox, rows};
use crate::clock::Wall;
use crate::flow::{Person, TaskText};
use crate::store::erasure::{Orders, erase};
use serde::Deserialize;
use sqlx::{AnyConnection, Row};
use std::borrow::Cow;
use std::collections::HashSet;

/// Characters of a text that lists go by. PostgreSQL indexes at most 2,700 bytes; what a caller sends may be longer. The
/// document has the whole.
const KEY_CHARS_MAX: usize = 200;

/// A record on its way into the database: the JSON as the call wrote it, and what is taken from it.
#[derive(Clone, Debug)]
pub struct NewRecord {
    node: String,
    document: String,
    pub(super) facts: Facts,
}

/// What the database has to know of a record. Fields of [`crate::call::record::CallRecord`] and of its outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    pub call_id: String,
    #[serde(default)]
    pub call_key: String,
    #[serde(default)]
    pub sip_call_id: String,
    pub start: jiff::Timestamp,
    pub end: jiff::Timestamp,
    pub number: Option<String>,
    pub flow_id: Option<String>,
    pub version: Option<u32>,
    #[serde(default)]
    pub from: String,
    pub agent_id: Option<String>,
    pub end_reason: String,
    pub outcome: Option<String>,
    pub ended_by: Option<String>,
    #[serde(default)]
    pub talk_sec: u64,
    #[serde(default)]
    pub path: Vec<Visit>,
    pub final_step: Option<outbox::LastStep>,
    pub abandoned_task: Option<AbandonedTask>,
    #[serde(default)]
    pub to: String,
    pub outcome_text: Option<String>,
    pub contact: Option<Person>,
    pub call_task: Option<TaskText>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Visit {
    /// Inside a sub-flow: that one's.
    pub flow: Option<String>,
    pub version: Option<u32>,
    pub step: String,
    pub port: Option<String>,
    pub entered_at: jiff::Timestamp,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AbandonedTask {
    pub subject: String,
    pub comments: String,
    pub assign_to: Option<String>,
}

impl NewRecord {
    /// Reads a record as the server writes it. `node` is the server that had the call.
    pub fn read(node: &str, document: &str) -> Result<Self, serde_json::Error> {
        let mut facts: Facts = serde_json::from_str(document)?;
        for text in [&mut facts.call_id, &mut facts.call_key, &mut facts.sip_call_id, &mut facts.from] {
            *text = key(text);
        }
        for text in [&mut facts.number, &mut facts.flow_id, &mut facts.agent_id].into_iter().flatten() {
            *text = key(text);
        }
        Ok(NewRecord { node: node.to_owned(), document: document.to_owned(), facts })
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    pub fn call_id(&self) -> &str {
        &self.facts.call_id
    }

    pub fn document(&self) -> &str {
        &self.document
    }
}

/// A text that a column and an index take: short, and without the character that PostgreSQL refuses.
pub(super) fn key(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(KEY_CHARS_MAX).collect()
}

pub(super) fn micros(timestamp: jiff::Timestamp) -> i64 {
    Wall::from(timestamp).as_unix_micros()
}

impl Database {
    /// Writes records with their counts and their rows of the outbox in one transaction. One that is there already stays
    /// as it is, so that whoever does not know whether a write went through may do it again; one that another record has
    /// the key of is not written.
    pub async fn write_records(&self, records: &[NewRecord], told: Told) -> Result<Written, DatabaseError> {
        // For writing at once: a reader of SQLite that turns writer half-way is refused where another was quicker.
        let mut transaction = self.begin_writing().await?;
        let orders = erasure::orders(&mut transaction).await?;
        let records = as_ordered(records, &orders)?;
        let (mut written, mut tally, mut entries) = (Written::default(), Tally::default(), Vec::new());
        let mut start = 0;
        for part in rows::parts(&records) {
            let mut new = insert(&mut transaction, part).await?;
            for (index, record) in (start..).zip(part) {
                // Removed, lest one that stands there twice be counted twice.
                if new.remove(&(record.node.clone(), record.facts.call_id.clone())) {
                    written.new += 1;
                    tally.add(&record.facts);
                    entries.extend(outbox::entries(record, told)?);
                } else if !is_there(&mut transaction, record).await? {
                    written.conflicting.push(index);
                }
            }
            start += part.len();
        }
        outbox::insert(&mut transaction, &entries).await?;
        tally.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(written)
    }
}

/// Records of callers whose erasure was asked for, erased; all others as they are.
fn as_ordered<'r>(records: &'r [NewRecord], orders: &Orders) -> Result<Cow<'r, [NewRecord]>, DatabaseError> {
    let order = |record: &NewRecord| orders.for_call(&record.facts.from, record.facts.start.into());
    if records.iter().all(|record| order(record).is_none()) {
        return Ok(Cow::Borrowed(records));
    }
    let ordered = records.iter().map(|record| match order(record) {
        None => Ok(record.clone()),
        Some(at) => {
            let mut document = serde_json::from_str(&record.document)?;
            erase(&mut document, at);
            Ok(NewRecord::read(&record.node, &document.to_string())?)
        }
    });
    ordered.collect::<Result<Vec<_>, DatabaseError>>().map(Cow::Owned)
}

/// What became of records.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Written {
    /// How many were not there before.
    pub new: u64,
    /// The places of those that were not written, as another record has their node and call id.
    pub conflicting: Vec<usize>,
}

/// Whether what is kept under a record's key is that record.
async fn is_there(connection: &mut AnyConnection, record: &NewRecord) -> Result<bool, DatabaseError> {
    const SAME: &str = "SELECT 1 FROM call_records WHERE node = $1 AND call_id = $2 AND document = $3";
    let query = sqlx::query(SAME).bind(&record.node).bind(&record.facts.call_id).bind(&record.document);
    Ok(query.fetch_optional(connection).await?.is_some())
}

const COLUMNS: [&str; 14] = [
    "node",
    "call_id",
    "call_key",
    "sip_call_id",
    "started",
    "ended",
    "number",
    "flow_id",
    "version",
    "caller",
    "agent_id",
    "end_reason",
    "outcome",
    "document",
];

/// Inserts what is not there yet; gives the keys of that.
async fn insert(
    connection: &mut AnyConnection,
    records: &[NewRecord],
) -> Result<HashSet<(String, String)>, DatabaseError> {
    const NEW: &str = "ON CONFLICT (node, call_id) DO NOTHING RETURNING node, call_id";
    let mut query = sqlx::query(rows::insert("call_records", &COLUMNS, records.len(), NEW));
    for NewRecord { node, document, facts } in records {
        query = query
            .bind(node)
            .bind(&facts.call_id)
            .bind(&facts.call_key)
            .bind(&facts.sip_call_id)
            .bind(micros(facts.start))
            .bind(micros(facts.end))
            .bind(facts.number.as_ref())
            .bind(facts.flow_id.as_ref())
            .bind(facts.version.map(i64::from))
            .bind(&facts.from)
            .bind(facts.agent_id.as_ref())
            .bind(&facts.end_reason)
            .bind(facts.outcome.as_ref())
            .bind(document);
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
