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
    assert_eq!(database.write_records(std::slice::from_ref(&record), Told::default()).await.unwrap().new, 1);
    assert_eq!(database.write_records(&[record], Told::default()).await.unwrap().new, 0);
    let now = samples::BEGIN + Duration::from_secs(86_400);
    let mut found = due(database, 10, now).await.unwrap();
    assert_eq!(found.len(), 1);
    (found.remove(0), now)
}

async fn due(database: &Database, limit: u32, now: Wall) -> Result<Vec<Entry>, DatabaseError> {
    database.outbox_due(&[kind::TASK], limit, now).await
}

async fn claim(database: &Database, entry: &Entry, now: Wall) -> Result<Option<Entry>, DatabaseError> {
    Ok(database.outbox_claim(std::slice::from_ref(entry), now).await?.pop())
}

async fn settle(database: &Database, claimed: &Entry, verdict: Verdict, now: Wall) -> Next {
    database.outbox_settle(&[(claimed.clone(), verdict)], now).await.unwrap().remove(0)
}

async fn fail(database: &Database, claimed: &Entry, error: &str, now: Wall) -> Result<Next, DatabaseError> {
    Ok(settle(database, claimed, Verdict::Failed(error.to_owned()), now).await)
}

async fn done(database: &Database, claimed: &Entry) -> Result<bool, DatabaseError> {
    let result = Verdict::Done(Some("{\"id\":\"00T1\"}".to_owned()));
    Ok(settle(database, claimed, result, claimed.due).await == Next::Done)
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
        assert_eq!((entry.kind.as_str(), entry.key), (kind::TASK, format!("east/{}", call.call_id)));
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
        database.write_records(&records, Told::default()).await.unwrap();
        let wanted = (0..200).filter(|n| {
            let kind = samples::record(*n).outcome.map(|outcome| outcome.outcome);
            kind.is_some_and(|kind| format!("{kind:?}").starts_with("Abandoned"))
        });
        let found = due(&database, ROWS_MAX, samples::BEGIN + Duration::from_secs(86_400)).await.unwrap();
        assert_eq!(found.len(), wanted.count());
        assert!(found.is_sorted_by_key(|entry| entry.due) && found.len() > 20);
        assert_eq!(due(&database, 5, found[7].due).await.unwrap(), found[..5]);
        assert_eq!(due(&database, 500, found[7].due).await.unwrap(), found[..8]);
    });
}

#[test]
fn failures_are_tried_again_after_1_5_30_120_and_720_minutes_and_then_no_more() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for (failures, minutes) in [1, 5, 30, 120, 720].into_iter().enumerate() {
            let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
            assert_eq!(claimed.attempts as usize, failures + 1);
            let again = now + Duration::from_secs(minutes * 60);
            assert_eq!(fail(&database, &claimed, "503", now).await.unwrap(), Next::At(again));
            let before = Wall::from_unix_micros(again.as_unix_micros() - 1);
            assert_eq!(due(&database, 10, before).await.unwrap(), []);
            now = again;
            entry = due(&database, 10, now).await.unwrap().remove(0);
            assert_eq!(entry.last_error.as_deref(), Some("503"));
        }
        let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
        assert_eq!(fail(&database, &claimed, &"é\0".repeat(5_000), now).await.unwrap(), Next::Dead);
        assert_eq!(due(&database, 10, Wall::from_unix_micros(i64::MAX)).await.unwrap(), []);
        let (state, error) = state(&database).await;
        assert_eq!((state.as_str(), error.unwrap().chars().count()), ("dead", ERROR_CHARS_MAX));
    });
}

#[test]
fn of_several_servers_one_sends() {
    for_each_engine(async |database| {
        let (entry, now) = one(&database).await;
        let claims = tokio::join!(
            claim(&database, &entry, now),
            claim(&database, &entry, now),
            claim(&database, &entry, now),
        );
        let claims: Vec<_> =
            [claims.0, claims.1, claims.2].into_iter().filter_map(|claim| claim.unwrap()).collect();
        assert_eq!(claims.len(), 1);
        assert_eq!(due(&database, 10, now).await.unwrap(), []);
        assert!(done(&database, &claims[0]).await.unwrap());
        assert_eq!(due(&database, 10, Wall::from_unix_micros(i64::MAX)).await.unwrap(), []);
        assert_eq!(state(&database).await, ("done".to_owned(), None));
    });
}

#[test]
fn what_a_server_claimed_and_never_ended_another_takes_over() {
    for_each_engine(async |database| {
        let (entry, mut now) = one(&database).await;
        let lost = claim(&database, &entry, now).await.unwrap().unwrap();
        assert_eq!(lost.due, now + LEASE);
        now = now + LEASE;
        let again = due(&database, 10, now).await.unwrap().remove(0);
        let taken = claim(&database, &again, now).await.unwrap().unwrap();
        // The first wakes up: the row is no longer its own.
        assert!(!done(&database, &lost).await.unwrap());
        assert_eq!(fail(&database, &lost, "late", now).await.unwrap(), Next::Gone);
        assert!(done(&database, &taken).await.unwrap());
    });
}

#[test]
fn a_row_that_every_server_dies_of_is_given_up() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for _ in 0..CLAIMS_MAX {
            assert!(claim(&database, &entry, now).await.unwrap().is_some());
            now = now + LEASE;
            entry = due(&database, 10, now).await.unwrap().remove(0);
        }
        assert_eq!(claim(&database, &entry, now).await.unwrap(), None);
        assert_eq!(state(&database).await.0, "dead");
    });
}

#[test]
fn what_is_parked_waits_for_somebody_and_is_tried_anew_from_the_first_pause_on() {
    for_each_engine(async |database| {
        let (entry, now) = one(&database).await;
        let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
        let words = "FIELD_CUSTOM_VALIDATION_EXCEPTION: Say why";
        assert_eq!(settle(&database, &claimed, Verdict::Parked(words.to_owned()), now).await, Next::Parked);
        assert_eq!(due(&database, 10, Wall::from_unix_micros(i64::MAX)).await.unwrap(), []);
        assert_eq!(state(&database).await, ("parked".to_owned(), Some(words.to_owned())));
        let counts = database.outbox_counts().await.unwrap();
        assert_eq!((counts.waiting, counts.parked, counts.dead), (0, 1, 0));
        assert!(database.outbox_retry(entry.id, now).await.unwrap());
        assert!(!database.outbox_retry(entry.id, now).await.unwrap(), "it waits already");
        let again = due(&database, 10, now).await.unwrap().remove(0);
        assert_eq!((again.attempts, again.round, again.failures), (1, 1, 0));
        let claimed = claim(&database, &again, now).await.unwrap().unwrap();
        assert_eq!(fail(&database, &claimed, "503", now).await.unwrap(), Next::At(now + RETRIES[0]));
        assert_eq!(database.outbox_counts().await.unwrap().waiting, 1);
        assert!(!done(&database, &claimed).await.unwrap(), "it is not claimed any more");
    });
}

#[test]
fn every_call_but_a_short_abandon_is_told_to_a_crm_that_wants_all() {
    for_each_engine(async |database| {
        let told = Told { tasks: Tasks::All, conversations: true, records: true };
        let records: Vec<_> = (0..200).map(record).collect();
        database.write_records(&records, told).await.unwrap();
        let outcome = |n: &u64| samples::record(*n).outcome.map(|outcome| outcome.outcome.word());
        let wanted = (0..200).filter(|n| outcome(n).is_some_and(|word| word != "short_abandon")).count();
        let far = samples::BEGIN + Duration::from_secs(86_400);
        for (kinds, count) in [
            (&[kind::TASK][..], wanted),
            (&[kind::CONVERSATION], wanted),
            (&[kind::RECORD], 200),
            (&[kind::TASK, kind::RECORD], wanted + 200),
            (&[], 0),
        ] {
            assert_eq!(
                database.outbox_due(kinds, ROWS_MAX, far).await.unwrap().len(),
                count.min(500),
                "{kinds:?}"
            );
        }
        let tasks = database.outbox_due(&[kind::TASK], ROWS_MAX, far).await.unwrap();
        let tasks: Vec<CrmTask> =
            tasks.iter().map(|row| serde_json::from_str(&row.payload).unwrap()).collect();
        assert!(tasks.iter().any(|task| !task.is_abandoned && task.subject.starts_with("Call from ")));
        assert!(
            tasks
                .iter()
                .all(|task| task.is_abandoned == task.outcome.as_deref().unwrap().starts_with("abandoned"))
        );
        database.write_records(&records[..50], Told { tasks: Tasks::None, ..told }).await.unwrap();
    });
}

#[test]
fn an_outage_never_gives_a_row_up_and_what_was_not_tried_counts_nothing() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        let not_tried = Verdict::NotTried("kept for callers".to_owned());
        let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
        assert_eq!(settle(&database, &claimed, not_tried, now).await, Next::At(now + RETRIES[0]));
        now = now + RETRIES[0];
        let mut pauses = Vec::new();
        for _ in 0..8 {
            entry = due(&database, 10, now).await.unwrap().remove(0);
            let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
            let Next::At(again) = settle(&database, &claimed, Verdict::Away("away".to_owned()), now).await
            else {
                panic!("given up")
            };
            pauses.push(again.as_unix_micros().abs_diff(now.as_unix_micros()) / 60_000_000);
            now = again;
        }
        assert_eq!(pauses, [1, 5, 30, 120, 120, 120, 120, 120]);
        // What fails by itself afterwards still has its last tries.
        entry = due(&database, 10, now).await.unwrap().remove(0);
        assert_eq!(entry.failures, AWAY_MAX);
        let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
        let unknown = settle(&database, &claimed, Verdict::Unknown("late".to_owned()), now).await;
        assert_eq!(unknown, Next::At(now + RETRIES[3]));
    });
}

#[test]
fn a_save_that_nobody_answered_is_not_sent_again_for_five_minutes() {
    for_each_engine(async |database| {
        let (entry, now) = one(&database).await;
        let claimed = claim(&database, &entry, now).await.unwrap().unwrap();
        let unknown = settle(&database, &claimed, Verdict::Unknown("late".to_owned()), now).await;
        assert_eq!(unknown, Next::At(now + Duration::from_secs(300)));
    });
}

#[test]
fn a_row_that_servers_die_of_is_given_up_and_does_not_block_those_behind_it() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for _ in 0..CLAIMS_MAX {
            claim(&database, &entry, now).await.unwrap().unwrap();
            now = now + LEASE;
            entry = due(&database, 10, now).await.unwrap().remove(0);
        }
        assert_eq!(claim(&database, &entry, now).await.unwrap(), None);
        assert_eq!(state(&database).await.0, "dead");
    });
}

#[test]
fn attempts_of_which_it_is_known_how_they_ended_are_none_that_a_server_died_in() {
    for_each_engine(async |database| {
        let (mut entry, mut now) = one(&database).await;
        for turn in 0..3 * CLAIMS_MAX {
            let claimed = claim(&database, &entry, now).await.unwrap().expect("it is not given up");
            now = now + LEASE;
            if turn % CLAIMS_MAX == CLAIMS_MAX - 1 {
                let Next::At(again) =
                    settle(&database, &claimed, Verdict::Away("away".to_owned()), now).await
                else {
                    panic!("given up")
                };
                now = again;
            }
            entry = due(&database, 10, now).await.unwrap().remove(0);
        }
    });
}
