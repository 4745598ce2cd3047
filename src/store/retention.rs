//! How long what tells of callers is kept: `[records] keep_days`.

use super::database::{Database, DatabaseError};
use crate::clock::Wall;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Records, or rows, that are deleted at once: some tens of milliseconds in which no other may write where the database is
/// a file.
const AT_ONCE: u32 = 500;

/// What was deleted since the start.
#[derive(Default, Debug)]
pub struct Totals {
    pub records: AtomicU64,
    /// Of the outbox.
    pub rows: AtomicU64,
}

/// Deletes what is older than `keep`, with a pause after each few. Nothing is done where another server does it.
pub async fn delete_old(
    database: &Database,
    keep: Duration,
    now: Wall,
    totals: &Totals,
    pause: impl AsyncFn(),
) -> Result<(), DatabaseError> {
    let Some(held) = database.hold_retention().await? else { return Ok(()) };
    let before = now - keep;
    let (mut records, mut rows) = (0, 0);
    let result = async {
        loop {
            let (some_records, some_rows) = (
                database.delete_old_records(before, AT_ONCE).await?,
                database.delete_old_rows(before, AT_ONCE).await?,
            );
            if some_records + some_rows == 0 {
                return Ok(());
            }
            totals.records.fetch_add(some_records, Ordering::Relaxed);
            totals.rows.fetch_add(some_rows, Ordering::Relaxed);
            (records, rows) = (records + some_records, rows + some_rows);
            pause().await;
        }
    };
    let result = result.await;
    database.give_back_retention(held).await;
    if records + rows > 0 {
        tracing::info!(records, outbox_rows = rows, %before, "old call records were deleted");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::call_records::NewRecord;
    use crate::store::database::outbox::Told;
    use crate::store::database::samples::{self, BEGIN};
    use crate::store::database::testing::for_each_engine;
    use std::cell::Cell;

    #[test]
    fn what_is_older_is_deleted_in_parts_counted_and_nothing_else() {
        for_each_engine(async |database| {
            let records: Vec<_> =
                (0..1_400).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
            for part in records.chunks(700) {
                database.write_records(part, Told::default()).await.unwrap();
            }
            let day = Duration::from_secs(86_400);
            let now = BEGIN + 90 * day + Duration::from_secs(1_200);
            let (totals, pauses) = (Totals::default(), Cell::new(0));
            let pause = async || pauses.set(pauses.get() + 1);
            for (keep, deleted, paused) in [(91 * day, 0, 0), (90 * day, 1_200, 3), (90 * day, 1_200, 3)] {
                delete_old(&database, keep, now, &totals, pause).await.unwrap();
                let count = totals.records.load(Ordering::Relaxed);
                assert_eq!((count, pauses.get()), (deleted, paused), "{keep:?}");
            }
            let left = database.records(&Default::default(), None, 500).await.unwrap();
            assert_eq!(left.len(), 200);
            assert!(left.iter().all(|record| record.started >= now - 90 * day));
        });
    }
}
