use super::*;
use crate::store::database::samples;
use crate::store::database::testing::for_each_engine;

/// The number of an abandoned sample call.
fn abandoned() -> u64 {
    (0..)
        .find(|n| samples::record(*n).outcome.is_some_and(|outcome| outcome.abandoned_task.is_some()))
        .unwrap()
}

fn record(number: u64) -> NewRecord {
    NewRecord::read("east", &samples::document(number)).unwrap()
}

/// One abandoned call in an empty database, and a moment after it.
async fn one(database: &Database) -> (Entry, Wall) {
    let record = record(abandoned());
    assert_eq!(database.write_records(std::slice::from_ref(&record)).await.unwrap().new, 1);
    assert_eq!(database.write_records(&[record]).await.unwrap().new, 0);
    let now = samples::BEGIN + Duration::from_secs(86_400);
    let mut due = database.outbox_due(10, now).await.unwrap();
    assert_eq!(due.len(), 1);
    (due.remove(0), now)
}

async fn state(database: &Database) -> (String, Option<String>) {
    let row = sqlx::query("SELECT state, last_error FROM outbox").fetch_one(&database.pool).await.unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn an_abandoned_call_has_one_task_with_all_that_a_crm_wants() {
    for_each_engine(async |database| {
        let (entry, _) = one(&database).await;
        let call = samples::record(abandoned());
        let (outcome, wanted) =
            (call.outcome.clone().unwrap(), call.outcome.unwrap().abandoned_task.unwrap());
        assert_eq!((entry.kind.as_str(), entry.key), (CrmTask::KIND, format!("east/{}", call.call_id)));
        assert_eq!((entry.created, entry.due, entry.attempts), (call.end, call.end, 0));
        let task: CrmTask = serde_json::from_str(&entry.payload).unwrap();
        assert_eq!(
            (task.subject, task.comments, task.assign_to),
            (wanted.subject, wanted.comments, wanted.assign_to)
        );
        assert_eq!((task.call_id, task.call_key, task.from), (call.call_id, call.call_key, call.from));
        assert_eq!((task.number, task.flow_id, task.version), (call.number, call.flow_id, call.version));
        assert_eq!((Wall::from(task.start), Wall::from(task.end), task.talk_sec), (call.start, call.end, 0));
        let last = outcome.final_step.unwrap();
        let last = LastStep { id: last.id, name: last.name, seconds_in: last.seconds_in };
        assert_eq!(task.final_step, Some(last));
        assert!(task.outcome.is_some_and(|outcome| outcome.starts_with("abandoned_")));
    });
}

#[test]
fn only_calls_that_ask_for_a_task_have_one() {
    for_each_engine(async |database| {
        let records: Vec<_> = (0..200).map(record).collect();
        database.write_records(&records).await.unwrap();
        let wanted = (0..200).filter(|n| {
            let kind = samples::record(*n).outcome.map(|outcome| outcome.outcome);
            kind.is_some_and(|kind| format!("{kind:?}").starts_with("Abandoned"))
        });
        let due = database.outbox_due(ROWS_MAX, samples::BEGIN + Duration::from_secs(86_400)).await.unwrap();
        assert_eq!(due.len(), wanted.count());
        assert!(due.is_sorted_by_key(|entry| entry.due) && due.len() > 20);
        assert_eq!(database.outbox_due(5, due[7].due).await.unwrap(), due[..5]);
        assert_eq!(database.outbox_due(500, due[7].due).await.unwrap(), due[..8]);
    });
}

#[test]
fn failures_are_tried_again_after_1_5_30_120_and_720_minutes_and_then_no_more() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for (failures, minutes) in [1, 5, 30, 120, 720].into_iter().enumerate() {
            let claimed = database.outbox_claim(&entry, now).await.unwrap().unwrap();
            assert_eq!(claimed.attempts as usize, failures + 1);
            let due = now + Duration::from_secs(minutes * 60);
            assert_eq!(database.outbox_failed(&claimed, "503", now).await.unwrap(), Next::At(due));
            let before = Wall::from_unix_micros(due.as_unix_micros() - 1);
            assert_eq!(database.outbox_due(10, before).await.unwrap(), []);
            now = due;
            entry = database.outbox_due(10, now).await.unwrap().remove(0);
            assert_eq!(entry.last_error.as_deref(), Some("503"));
        }
        let claimed = database.outbox_claim(&entry, now).await.unwrap().unwrap();
        assert_eq!(database.outbox_failed(&claimed, &"é\0".repeat(5_000), now).await.unwrap(), Next::Dead);
        assert_eq!(database.outbox_due(10, Wall::from_unix_micros(i64::MAX)).await.unwrap(), []);
        let (state, error) = state(&database).await;
        assert_eq!((state.as_str(), error.unwrap().chars().count()), ("dead", ERROR_CHARS_MAX));
    });
}

#[test]
fn of_several_servers_one_sends() {
    for_each_engine(async |database| {
        let (entry, now) = one(&database).await;
        let claims = tokio::join!(
            database.outbox_claim(&entry, now),
            database.outbox_claim(&entry, now),
            database.outbox_claim(&entry, now),
        );
        let claims: Vec<_> =
            [claims.0, claims.1, claims.2].into_iter().filter_map(|claim| claim.unwrap()).collect();
        assert_eq!(claims.len(), 1);
        assert_eq!(database.outbox_due(10, now).await.unwrap(), []);
        assert!(database.outbox_done(&claims[0]).await.unwrap());
        assert_eq!(database.outbox_due(10, Wall::from_unix_micros(i64::MAX)).await.unwrap(), []);
        assert_eq!(state(&database).await, ("done".to_owned(), None));
    });
}

#[test]
fn what_a_server_claimed_and_never_ended_another_takes_over() {
    for_each_engine(async |database| {
        let (entry, mut now) = one(&database).await;
        let lost = database.outbox_claim(&entry, now).await.unwrap().unwrap();
        assert_eq!(lost.due, now + LEASE);
        now = now + LEASE;
        let again = database.outbox_due(10, now).await.unwrap().remove(0);
        let taken = database.outbox_claim(&again, now).await.unwrap().unwrap();
        // The first wakes up: the row is no longer its own.
        assert!(!database.outbox_done(&lost).await.unwrap());
        assert_eq!(database.outbox_failed(&lost, "late", now).await.unwrap(), Next::Gone);
        assert!(database.outbox_done(&taken).await.unwrap());
    });
}

#[test]
fn a_row_that_every_server_dies_of_is_given_up() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for _ in 0..=RETRIES.len() {
            assert!(database.outbox_claim(&entry, now).await.unwrap().is_some());
            now = now + LEASE;
            entry = database.outbox_due(10, now).await.unwrap().remove(0);
        }
        assert_eq!(database.outbox_claim(&entry, now).await.unwrap(), None);
        assert_eq!(state(&database).await.0, "dead");
    });
}
