//! Writing: one transaction at a time, with its row in the audit log, counted by the revision that servers look at.

use super::{Database, DatabaseError, Engine};
use crate::clock::Wall;
use crate::flow::Resources;
use sqlx::{Any, AnyConnection, Row, Transaction};
use std::sync::Arc;
use tokio::sync::Notify;

/// Longest detail of an audit row, in characters: a sentence, not a document.
const DETAIL_CHARS_MAX: usize = 1_000;
/// Rows of one page; a reader that wants more asks again.
pub const AUDIT_PAGE_MAX: u32 = 500;

/// A change under way: the only writer at this moment. Dropped without [`Change::commit`] it has never been.
///
/// SQLite takes the lock for writing at once, so that no reader has to turn writer half-way (which fails as BUSY where
/// another was quicker); PostgreSQL waits for the row of the revision. So what a change has looked at holds until it is
/// committed. Readers wait for neither.
pub struct Change {
    transaction: Transaction<'static, Any>,
    actor: String,
    at: Wall,
    engine: Engine,
    changed: Arc<Notify>,
    outside: Arc<Resources>,
}

/// What was done to an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// Counts up.
    pub id: i64,
    pub at: Wall,
    /// A user, a token, a command of this machine.
    pub actor: String,
    /// `create`, `replace`, `delete`, `publish`, …
    pub action: String,
    pub kind: String,
    /// The object's id.
    pub object: String,
    /// Etag or digest before and after; absent where there was or is nothing.
    pub before: Option<String>,
    pub after: Option<String>,
    /// A short text for people. Never a secret.
    pub detail: String,
}

/// Which rows of the audit log are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    pub kind: Option<String>,
    pub object: Option<String>,
    pub actor: Option<String>,
}

/// What [`Change::audit`] writes beside who and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Audited<'a> {
    pub action: &'a str,
    pub kind: &'a str,
    pub object: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
    pub detail: &'a str,
}

impl Database {
    /// Begins a change by `actor`; waits for the one that is under way.
    pub async fn change(&self, actor: &str, at: Wall) -> Result<Change, DatabaseError> {
        let begin = match self.engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        };
        let mut transaction = self.pool.begin_with(begin).await?;
        if self.engine == Engine::Postgres {
            sqlx::query("SELECT revision FROM changes WHERE id = 1 FOR UPDATE")
                .fetch_one(&mut *transaction)
                .await?;
        }
        Ok(Change {
            transaction,
            actor: actor.to_owned(),
            at,
            engine: self.engine,
            changed: self.changed.clone(),
            outside: self.outside.clone(),
        })
    }

    /// How often what calls read has changed.
    pub async fn revision(&self) -> Result<u64, DatabaseError> {
        revision(&mut *self.pool.acquire().await?).await
    }

    /// Returns when a change of this process was committed: at once where one was since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A transaction that sees one state of the whole database, and holds up no writer.
    pub(crate) async fn look(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(match self.engine {
            Engine::Sqlite => self.pool.begin_with("BEGIN").await?,
            Engine::Postgres => {
                self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?
            }
        })
    }

    /// A page of the audit log, the latest first, before the row `before`.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT id, at, actor, action, kind, object, before_tag, after_tag, detail FROM audit \
             WHERE id < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR object = $3) AND ($4 = '' OR actor = $4) \
             ORDER BY id DESC LIMIT $5",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(filter.kind.as_deref().unwrap_or_default())
        .bind(filter.object.as_deref().unwrap_or_default())
        .bind(filter.actor.as_deref().unwrap_or_default())
        .bind(i64::from(limit.clamp(1, AUDIT_PAGE_MAX)))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    id: row.try_get(0)?,
                    at: Wall::from_unix_micros(row.try_get(1)?),
                    actor: row.try_get(2)?,
                    action: row.try_get(3)?,
                    kind: row.try_get(4)?,
                    object: row.try_get(5)?,
                    before: row.try_get(6)?,
                    after: row.try_get(7)?,
                    detail: row.try_get(8)?,
                })
            })
            .collect()
    }
}

impl Change {
    /// For statements of the change.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    pub fn at(&self) -> Wall {
        self.at
    }

    pub fn actor(&self) -> &str {
        &self.actor
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// What flows may refer to of the configuration.
    pub fn outside(&self) -> &Resources {
        &self.outside
    }

    /// Writes a row of the audit log.
    pub async fn audit(&mut self, entry: Audited<'_>) -> Result<(), DatabaseError> {
        let detail: String = entry.detail.chars().take(DETAIL_CHARS_MAX).collect();
        sqlx::query(
            "INSERT INTO audit (at, actor, action, kind, object, before_tag, after_tag, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.at.as_unix_micros())
        .bind(&self.actor)
        .bind(entry.action)
        .bind(entry.kind)
        .bind(entry.object)
        .bind(entry.before)
        .bind(entry.after)
        .bind(detail)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Makes it so, and gives the revision that has it: servers load anew.
    pub async fn commit(mut self) -> Result<u64, DatabaseError> {
        sqlx::query("UPDATE changes SET revision = revision + 1 WHERE id = 1")
            .execute(&mut *self.transaction)
            .await?;
        let revision = revision(&mut self.transaction).await?;
        self.transaction.commit().await?;
        self.changed.notify_one();
        Ok(revision)
    }

    /// Makes it so where no call reads it: a draft, a user. Nobody loads anew.
    pub async fn commit_quietly(self) -> Result<(), DatabaseError> {
        Ok(self.transaction.commit().await?)
    }
}

pub(crate) async fn revision(connection: &mut AnyConnection) -> Result<u64, DatabaseError> {
    let row = sqlx::query("SELECT revision FROM changes WHERE id = 1").fetch_one(connection).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::testing::for_each_engine;

    const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);

    async fn note(change: &mut Change, object: &str) {
        let entry =
            Audited { action: "create", kind: "agent", object, detail: "Alice", ..Audited::default() };
        change.audit(entry).await.unwrap();
    }

    #[test]
    fn a_change_counts_the_revision_and_stands_in_the_audit_log() {
        for_each_engine(async |database| {
            assert_eq!(database.revision().await.unwrap(), 0);
            let mut change = database.change("ann", NOON).await.unwrap();
            note(&mut change, "alice").await;
            assert_eq!(change.commit().await.unwrap(), 1);
            database.changed().await;
            let mut change = database.change("ann", NOON).await.unwrap();
            note(&mut change, "bob").await;
            change.commit_quietly().await.unwrap();
            assert_eq!(database.revision().await.unwrap(), 1);
            let log = database.audit(&AuditFilter::default(), None, 10).await.unwrap();
            let objects: Vec<&str> = log.iter().map(|entry| entry.object.as_str()).collect();
            assert_eq!(objects, ["bob", "alice"]);
            assert_eq!((log[0].actor.as_str(), log[0].at, log[0].before.as_deref()), ("ann", NOON, None));
            let of_alice = AuditFilter { object: Some("alice".to_owned()), ..AuditFilter::default() };
            assert_eq!(database.audit(&of_alice, None, 10).await.unwrap().len(), 1);
            assert_eq!(database.audit(&AuditFilter::default(), Some(log[0].id), 10).await.unwrap().len(), 1);
        });
    }

    #[test]
    fn a_change_that_is_dropped_has_never_been() {
        for_each_engine(async |database| {
            let mut change = database.change("ann", NOON).await.unwrap();
            note(&mut change, "alice").await;
            drop(change);
            assert_eq!(database.audit(&AuditFilter::default(), None, 10).await.unwrap(), []);
            assert_eq!(database.revision().await.unwrap(), 0);
        });
    }

    #[test]
    fn readers_wait_for_no_writer_and_writers_take_turns() {
        for_each_engine(async |database| {
            let mut first = database.change("ann", NOON).await.unwrap();
            note(&mut first, "alice").await;
            // Both while the first is open.
            assert_eq!(database.revision().await.unwrap(), 0);
            let other = database.clone();
            let second = tokio::spawn(async move {
                let mut change = other.change("bob", NOON).await.unwrap();
                note(&mut change, "bob").await;
                change.commit().await.unwrap()
            });
            tokio::task::yield_now().await;
            assert_eq!(first.commit().await.unwrap(), 1);
            assert_eq!(second.await.unwrap(), 2);
        });
    }

    #[test]
    fn twenty_writers_at_once_all_succeed() {
        for_each_engine(async |database| {
            let writers = (0..20).map(|n| {
                let database = database.clone();
                tokio::spawn(async move {
                    let mut change = database.change("ann", NOON).await.unwrap();
                    note(&mut change, &n.to_string()).await;
                    change.commit().await.unwrap()
                })
            });
            let mut revisions = Vec::new();
            for writer in writers.collect::<Vec<_>>() {
                revisions.push(writer.await.unwrap());
            }
            revisions.sort_unstable();
            assert_eq!(revisions, (1..=20).collect::<Vec<_>>());
        });
    }
}
