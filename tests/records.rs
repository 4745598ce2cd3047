//! Call records of a real server: exported, erased, and deleted when they are old.

#![allow(clippy::disallowed_methods, reason = "a test owns processes and files")]

mod support;

use cordboard::store::database::Database;
use cordboard::store::database::call_records::NewRecord;
use cordboard::store::database::outbox::Told;
use cordboard::store::database::record_list::Filter;
use std::path::Path;
use std::process::Command;
use support::caller::Caller;
use support::records::{document, record};
use support::{Server, Setup};

const NUMBER: &str = "+15550100";
/// Of the caller that `support` has.
const CALLER: &str = "+14155550123";
const STORE: &str = "url = \"sqlite://store.db\"\nnode = \"east-1\"\nspool = \"spool\"";

/// What a command prints, which must end well.
fn cordboard(server: &Server, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.arg("records").args(arguments).current_dir(&server.folder);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn a_caller_is_erased_from_the_store_and_from_the_file_while_the_server_goes_on() {
    let mut setup = Setup::new("erased").echo(NUMBER);
    setup.store = STORE.to_owned();
    let server = setup.start();
    let mut caller = Caller::new(support::address(), server.sip());
    for _ in 0..3 {
        caller.call(NUMBER);
    }
    server.until("the records", |s| s.metric("cordboard_records_written_total") == 3);
    server.wait_records(3);
    let config = ["--config", "cordboard.toml"];
    let export = |more: &[&str]| cordboard(&server, &[&["export"][..], &config, more].concat());

    let lines = export(&["--format", "jsonl"]);
    assert_eq!((lines.lines().count(), lines.matches(CALLER).count() >= 3), (3, true), "{lines}");
    let csv = export(&["--columns", "asterisk", "--from", "2020-01-01T00:00:00Z"]);
    assert!(csv.starts_with("clid,src,dst,dcontext,channel,"), "{csv}");
    assert_eq!(csv.matches(&format!("\r\n{CALLER},{CALLER},{NUMBER},")).count(), 3, "{csv}");
    assert_eq!(export(&["--until", "2020-01-01T00:00:00Z"]).matches("\r\n").count(), 1);

    let said = cordboard(&server, &[&["erase", CALLER][..], &config].concat());
    assert!(said.starts_with("3 call records and 0 rows of the outbox were erased\n"), "{said}");
    assert!(said.contains("calls.jsonl ([records] path)"), "{said}");
    let lines = export(&["--format", "jsonl"]);
    assert_eq!((lines.lines().count(), lines.contains("4155550123")), (3, false), "{lines}");

    let said = cordboard(&server, &["erase", CALLER, "--file", "calls.jsonl", "--json"]);
    assert_eq!(said, "{\"file\":\"calls.jsonl\",\"lines\":3,\"erased\":3,\"removed\":0}\n");
    caller.call(NUMBER);
    let records = server.wait_records(4);
    let callers: Vec<_> = records.iter().map(|record| record["from"].as_str().unwrap()).collect();
    assert_eq!(callers, ["", "", "", CALLER], "the server goes on in the new file");
    let log = server.log();
    assert!(log.contains("\u{2026}0100") && !log.contains("5550100") && !log.contains("5550123"), "{log}");
}

#[test]
fn records_that_are_older_than_they_may_be_are_gone_soon_after_the_start() {
    let mut setup = Setup::new("expired").echo(NUMBER);
    (setup.store, setup.records) = (STORE.to_owned(), "keep_days = 30".to_owned());
    let url = format!("sqlite://{}", setup.folder.join("store.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(Database::open(&url)).unwrap();
    let old = |n: u64| {
        let text = document(n).replace(&record(n).start.to_string(), "2020-01-01T00:00:00.000Z");
        NewRecord::read("east-1", &text).unwrap()
    };
    runtime.block_on(database.write_records(&[old(1), old(2)], Told::default())).unwrap();
    let server = setup.start();
    server.until("old records to be deleted", |s| s.metric("cordboard_records_expired_total") == 2);
    server.until("the log to say so", |s| s.log().contains("old call records were deleted records=2"));
    Caller::new(support::address(), server.sip()).call(NUMBER);
    server.until("a new record", |s| s.metric("cordboard_records_written_total") == 1);
    let left = runtime.block_on(database.records(&Filter::default(), None, 10)).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(server.metric("cordboard_outbox_rows_expired_total"), 0);
    assert!(Path::new(&server.folder).join("calls.jsonl").exists());
}
