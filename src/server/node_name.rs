//! Says when another server has this one's name in the database that they share.

use crate::store::database::{Database, Engine};
use std::time::Duration;

/// How often the connection that holds the name is looked at, and one that is not held is asked for again.
const LOOK: Duration = Duration::from_secs(30);

/// Holds the name for as long as it runs. Calls do not wait for it: two servers of one name work, and their records can
/// not be told apart.
pub async fn watch(database: Database, node: String) {
    if database.engine() == Engine::Sqlite {
        return;
    }
    let mut is_told = false;
    loop {
        match database.hold_name(&node).await {
            Ok(Some(mut held)) => {
                is_told = false;
                while held.is_held().await {
                    wait().await;
                }
            }
            Ok(None) if !is_told => {
                is_told = true;
                tracing::warn!(
                    node,
                    "another server has this name in the same database: give each its own ([store] node)"
                );
            }
            // That the database is away is said by those who need it.
            Ok(None) | Err(_) => {}
        }
        wait().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the name is looked after beside the calls, not in them")]
async fn wait() {
    tokio::time::sleep(LOOK).await;
}
