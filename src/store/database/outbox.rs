//! What is to be told to others, once each: the rows are written with what they tell of, and are sent from here.
//!
//! Of several servers one sends: it claims a row for a while. A claim is known by the row's count of attempts, so that
//! one who was too slow cannot end what another has taken over.

use super::call_records::{NewRecord, micros};
use super::{Database, DatabaseError, rows};
use crate::clock::Wall;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::time::Duration;

/// How long after each failure the next attempt is made. flows.md 1.6.
pub const RETRIES: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(12 * 3_600),
];
/// How long one attempt may take; then another server may try. A CRM is given up after far less.
pub const LEASE: Duration = Duration::from_secs(120);
/// Rows of one look.
const ROWS_MAX: u32 = 500;
/// Characters of an error that are kept: a reply may be a page of HTML.
const ERROR_CHARS_MAX: usize = 1_000;

/// The task of a CRM for a caller whom nobody spoke to: all that flows.md 2.9 puts into one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrmTask {
    pub subject: String,
    pub comments: String,
    /// The user who gets it; the one whose connection it is where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_to: Option<String>,
    pub node: String,
    pub call_id: String,
    pub call_key: String,
    /// The caller, by whom a Lead or Contact is found.
    pub from: String,
    /// The Smart Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    pub start: jiff::Timestamp,
    pub end: jiff::Timestamp,
    pub talk_sec: u64,
    /// A word of flows.md 1.6: the result of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_step: Option<LastStep>,
}

/// The step that the call ended in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastStep {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub seconds_in: u64,
}

/// A row that waits.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub id: i64,
    pub kind: String,
    /// Of what it tells: for a task of a CRM, node/call_id.
    pub key: String,
    /// JSON: a [`CrmTask`].
    pub payload: String,
    pub created: Wall,
    pub due: Wall,
    /// Attempts begun.
    pub attempts: u32,
    pub last_error: Option<String>,
}

/// What became of a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It is due again then.
    At(Wall),
    /// It was the last.
    Dead,
    /// The claim had run out, and another server has it.
    Gone,
}

impl CrmTask {
    /// The kind of such rows.
    pub const KIND: &str = "crm_task";

    /// `None` for a call that asks for none.
    pub(super) fn of(record: &NewRecord) -> Option<CrmTask> {
        let facts = record.facts.clone();
        let task = facts.abandoned_task?;
        Some(CrmTask {
            subject: task.subject,
            comments: task.comments,
            assign_to: task.assign_to,
            node: record.node().to_owned(),
            call_id: facts.call_id,
            call_key: facts.call_key,
            from: facts.from,
            number: facts.number,
            flow_id: facts.flow_id,
            version: facts.version,
            start: facts.start,
            end: facts.end,
            talk_sec: facts.talk_sec,
            outcome: facts.outcome,
            final_step: facts.final_step,
        })
    }
}

/// Puts tasks into the outbox, where there is none of that call. They are due at once.
pub(super) async fn insert(connection: &mut AnyConnection, tasks: &[CrmTask]) -> Result<(), DatabaseError> {
    const COLUMNS: [&str; 7] = ["kind", "key", "payload", "created", "due", "attempts", "state"];
    for part in rows::parts(tasks) {
        let once = "ON CONFLICT (kind, key) DO NOTHING";
        let mut query = sqlx::query(rows::insert("outbox", &COLUMNS, part.len(), once));
        for task in part {
            let (key, at) = (format!("{}/{}", task.node, task.call_id), micros(task.end));
            query = query.bind(CrmTask::KIND).bind(key).bind(serde_json::to_string(task)?);
            query = query.bind(at).bind(at).bind(0i64).bind("waiting");
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Reads `id, kind, key, payload, created, due, attempts, last_error`.
pub(super) fn entry(row: &AnyRow) -> Result<Entry, DatabaseError> {
    Ok(Entry {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        key: row.try_get(2)?,
        payload: row.try_get(3)?,
        created: Wall::from_unix_micros(row.try_get(4)?),
        due: Wall::from_unix_micros(row.try_get(5)?),
        attempts: u32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(u32::MAX),
        last_error: row.try_get(7)?,
    })
}

impl Database {
    /// Rows that may be tried now, those that have waited longest first.
    pub async fn outbox_due(&self, limit: u32, now: Wall) -> Result<Vec<Entry>, DatabaseError> {
        const DUE: &str = "SELECT id, kind, key, payload, created, due, attempts, last_error FROM outbox \
                           WHERE state IN ('waiting', 'claimed') AND due <= $1 ORDER BY due, id LIMIT $2";
        let limit = i64::from(limit.min(ROWS_MAX));
        let rows = sqlx::query(DUE).bind(now.as_unix_micros()).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(entry).collect()
    }

    /// Takes a row for [`LEASE`]. `None` where another server was quicker, and where its last attempt was begun and never
    /// ended: then it is dead.
    pub async fn outbox_claim(&self, entry: &Entry, now: Wall) -> Result<Option<Entry>, DatabaseError> {
        const CLAIM: &str = "UPDATE outbox SET state = 'claimed', due = $1, attempts = attempts + 1 \
                             WHERE id = $2 AND attempts = $3 AND state IN ('waiting', 'claimed') AND due <= $4";
        if entry.attempts as usize > RETRIES.len() {
            let error = "the server that made the last attempt did not say how it ended";
            self.end(entry, "dead", Some(error)).await?;
            return Ok(None);
        }
        let due = now + LEASE;
        let query = sqlx::query(CLAIM).bind(due.as_unix_micros()).bind(entry.id);
        let query = query.bind(i64::from(entry.attempts)).bind(now.as_unix_micros());
        let is_ours = query.execute(&self.pool).await?.rows_affected() == 1;
        Ok(is_ours.then(|| Entry { due, attempts: entry.attempts + 1, ..entry.clone() }))
    }

    /// A claimed row was sent. Whether the claim still held.
    pub async fn outbox_done(&self, claimed: &Entry) -> Result<bool, DatabaseError> {
        self.end(claimed, "done", None).await
    }

    /// A claimed row could not be sent.
    pub async fn outbox_failed(
        &self,
        claimed: &Entry,
        error: &str,
        now: Wall,
    ) -> Result<Next, DatabaseError> {
        const AGAIN: &str = "UPDATE outbox SET state = 'waiting', due = $1, last_error = $2 \
                             WHERE id = $3 AND attempts = $4 AND state = 'claimed'";
        let Some(pause) = RETRIES.get((claimed.attempts as usize).saturating_sub(1)) else {
            let was_ours = self.end(claimed, "dead", Some(error)).await?;
            return Ok(if was_ours { Next::Dead } else { Next::Gone });
        };
        let due = now + *pause;
        let query = sqlx::query(AGAIN).bind(due.as_unix_micros()).bind(short(error)).bind(claimed.id);
        let was_ours =
            query.bind(i64::from(claimed.attempts)).execute(&self.pool).await?.rows_affected() == 1;
        Ok(if was_ours { Next::At(due) } else { Next::Gone })
    }

    async fn end(&self, entry: &Entry, state: &str, error: Option<&str>) -> Result<bool, DatabaseError> {
        const END: &str = "UPDATE outbox SET state = $1, last_error = $2 \
                           WHERE id = $3 AND attempts = $4 AND state = 'claimed'";
        let query = sqlx::query(END).bind(state).bind(error.map(short)).bind(entry.id);
        Ok(query.bind(i64::from(entry.attempts)).execute(&self.pool).await?.rows_affected() == 1)
    }
}

fn short(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
