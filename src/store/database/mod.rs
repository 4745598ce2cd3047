//! The database: SQLite by default, PostgreSQL where several servers share one. One set of statements serves both;
//! only the migrations, in a folder for each, know which it is, and a hint where lists are read.

pub mod access;
pub mod call_records;
pub mod change;
pub mod counts;
pub mod erasure;
pub mod flows;
pub mod idempotency;
mod migrations;
pub mod node_name;
pub mod objects;
pub mod outbox;
pub mod outbox_list;
pub mod prompts;
pub mod publish;
pub mod record_list;
pub mod report;
mod resources;
pub mod retention;
mod rows;
#[cfg(test)]
#[path = "../../../tests/support/records.rs"]
pub(crate) mod samples;
#[cfg(test)]
#[path = "../../../tests/support/database.rs"]
pub(crate) mod testing;
pub mod users;

use crate::flow::Resources;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Executor};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Connections of one server. Calls use none; a page of the API holds one for milliseconds.
const CONNECTIONS_MAX: u32 = 8;
/// Who waits longer for a connection is told that the database is away.
const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(5);
/// SQLite has one writer at a time: how long another waits for it.
const SQLITE_BUSY_MS: u32 = 5_000;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("\"{0}\" is no database: sqlite://PATH or postgres://USER@HOST/NAME is one")]
    Address(String),
    #[error("the folder of the database, {}, cannot be made: {error}", path.display())]
    Folder { path: std::path::PathBuf, error: std::io::Error },
    #[error("the database cannot be opened: {0}")]
    Open(#[source] sqlx::Error),
    #[error("the database cannot be brought to this version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database refused: {0}")]
    Statement(#[from] sqlx::Error),
    #[error("a document in the database cannot be read: {0}")]
    Document(#[from] serde_json::Error),
    #[error("the database has an object of a kind that is not known here: {0}")]
    Kind(String),
    #[error("a call flow in the database is broken: {0}")]
    Flow(String),
}

impl DatabaseError {
    /// Whether the database answered and will never take these values: trying again is of no use, and trying the others
    /// is. By SQLSTATE in PostgreSQL, by its own codes in SQLite.
    pub(super) fn is_about_the_data(&self) -> bool {
        let DatabaseError::Statement(sqlx::Error::Database(error)) = self else { return false };
        match error.code().as_deref() {
            // A value that is none, a constraint, a limit of the program.
            Some(code) if code.len() == 5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
            // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH; the upper bits say which kind.
            Some(code) => code.parse::<u32>().is_ok_and(|code| [18, 19, 20].contains(&(code & 0xff))),
            None => false,
        }
    }
}

/// What is on the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A pool of connections to an up-to-date database.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    engine: Engine,
    /// Told of each change that this process has made.
    changed: Arc<Notify>,
    /// What flows may refer to that is not kept here.
    outside: Arc<Resources>,
}

impl Database {
    /// Opens `url`, makes the file where it is SQLite's and missing, and runs the migrations that are new.
    pub async fn open(url: &str) -> Result<Self, DatabaseError> {
        let database = Database::at(url)?;
        database.prepare().await?;
        Ok(database)
    }

    /// The database at `url`, which may be away for now: [`Database::prepare`] comes first.
    pub fn at(url: &str) -> Result<Self, DatabaseError> {
        Database::with_connections(url, CONNECTIONS_MAX)
    }

    /// The same over one connection, which can tell whether others are there.
    pub fn alone(url: &str) -> Result<Self, DatabaseError> {
        Database::with_connections(url, 1)
    }

    fn with_connections(url: &str, most: u32) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let (engine, url) = address(url)?;
        let options = AnyPoolOptions::new().max_connections(most).acquire_timeout(ACQUIRE_TIME_MAX);
        let options = match engine {
            Engine::Postgres => options.after_connect(|connection, _| {
                // Which index is right depends on the values of a list's filter: each is planned with them.
                Box::pin(async move {
                    connection.execute("SET plan_cache_mode = force_custom_plan").await.map(drop)
                })
            }),
            Engine::Sqlite => options.after_connect(|connection, _| {
                Box::pin(async move {
                    // FULL: what was acknowledged survives a loss of power, not only the end of the process.
                    let settings = format!(
                        "PRAGMA busy_timeout = {SQLITE_BUSY_MS}; PRAGMA journal_mode = WAL; \
                         PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                    );
                    connection.execute(sqlx::AssertSqlSafe(settings)).await.map(drop)
                })
            }),
        };
        let pool = options.connect_lazy(&url).map_err(DatabaseError::Open)?;
        Ok(Database { pool, engine, changed: Arc::default(), outside: Arc::default() })
    }

    /// The same, with what flows may refer to of the configuration.
    pub fn with_outside(self, outside: Resources) -> Self {
        Database { outside: Arc::new(outside), ..self }
    }

    /// What flows may refer to of the configuration.
    pub fn outside(&self) -> &Resources {
        &self.outside
    }

    /// Connects, and runs the migrations that are new.
    pub async fn prepare(&self) -> Result<(), DatabaseError> {
        self.connect().await?;
        Ok(migrations::run(&self.pool, self.engine).await?)
    }

    /// Connects, and leaves it at that.
    pub async fn connect(&self) -> Result<(), DatabaseError> {
        self.pool.acquire().await.map(drop).map_err(DatabaseError::Open)
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether it answers now.
    pub async fn is_there(&self) -> bool {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await.is_ok()
    }

    /// Changes the tables behind our back.
    #[cfg(test)]
    pub(crate) async fn execute_for_test(&self, statement: &'static str) {
        self.pool.execute(statement).await.expect("a statement of a test");
    }

    /// Copies a database of SQLite into a new file, whole and of one moment, while others go on.
    pub async fn backup(&self, file: &Path) -> Result<(), DatabaseError> {
        let path = file.to_str().ok_or_else(|| DatabaseError::Address(file.display().to_string()))?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.pool).await?;
        Ok(())
    }

    /// What is wrong with the pages of a database of SQLite; `None` where nothing is.
    pub async fn check_whole(&self) -> Result<Option<String>, DatabaseError> {
        let row = sqlx::query("PRAGMA quick_check(1)").fetch_one(&self.pool).await?;
        let said: String = sqlx::Row::try_get(&row, 0)?;
        Ok((said != "ok").then_some(said))
    }

    /// Brings a database of SQLite into one file, for moving it, and is done with it; not where somebody else has it
    /// open. Whether that was so.
    pub async fn leave_alone(self) -> Result<bool, DatabaseError> {
        /// SQLITE_BUSY and SQLITE_LOCKED.
        const BUSY: [u32; 2] = [5, 6];
        let done = sqlx::query("PRAGMA journal_mode = DELETE").fetch_one(&self.pool).await;
        self.close().await;
        match done {
            Ok(row) => Ok(sqlx::Row::try_get::<String, _>(&row, 0)? == "delete"),
            Err(error) => {
                let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
                if code.is_some_and(|code| BUSY.contains(&(code & 0xff))) {
                    Ok(false)
                } else {
                    Err(error.into())
                }
            }
        }
    }

    /// Whether anything was ever put there: by people, by files or by calls.
    pub async fn is_used(&self) -> Result<bool, DatabaseError> {
        let statement = sqlx::query(
            "SELECT seeded + revision + (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM call_records) \
             FROM changes WHERE id = 1",
        );
        let count: i64 = sqlx::Row::try_get(&statement.fetch_one(&self.pool).await?, 0)?;
        Ok(count > 0)
    }

    /// Waits until what runs has ended, and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The engine of an address, and the address as the driver wants it.
fn address(url: &str) -> Result<(Engine, String), DatabaseError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Engine::Postgres, url.to_owned()));
    }
    let path = url.strip_prefix("sqlite://").filter(|path| !path.is_empty() && !path.contains('?'));
    let Some(path) = path else { return Err(DatabaseError::Address(without_password(url))) };
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |error| DatabaseError::Folder { path, error }
    };
    let path = plain(&std::path::absolute(path).map_err(fail(Path::new(path)))?);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail(folder))?;
    }
    let path = path.to_str().ok_or_else(|| DatabaseError::Address(without_password(url)))?;
    Ok((Engine::Sqlite, format!("sqlite://{}?mode=rwc", encoded(path))))
}

/// Without `..`: the driver reads the path as that of a URL, where the first name of a relative one would be a host.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// For a URL, which the driver decodes again.
fn encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~+@".contains(&byte);
    let encode =
        |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encode).collect()
}

/// Fit for a log: `postgres://user:secret@host` without the secret.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(end)) if start + 3 <= end => format!("{}…{}", &url[..start + 3], &url[end..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_told_without_its_password() {
        for url in ["mysql://user:secret@host/name", "cordboard.db", "sqlite://", "sqlite://x?mode=memory"] {
            let error = address(url).unwrap_err().to_string();
            assert!(error.contains("is no database") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_file_may_be_beside_the_folder_and_its_name_may_have_anything() {
        let folder = testing::Folder::new("names");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for name in ["a b.db", "50%41.db", "a#b.db", "ä.db"] {
            let url = format!("sqlite://{}/config/../data/{name}", folder.0.display());
            runtime.block_on(async { Database::open(&url).await.unwrap().close().await });
            assert!(folder.0.join("data").join(name).exists(), "{name}");
        }
        assert_eq!(address("sqlite://a/../b.db").unwrap().1, address("sqlite://./b.db").unwrap().1);
    }

    #[test]
    fn a_database_is_brought_up_to_date_once_and_answers() {
        testing::for_each_url(async |url| {
            let (first, second) = tokio::join!(Database::open(&url), Database::open(&url));
            for database in [first.unwrap(), second.unwrap(), Database::open(&url).await.unwrap()] {
                assert!(database.is_there().await);
                assert_eq!(database.engine() == Engine::Postgres, url.starts_with("postgres:"));
                database.close().await;
                assert!(!database.is_there().await);
            }
        });
    }
}
