use super::*;
use crate::call::number::spellings;
use crate::store::database::call_records::NewRecord;
use crate::store::database::change::AuditFilter;
use crate::store::database::counts::ALL_DAYS;
use crate::store::database::outbox::Told;
use crate::store::database::record_list::{Filter, StoredRecord};
use crate::store::database::samples::{self, BEGIN};
use crate::store::database::testing::for_each_engine;
use std::time::Duration;

const CALLER: &str = "+14155550123";
/// After all calls of the samples.
const AT: Wall = Wall::from_unix_seconds(1_796_000_000);

/// A record of a caller who is named in all that it has.
fn document_of(n: u64, caller: &str) -> String {
    let text = samples::document(n).replace(&samples::record(n).from, caller);
    let name = if names_caller(caller) { "Ann Archer" } else { "somebody" };
    text.replace("Nobody spoke to the caller.", &format!("Call {name} on {caller}"))
}

fn read(n: u64, caller: &str) -> NewRecord {
    NewRecord::read("east", &document_of(n, caller)).unwrap()
}

/// Every third is the caller's, in one spelling or another.
fn caller_of(n: u64) -> String {
    match n % 9 {
        0 => CALLER.to_owned(),
        3 => "4155550123".to_owned(),
        6 => "0014155550123".to_owned(),
        _ => samples::record(n).from,
    }
}

async fn all(database: &Database) -> Vec<StoredRecord> {
    database.records(&Filter::default(), None, 500).await.unwrap()
}

async fn erase_all(database: &Database) -> Erased {
    database.erase_caller(&spellings(CALLER), "ann", AT).await.unwrap()
}

/// Whether a text has the caller's number in any spelling, or name.
fn names_caller(text: &str) -> bool {
    text.contains("4155550123") || text.contains("Ann Archer")
}

#[test]
fn the_callers_records_become_those_of_an_unknown_one_and_all_others_and_all_sums_stay() {
    for_each_engine(async |database| {
        let records: Vec<_> = (0..450).map(|n| read(n, &caller_of(n))).collect();
        database.write_records(&records, Told::default()).await.unwrap();
        let (before, rows_before) =
            (all(&database).await, database.outbox(None, i64::MAX, 500).await.unwrap());
        let sums = database.call_sums(BEGIN, AT, None, 10_000).await.unwrap();
        let facts = &records[0].facts;
        let (flow, version) = (facts.flow_id.clone().unwrap(), facts.version.unwrap());
        let counts = database.step_counts(&flow, version, ALL_DAYS).await.unwrap();
        database.execute_for_test("UPDATE outbox SET state = 'done' WHERE id % 2 = 0").await;
        database.execute_for_test("UPDATE outbox SET last_error = 'Ann Archer is no lead'").await;

        let erased = erase_all(&database).await;

        let (after, rows_after) = (all(&database).await, database.outbox(None, i64::MAX, 500).await.unwrap());
        assert_eq!(after.len(), before.len());
        let mut count = 0;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.cursor(), after.cursor());
            if names_caller(&before.document.to_string()) {
                count += 1;
                let mut expected = before.document.clone();
                erase(&mut expected, AT);
                assert_eq!(after.document, expected);
            } else {
                assert_eq!(after, before);
            }
        }
        assert_eq!((count, erased.records), (150, 150));
        for spelling in spellings(CALLER) {
            let filter = Filter { caller: Some(spelling), ..Filter::default() };
            assert_eq!(database.records(&filter, None, 10).await.unwrap(), []);
        }
        assert_eq!(database.call_sums(BEGIN, AT, None, 10_000).await.unwrap(), sums);
        assert_eq!(database.step_counts(&flow, version, ALL_DAYS).await.unwrap(), counts);

        assert_eq!(rows_after.len(), rows_before.len());
        let mut count = 0;
        for (before, after) in rows_before.iter().zip(&rows_after) {
            let state = if after.id % 2 == 0 { "done" } else { "erased" };
            if names_caller(&before.payload) {
                count += 1;
                assert!(!names_caller(&format!("{after:?}")), "{after:?}");
                assert_eq!((after.state.as_str(), &after.last_error), (state, &None));
                assert!(after.payload.contains(&before.key["east/".len()..]));
            } else {
                assert_eq!(after.payload, before.payload);
                assert_eq!(after.last_error.as_deref(), Some("Ann Archer is no lead"));
            }
        }
        assert!(count > 5 && erased.rows == count, "{erased:?}");
        assert_eq!(erase_all(&database).await, Erased::default());
    });
}

#[test]
fn a_record_that_comes_late_is_erased_and_one_that_comes_again_is_no_other() {
    for_each_engine(async |database| {
        let early: Vec<_> = (0..20).map(|n| read(n, CALLER)).collect();
        database.write_records(&early, Told::default()).await.unwrap();
        erase_all(&database).await;
        // From the spool of a server that was away, with those that it had written already and one of another caller.
        let late: Vec<_> = (0..40).map(|n| read(n, CALLER)).chain([read(40, "+14155550199")]).collect();
        for new in [21, 0] {
            let written = database.write_records(&late, Told::default()).await.unwrap();
            assert_eq!((written.new, written.conflicting.len()), (new, 0));
        }
        let records = all(&database).await;
        assert_eq!(records.len(), 41);
        let whole: Vec<_> = records.iter().filter(|r| r.document["from"] != "").collect();
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].document["from"], "+14155550199");
        assert!(!records.iter().any(|record| names_caller(&record.document.to_string())));
        let rows = database.outbox(None, i64::MAX, 500).await.unwrap();
        let waiting: Vec<_> = rows.iter().filter(|row| row.state == "waiting").collect();
        assert!(
            waiting.iter().all(|row| row.payload.contains("+14155550199")),
            "nothing is told of who was erased"
        );
        // A call that began after it was asked for is another matter.
        let start = AT + Duration::from_secs(1);
        let text = document_of(50, CALLER);
        let text = text.replace(&samples::record(50).start.to_string(), &start.to_string());
        database.write_records(&[NewRecord::read("east", &text).unwrap()], Told::default()).await.unwrap();
        let filter = Filter { caller: Some(CALLER.to_owned()), ..Filter::default() };
        assert_eq!(database.records(&filter, None, 10).await.unwrap().len(), 1);
    });
}

#[test]
fn records_that_are_written_while_the_caller_is_erased_do_not_slip_through() {
    for_each_engine(async |database| {
        let writers = (0..4u64).map(|writer| {
            let database = database.clone();
            tokio::spawn(async move {
                for n in 0..60 {
                    let records: Vec<_> = (0..3).map(|m| read(writer * 1_000 + n * 3 + m, CALLER)).collect();
                    database.write_records(&records, Told::default()).await.unwrap();
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let erasing = async {
            // Some are there, and some are to come.
            while all(&database).await.len() < 100 {
                tokio::task::yield_now().await;
            }
            erase_all(&database).await
        };
        let erased = erasing.await;
        for writer in writers {
            writer.await.unwrap();
        }
        assert!((100..720).contains(&erased.records), "{erased:?}");
        let mut after = None;
        let mut count = 0;
        loop {
            let page = database.records(&Filter::default(), after.as_ref(), 500).await.unwrap();
            count += page.len();
            assert!(page.iter().all(|record| record.document["from"] == ""));
            after = page.last().map(StoredRecord::cursor);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(count, 720);
    });
}

#[test]
fn an_erasure_waits_for_a_record_that_is_being_written() {
    for_each_engine(async |database| {
        // As far as `write_records` is before it commits: no order was there, and nobody sees the record yet.
        let mut writing = database.begin_writing().await.unwrap();
        assert_eq!(orders(&mut writing).await.unwrap().for_call(CALLER, BEGIN), None);
        let insert = format!(
            "INSERT INTO call_records (node, call_id, call_key, sip_call_id, started, ended, caller, end_reason, document) \
             VALUES ('east', 'c1', '', '', 0, 0, '{CALLER}', '', '{{\"from\":\"{CALLER}\"}}')"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut *writing).await.unwrap();
        let mut erasing = std::pin::pin!(erase_all(&database));
        assert!(tokio::time::timeout(Duration::from_millis(200), &mut erasing).await.is_err());
        writing.commit().await.unwrap();
        assert_eq!(erasing.await.records, 1);
        assert_eq!(database.record("east", "c1").await.unwrap().unwrap().document["from"], "");
    });
}

#[test]
fn a_row_about_a_call_of_the_caller_is_erased_without_having_the_number() {
    for_each_engine(async |database| {
        let record = read(0, CALLER);
        database.write_records(std::slice::from_ref(&record), Told::default()).await.unwrap();
        let insert = format!(
            "INSERT INTO outbox (kind, key, payload, created, due, attempts, state) VALUES \
             ('other', 'east/{}', '{{\"contact\":\"003xx\"}}', 0, 0, 0, 'waiting'), \
             ('other', 'west/{0}', '{{\"contact\":\"003xx\"}}', 0, 0, 0, 'waiting')",
            record.call_id()
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&database.pool).await.unwrap();
        erase_all(&database).await;
        let rows = database.outbox(None, i64::MAX, 10).await.unwrap();
        let of_other: Vec<_> = rows.iter().filter(|row| row.kind == "other").collect();
        assert_eq!(of_other.len(), 2);
        for row in of_other {
            assert_eq!(
                (row.state == "waiting", row.payload.contains("003xx")),
                (row.key.starts_with("west/"), row.key.starts_with("west/"))
            );
        }
    });
}

#[test]
fn a_row_that_outlived_its_record_or_names_the_caller_elsewhere_is_erased() {
    for_each_engine(async |database| {
        let records: Vec<_> = (0..60).map(|n| read(n, CALLER)).collect();
        database.write_records(&records, Told::default()).await.unwrap();
        database.execute_for_test("DELETE FROM call_records").await;
        database
            .execute_for_test(
                "INSERT INTO outbox (kind, key, payload, created, due, attempts, state) VALUES \
                 ('other', 'x', '{\"record\":{\"from\":\"+14155550123\"}}', 0, 0, 0, 'waiting'), \
                 ('other', 'y', '{\"record\":{\"from\":\"+141555501234\"}}', 0, 0, 0, 'waiting')",
            )
            .await;
        let rows = database.outbox(None, i64::MAX, 500).await.unwrap().len() as u64;
        let erased = erase_all(&database).await;
        assert_eq!(erased, Erased { records: 0, rows: rows - 1 });
        let left = database.outbox(Some("waiting"), i64::MAX, 500).await.unwrap();
        assert_eq!(left.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["y"]);
    });
}

#[test]
fn the_audit_log_says_what_was_done_without_the_number() {
    for_each_engine(async |database| {
        database.write_records(&[read(0, CALLER), read(1, "100")], Told::default()).await.unwrap();
        erase_all(&database).await;
        database.erase_caller(&spellings("100"), "bob", AT).await.unwrap();
        assert_eq!(database.erase_caller(&[String::new()], "bob", AT).await.unwrap(), Erased::default());
        let log = database.audit(&AuditFilter::default(), None, 10).await.unwrap();
        let shown: Vec<_> = log
            .iter()
            .map(|entry| {
                format!("{} {} {} {} {}", entry.actor, entry.action, entry.kind, entry.object, entry.detail)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "bob erased caller … 1 call records, 0 rows of the outbox",
                "bob erase caller … begun",
                "ann erased caller …0123 1 call records, 0 rows of the outbox",
                "ann erase caller …0123 begun",
            ]
        );
    });
}

#[test]
fn an_order_is_forgotten_after_a_month() {
    for_each_engine(async |database| {
        erase_all(&database).await;
        for (days, is_erased) in [(29, true), (31, false)] {
            database.forget_old_erasures(AT + Duration::from_secs(days * 86_400)).await.unwrap();
            let record = read(days, CALLER);
            database.write_records(std::slice::from_ref(&record), Told::default()).await.unwrap();
            let stored = database.record("east", record.call_id()).await.unwrap().unwrap();
            assert_eq!(stored.document["from"] == "", is_erased, "after {days} days");
        }
    });
}
