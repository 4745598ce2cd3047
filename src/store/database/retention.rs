//! Deletion of what has become old, a little at a time. What was counted of calls stays.

use super::node_name::HeldName;
use super::{Database, DatabaseError};
use crate::clock::Wall;

/// Where several servers share a database, the one that holds it deletes. No server has a name with a space.
const HELD_BY: &str = "the retention";

impl Database {
    /// The right to delete what is old, for as long as it is held; `None` where another server has it.
    pub async fn hold_retention(&self) -> Result<Option<HeldName>, DatabaseError> {
        self.hold_name(HELD_BY).await
    }

    /// Lets another server have it, at once.
    pub async fn give_back_retention(&self, held: HeldName) {
        self.give_back_name(held, HELD_BY).await;
    }

    /// Deletes records of calls that began before that time, the oldest first and so many at the most. How many there were.
    pub async fn delete_old_records(&self, before: Wall, most: u32) -> Result<u64, DatabaseError> {
        const DELETE: &str = "DELETE FROM call_records WHERE (node, call_id) IN (SELECT node, call_id FROM call_records \
                              WHERE started < $1 ORDER BY started, node, call_id LIMIT $2)";
        let delete = sqlx::query(DELETE).bind(before.as_unix_micros()).bind(i64::from(most));
        Ok(delete.execute(&self.pool).await?.rows_affected())
    }

    /// The same with rows of the outbox that were sent, given up or erased. Rows are numbered about as they were made: looked at are
    /// those before the first that is young, which needs no index.
    pub async fn delete_old_rows(&self, before: Wall, most: u32) -> Result<u64, DatabaseError> {
        const DELETE: &str = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox \
                              WHERE state IN ('done', 'dead', 'erased') AND created < $1 AND id < \
                              COALESCE((SELECT id FROM outbox WHERE created >= $1 ORDER BY id LIMIT 1), $3) \
                              ORDER BY id LIMIT $2)";
        let delete = sqlx::query(DELETE).bind(before.as_unix_micros()).bind(i64::from(most)).bind(i64::MAX);
        Ok(delete.execute(&self.pool).await?.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::call_records::NewRecord;
    use crate::store::database::counts::ALL_DAYS;
    use crate::store::database::outbox::Told;
    use crate::store::database::samples::{self, BEGIN};
    use crate::store::database::testing::for_each_engine;
    use std::time::Duration;

    #[test]
    fn the_oldest_go_first_a_few_at_a_time_and_what_was_counted_stays() {
        for_each_engine(async |database| {
            let records: Vec<_> =
                (0..300).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
            database.write_records(&records, Told::default()).await.unwrap();
            let (flow, version) =
                records.iter().find_map(|r| Some((r.facts.flow_id.clone()?, r.facts.version?))).unwrap();
            let counted = database.step_counts(&flow, version, ALL_DAYS).await.unwrap();
            let before = BEGIN + Duration::from_secs(200);
            let mut deleted = Vec::new();
            loop {
                deleted.push(database.delete_old_records(before, 90).await.unwrap());
                let oldest = database.records(&Default::default(), None, 500).await.unwrap().pop().unwrap();
                let gone: u64 = deleted.iter().sum();
                assert_eq!(oldest.started, BEGIN + Duration::from_secs(gone));
                if deleted.last() == Some(&0) {
                    break;
                }
            }
            assert_eq!(deleted, [90, 90, 20, 0]);
            assert_eq!(database.step_counts(&flow, version, ALL_DAYS).await.unwrap(), counted);
            assert!(!counted.is_empty());
        });
    }

    #[test]
    fn rows_that_were_sent_or_given_up_go_and_those_that_wait_stay() {
        for_each_engine(async |database| {
            let records: Vec<_> =
                (0..300).map(|n| NewRecord::read("east", &samples::document(n)).unwrap()).collect();
            database.write_records(&records, Told::default()).await.unwrap();
            database.execute_for_test("UPDATE outbox SET state = 'done' WHERE id % 3 = 0").await;
            database.execute_for_test("UPDATE outbox SET state = 'dead' WHERE id % 3 = 1").await;
            let ids = async || {
                let rows = database.outbox(None, i64::MAX, 500).await.unwrap();
                rows.into_iter().map(|row| (row.id, row.created)).collect::<Vec<_>>()
            };
            let all = ids().await;
            assert!(all.len() > 10);
            let before = BEGIN + Duration::from_secs(200);
            let mut deleted = 0;
            loop {
                match database.delete_old_rows(before, 4).await.unwrap() {
                    0 => break,
                    some => deleted += some,
                }
            }
            // Those after the first young one, which are few, wait for another day.
            let first_young =
                all.iter().filter(|(_, created)| *created >= before).map(|(id, _)| *id).min().unwrap();
            let goes = |(id, created): &&(i64, Wall)| id % 3 != 2 && *created < before && *id < first_young;
            let stay: Vec<_> = all.iter().filter(|row| !goes(row)).copied().collect();
            assert_eq!(ids().await, stay);
            assert!(deleted > 5 && deleted == (all.len() - stay.len()) as u64, "{deleted} of {}", all.len());
        });
    }

    #[test]
    fn one_server_at_a_time_has_the_right() {
        for_each_engine(async |database| {
            let held = database.hold_retention().await.unwrap();
            assert!(held.is_some());
            let is_shared = database.engine() == super::super::Engine::Postgres;
            assert_eq!(database.hold_retention().await.unwrap().is_none(), is_shared);
            database.give_back_retention(held.unwrap()).await;
            assert!(database.hold_retention().await.unwrap().is_some());
        });
    }
}
