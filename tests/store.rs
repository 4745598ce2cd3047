//! The store when things go wrong: a server that is killed, a database that is away.

#![allow(clippy::disallowed_methods, reason = "a test owns processes and waits for them")]

mod support;

use cordboard::clock::Wall;
use cordboard::ids::Random;
use cordboard::store::database::Database;
use cordboard::store::database::counts::ALL_DAYS;
use cordboard::store::database::outbox::{CrmTask, Next, Told, Verdict, kind};
use cordboard::store::database::record_list::{Filter, StoredRecord};
use cordboard::store::objects::Kind;
use cordboard::store::records::{RecordFigures, Records};
use cordboard::store::spool::{Limits, Spool};
use cordboard::store::uploader::Uploader;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::caller::Caller;
use support::database::{Folder, Postgres, for_each_url};
use support::records::{document, record};
use support::{PATIENCE, Setup};

const NODE: &str = "east-1";
/// Segments of two batches: one is often delivered in part when the process ends.
const LIMITS: Limits = Limits { bytes: 1 << 30, segment: 1_000_000 };
/// How often the writing process is killed; `make test-kill` sets 50.
const KILLS: &str = "STORE_KILLS";
/// For the process that is killed: the database, the folder of its spool, and the number of its first record.
const CHILD: [&str; 3] = ["STORE_CHILD_URL", "STORE_CHILD_SPOOL", "STORE_CHILD_FIRST"];
/// More records than one process writes.
const ROUND: u64 = 1_000_000;

/// Looks at something until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The way of a record from a call to the database, as the server puts it together.
fn start(runtime: &tokio::runtime::Handle, database: Database, folder: &Path) -> (Records, RecordFigures) {
    let (spool, backlog) = Spool::open(folder, NODE, LIMITS).expect("the spool opens");
    runtime.spawn(Uploader::new(database, backlog, Told::default()).run());
    let (records, _thread) = Records::open(None, Some(spool)).expect("the thread starts");
    let figures = records.figures();
    (records, figures)
}

/// What waits on disk is written, and all of the database read.
async fn finish(database: &Database, folder: &Path) -> Vec<StoredRecord> {
    let (spool, backlog) = Spool::open(folder, NODE, LIMITS).expect("the spool opens");
    let totals = spool.totals();
    drop(spool);
    Uploader::new(database.clone(), backlog, Told::default()).run().await;
    assert_eq!(totals.lost.load(std::sync::atomic::Ordering::Relaxed), 0);
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let page = database.records(&Filter::default(), after.as_ref(), 500).await.unwrap();
        let Some(last) = page.last() else { return records };
        after = Some(last.cursor());
        records.extend(page);
    }
}

#[test]
fn killed_at_any_moment_under_load_it_loses_nothing_acknowledged_and_keeps_nothing_twice() {
    let kills = std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    for_each_url(async |url| {
        let folder = Folder::new("killed");
        let mut random = Random::from_seed(7);
        let mut acknowledged = BTreeSet::new();
        for round in 0..kills {
            // In every fifth round while it starts, and takes over what the one before it left.
            let moment = if round % 5 == 4 { 0 } else { 1 + random.below(1_500) as usize };
            acknowledged.extend(write_until_killed(&url, &folder.0, round * ROUND, moment));
        }
        let database = Database::open(&url).await.unwrap();
        let records = finish(&database, &folder.0).await;
        println!("{} records after {kills} kills, {} acknowledged", records.len(), acknowledged.len());
        let ids: BTreeSet<String> = records.iter().map(|record| record.call_id.clone()).collect();
        assert_eq!(ids.len(), records.len(), "a record is there twice");
        let missing: Vec<_> = acknowledged.difference(&ids).collect();
        assert!(missing.is_empty(), "{} were acknowledged and are gone: {missing:?}", missing.len());
        assert!(acknowledged.len() as u64 > kills * 100);
        assert_outbox_once(&database, &records).await;
        assert_counts(&database, &records).await;
        let left = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["lock"]);
        database.close().await;
    });
}

/// Runs a process that writes records from `first` on, and kills it when it has said so many times that one is
/// acknowledged. Gives the ids of those.
fn write_until_killed(url: &str, folder: &Path, first: u64, moment: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_is_killed", "--ignored", "--nocapture"])
        .env(CHILD[0], url)
        .env(CHILD[1], folder)
        .env(CHILD[2], first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = Vec::new();
    for line in lines {
        if line == "opened" && moment == 0 {
            child.kill().unwrap();
        }
        // The runner's own first words may stand before it.
        if let Some((_, id)) = line.split_once("acknowledged ") {
            acknowledged.push(id.to_owned());
            if acknowledged.len() == moment {
                child.kill().unwrap();
            }
        }
    }
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "it ended by itself: {status}");
    acknowledged
}

#[test]
#[ignore = "run by the test that kills it"]
fn a_process_that_is_killed() {
    let [Ok(url), Ok(folder), Ok(first)] = CHILD.map(std::env::var) else { return };
    let first: u64 = first.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = runtime.block_on(Database::open(&url)).expect("the database opens after a kill");
    let (records, figures) = start(runtime.handle(), database, Path::new(&folder));
    println!("\nopened");
    let mut said = first;
    // In every second round the database keeps up, and takes segments that are still written to.
    let keeps_up = (first / ROUND).is_multiple_of(2);
    for number in first..first + ROUND {
        records.write(Box::new(record(number)));
        let written = number + 1 - first;
        while written - figures.acknowledged() >= 300 || keeps_up && figures.stored_waiting() >= 50 {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        while said < first + figures.acknowledged() {
            println!("acknowledged {}", record(said).call_id);
            said += 1;
        }
    }
}

/// Each abandoned call has one task, and no other has one.
async fn assert_outbox_once(database: &Database, records: &[StoredRecord]) {
    let abandoned = records.iter().filter(|record| record.document.get("abandonedTask").is_some());
    let expected: Vec<String> = abandoned
        .map(|record| format!("{NODE}/{}", record.call_id))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let (mut keys, far) = (Vec::new(), Wall::from_unix_micros(i64::MAX / 2));
    loop {
        let due = database.outbox_due(&[kind::TASK], 500, far).await.unwrap();
        if due.is_empty() {
            break;
        }
        for entry in due {
            let claimed = database.outbox_claim(std::slice::from_ref(&entry), far).await.unwrap().remove(0);
            let done = database.outbox_settle(&[(claimed, Verdict::Done(None))], far).await.unwrap();
            assert_eq!(done, [Next::Done]);
            let task: CrmTask = serde_json::from_str(&entry.payload).unwrap();
            assert_eq!(entry.key, format!("{}/{}", task.node, task.call_id));
            keys.push(entry.key);
        }
    }
    keys.sort();
    assert_eq!(keys.len(), expected.len());
    assert!(keys == expected);
}

/// The counts are those of the records.
async fn assert_counts(database: &Database, records: &[StoredRecord]) {
    type Counts = BTreeMap<String, (u64, BTreeMap<String, u64>)>;
    let mut expected: BTreeMap<(String, u32), Counts> = BTreeMap::new();
    for document in records.iter().map(|record| &record.document) {
        for visit in document["path"].as_array().into_iter().flatten() {
            let is_sub_flow = visit.get("flow").is_some();
            let (flow, version) = if is_sub_flow {
                (&visit["flow"], &visit["version"])
            } else {
                (&document["flowId"], &document["version"])
            };
            let key = (flow.as_str().unwrap().to_owned(), version.as_u64().unwrap() as u32);
            let step = expected
                .entry(key)
                .or_default()
                .entry(visit["step"].as_str().unwrap().to_owned())
                .or_default();
            step.0 += 1;
            if let Some(port) = visit["port"].as_str() {
                *step.1.entry(port.to_owned()).or_default() += 1;
            }
        }
    }
    assert!(expected.len() > 100);
    for ((flow, version), steps) in expected {
        let counts = database.step_counts(&flow, version, ALL_DAYS).await.unwrap();
        let found: Counts =
            counts.into_iter().map(|count| (count.step, (count.entered, count.ports))).collect();
        assert_eq!(found, steps, "{flow} {version}");
    }
}

#[test]
fn while_the_database_is_away_records_wait_on_disk_and_then_arrive_once_each() {
    let mut postgres = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres.fresh_url());
    let database = runtime.block_on(Database::open(&url)).unwrap();
    let folder = Folder::new("away");
    let (records, figures) = start(runtime.handle(), database.clone(), &folder.0);
    let write = |numbers: std::ops::Range<u64>| numbers.for_each(|n| records.write(Box::new(record(n))));
    write(0..300);
    until("the first records", || figures.stored() >= 100);
    // Under load: some are on their way just now.
    postgres.stop();
    write(300..700);
    until("the disk", || figures.acknowledged() == 700);
    until("the database to be missed", || figures.is_database_away());
    assert!(!runtime.block_on(database.is_there()));
    assert!(figures.stored_waiting() >= 400);
    postgres.start_again();
    until("the database to be back", || figures.stored_waiting() == 0 && !figures.is_database_away());
    assert_eq!((figures.stored(), figures.stored_lost()), (700, 0));
    drop(records);
    until("the end of the spool", || Spool::open(&folder.0, NODE, LIMITS).is_ok());
    let stored = runtime.block_on(finish(&database, &folder.0));
    let ids: BTreeSet<_> = stored.iter().map(|record| record.document.to_string()).collect();
    assert!(stored.len() == 700 && ids == (0..700).map(document).collect());
}

/// Runs a command of ours to its end; whether it went well, and all that it said.
fn cordboard(arguments: &[&str], config: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(arguments).arg("--config").arg(config).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.success(), said)
}

/// A set-up whose files are the truth of a store.
fn synced(folder: &Path, address: std::net::Ipv4Addr, url: &str) -> std::path::PathBuf {
    let files = [
        ("p/trunks.toml", "[[trunk]]\nid = \"t\"\nmatch = [\"127.0.0.0/8\"]\n".to_owned()),
        ("p/numbers.toml", "[[number]]\ne164 = \"+15550100\"\nservice = \"echo\"\n".to_owned()),
        (
            "cordboard.toml",
            format!(
                "[sip]\ndomain = \"test\"\n[[sip.listen]]\ntransport = \"udp\"\nbind = \"{address}:5060\"\n\
                 [media]\nbind = \"{address}\"\nports = [20000, 20001]\nthreads = 1\n\
                 [http]\nbind = \"{address}:8080\"\n[provision]\ndir = \"p\"\nmode = \"sync\"\n\
                 [store]\nurl = \"{url}\"\nnode = \"{NODE}\"\nspool = \"spool\"\n"
            ),
        ),
    ];
    std::fs::create_dir_all(folder.join("p")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    folder.join("cordboard.toml")
}

#[test]
fn a_start_that_fails_leaves_the_store_as_it_was_and_check_says_what_a_sync_would_do() {
    use std::net::{TcpListener, UdpSocket};
    for_each_url(async |url| {
        let (folder, address) = (Folder::new("start"), support::address());
        let config = synced(&folder.0, address, &url);
        let fails = |why: &str| {
            let (is_good, said) = cordboard(&["serve"], &config);
            assert!(!is_good && said.contains(why), "{why}: {said}");
        };
        let says = |what: &str| {
            let (is_good, said) = cordboard(&["check"], &config);
            assert!(is_good && said.contains(what), "{what}: {said}");
        };
        {
            let _sip = UdpSocket::bind((address, 5060)).unwrap();
            fails("(SIP over UDP)");
        }
        // Not even tables were made.
        let database = Database::at(&url).unwrap();
        assert!(database.revision().await.is_err());
        let folder_of_files = folder.0.join("p");
        let (is_good, said) = cordboard(&["import", folder_of_files.to_str().unwrap()], &config);
        assert!(is_good, "{said}");
        says("a sync would change nothing in the store\n");
        let revision = database.revision().await.unwrap();
        std::fs::write(
            folder_of_files.join("numbers.toml"),
            "[[number]]\nprefix = \"+1555\"\nservice = \"echo\"\n",
        )
        .unwrap();
        says(
            "a sync would add 1 in the store: number \"+1555*\"\na sync would remove 1 in the store: number \"+15550100\"\n",
        );
        let http = TcpListener::bind((address, 8080)).unwrap();
        fails("(HTTP)");
        drop(http);
        let media = UdpSocket::bind((address, 20_000)).unwrap();
        fails("no media port can be bound");
        drop(media);
        let spool = Spool::open(&folder.0.join("spool"), NODE, LIMITS).unwrap();
        fails("spool");
        drop(spool);
        assert_eq!(database.revision().await.unwrap(), revision);
        let numbers = database.objects(Kind::Number, None, None, 10).await.unwrap();
        assert_eq!(numbers.iter().map(|number| number.id.as_str()).collect::<Vec<_>>(), ["+15550100"]);
        database.close().await;
    });
}

#[test]
fn a_backup_comes_back_by_a_command_and_not_over_a_store_that_is_used() {
    let (folder, address) = (Folder::new("backup"), support::address());
    let url = format!("sqlite://{}/store.db", folder.0.display());
    let config = synced(&folder.0, address, &url);
    let (files, backup) = (folder.0.join("p"), folder.0.join("backup.db"));
    let (files, backup) = (files.to_str().unwrap(), backup.to_str().unwrap());
    assert!(cordboard(&["import", files], &config).0);
    assert!(cordboard(&["backup", backup], &config).0);
    std::fs::write(folder.0.join("p/numbers.toml"), "[[number]]\ne164 = \"+1\"\nservice = \"echo\"\n")
        .unwrap();
    assert!(cordboard(&["import", files], &config).0);
    let (is_good, said) = cordboard(&["restore", backup], &config);
    assert!(!is_good && said.contains("is not empty: --force"), "{said}");
    let (is_good, said) = cordboard(&["restore", backup, "--force"], &config);
    assert!(is_good && said.contains("the one before is kept as"), "{said}");
    // The number of the second import is gone again: a sync would bring it back.
    let (_, said) = cordboard(&["check"], &config);
    assert!(said.contains("would add 1 in the store: number \"+1\"\n"), "{said}");
}

#[test]
fn a_server_that_starts_while_its_database_is_away_puts_callers_off_until_it_answers() {
    const NUMBER: &str = "+15550971";
    let mut postgres = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres.fresh_url());
    postgres.stop();
    let mut setup = Setup::new("late").echo(NUMBER);
    setup.store = format!("url = \"{url}\"\nnode = \"{NODE}\"\nspool = \"spool\"");
    let server = setup.start_until("no calls are taken before the database answers");
    assert_eq!(server.metric("cordboard_database_away"), 1);
    let ready: Value = serde_json::from_str(&server.get("/readyz")).unwrap();
    let reason = "nothing was loaded yet: the database is away";
    let parts = &ready["parts"];
    assert_eq!(
        (&ready["ready"], &parts["sip"], &parts["database"]),
        (&json!(false), &json!(reason), &json!("away"))
    );
    let mut caller = Caller::new(support::address(), server.sip());
    let invite = caller.invite(NUMBER, "127.0.0.1:9".parse().unwrap());
    caller.send(&invite);
    let refusal = caller.wait_for(" INVITE", &invite);
    assert!(refusal.starts_with("SIP/2.0 503") && refusal.contains("Retry-After: 5"), "{refusal}");
    assert!(refusal.contains(reason), "{refusal}");
    postgres.start_again();
    server.until("what it is to load", |s| s.get("/readyz").contains("\"ready\":true"));
    caller.call(NUMBER);
    assert_eq!(server.metric("cordboard_database_away"), 0);
    assert!(!server.log().contains("already exists, skipping"), "{}", server.log());
}

#[test]
fn files_are_for_their_owner_alone_and_a_dry_run_and_a_removal_name_what_goes() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, address) = (Folder::new("modes"), support::address());
    let config = synced(&folder.0, address, &format!("sqlite://{}/data/store.db", folder.0.display()));
    let (files, backup) = (folder.0.join("p"), folder.0.join("backup.db"));
    let files = files.to_str().unwrap();
    assert!(cordboard(&["import", files], &config).0);
    assert!(cordboard(&["backup", backup.to_str().unwrap()], &config).0);
    for path in ["data", "data/store.db", "backup.db"] {
        let mode = folder.0.join(path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
    std::fs::write(folder.0.join("p/numbers.toml"), "[[number]]\ne164 = \"+1\"\nservice = \"echo\"\n")
        .unwrap();
    let (is_good, said) = cordboard(&["import", files, "--remove-others", "--dry-run"], &config);
    let would = "the import would add 1 in the store: number \"+1\"\n\
                 the import would remove 1 in the store: number \"+15550100\"\n";
    assert!(is_good && said.ends_with(would), "{said}");
    let (is_good, said) = cordboard(&["import", files, "--remove-others"], &config);
    assert!(is_good && said.contains("taken out: number \"+15550100\"\n1 objects written"), "{said}");
    // The folder of [provision] is nothing to it.
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("dir = \"p\"", "dir = \"gone\"")).unwrap();
    let (is_good, said) = cordboard(&["import", files], &config);
    assert!(is_good && said.contains("warning") && said.contains("there is no folder"), "{said}");
    std::fs::write(&config, text.replace("[provision]\ndir = \"p\"\nmode = \"sync\"\n", "")).unwrap();
    let (is_good, said) = cordboard(&["check"], &config);
    assert!(is_good && !said.contains("no numbers"), "{said}");
    std::fs::write(&config, text.replace("/data/store.db", "/cordboard.toml/store.db")).unwrap();
    let (is_good, said) = cordboard(&["check"], &config);
    assert!(!is_good && said.contains("cordboard.toml is not a folder"), "{said}");
    let away = "postgres://nobody:wrong@127.0.0.1:1/none";
    let sqlite = format!("sqlite://{}/data/store.db", folder.0.display());
    std::fs::write(&config, text.replace(&sqlite, away)).unwrap();
    let (is_good, said) = cordboard(&["check"], &config);
    assert!(is_good && said.contains("answers every call 503 until"), "{said}");
}

#[test]
fn a_server_takes_calls_while_its_database_is_away_and_says_so() {
    const NUMBER: &str = "+15550970";
    let mut postgres = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres.fresh_url());
    let database = runtime.block_on(Database::open(&url)).unwrap();
    let mut setup = Setup::new("away").echo(NUMBER);
    setup.store = format!("url = \"{url}\"\nnode = \"{NODE}\"\nspool = \"spool\"");
    let mut server = setup.start();
    let mut caller = Caller::new(support::address(), server.sip());
    caller.call(NUMBER);
    server.until("the first record", |s| s.metric("cordboard_records_written_total") == 1);
    postgres.stop();
    caller.call(NUMBER);
    server.until("the database to be missed", |s| s.metric("cordboard_database_away") == 1);
    assert_eq!(server.metric("cordboard_records_waiting"), 1);
    let ready: Value = serde_json::from_str(&server.get("/readyz")).unwrap();
    assert_eq!((&ready["ready"], &ready["parts"]["database"]), (&json!(true), &json!("away")));
    postgres.start_again();
    server.until("the second record", |s| s.metric("cordboard_records_written_total") == 2);
    assert_eq!(server.metric("cordboard_records_lost_total"), 0);
    // The last one goes out before the end, and the file has them all as ever.
    caller.call(NUMBER);
    server.wait_records(3);
    server.signal("TERM");
    assert!(server.wait_exit().success());
    let stored = runtime.block_on(database.records(&Filter::default(), None, 10)).unwrap();
    let mut kept: Vec<Value> = stored.into_iter().map(|record| record.document).collect();
    kept.reverse();
    assert_eq!(kept, server.records());
}
