//! A server's name in a database that several share: held by one of them at a time.

use super::{Database, DatabaseError, Engine};
use sqlx::{AnyConnection, Connection, Row};

/// A connection that has a server's name: PostgreSQL gives it back when the connection ends, however it does.
pub struct HeldName(AnyConnection);

impl Database {
    /// Takes the name for this server; `None` where another has it. In a file of SQLite there is no other server.
    pub async fn hold_name(&self, node: &str) -> Result<Option<HeldName>, DatabaseError> {
        // Not of the pool, which would lend it to others and close it when it is idle.
        let mut connection = self.pool.acquire().await.map_err(DatabaseError::Open)?.detach();
        if self.engine == Engine::Sqlite {
            return Ok(Some(HeldName(connection)));
        }
        // The first key, "cord" in ASCII, keeps the lock apart from those of other programs.
        let lock =
            sqlx::query("SELECT CASE WHEN pg_try_advisory_lock(1668247140, hashtext($1)) THEN 1 ELSE 0 END");
        let is_held: i32 = lock.bind(node).fetch_one(&mut connection).await?.try_get(0)?;
        if is_held == 1 {
            return Ok(Some(HeldName(connection)));
        }
        let _ = connection.close().await;
        Ok(None)
    }

    /// Gives the name back, which PostgreSQL does on its own too, some time after the connection has ended.
    pub(super) async fn give_back_name(&self, held: HeldName, node: &str) {
        const GIVE_BACK: &str =
            "SELECT CASE WHEN pg_advisory_unlock(1668247140, hashtext($1)) THEN 1 ELSE 0 END";
        let HeldName(mut connection) = held;
        if self.engine == Engine::Postgres {
            let _ = sqlx::query(GIVE_BACK).bind(node).execute(&mut connection).await;
        }
        let _ = connection.close().await;
    }
}

impl HeldName {
    /// Whether the connection is still there, and with it the name.
    pub async fn is_held(&mut self) -> bool {
        self.0.ping().await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::store::database::Engine;
    use crate::store::database::testing::for_each_engine;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "asks again until the database has seen the end, with a deadline"
    )]
    fn a_name_is_one_servers_until_its_connection_ends() {
        for_each_engine(async |database| {
            let mut first = database.hold_name("east-1").await.unwrap().unwrap();
            assert!(first.is_held().await);
            let is_shared = database.engine() == Engine::Postgres;
            assert_eq!(database.hold_name("east-1").await.unwrap().is_none(), is_shared);
            assert!(database.hold_name("east-2").await.unwrap().is_some());
            sqlx::Connection::close(first.0).await.unwrap();
            // The database gives the name back when it has seen the connection end.
            let free = async {
                while database.hold_name("east-1").await.unwrap().is_none() {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(20), free).await.unwrap();
        });
    }
}
