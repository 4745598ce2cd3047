//! The outbox as people see it: what waits, what was sent, what was given up, the latest first.

use super::outbox::{Entry, entry};
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
        const LIST: &str = "SELECT id, kind, key, payload, created, due, attempts, last_error, state FROM outbox \
                            WHERE id < $1 AND ($2 = '' OR state = $2) ORDER BY id DESC LIMIT $3";
        let query = sqlx::query(LIST).bind(before).bind(state.unwrap_or_default()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let Entry { id, kind, key, payload, created, due, attempts, last_error } = entry(row)?;
                let state = row.try_get(8)?;
                Ok(OutboxRow { id, kind, key, payload, created, due, attempts, state, last_error })
            })
            .collect()
    }
}
