//! The versions of the tables. They run forward when the server starts; a database of a later version is refused.

use super::Engine;
use sqlx::AnyPool;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

/// What a version brings, and its statements for SQLite and for PostgreSQL.
const VERSIONS: [(&str, &str, &str); 7] = [
    (
        "call records",
        include_str!("migrations/sqlite/0001_call_records.sql"),
        include_str!("migrations/postgres/0001_call_records.sql"),
    ),
    (
        "objects and flows",
        include_str!("migrations/sqlite/0002_objects_and_flows.sql"),
        include_str!("migrations/postgres/0002_objects_and_flows.sql"),
    ),
    (
        "access",
        include_str!("migrations/sqlite/0003_access.sql"),
        include_str!("migrations/postgres/0003_access.sql"),
    ),
    (
        "end reason",
        include_str!("migrations/sqlite/0004_end_reason.sql"),
        include_str!("migrations/postgres/0004_end_reason.sql"),
    ),
    (
        "counts by day",
        include_str!("migrations/sqlite/0005_counts_by_day.sql"),
        include_str!("migrations/postgres/0005_counts_by_day.sql"),
    ),
    (
        "outbox results",
        include_str!("migrations/sqlite/0006_outbox_results.sql"),
        include_str!("migrations/postgres/0006_outbox_results.sql"),
    ),
    (
        "erasures",
        include_str!("migrations/sqlite/0007_erasures.sql"),
        include_str!("migrations/postgres/0007_erasures.sql"),
    ),
];

/// Brings the tables to this version. Each step is one transaction; of several servers that start at once, one does it.
pub async fn run(pool: &AnyPool, engine: Engine) -> Result<(), MigrateError> {
    run_first(VERSIONS.len(), pool, engine).await
}

/// Only the first so many, as a server of that time did.
pub(super) async fn run_first(count: usize, pool: &AnyPool, engine: Engine) -> Result<(), MigrateError> {
    let migrations = (1..).zip(VERSIONS).take(count).map(|(version, (name, sqlite, postgres))| {
        let statements = if engine == Engine::Sqlite { sqlite } else { postgres };
        let statements = sqlx::SqlSafeStr::into_sql_str(statements);
        Migration::new(version, name.into(), MigrationType::Simple, statements, false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    // PostgreSQL lets one do it at a time. In SQLite who comes second finds a table that is there already, and finds
    // that step done when it looks again.
    for _ in VERSIONS {
        match migrator.run(pool).await {
            Err(MigrateError::ExecuteMigration(..)) if engine == Engine::Sqlite => {}
            result => return result,
        }
    }
    migrator.run(pool).await
}
