//! The outbox as people see it: what waits, what was sent, what was given up, the latest first.

use super::outbox::{ENTRY, Entry, entry};
use super::{Database, DatabaseError};
use crate::clock::Wall;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A row, whatever became of it.
#[derive(Clone, PartialEq, Debug)]
pub struct OutboxRow {
    pub id: i64,
    pub kind: String,
    pub key: String,
    /// JSON.
    pub payload: String,
    pub created: Wall,
    pub due: Wall,
    /// Attempts begun.
    pub attempts: u32,
    /// `waiting`, `claimed`, `done`, `dead`, `parked` or `erased`.
    pub state: String,
    pub last_error: Option<String>,
    /// JSON of what it became elsewhere.
    pub result: Option<String>,
}

/// How many rows are in a state that people look after.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutboxCounts {
    /// Due, or to be tried again.
    pub waiting: u64,
    pub parked: u64,
    pub dead: u64,
    /// When the first of those that wait was made.
    pub oldest: Option<Wall>,
}

impl Database {
    /// Rows before that one, of that state where one is given.
    pub async fn outbox(
        &self,
        state: Option<&str>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, DatabaseError> {
        let list = format!(
            "SELECT {ENTRY}, state, result FROM outbox WHERE id < $1 AND ($2 = '' OR state = $2) ORDER BY id DESC LIMIT $3"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(list)).bind(before);
        let query = query.bind(state.unwrap_or_default()).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The rows of one call.
    pub async fn outbox_of(&self, node: &str, call_id: &str) -> Result<Vec<OutboxRow>, DatabaseError> {
        let list = format!("SELECT {ENTRY}, state, result FROM outbox WHERE key = $1 ORDER BY id");
        let query = sqlx::query(sqlx::AssertSqlSafe(list)).bind(format!("{node}/{call_id}"));
        query.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// What waits and what somebody has to look at.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, DatabaseError> {
        const COUNTS: &str = "SELECT state, COUNT(*), MIN(created) FROM outbox WHERE state NOT IN ('done', 'erased') GROUP BY state";
        let mut counts = OutboxCounts::default();
        for row in sqlx::query(COUNTS).fetch_all(&self.pool).await? {
            let (state, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let count = u64::try_from(count).unwrap_or(0);
            match state.as_str() {
                "parked" => counts.parked += count,
                "dead" => counts.dead += count,
                _ => {
                    counts.waiting += count;
                    let first = row.try_get::<Option<i64>, _>(2)?.map(Wall::from_unix_micros);
                    counts.oldest = [counts.oldest, first].into_iter().flatten().min();
                }
            }
        }
        Ok(counts)
    }
}

fn read(row: &AnyRow) -> Result<OutboxRow, DatabaseError> {
    let Entry { id, kind, key, payload, created, due, attempts, last_error, .. } = entry(row)?;
    let (state, result) = (row.try_get(10)?, row.try_get(11)?);
    Ok(OutboxRow { id, kind, key, payload, created, due, attempts, state, last_error, result })
}
