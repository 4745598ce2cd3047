//! What flows cost: steps of the interpreter, a snapshot of a large store, and packets while it is swapped.

use crate::server::Server;
use crate::{MEASURE, Report, media};
use cordboard::clock::{Instant, Now, SystemClock, Wall};
use cordboard::flow::{Action, CallFacts, Event, Flow, FlowVersion, Interpreter, Library, Party, Resources};
use cordboard::ids::Random;
use cordboard::store::database::Database;
use cordboard::store::database::publish::Rollout;
use cordboard::store::loader::Loader;
use cordboard::store::{apply, provision};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The store of the measurement: issue and bar name these.
const NUMBERS: usize = 500;
const FLOWS: usize = 200;
const STEPS: usize = 100;
/// Prompt calls that go on while snapshots are swapped.
const CALLS: usize = 100;
/// Keys that drive the interpreter; each brings it through eight steps.
const KEYS: u32 = 100_000;

/// A menu, and eight steps that take no time and lead back to it.
fn circle() -> Value {
    let set = |value: &str, next: &str| json!({"type": "set", "config": {"variables": [{"name": "v", "value": value}]}, "on": {"next": next}});
    json!({"schema": "callflow/1", "id": "circle", "name": "Circle", "entry": "menu", "settings": {"maxCallSec": 14_400}, "steps": {
        "menu": {"type": "menu", "config": {"prompt": {"kind": "file", "id": "m"}, "options": {"1": {}}}, "on": {"key:1": "a"}},
        "a": set("{{call.from | last4}}", "b"),
        "b": {"type": "branch", "config": {"value": "{{v}}", "branches": [{"id": "x", "values": ["0100"]}]}, "on": {"b:x": "c"}},
        "c": {"type": "split", "config": {"branches": [{"id": "x", "weight": 100}]}, "on": {"b:x": "d"}},
        "d": {"type": "time", "config": {"timeZone": "America/New_York", "weekly": [{"days": ["mon"], "open": "00:00", "close": "24:00"}]}, "on": {"no_response": "e"}},
        "e": set("{{v}}{{v}}", "f"),
        "f": {"type": "tag", "config": {"key": "k", "value": "{{v | upper}}"}, "on": {"next": "g"}},
        "g": {"type": "goto", "config": {"stepId": "menu"}}}})
}

/// Steps that the interpreter enters in a second of CPU.
pub fn report_steps(report: &mut Report) {
    let (flow, _) = Flow::compile(&circle().to_string(), &Resources::default()).expect("a flow");
    let facts = CallFacts { from: "+14155550100".to_owned(), ..CallFacts::default() };
    let mut now = Now { instant: Instant::from_millis(1), wall: Wall::from_unix_seconds(1_795_446_000) };
    let (mut actions, mut steps) = (Vec::new(), 0u64);
    let flow = FlowVersion::unpublished(flow);
    let random = Random::from_seed(1);
    let mut call = Interpreter::start(flow, Arc::new(Library::default()), facts, random, now, &mut actions);
    let start = std::time::Instant::now();
    for _ in 0..KEYS {
        call.handle(now, Event::Digit { party: Party::Caller, digit: '1', source: "rfc4733" }, &mut actions);
        now = now.later(Duration::from_millis(2));
        call.handle(now, Event::Timeout, &mut actions);
        steps +=
            actions.drain(..).filter(|action| matches!(action, Action::Log(log) if is_entry(log))).count()
                as u64;
    }
    let rate = steps as f64 / start.elapsed().as_secs_f64();
    report.put("steps of the flow interpreter", rate / 1_000.0, 0, "1,000 steps/s", "");
}

fn is_entry(log: &cordboard::flow::LogEvent) -> bool {
    matches!(log, cordboard::flow::LogEvent::StepEnter { .. })
}

/// A flow of a hundred steps: sets and menus in a row. `mark` tells one version from the next.
fn long(id: &str, mark: u32) -> Value {
    let mut steps = serde_json::Map::new();
    for i in 0..STEPS - 1 {
        let next = if i + 2 < STEPS { format!("s{}", i + 1) } else { "end".to_owned() };
        let step = if i % 2 == 0 {
            json!({"type": "set", "name": format!("Set {i}"), "config": {"variables": [{"name": "v", "value": format!("{{{{call.from}}}} {i} {mark}")}]},
                "on": {"no_response": next}})
        } else {
            json!({"type": "menu", "name": format!("Menu {i}"), "config": {"prompt": {"kind": "file", "id": "first"}, "options": {"1": {"label": "go"}}},
                "on": {"key:1": next, "no_response": next}})
        };
        steps.insert(format!("s{i}"), step);
    }
    steps.insert("end".to_owned(), json!({"type": "hangup", "config": {}}));
    json!({"schema": "callflow/1", "id": id, "name": id, "entry": "s0", "steps": steps})
}

/// Puts numbers and flows beside what a folder has.
fn enlarge(folder: &Path) {
    let write =
        |file: String, text: &str| std::fs::write(folder.join(file), text).expect("a file under target");
    for i in 0..FLOWS {
        write(format!("p/flows/long{i}.json"), &long(&format!("long{i}"), 0).to_string());
    }
    let mut numbers = std::fs::read_to_string(folder.join("p/numbers.toml")).unwrap_or_default();
    for i in 0..NUMBERS {
        numbers += &format!("[[number]]\ne164 = \"+1415555{i:04}\"\nflow = \"long{}\"\n", i % FLOWS);
    }
    write("p/numbers.toml".to_owned(), &numbers);
}

/// Publishes a flow anew.
async fn publish(database: &Database, flow: usize, mark: u32) {
    let id = format!("long{}", flow % FLOWS);
    let now = SystemClock::start().now().wall;
    let mut change = database.change("bench", now).await.expect("a change");
    change.save_draft(&id, None, &long(&id, mark)).await.expect("a draft");
    change.publish(&id, None, "bench", Rollout::Live).await.expect("a version");
    change.commit().await.expect("a commit");
}

/// The first snapshot of a large store, and the next one after a flow was published.
pub fn report_snapshot(report: &mut Report) {
    let folder = Path::new("target/tmp").join(format!("bench-snapshot-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for sub in ["p/flows", "p/prompts"] {
        std::fs::create_dir_all(folder.join(sub)).expect("a folder under target");
    }
    crate::server::wav(folder.join("p/prompts/first.wav"), 8_000);
    enlarge(&folder);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let url = format!("sqlite://{}/cordboard.db", folder.display());
        let database = Database::open(&url).await.expect("a database");
        let (provisioned, findings) = provision::read(&folder.join("p"));
        assert!(
            findings.iter().all(|f| f.severity != cordboard::config::reader::Severity::Error),
            "{findings:?}"
        );
        let now = SystemClock::start().now().wall;
        apply::seed(&database, &provisioned, "bench", now).await.expect("a filled store");
        let mut loader = Loader::new(database.clone());
        let start = std::time::Instant::now();
        let first = loader.load(None, HashMap::new()).await.expect("a snapshot");
        let cold = start.elapsed();
        let mut snapshot = Arc::new(first.snapshot);
        let mut times = Vec::new();
        for mark in 1..=20 {
            publish(&database, mark as usize, mark).await;
            let start = std::time::Instant::now();
            let next = loader.load(Some(snapshot.clone()), HashMap::new()).await.expect("a snapshot");
            times.push(start.elapsed().as_secs_f64() * 1_000.0);
            snapshot = Arc::new(next.snapshot);
        }
        times.sort_by(f64::total_cmp);
        let what = format!("{NUMBERS} numbers, {FLOWS} flows of {STEPS} steps");
        report.put(&format!("first snapshot of {what}"), cold.as_secs_f64() * 1_000.0, 0, "ms", "");
        report.put(
            "the next one after a flow was published, median",
            times[times.len() / 2],
            1,
            "ms",
            "<= 100",
        );
        report.put(
            "the next one after a flow was published, slowest",
            times[times.len() - 1],
            1,
            "ms",
            "<= 100",
        );
    });
    let _ = std::fs::remove_dir_all(folder);
}

/// Spacing of prompt packets while a flow of the large store is published every half second, beside the same without.
pub fn report_swap(report: &mut Report) {
    let mut url = String::new();
    let server = Server::start_with("swap", |folder| {
        enlarge(folder);
        url = format!("sqlite://{}/cordboard.db", folder.display());
        "mode = \"seed\"\n[store]\nurl = \"sqlite://cordboard.db\"\n".to_owned()
    });
    let calls = media::Calls::prompt(&server, CALLS);
    calls.run(Duration::from_secs(2), &mut media::Seen::default());
    let mut quiet = media::Seen::default();
    calls.run(MEASURE, &mut quiet);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = runtime.block_on(Database::open(&url)).expect("the server's database");
    let publishing = runtime.spawn(async move {
        for mark in 1.. {
            publish(&database, mark as usize, mark).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut busy = media::Seen::default();
    calls.run(MEASURE, &mut busy);
    publishing.abort();
    calls.end();
    for (name, mut seen) in [("no change", quiet), ("a flow published every 0.5 s", busy)] {
        let [_, p99, p999] = seen.spacing_percentiles();
        report.put(&format!("prompt packets off 20 ms with {name}, p99"), p99, 3, "ms", "");
        report.put(&format!("prompt packets off 20 ms with {name}, p99.9"), p999, 3, "ms", "");
    }
}
