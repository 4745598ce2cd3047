//! Brings call records from the spool into the database, and waits where that is away.

use super::database::call_records::{NewRecord, Written};
use super::database::outbox::Told;
use super::database::{Database, DatabaseError};
use super::spool::{Backlog, Batch};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The first pause after the database did not answer; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest: a database that is back is found within it, and one that is away is not worn out with questions.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The task between the two.
pub struct Uploader {
    database: Database,
    backlog: Backlog,
    told: Told,
}

impl Uploader {
    pub fn new(database: Database, backlog: Backlog, told: Told) -> Self {
        Uploader { database, backlog, told }
    }

    /// Runs until the spool's other end is gone and all is delivered. It may be dropped at any await: what was not
    /// delivered stays on disk.
    pub async fn run(mut self) {
        while let Some(batch) = self.backlog.next().await {
            self.deliver(&batch).await;
            self.backlog.delivered(&batch);
        }
    }

    async fn deliver(&self, batch: &Batch) {
        for document in &batch.unreadable {
            self.backlog.put_aside(document, "it is not a call record of this version");
        }
        if self.write(&batch.records).await.is_ok() {
            return;
        }
        // The fault of one of them; the others are not to suffer from it.
        for record in &batch.records {
            if let Err(error) = self.write(std::slice::from_ref(record)).await {
                self.backlog.put_aside(record.document(), &error.to_string());
            }
        }
    }

    /// Tries until the records are in, or others are found that have their keys, for which they are put aside; an error
    /// where the database answers and will never take them.
    async fn write(&self, records: &[NewRecord]) -> Result<(), DatabaseError> {
        let totals = self.backlog.totals();
        let mut pause = PAUSE_FIRST;
        loop {
            match self.database.write_records(records, self.told).await {
                Ok(Written { conflicting, .. }) => {
                    let taken = records.len() - conflicting.len();
                    totals.written.fetch_add(taken as u64, Ordering::Relaxed);
                    for record in conflicting.iter().filter_map(|index| records.get(*index)) {
                        totals.conflicting.fetch_add(1, Ordering::Relaxed);
                        let (node, call) = (record.node(), record.call_id());
                        let reason =
                            format!("another record of the server \"{node}\" has its call id {call}");
                        self.backlog.put_aside(record.document(), &reason);
                    }
                    if totals.away.swap(false, Ordering::Relaxed) {
                        let waiting = totals.waiting.load(Ordering::Relaxed);
                        tracing::info!(waiting, "the database takes call records again");
                    }
                    return Ok(());
                }
                Err(error) if error.is_about_the_data() => return Err(error),
                Err(error) => {
                    if !totals.away.swap(true, Ordering::Relaxed) {
                        tracing::error!(%error, "the database takes no call records: they wait on disk");
                    }
                    wait(pause).await;
                    pause = PAUSE_MAX.min(pause * 2);
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause between two tries")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::testing::{Folder, for_each_engine};
    use crate::store::database::{Engine, samples};
    use crate::store::spool::{Limits, Spool};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks into the file of refused records")]
    fn a_record_that_the_database_refuses_is_put_aside_and_the_others_are_written() {
        for_each_engine(async |database| {
            let statement = match database.engine() {
                Engine::Sqlite => {
                    "CREATE TRIGGER no BEFORE INSERT ON call_records WHEN NEW.caller = 'no' \
                     BEGIN SELECT RAISE(ABORT, 'no'); END"
                }
                Engine::Postgres => "ALTER TABLE call_records ADD CHECK (caller <> 'no')",
            };
            database.execute_for_test(statement).await;
            let folder = Folder::new("uploader");
            let (mut spool, backlog) = Spool::open(&folder.0, "east", Limits::of(1 << 20)).unwrap();
            let totals = spool.totals();
            let documents: Vec<String> = (0..20)
                .map(|n| match n {
                    7 => "{\"callId\":\"no record\"}".to_owned(),
                    9 => samples::document(n).replace(&samples::record(n).from, "no"),
                    _ => samples::document(n),
                })
                .collect();
            spool.put(documents.iter().map(String::as_bytes));
            drop(spool);
            Uploader::new(database.clone(), backlog, Told::default()).run().await;
            assert_eq!(database.records(&Default::default(), None, 100).await.unwrap().len(), 18);
            let count = |total: &std::sync::atomic::AtomicU64| total.load(Ordering::Relaxed);
            assert_eq!((count(&totals.written), count(&totals.lost), count(&totals.waiting)), (18, 2, 0));
            let refused = std::fs::read_to_string(folder.0.join("refused.jsonl")).unwrap();
            assert_eq!(refused.lines().collect::<Vec<_>>(), [&documents[7], &documents[9]]);
        });
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks into the file of refused records")]
    fn a_record_under_an_id_that_another_has_is_put_aside_and_one_that_is_handed_out_again_is_not() {
        for_each_engine(async |database| {
            let folder = Folder::new("conflicts");
            let first = samples::record(1).call_id;
            let other = samples::document(2).replace(&samples::record(2).call_id, &first);
            for documents in
                [[samples::document(1), samples::document(3)], [samples::document(1), other.clone()]]
            {
                let (mut spool, backlog) = Spool::open(&folder.0, "east", Limits::of(1 << 20)).unwrap();
                let totals = spool.totals();
                spool.put(documents.iter().map(String::as_bytes));
                drop(spool);
                Uploader::new(database.clone(), backlog, Told::default()).run().await;
                let count = |total: &std::sync::atomic::AtomicU64| total.load(Ordering::Relaxed);
                let conflicts = u64::from(documents[1] == other);
                let counts = (count(&totals.written), count(&totals.lost), count(&totals.conflicting));
                assert_eq!(counts, (2 - conflicts, conflicts, conflicts));
            }
            let kept = database.record("east", &first).await.unwrap().unwrap();
            assert_eq!(
                kept.document,
                serde_json::from_str::<serde_json::Value>(&samples::document(1)).unwrap()
            );
            let refused = std::fs::read_to_string(folder.0.join("refused.jsonl")).unwrap();
            assert_eq!(refused.lines().collect::<Vec<_>>(), [&other]);
        });
    }
}
