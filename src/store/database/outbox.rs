//! What is to be told to others, once each: the rows are written with what they tell of, and are sent from here.
//!
//! Of several servers one sends: it claims a row for a while. A claim is known by the row's count of attempts, so that
//! one who was too slow cannot end what another has taken over.

use super::call_records::{AbandonedTask, Facts, NewRecord, micros};
use super::{Database, DatabaseError, rows};
use crate::clock::Wall;
use crate::config::crm::Tasks;
use crate::flow::Person;
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
/// How often in a row servers take it and end before they say what became of it: one that they die of is given up.
pub const CLAIMS_MAX: u32 = 30;
/// Failures that an outage counts at the most.
const AWAY_MAX: u32 = 3;
/// Rows of one look.
const ROWS_MAX: u32 = 500;
/// Characters of an error that are kept: a reply may be a page of HTML.
const ERROR_CHARS_MAX: usize = 1_000;

/// What others are told of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// Which calls become a task of the CRM.
    pub tasks: Tasks,
    /// Calls become a record of an object of their own, too.
    pub conversations: bool,
    /// Each record is posted to somebody.
    pub records: bool,
}

impl Default for Told {
    /// Tasks for callers who gave up wait for a CRM to be connected; of all else nobody wants to hear.
    fn default() -> Self {
        Told { tasks: Tasks::Abandoned, conversations: false, records: false }
    }
}

/// Kinds of rows.
pub mod kind {
    /// A task of the CRM; the payload is a [`super::CrmTask`].
    pub const TASK: &str = "crm_task";
    /// The same call as a record of an object of its own.
    pub const CONVERSATION: &str = "crm_conversation";
    /// A call record for the webhook; it is read when it is sent.
    pub const RECORD: &str = "record";
}

/// The task of a CRM for a call: all that flows.md 2.9 puts into one.
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
    /// As it was dialled.
    #[serde(default)]
    pub to: String,
    /// The caller gave up before anybody came. So it was with all that an earlier version wrote.
    #[serde(default = "yes")]
    pub is_abandoned: bool,
    /// Whom the CRM knew under the caller's number, where the call asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Person>,
    /// Who talked to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// What a step called the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_text: Option<String>,
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
    /// JSON, see [`kind`].
    pub payload: String,
    pub created: Wall,
    pub due: Wall,
    /// Attempts begun.
    pub attempts: u32,
    /// Those of them up to the last of which it is known how it ended, or to when somebody had it tried anew.
    pub round: u32,
    /// Attempts that failed, since then. One that a server died in has not.
    pub failures: u32,
    pub last_error: Option<String>,
}

/// What is to be noted of a claimed row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was sent; JSON of what it became.
    Done(Option<String>),
    /// It is tried again after a while, or given up after the last attempt.
    Failed(String),
    /// The receiver is away, which is not the row's fault: it is tried again after a while, and never given up for it.
    Away(String),
    /// The same where it was sent and may be taken yet: it is not sent again soon.
    Unknown(String),
    /// It was not tried: it is soon, and nothing is counted.
    NotTried(String),
    /// It never works as it is: somebody has to look at it.
    Parked(String),
}

impl Verdict {
    /// Why it was not sent.
    pub fn words(&self) -> &str {
        match self {
            Verdict::Done(_) => "",
            Verdict::Failed(words)
            | Verdict::Away(words)
            | Verdict::Unknown(words)
            | Verdict::NotTried(words)
            | Verdict::Parked(words) => words,
        }
    }
}

fn yes() -> bool {
    true
}

/// What comes next of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Nothing: it was sent.
    Done,
    /// Somebody looks at it.
    Parked,
    /// It is due again then.
    At(Wall),
    /// It was the last.
    Dead,
    /// The claim had run out, and another server has it.
    Gone,
}

impl CrmTask {
    /// Of a call at that moment of which nothing else is known.
    pub fn empty(at: jiff::Timestamp) -> Self {
        CrmTask {
            subject: String::new(),
            comments: String::new(),
            assign_to: None,
            node: String::new(),
            call_id: String::new(),
            call_key: String::new(),
            from: String::new(),
            to: String::new(),
            is_abandoned: false,
            contact: None,
            agent_id: None,
            ended_by: None,
            outcome_text: None,
            number: None,
            flow_id: None,
            version: None,
            start: at,
            end: at,
            talk_sec: 0,
            outcome: None,
            final_step: None,
        }
    }

    /// `None` for a call that asks for none.
    fn of(record: &NewRecord, tasks: Tasks) -> Option<CrmTask> {
        let text = match (&record.facts.abandoned_task, tasks) {
            (_, Tasks::None) | (None, Tasks::Abandoned) => return None,
            (Some(task), _) => task.clone(),
            (None, Tasks::All) => of_others(&record.facts)?,
        };
        let facts = record.facts.clone();
        Some(CrmTask {
            subject: text.subject,
            comments: text.comments,
            assign_to: text.assign_to,
            node: record.node().to_owned(),
            call_id: facts.call_id,
            call_key: facts.call_key,
            from: facts.from,
            to: facts.to,
            is_abandoned: facts.outcome.as_deref().is_some_and(|outcome| outcome.starts_with("abandoned")),
            contact: facts.contact,
            agent_id: facts.agent_id,
            ended_by: facts.ended_by,
            outcome_text: facts.outcome_text,
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

/// What the task of a call says that nobody gave up. Short abandons are left out, and so are calls that no flow had.
fn of_others(facts: &Facts) -> Option<AbandonedTask> {
    let outcome = facts.outcome.as_deref().filter(|outcome| *outcome != "short_abandon")?;
    let text = facts.call_task.clone().unwrap_or_default();
    let subject = match text.subject.as_str() {
        "" if outcome == "answered" => format!("Call from {}", facts.from),
        "" => format!("Call from {} ({})", facts.from, outcome.replace('_', " ")),
        subject => subject.to_owned(),
    };
    Some(AbandonedTask { subject, comments: text.comments, assign_to: None })
}

/// A row before it is written.
pub(super) struct NewEntry {
    kind: &'static str,
    key: String,
    payload: String,
    at: i64,
}

/// What a record is to be told to others as.
pub(super) fn entries(record: &NewRecord, told: Told) -> Result<Vec<NewEntry>, DatabaseError> {
    let (key, at) = (format!("{}/{}", record.node(), record.call_id()), micros(record.facts.end));
    let mut entries = Vec::new();
    let mut put = |kind, payload| entries.push(NewEntry { kind, key: key.clone(), payload, at });
    if let Some(task) = CrmTask::of(record, told.tasks) {
        put(kind::TASK, serde_json::to_string(&task)?);
    }
    if told.conversations
        && let Some(task) = CrmTask::of(record, Tasks::All)
    {
        put(kind::CONVERSATION, serde_json::to_string(&task)?);
    }
    if told.records {
        put(kind::RECORD, "{}".to_owned());
    }
    Ok(entries)
}

/// Puts rows into the outbox, where there is none of that kind and call. They are due at once.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    entries: &[NewEntry],
) -> Result<(), DatabaseError> {
    const COLUMNS: [&str; 7] = ["kind", "key", "payload", "created", "due", "attempts", "state"];
    for part in rows::parts(entries) {
        let once = "ON CONFLICT (kind, key) DO NOTHING";
        let mut query = sqlx::query(rows::insert("outbox", &COLUMNS, part.len(), once));
        for NewEntry { kind, key, payload, at } in part {
            query = query.bind(*kind).bind(key).bind(payload);
            query = query.bind(*at).bind(*at).bind(0i64).bind("waiting");
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Columns that [`entry`] reads.
pub(super) const ENTRY: &str = "id, kind, key, payload, created, due, attempts, round, failures, last_error";

/// Reads [`ENTRY`].
pub(super) fn entry(row: &AnyRow) -> Result<Entry, DatabaseError> {
    Ok(Entry {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        key: row.try_get(2)?,
        payload: row.try_get(3)?,
        created: Wall::from_unix_micros(row.try_get(4)?),
        due: Wall::from_unix_micros(row.try_get(5)?),
        attempts: u32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(u32::MAX),
        round: u32::try_from(row.try_get::<i64, _>(7)?).unwrap_or(u32::MAX),
        failures: u32::try_from(row.try_get::<i64, _>(8)?).unwrap_or(u32::MAX),
        last_error: row.try_get(9)?,
    })
}

impl Database {
    /// Rows of these kinds that may be tried now, those that have waited longest first.
    pub async fn outbox_due(
        &self,
        kinds: &[&str],
        limit: u32,
        now: Wall,
    ) -> Result<Vec<Entry>, DatabaseError> {
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let places = rows::placeholders(3, kinds.len());
        let due = format!(
            "SELECT {ENTRY} FROM outbox WHERE state IN ('waiting', 'claimed') AND due <= $1 AND kind IN ({places}) \
             ORDER BY due, id LIMIT $2"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(due));
        query = query.bind(now.as_unix_micros()).bind(i64::from(limit.min(ROWS_MAX)));
        for kind in kinds {
            query = query.bind(*kind);
        }
        query.fetch_all(&self.pool).await?.iter().map(entry).collect()
    }

    /// Takes rows for [`LEASE`]. Those that another server was quicker with are left out, and those that were taken too often
    /// by servers that never came back: they are dead.
    pub async fn outbox_claim(&self, entries: &[Entry], now: Wall) -> Result<Vec<Entry>, DatabaseError> {
        const CLAIM: &str = "UPDATE outbox SET state = 'claimed', due = $1, attempts = attempts + 1 \
                             WHERE id = $2 AND attempts = $3 AND state IN ('waiting', 'claimed') AND due <= $4";
        const GIVE_UP: &str = "UPDATE outbox SET state = 'dead', last_error = $1 \
                               WHERE id = $2 AND attempts = $3 AND state = 'claimed'";
        let due = now + LEASE;
        let mut claimed = Vec::with_capacity(entries.len());
        let mut transaction = self.pool.begin().await?;
        for entry in entries {
            if entry.attempts.saturating_sub(entry.round) >= CLAIMS_MAX {
                let error = "the servers that tried it did not say how it ended";
                let query = sqlx::query(GIVE_UP).bind(error).bind(entry.id).bind(i64::from(entry.attempts));
                query.execute(&mut *transaction).await?;
                continue;
            }
            let query = sqlx::query(CLAIM).bind(due.as_unix_micros()).bind(entry.id);
            let query = query.bind(i64::from(entry.attempts)).bind(now.as_unix_micros());
            if query.execute(&mut *transaction).await?.rows_affected() == 1 {
                claimed.push(Entry { due, attempts: entry.attempts + 1, ..entry.clone() });
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Notes what became of claimed rows, all at once; says what of each comes next, in the same order.
    pub async fn outbox_settle(
        &self,
        verdicts: &[(Entry, Verdict)],
        now: Wall,
    ) -> Result<Vec<Next>, DatabaseError> {
        let mut transaction = self.pool.begin().await?;
        let mut next = Vec::with_capacity(verdicts.len());
        for (entry, verdict) in verdicts {
            next.push(settle(&mut transaction, entry, verdict, now).await?);
        }
        transaction.commit().await?;
        Ok(next)
    }

    /// Has a row that was given up or set aside tried anew, at once. False where there is none such.
    pub async fn outbox_retry(&self, id: i64, now: Wall) -> Result<bool, DatabaseError> {
        const RETRY: &str = "UPDATE outbox SET state = 'waiting', due = $1, round = attempts, failures = 0 \
                             WHERE id = $2 AND state IN ('dead', 'parked')";
        let query = sqlx::query(RETRY).bind(now.as_unix_micros()).bind(id);
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }
}

async fn settle(
    connection: &mut AnyConnection,
    entry: &Entry,
    verdict: &Verdict,
    now: Wall,
) -> Result<Next, DatabaseError> {
    let failures = entry.failures;
    let failed = failures.saturating_add(1);
    // An outage leaves the last attempts to what fails by itself.
    let held = failed.min(AWAY_MAX).max(failures);
    // How long it waits, and how many failures it has then.
    let (pause, failures) = match verdict {
        Verdict::Done(result) => {
            let ended = end(connection, entry, "done", None, result.as_deref()).await?;
            return Ok(if ended { Next::Done } else { Next::Gone });
        }
        Verdict::Parked(error) => {
            let ended = end(connection, entry, "parked", Some(error), None).await?;
            return Ok(if ended { Next::Parked } else { Next::Gone });
        }
        Verdict::Failed(_) => (RETRIES.get(failures as usize), failed),
        Verdict::Away(_) => (Some(away(failures)), held),
        Verdict::Unknown(_) => (Some(away(failures.max(1))), held),
        Verdict::NotTried(_) => (Some(&RETRIES[0]), failures),
    };
    let (ended, then) = match pause {
        None => (end(connection, entry, "dead", Some(verdict.words()), None).await?, Next::Dead),
        Some(pause) => {
            let due = now + *pause;
            (again(connection, entry, verdict.words(), due, failures).await?, Next::At(due))
        }
    };
    Ok(if ended { then } else { Next::Gone })
}

/// How long a row waits whose receiver is away: at most two hours, so that it is found soon after it is back.
fn away(failures: u32) -> &'static Duration {
    let last = RETRIES.len() - 2;
    RETRIES.get((failures as usize).min(last)).unwrap_or(&RETRIES[0])
}

async fn again(
    connection: &mut AnyConnection,
    entry: &Entry,
    error: &str,
    due: Wall,
    failures: u32,
) -> Result<bool, DatabaseError> {
    // Attempts of which it is known how they ended are none that a server died in.
    const AGAIN: &str = "UPDATE outbox SET state = 'waiting', due = $1, last_error = $2, failures = $3, round = attempts \
                         WHERE id = $4 AND attempts = $5 AND state = 'claimed'";
    let query = sqlx::query(AGAIN).bind(due.as_unix_micros()).bind(short(error)).bind(i64::from(failures));
    let query = query.bind(entry.id).bind(i64::from(entry.attempts));
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

async fn end(
    connection: &mut AnyConnection,
    entry: &Entry,
    state: &str,
    error: Option<&str>,
    result: Option<&str>,
) -> Result<bool, DatabaseError> {
    const END: &str = "UPDATE outbox SET state = $1, last_error = $2, result = $3 \
                       WHERE id = $4 AND attempts = $5 AND state = 'claimed'";
    let query = sqlx::query(END).bind(state).bind(error.map(short)).bind(result).bind(entry.id);
    Ok(query.bind(i64::from(entry.attempts)).execute(connection).await?.rows_affected() == 1)
}

fn short(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
