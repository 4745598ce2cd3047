//! What the store costs: call records on their way into it, and pages of them.

#[path = "../../tests/support/database.rs"]
mod database;
#[path = "../../tests/support/records.rs"]
mod records;

use crate::Report;
use crate::pages::Lists;
use cordboard::clock::Wall;
use cordboard::store::database::Database;
use cordboard::store::database::call_records::NewRecord;
use cordboard::store::database::outbox::Told;
use cordboard::store::database::record_list::{Cursor, Filter};
use cordboard::store::records::Records;
use cordboard::store::spool::{Limits, Spool};
use cordboard::store::uploader::Uploader;
use database::{Folder, Postgres};
use sqlx::{Connection, Executor};
use std::time::{Duration, Instant};

/// Records of the measurement of writing.
const WRITTEN: u64 = 20_000;
/// Records that the lists are made of.
const LISTED: u64 = 200_000;
/// Records of a page.
const PAGE: u32 = 50;
/// Pages that are turned for each filter from the latest call on, and from the oldest third on.
const PAGES: usize = 20;

/// Runs a measurement on SQLite and on a PostgreSQL that waits for the disk. Both lie in the temporary folder.
fn on_each(mut measure: impl AsyncFnMut(&str, &str, &Folder)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = Folder::new("bench");
    let sqlite = format!("sqlite://{}/cordboard.db", folder.0.display());
    runtime.block_on(measure("SQLite", &sqlite, &folder));
    let postgres = Postgres::start_durable();
    runtime.block_on(async { measure("PostgreSQL", &postgres.fresh_url().await, &folder).await });
}

pub fn report_records(report: &mut Report) {
    on_each(async |engine, url, folder| {
        let database = Database::open(url).await.expect("a database");
        let calls: Vec<_> = (0..WRITTEN).map(|n| Box::new(records::record(n))).collect();
        let spool = folder.0.join(engine);
        let (spool, backlog) = Spool::open(&spool, "bench", Limits::of(1 << 30)).expect("a spool");
        let (records, _thread) = Records::open(None, Some(spool)).expect("a thread");
        let figures = records.figures();
        let start = Instant::now();
        calls.into_iter().for_each(|record| records.write(record));
        while figures.acknowledged() < WRITTEN {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let on_disk = start.elapsed();
        drop(records);
        let start = Instant::now();
        Uploader::new(database.clone(), backlog, Told::default()).run().await;
        let rate = |took: Duration| WRITTEN as f64 / took.as_secs_f64();
        if engine == "SQLite" {
            report.put("call records safe on disk", rate(on_disk), 0, "records/s", "");
        }
        let name = format!("call records from disk into {engine}");
        report.put(&name, rate(start.elapsed()), 0, "records/s", ">= 1500 (calls/s)");
        database.close().await;
    });
}

pub fn report_pages(report: &mut Report) {
    on_each(async |engine, url, _| {
        let database = Database::open(url).await.expect("a database");
        fill(&database, url).await;
        let mut figures = Figures::default();
        for (name, filter) in filters() {
            for begin in [LISTED, LISTED / 3] {
                figures.take(name, turn(&database, &filter, begin).await);
            }
        }
        figures.report(report, &format!("page of 200,000 call records in {engine}"));
        let (mut lists, mut figures) = (Lists::of(url), Figures::default());
        for (name, filter) in filters() {
            for begin in [None, Some(records::BEGIN + Duration::from_secs(LISTED / 3))] {
                figures.take(name, lists.turn(&filter, begin, PAGE, PAGES));
            }
        }
        figures.report(report, &format!("the same over HTTP, {engine}"));
        database.close().await;
    });
}

/// Milliseconds of pages, and which filter the slowest had.
#[derive(Default)]
struct Figures {
    all: Vec<f64>,
    worst: (f64, &'static str),
}

impl Figures {
    fn take(&mut self, name: &'static str, times: Vec<f64>) {
        for took in times {
            self.all.push(took);
            self.worst = if took > self.worst.0 { (took, name) } else { self.worst };
        }
    }

    fn report(mut self, report: &mut Report, what: &str) {
        self.all.sort_by(f64::total_cmp);
        let count = self.all.len();
        let shares =
            [("p50", self.all[count / 2]), ("p99", self.all[count * 99 / 100]), ("slowest", self.worst.0)];
        for (share, value) in shares {
            let bar = if share == "slowest" { format!("<= 50 (by {})", self.worst.1) } else { String::new() };
            report.put(&format!("{what}, {share}"), value, 2, "ms", &bar);
        }
    }
}

async fn fill(database: &Database, url: &str) {
    for first in (0..LISTED).step_by(1_000) {
        let read = |n| NewRecord::read("bench", &records::document(n)).expect("a record");
        let records: Vec<_> = (first..first + 1_000).map(read).collect();
        database.write_records(&records, Told::default()).await.expect("written");
    }
    if url.starts_with("postgres") {
        // What its autovacuum does within minutes.
        let mut connection = sqlx::AnyConnection::connect(url).await.expect("a connection");
        connection.execute("VACUUM ANALYZE").await.expect("statistics");
    }
}

/// Milliseconds for each page on the way from a moment back.
async fn turn(database: &Database, filter: &Filter, begin: u64) -> Vec<f64> {
    let started: Wall = records::BEGIN + Duration::from_secs(begin);
    let mut after = Some(Cursor { started, node: "bench".to_owned(), call_id: String::new() });
    let mut times = Vec::new();
    while times.len() < PAGES {
        let start = Instant::now();
        let page = database.records(filter, after.as_ref(), PAGE).await.expect("a page");
        times.push(start.elapsed().as_secs_f64() * 1e3);
        after = page.last().map(|record| record.cursor());
        if after.is_none() {
            break;
        }
    }
    times
}

/// One of each kind, and those that find little among much.
fn filters() -> Vec<(&'static str, Filter)> {
    let some = |text: &str| Some(text.to_owned());
    let all = Filter::default;
    let call = records::record(LISTED / 2);
    vec![
        ("time", all()),
        ("number", Filter { number: some("+15550100042"), ..all() }),
        ("flow", Filter { flow_id: some("flow-42"), ..all() }),
        ("outcome", Filter { outcome: some("answered"), ..all() }),
        ("agent", Filter { agent_id: some("agent-42"), ..all() }),
        ("outcome that is not there", Filter { outcome: some("error"), ..all() }),
        ("number and outcome", Filter { number: some("+15550100042"), outcome: some("loop_guard"), ..all() }),
        ("agent and outcome", Filter { agent_id: some("agent-42"), outcome: some("error"), ..all() }),
        ("flow and caller", Filter { flow_id: some("flow-42"), caller: some("+1415"), ..all() }),
        ("outcome and caller", Filter { outcome: some("answered"), caller: some("+1907"), ..all() }),
        ("caller, nearly all", Filter { caller: some("+1"), ..all() }),
        ("caller, one in 40,000", Filter { caller: some("+14155551234"), ..all() }),
        ("caller, one in 400", Filter { caller: some("+141555512"), ..all() }),
        ("caller, one in 100", Filter { caller: some("+14155551"), ..all() }),
        (
            "caller, nearly all, and a rare outcome",
            Filter { caller: some("+1"), outcome: some("error"), ..all() },
        ),
        ("call id", Filter { call: Some(call.call_id), ..all() }),
        ("call key", Filter { call: Some(call.call_key), ..all() }),
        ("Call-ID", Filter { call: Some(call.sip_call_id), ..all() }),
        ("call id, nearly all", Filter { call: some("c0"), ..all() }),
        (
            "call id, nearly all, of an agent",
            Filter { call: some("c0"), agent_id: some("agent-42"), ..all() },
        ),
    ]
}
