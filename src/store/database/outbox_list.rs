//! The outbox as people see it: what waits, what was sent, what was given up, the latest first.

use super::{Database, DatabaseError};
use crate::clock::Wall;
use sqlx::Row;

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
    /// `waiting`, `claimed`, `done` or `dead`.
    pub state: String,
    pub last_error: Option<String>,
}

impl Database {
    /// Rows before that one, of that state where one is given.
    pub async fn outbox(
        &self,
        state: Option<&str>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, DatabaseError> {
        const LIST: &str = "SELECT id, kind, key, payload, created, due, attempts, state, last_error FROM outbox \
                            WHERE id < $1 AND ($2 = '' OR state = $2) ORDER BY id DESC LIMIT $3";
        let query = sqlx::query(LIST).bind(before).bind(state.unwrap_or_default()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxRow {
                    id: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    key: row.try_get(2)?,
                    payload: row.try_get(3)?,
                    created: Wall::from_unix_micros(row.try_get(4)?),
                    due: Wall::from_unix_micros(row.try_get(5)?),
                    attempts: u32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(u32::MAX),
                    state: row.try_get(7)?,
                    last_error: row.try_get(8)?,
                })
            })
            .collect()
    }
}
