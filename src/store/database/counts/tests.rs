use super::*;
use crate::store::database::call_records::NewRecord;
use crate::store::database::outbox::Told;
use crate::store::database::testing::{for_each_engine, for_each_url};
use crate::store::database::{Engine, migrations, samples};
use serde_json::{Value, json};

/// A call that came in at 0 and ended at 60 s; `path`: sub-flow, step, port, second.
fn call(id: &str, outcome: &str, ended_by: &str, path: &[(&str, &str, Option<&str>, u32)]) -> NewRecord {
    let path: Vec<Value> = path
        .iter()
        .map(|(flow, step, port, second)| {
            let mut visit = json!({"step": step, "enteredAt": format!("2026-11-23T10:00:{second:02}.250Z")});
            if let Some(port) = port {
                visit["port"] = (*port).into();
            }
            if !flow.is_empty() {
                (visit["flow"], visit["version"]) = ((*flow).into(), 9.into());
            }
            visit
        })
        .collect();
    let document = json!({
        "callId": id, "flowId": "main", "version": 3, "from": "+14155550100", "endReason": "flow_ended",
        "start": "2026-11-23T10:00:00Z", "end": "2026-11-23T10:01:00.250Z",
        "outcome": outcome, "endedBy": ended_by, "path": path,
    });
    NewRecord::read("east", &document.to_string()).unwrap()
}

fn count(
    step: &str,
    [entered, hung_up, answered]: [u64; 3],
    seconds: f64,
    ports: &[(&str, u64)],
) -> StepCount {
    let ports = ports.iter().map(|(port, passed)| ((*port).to_owned(), *passed)).collect();
    StepCount { step: step.to_owned(), entered, hung_up, answered, seconds, ports }
}

#[test]
fn each_visit_is_counted_with_its_port_its_time_and_how_the_call_ended_in_it() {
    for_each_engine(async |database| {
        let calls = [
            call(
                "a",
                "answered",
                "caller",
                &[("", "menu", Some("no_input"), 0), ("", "menu", Some("1"), 10), ("", "team", None, 20)],
            ),
            call("b", "abandoned_in_flow", "caller", &[("", "menu", Some("1"), 0), ("", "team", None, 30)]),
            call(
                "c",
                "disconnected_by_flow",
                "flow",
                &[("", "menu", Some("2"), 0), ("hours", "open?", None, 59)],
            ),
            call("d", "short_abandon", "caller", &[("", "menu", None, 58)]),
            call("e", "disconnected_by_flow", "caller", &[("", "menu", Some("2"), 50)]),
        ];
        // In one batch and again in two: nothing is counted twice.
        database.write_records(&calls[..3], Told::default()).await.unwrap();
        assert_eq!(database.write_records(&calls, Told::default()).await.unwrap().new, 2);
        assert_eq!(
            database.step_counts("main", 3, ALL_DAYS).await.unwrap(),
            [
                count(
                    "menu",
                    [6, 1, 0],
                    10.0 + 10.0 + 30.0 + 59.0 + 2.0 + 10.0,
                    &[("1", 2), ("2", 2), ("no_input", 1)]
                ),
                count("team", [2, 1, 1], 40.0 + 30.0, &[]),
            ]
        );
        assert_eq!(
            database.step_counts("hours", 9, ALL_DAYS).await.unwrap(),
            [count("open?", [1, 0, 0], 1.0, &[])]
        );
        assert_eq!(database.step_counts("main", 4, ALL_DAYS).await.unwrap(), []);
    });
}

#[test]
fn servers_that_write_at_the_same_time_lose_no_count_and_never_wait_for_each_other_in_turn() {
    for_each_url(async |url| {
        const RECORDS: u64 = 400;
        let write = async |node: &str, backwards: bool| {
            let database = Database::open(&url).await.unwrap();
            let mut numbers: Vec<u64> = (0..RECORDS).collect();
            if backwards {
                numbers.reverse();
            }
            for part in numbers.chunks(50) {
                let read = |n: &u64| NewRecord::read(node, &samples::document(*n)).unwrap();
                let records: Vec<_> = part.iter().map(read).collect();
                assert_eq!(database.write_records(&records, Told::default()).await.unwrap().new, 50);
            }
            database
        };
        let (database, other) = tokio::join!(write("east", false), write("west", true));
        other.close().await;
        let (mut tally, mut counted) = (Tally::default(), 0);
        for number in 0..RECORDS {
            tally.add(&NewRecord::read("east", &samples::document(number)).unwrap().facts);
        }
        for ((flow, version, step, day), sums) in &tally.steps {
            let version = u32::try_from(*version).unwrap();
            let steps = database.step_counts(flow, version, *day..=*day).await.unwrap();
            let found = steps.iter().find(|found| found.step == *step).unwrap();
            assert_eq!(found.entered as i64, sums.entered * 2, "{flow} {version} {step}");
            counted += sums.entered;
        }
        assert!(counted > 1_000);
        database.close().await;
    });
}

#[test]
fn counts_of_a_store_without_days_are_of_the_first_day_and_those_of_today_stand_beside_them() {
    for_each_url(async |url| {
        sqlx::any::install_default_drivers();
        let is_sqlite = url.starts_with("sqlite:");
        let engine = if is_sqlite { Engine::Sqlite } else { Engine::Postgres };
        let address = if is_sqlite { format!("{url}?mode=rwc") } else { url.clone() };
        let pool = sqlx::any::AnyPoolOptions::new().max_connections(1).connect(&address).await.unwrap();
        migrations::run_first(4, &pool, engine).await.unwrap();
        for statement in [
            "INSERT INTO step_counts (flow_id, version, step, entered, hung_up, answered, spent) \
             VALUES ('main', 3, 'menu', 5, 1, 2, 9000), ('main', 3, 'team', 2, 0, 2, 80000)",
            "INSERT INTO port_counts (flow_id, version, step, port, passed) \
             VALUES ('main', 3, 'menu', 'key:1', 4), ('main', 3, 'menu', 'key:2', 1)",
        ] {
            sqlx::query(statement).execute(&pool).await.unwrap();
        }
        pool.close().await;
        let database = Database::open(&url).await.unwrap();
        let record = json!({
            "callId": "a", "flowId": "main", "version": 3, "from": "+14155550100", "endReason": "flow_ended",
            "start": "2026-11-23T00:00:00Z", "end": "2026-11-23T00:00:01Z",
            "outcome": "disconnected_by_flow", "endedBy": "flow",
            "path": [{"step": "menu", "enteredAt": "2026-11-23T00:00:00Z", "port": "key:1"}],
        });
        let record = NewRecord::read("east", &record.to_string()).unwrap();
        for _ in 0..2 {
            database.write_records(std::slice::from_ref(&record), Told::default()).await.unwrap();
        }
        let before = [
            count("menu", [5, 1, 2], 9.0, &[("key:1", 4), ("key:2", 1)]),
            count("team", [2, 0, 2], 80.0, &[]),
        ];
        assert_eq!(database.step_counts("main", 3, 0..=0).await.unwrap(), before);
        let all = database.step_counts("main", 3, ALL_DAYS).await.unwrap();
        assert_eq!((all[0].entered, all[0].ports["key:1"], all[1].entered), (6, 5, 2));
        assert_eq!(database.step_counts("main", 3, 1..=Day::MAX).await.unwrap()[0].entered, 1);
        database.close().await;
    });
}

#[test]
fn a_period_has_the_calls_that_came_in_on_its_days() {
    for_each_engine(async |database| {
        let on = |id: &str, date: &str| {
            let document = json!({
                "callId": id, "flowId": "main", "version": 3, "from": "+14155550100", "endReason": "flow_ended",
                "start": format!("{date}T23:59:59Z"), "end": format!("{date}T23:59:59.5Z"),
                "outcome": "disconnected_by_flow", "endedBy": "flow",
                "path": [{"step": "menu", "enteredAt": format!("{date}T23:59:59Z"), "port": "key:1"}],
            });
            NewRecord::read("east", &document.to_string()).unwrap()
        };
        let day = |date: &str| day_of(format!("{date}T00:00:00Z").parse().unwrap());
        let calls =
            [on("a", "2026-11-22"), on("b", "2026-11-23"), on("c", "2026-11-23"), on("d", "2026-11-25")];
        database.write_records(&calls, Told::default()).await.unwrap();
        for (first, last, entered) in [
            ("2026-11-22", "2026-11-22", Some(1)),
            ("2026-11-22", "2026-11-23", Some(3)),
            ("2026-11-24", "2026-11-24", None),
            ("2026-11-24", "2026-12-24", Some(1)),
            ("2026-11-25", "2026-11-22", None),
        ] {
            let steps = database.step_counts("main", 3, day(first)..=day(last)).await.unwrap();
            let found = steps.first().map(|step| (step.entered, step.ports["key:1"]));
            assert_eq!(found, entered.map(|count| (count, count)), "{first} to {last}");
        }
        assert_eq!(database.step_counts("main", 3, ALL_DAYS).await.unwrap()[0].entered, 4);
    });
}

#[test]
fn a_call_without_a_flow_is_kept_and_counted_nowhere() {
    for_each_engine(async |database| {
        let record = NewRecord::read("east", &samples::document(9)).unwrap();
        assert!(record.facts.flow_id.is_none());
        assert_eq!(database.write_records(&[record.clone(), record], Told::default()).await.unwrap().new, 1);
        let rows = sqlx::query("SELECT step FROM step_counts").fetch_all(&database.pool).await.unwrap();
        assert!(rows.is_empty());
        assert_eq!(database.records(&Default::default(), None, 10).await.unwrap().len(), 1);
    });
}
