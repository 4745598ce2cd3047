//! One Task for each call, whatever breaks: Salesforce that fails, that answers too late or not at all, that is away for an
//! hour, and servers that are killed between sending and noting it. Times are those of a clock of the test's own.

#![allow(clippy::disallowed_methods, reason = "a test talks to real programs: processes, sockets, files")]

#[path = "support/database.rs"]
mod database;
#[path = "support/records.rs"]
mod records;
#[path = "support/salesforce.rs"]
mod salesforce;

use cordboard::clock::{SystemClock, Wall};
use cordboard::config::Outside;
use cordboard::config::crm::{Crm, Grant, Salesforce, System, Tasks};
use cordboard::services::crm::connect;
use cordboard::services::sender::{Directory, Receiver, Sender};
use cordboard::store::database::Database;
use cordboard::store::database::call_records::NewRecord;
use cordboard::store::database::outbox::Told;
use salesforce::{BEN, CLIENT, Org, SECRET};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Environment of a process that sends: database, org, the field with the external id, and where its clock begins.
const CHILD: [&str; 4] = ["CRM_DATABASE", "CRM_ORG", "CRM_FIELD", "CRM_CLOCK"];
/// How far the clock goes where nothing is due.
const STEP: Duration = Duration::from_secs(30);
/// Requests that fail, one in five in all: closed before anything is done, closed after the write took effect, answered
/// after we have given up, a server's error, and a lock.
fn trouble() -> Value {
    let data = json!({"path": "/services/data"});
    let rule = |probability: f64, what: &str, value: Value| {
        let mut rule = json!({"match": data, "probability": probability});
        rule[what] = value;
        rule
    };
    json!([
        rule(0.05, "closeBefore", true.into()),
        rule(0.0526, "closeAfter", true.into()),
        rule(0.0112, "answerDelayMs", 1_600.into()),
        rule(0.0506, "error", json!({"code": "SERVER_UNAVAILABLE", "status": 503})),
        rule(0.0533, "error", json!({"code": "UNABLE_TO_LOCK_ROW", "status": 400})),
    ])
}

fn calls() -> u64 {
    std::env::var("CRM_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(1_000)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Sends to the org.
fn sender(database: Database, org: &str, field: Option<&str>) -> Sender {
    let salesforce = Salesforce {
        login_url: org.to_owned(),
        client_id: CLIENT.to_owned(),
        grant: Grant::ClientCredentials { secret: SECRET.to_owned() },
        api_version: "62.0".to_owned(),
        write_timeout: Duration::from_secs(1),
        task_id_field: field.map(str::to_owned),
        task_fields: Vec::new(),
        conversation: None,
    };
    let crm = Crm { system: System::Salesforce(Box::new(salesforce)), tasks: Tasks::All };
    let outside = Outside { crm: Some(crm), ..Outside::default() };
    let crm = connect(&outside, SystemClock::start()).unwrap();
    let receiver = Receiver::Crm(crm.expect("a CRM"), Arc::new(Nobody));
    Sender::new(database, receiver, Arc::default())
}

struct Nobody;

impl Directory for Nobody {
    fn crm_user(&self, _: &str) -> Option<String> {
        None
    }

    fn day(&self, at: jiff::Timestamp) -> jiff::civil::Date {
        at.to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// So many calls that are to become tasks; their ids, and a moment after them.
async fn write_calls(database: &Database, count: u64) -> (Vec<String>, Wall) {
    let told = Told { tasks: Tasks::All, ..Told::default() };
    let (mut ids, mut now, mut part) = (Vec::new(), Wall::default(), Vec::new());
    for n in 0.. {
        let call = records::record(n);
        let is_told = call.outcome.as_ref().is_some_and(|outcome| outcome.outcome.word() != "short_abandon");
        if is_told && ids.len() as u64 == count {
            break;
        }
        now = now.max(call.end);
        ids.extend(is_told.then_some(call.call_id));
        // The org has that user, to whom abandoned calls go.
        let document = records::document(n).replace("005xx0000012345", BEN);
        part.push(NewRecord::read("east", &document).unwrap());
        if part.len() == 500 {
            database.write_records(&std::mem::take(&mut part), told).await.unwrap();
        }
    }
    database.write_records(&part, told).await.unwrap();
    (ids, now + Duration::from_secs(1))
}

/// A process that sends until nothing waits any more.
fn spawn(url: &str, org: &Org, field: &str, clock: Wall) -> (Child, std::sync::mpsc::Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_sends", "--ignored", "--nocapture"])
        .env(CHILD[0], url)
        .env(CHILD[1], org.url())
        .env(CHILD[2], field)
        .env(CHILD[3], clock.as_unix_micros().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (said, lines) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    (child, lines)
}

#[test]
#[ignore = "run by the tests that kill it"]
fn a_process_that_sends() {
    let [Ok(url), Ok(org), Ok(field), Ok(clock)] = CHILD.map(std::env::var) else { return };
    runtime().block_on(async {
        let database = Database::open(&url).await.expect("the database opens after a kill");
        let field = Some(field.as_str()).filter(|field| !field.is_empty());
        let mut sender = sender(database.clone(), &org, field);
        let mut now = Wall::from_unix_micros(clock.parse().unwrap());
        println!("\nopened");
        loop {
            let begun = Instant::now();
            let tried = sender.send_due(|| now + begun.elapsed()).await.expect("the database answers");
            now = now + begun.elapsed();
            println!("now {}", now.as_unix_micros());
            if tried == 0 {
                if database.outbox_counts().await.unwrap().waiting == 0 {
                    return println!("finished");
                }
                now = now + STEP;
            }
        }
    });
}

/// Runs until a line comes, or for so long at most; gives the latest moment of its clock and whether it has finished.
fn watch(lines: &std::sync::mpsc::Receiver<String>, time: Duration, clock: &mut Wall) -> bool {
    let end = Instant::now() + time;
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if line == "finished" {
            return true;
        }
        if let Some(micros) = line.strip_prefix("now ") {
            *clock = (*clock).max(Wall::from_unix_micros(micros.parse().unwrap()));
        }
    }
    false
}

/// Each call has one Task and there is no other; nothing was parked or given up.
async fn assert_once(database: &Database, org: &Org, ids: &[String]) {
    let counts = database.outbox_counts().await.unwrap();
    let mut left = database.outbox(Some("parked"), i64::MAX, 3).await.unwrap();
    left.extend(database.outbox(Some("dead"), i64::MAX, 3).await.unwrap());
    assert_eq!((counts.waiting, counts.parked, counts.dead), (0, 0, 0), "{left:#?}");
    let found = org.control("GET", "duplicates?object=Task&field=CallObject", &Value::Null);
    assert_eq!(found["extra"], 0, "{found}");
    let tasks = org.records("Task");
    let mut calls: Vec<&str> = tasks.iter().map(|task| task["CallObject"].as_str().unwrap()).collect();
    calls.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(calls.len(), expected.len());
    assert!(calls == expected);
}

#[test]
fn each_call_has_one_task_though_requests_fail_and_the_server_is_killed_every_few_seconds() {
    let org = Org::start();
    let folder = database::Folder::new("crm-outbox");
    let url = format!("sqlite://{}/x.db", folder.0.display());
    let runtime = runtime();
    let database = runtime.block_on(Database::open(&url)).unwrap();
    let (ids, mut clock) = runtime.block_on(write_calls(&database, calls()));
    org.trouble(&trouble());
    let (mut kills, mut turn) = (0, 0u64);
    loop {
        let (mut child, lines) = spawn(&url, &org, "", clock);
        // A second or two: some batches.
        turn += 1;
        let is_finished = watch(&lines, Duration::from_millis(900 + 397 * (turn % 4)), &mut clock);
        if is_finished {
            assert!(child.wait().unwrap().success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // What was claimed is tried again when the claim has run out.
        clock = clock + Duration::from_secs(121);
        assert!(kills < 5_000, "it does not come to an end");
    }
    let failed = org.control("GET", "trouble", &Value::Null);
    println!("{} calls, {kills} kills, troubles {failed}", ids.len());
    assert!(kills > 0);
    org.trouble(&json!([]));
    runtime.block_on(assert_once(&database, &org, &ids));
}

#[test]
fn two_servers_that_send_at_once_make_one_task_of_each_call() {
    let org = Org::start();
    let runtime = runtime();
    let url = runtime.block_on(database::postgres().fresh_url());
    let database = runtime.block_on(Database::open(&url)).unwrap();
    let (ids, mut clock) = runtime.block_on(write_calls(&database, calls() / 2));
    org.trouble(&trouble());
    let field = "Cordboard_Call_Id__c";
    let first = spawn(&url, &org, field, clock);
    let second = spawn(&url, &org, field, clock);
    for (mut child, lines) in [first, second] {
        assert!(watch(&lines, Duration::from_secs(900), &mut clock), "it does not come to an end");
        assert!(child.wait().unwrap().success());
    }
    org.trouble(&json!([]));
    runtime.block_on(assert_once(&database, &org, &ids));
}

#[test]
fn an_org_that_is_away_for_an_hour_gets_all_tasks_afterwards_in_the_order_of_their_retries() {
    let org = Org::start();
    let folder = database::Folder::new("crm-away");
    let url = format!("sqlite://{}/x.db", folder.0.display());
    runtime().block_on(async {
        let database = Database::open(&url).await.unwrap();
        let (ids, begin) = write_calls(&database, 200).await;
        let mut sender = sender(database.clone(), &org.url(), None);
        org.control("POST", "down", &json!({"down": true}));
        let mut now = begin;
        while now < begin + Duration::from_secs(3_600) {
            sender.send_due(|| now).await.unwrap();
            now = now + STEP;
        }
        assert_eq!(org.records("Task").len(), 0);
        let counts = database.outbox_counts().await.unwrap();
        assert_eq!(
            (counts.waiting, counts.parked, counts.dead),
            (200, 0, 0),
            "nothing is given up in an hour"
        );
        org.control("POST", "down", &json!({"down": false}));
        org.control("DELETE", "log", &Value::Null);
        // What waits, in the order in which it is due.
        let mut due = database.outbox(None, i64::MAX, 500).await.unwrap();
        due.sort_by_key(|row| (row.due, row.id));
        let expected: Vec<String> =
            due.iter().map(|row| row.key.trim_start_matches("east/").to_owned()).collect();
        let mut order = Vec::new();
        for _ in 0..3_000 {
            let tried = sender.send_due(|| now).await.unwrap();
            let held = org.records("Task");
            order.extend(
                held.iter().skip(order.len()).map(|task| task["CallObject"].as_str().unwrap().to_owned()),
            );
            if order.len() == ids.len() {
                break;
            }
            if tried == 0 {
                now = now + STEP;
            }
        }
        assert_eq!(order.len(), ids.len());
        assert!(order == expected, "they did not come in the order of their retries");
        assert_once(&database, &org, &ids).await;
    });
}

#[test]
fn a_save_that_takes_effect_after_we_gave_it_up_is_found_and_not_made_again() {
    let org = Org::start();
    let folder = database::Folder::new("crm-late");
    let url = format!("sqlite://{}/x.db", folder.0.display());
    runtime().block_on(async {
        let database = Database::open(&url).await.unwrap();
        let (ids, now) = write_calls(&database, 5).await;
        let mut sender = sender(database.clone(), &org.url(), None);
        let saves = json!({"method": "POST", "path": "/services/data/v62.0/composite/sobjects"});
        org.trouble(&json!([{"match": saves, "count": 1, "latencyMs": 1_600}]));
        assert_eq!(sender.send_due(|| now).await.unwrap(), 5);
        assert_eq!(org.records("Task").len(), 0, "it gave up before");
        // One row would be tried after the pause; none is due for five minutes.
        assert_eq!(sender.send_due(|| now + Duration::from_secs(240)).await.unwrap(), 0);
        let begun = Instant::now();
        while org.records("Task").len() < 5 {
            assert!(begun.elapsed() < Duration::from_secs(20), "the late save never took effect");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let mut later = now + Duration::from_secs(301);
        while database.outbox_counts().await.unwrap().waiting > 0 {
            sender.send_due(|| later).await.unwrap();
            later = later + STEP;
        }
        assert_once(&database, &org, &ids).await;
    });
}
