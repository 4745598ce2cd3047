use super::*;
use crate::store::database::call_records::NewRecord;
use crate::store::database::samples;
use crate::store::database::testing::{for_each_engine, for_each_url};
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
        database.write_records(&calls[..3]).await.unwrap();
        assert_eq!(database.write_records(&calls).await.unwrap().new, 2);
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
                assert_eq!(database.write_records(&records).await.unwrap().new, 50);
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
        database.write_records(&calls).await.unwrap();
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
        assert_eq!(database.write_records(&[record.clone(), record]).await.unwrap().new, 1);
        let rows = sqlx::query("SELECT step FROM step_counts").fetch_all(&database.pool).await.unwrap();
        assert!(rows.is_empty());
        assert_eq!(database.records(&Default::default(), None, 10).await.unwrap().len(), 1);
    });
}
