//! Deletes what has become old, beside the calls: `[records] keep_days`.

use crate::clock::SystemClock;
use crate::store::database::Database;
use crate::store::retention::{Totals, delete_old};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked: a record is kept so much longer at the most. A look that finds nothing reads two indexes.
const LOOK: Duration = Duration::from_secs(600);
/// After each few, so that others get to write: 5,000 records a second at the most, five times as many as come in.
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes for as long as it runs. Orders to erase a caller run out as well, also where records are kept for ever.
pub async fn watch(database: Database, keep: Option<Duration>, clock: SystemClock, totals: Arc<Totals>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let now = clock.now().wall;
        let mut done = database.forget_old_erasures(now).await;
        if let (Ok(()), Some(keep)) = (&done, keep) {
            done = delete_old(&database, keep, now, &totals, pause).await;
        }
        // That the database is away is said by those who need it.
        if let Err(error) = done {
            tracing::debug!(%error, "old call records could not be deleted now");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "others get to write meanwhile")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
