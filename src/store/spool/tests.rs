#![allow(clippy::disallowed_methods, reason = "tests damage the files of the spool")]

use super::*;
use crate::store::database::samples;
use crate::store::database::testing::Folder;

const WIDE: Limits = Limits { bytes: 1 << 30, segment: 1 << 20 };

fn open(folder: &Folder, limits: Limits) -> (Spool, Backlog) {
    Spool::open(&folder.0, "east-1", limits).unwrap()
}

/// Puts the `numbers`th sample records, each in a write of its own.
fn put(spool: &mut Spool, numbers: std::ops::Range<u64>) {
    for number in numbers {
        spool.put(std::iter::once(samples::document(number).as_bytes()));
    }
}

fn ids(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(|number| samples::record(number).call_id).collect()
}

/// Takes and delivers all that waits.
fn drain(backlog: &mut Backlog) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut seen = Vec::new();
    runtime.block_on(async {
        while backlog.totals().waiting.load(Ordering::Relaxed) > 0 {
            // What is missing waits until it is looked for.
            let Some(batch) = backlog.next().await else { break };
            seen.extend(batch.records.iter().map(|record| record.call_id().to_owned()));
            assert!(batch.records.iter().all(|record| record.node() == "east-1"));
            backlog.delivered(&batch);
        }
    });
    seen
}

/// What the closed spool still has, after which it has nothing.
fn rest(mut backlog: Backlog) -> Vec<String> {
    let seen = drain(&mut backlog);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(backlog.next()).is_none());
    seen
}

fn segments(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == ENDING)).collect();
    files.sort();
    files
}

fn count(total: &AtomicU64) -> u64 {
    total.load(Ordering::Relaxed)
}

#[test]
fn records_come_out_in_their_order_and_leave_no_file() {
    let folder = Folder::new("spool");
    let (mut spool, mut backlog) = open(&folder, Limits { segment: 10_000, ..WIDE });
    let totals = spool.totals();
    put(&mut spool, 0..30);
    assert!(segments(&folder).len() > 3);
    assert_eq!((count(&totals.acknowledged), count(&totals.waiting)), (30, 30));
    assert_eq!(drain(&mut backlog), ids(0..30));
    put(&mut spool, 30..40);
    drop(spool);
    assert_eq!(rest(backlog), ids(30..40));
    assert!(segments(&folder).is_empty());
    assert_eq!((count(&totals.waiting), count(&totals.lost)), (0, 0));
}

#[test]
fn what_was_not_delivered_comes_out_after_a_restart_and_before_what_is_new() {
    let folder = Folder::new("spool");
    let (mut spool, backlog) = open(&folder, WIDE);
    put(&mut spool, 0..5);
    drop((spool, backlog));
    let (mut spool, backlog) = open(&folder, WIDE);
    assert_eq!(count(&spool.totals().waiting), 5);
    put(&mut spool, 5..7);
    drop(spool);
    assert_eq!(rest(backlog), ids(0..7));
}

#[test]
fn a_last_line_that_was_cut_off_anywhere_hides_no_other() {
    let folder = Folder::new("spool");
    let (mut spool, backlog) = open(&folder, WIDE);
    put(&mut spool, 0..3);
    drop((spool, backlog));
    let file = segments(&folder).remove(0);
    let text = std::fs::read(&file).unwrap();
    let last = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in (last..text.len()).step_by(97).chain([last + 1, text.len() - 1, text.len()]) {
        std::fs::write(&file, &text[..length]).unwrap();
        let (spool, backlog) = open(&folder, WIDE);
        let totals = spool.totals();
        drop(spool);
        let whole = if length == text.len() { 3 } else { 2 };
        assert_eq!(rest(backlog), ids(0..whole), "{length} bytes");
        assert_eq!(
            (count(&totals.waiting), count(&totals.lost)),
            (0, 0),
            "a record that was never acknowledged"
        );
        assert!(segments(&folder).is_empty());
    }
}

#[test]
fn a_damaged_line_is_counted_and_hides_no_other() {
    let folder = Folder::new("spool");
    let (mut spool, backlog) = open(&folder, WIDE);
    put(&mut spool, 0..9);
    drop((spool, backlog));
    let file = segments(&folder).remove(0);
    let text = std::fs::read_to_string(&file).unwrap();
    let damaged: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(n, line)| if n == 4 { line.replacen("east", "west", 1) } else { line.to_owned() })
        .collect();
    std::fs::write(&file, damaged.join("\n") + "\n").unwrap();
    let (spool, backlog) = open(&folder, WIDE);
    let totals = spool.totals();
    drop(spool);
    assert_eq!(rest(backlog), ids((0..4).chain(5..9)));
    assert_eq!((count(&totals.waiting), count(&totals.lost)), (0, 1));
}

#[test]
fn above_the_bound_records_are_counted_lost_until_there_is_room_again() {
    let folder = Folder::new("spool");
    let bytes = (0..4).map(|n| samples::document(n).len() as u64 + 20).sum();
    let (mut spool, mut backlog) = open(&folder, Limits { bytes, segment: 1 });
    let totals = spool.totals();
    put(&mut spool, 0..10);
    let waiting = count(&totals.waiting);
    assert!(waiting >= 4 && waiting + count(&totals.lost) == 10, "{totals:?}");
    assert_eq!(drain(&mut backlog).len() as u64, waiting);
    // The last file goes when the reader looks on.
    put(&mut spool, 10..11);
    assert_eq!(drain(&mut backlog), ids(10..11));
    assert_eq!(count(&totals.lost), 10 - waiting);
}

#[test]
fn without_its_folder_records_are_counted_lost_and_with_it_they_are_kept() {
    let folder = Folder::new("spool");
    let (mut spool, backlog) = open(&folder, WIDE);
    let totals = spool.totals();
    std::fs::remove_dir_all(&folder.0).unwrap();
    put(&mut spool, 0..2);
    assert_eq!((count(&totals.lost), count(&totals.acknowledged)), (2, 0));
    std::fs::create_dir(&folder.0).unwrap();
    put(&mut spool, 2..4);
    drop(spool);
    assert_eq!(rest(backlog), ids(2..4));
}

#[test]
fn a_file_that_is_gone_is_counted_and_holds_up_no_other() {
    let folder = Folder::new("spool");
    let (mut spool, backlog) = open(&folder, Limits { segment: 1, ..WIDE });
    let totals = spool.totals();
    put(&mut spool, 0..3);
    std::fs::remove_file(&segments(&folder)[1]).unwrap();
    // The one that is written to as well: the next record goes to another.
    put(&mut spool, 3..4);
    std::fs::remove_file(&segments(&folder)[2]).unwrap();
    drop(spool);
    assert_eq!(rest(backlog), ids([0, 2].into_iter()));
    assert_eq!((count(&totals.waiting), count(&totals.lost)), (0, 2));
}

#[test]
fn a_folder_serves_one_server_at_a_time() {
    let folder = Folder::new("spool");
    let (spool, backlog) = open(&folder, WIDE);
    drop(spool);
    assert!(matches!(Spool::open(&folder.0, "b", WIDE), Err(SpoolError::InUse { .. })));
    drop(backlog);
    assert!(Spool::open(&folder.0, "b", WIDE).is_ok());
}
