//! Call records on their way to the disk, by a thread of its own so that no call waits for one: JSON lines for whoever
//! reads files, and the spool for the database.

use super::erasure::file::identity;
use super::spool::{self, Spool};
use crate::call::record::CallRecord;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Records that wait while the disk is slow: a minute of 1,000 calls/s. Above, records are lost and counted.
const QUEUE: usize = 65_536;

/// Records in one write, so that the memory of a burst stays small.
const BATCH: usize = 1_024;

/// The signalling thread's end of the writer.
#[derive(Clone)]
pub struct Records {
    queue: Option<SyncSender<Box<CallRecord>>>,
    figures: RecordFigures,
}

#[derive(Default)]
struct Totals {
    /// Records that found the queue full.
    turned_away: AtomicU64,
    /// Records in the file, and such as it did not take.
    written: AtomicU64,
    failed: AtomicU64,
}

impl Records {
    /// Where neither a file nor a database is configured: records are counted and forgotten.
    pub fn nowhere() -> Self {
        Records { queue: None, figures: RecordFigures::default() }
    }

    /// Starts the thread, which ends when the last [`Records`] is dropped. `path` is opened for appending.
    pub fn open(path: Option<&Path>, spool: Option<Spool>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let totals = Arc::new(Totals::default());
        let figures = RecordFigures {
            totals: totals.clone(),
            spool: spool.as_ref().map(Spool::totals).unwrap_or_default(),
        };
        let file = match path {
            Some(path) => Some(RecordFile::open(path, totals)?),
            None => None,
        };
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || run(&receiver, file, spool))?;
        Ok((Records { queue: Some(sender), figures }, thread))
    }

    /// Hands a record over; never waits.
    pub fn write(&self, record: Box<CallRecord>) {
        match self.queue.as_ref().map(|queue| queue.try_send(record)) {
            None | Some(Ok(())) => {}
            Some(Err(TrySendError::Full(record) | TrySendError::Disconnected(record))) => {
                if self.figures.totals.turned_away.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::error!(
                        call = record.call_id,
                        "the disk does not keep up: call records are lost"
                    );
                }
            }
        }
    }

    /// The figures, for whoever shows them. Holds no end of the queue: the thread ends although they are held.
    pub fn figures(&self) -> RecordFigures {
        self.figures.clone()
    }
}

/// What became of the records so far.
#[derive(Clone, Default)]
pub struct RecordFigures {
    totals: Arc<Totals>,
    spool: Arc<spool::Totals>,
}

impl RecordFigures {
    /// Records in the file.
    pub fn written(&self) -> u64 {
        self.totals.written.load(Ordering::Relaxed)
    }

    /// Records that are not in the file: the queue was full, or the disk.
    pub fn lost(&self) -> u64 {
        self.totals.turned_away.load(Ordering::Relaxed) + self.totals.failed.load(Ordering::Relaxed)
    }

    /// Records that the disk has, for the database: from then on they are not lost.
    pub fn acknowledged(&self) -> u64 {
        self.spool.acknowledged.load(Ordering::Acquire)
    }

    /// Records that wait on disk for the database.
    pub fn stored_waiting(&self) -> u64 {
        self.spool.waiting.load(Ordering::Relaxed)
    }

    /// Records in the database.
    pub fn stored(&self) -> u64 {
        self.spool.written.load(Ordering::Relaxed)
    }

    /// Records that the database will never have.
    pub fn stored_lost(&self) -> u64 {
        self.totals.turned_away.load(Ordering::Relaxed) + self.spool.lost.load(Ordering::Relaxed)
    }

    /// Of those: records under an id that another record has in the database.
    pub fn stored_conflicting(&self) -> u64 {
        self.spool.conflicting.load(Ordering::Relaxed)
    }

    /// Of those: records that were put aside, and dropped for later ones.
    pub fn refused_dropped(&self) -> u64 {
        self.spool.dropped.load(Ordering::Relaxed)
    }

    /// Whether the database took no records when it was last asked.
    pub fn is_database_away(&self) -> bool {
        self.spool.away.load(Ordering::Relaxed)
    }
}

fn run(receiver: &Receiver<Box<CallRecord>>, mut file: Option<RecordFile>, mut spool: Option<Spool>) {
    let mut lines = Lines::default();
    while let Ok(first) = receiver.recv() {
        // All that waits goes out in one write; a reader sees whole lines.
        lines.clear();
        for record in std::iter::once(first).chain(receiver.try_iter()).take(BATCH) {
            lines.push(&record);
        }
        if let Some(spool) = &mut spool {
            spool.put(lines.iter());
        }
        if let Some(file) = &mut file {
            file.put(&lines);
        }
    }
}

/// Records as lines of JSON.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// Where each begins behind the one before.
    ends: Vec<usize>,
}

impl Lines {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn push(&mut self, record: &CallRecord) {
        let start = self.text.len();
        match serde_json::to_writer(&mut self.text, record) {
            Ok(()) => {
                self.text.push(b'\n');
                self.ends.push(self.text.len());
            }
            Err(error) => {
                tracing::error!(%error, call = record.call_id, "a call record cannot be put in words");
                self.text.truncate(start);
            }
        }
    }

    /// The lines without their breaks.
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).filter_map(|(start, end)| self.text.get(*start..end.saturating_sub(1)))
    }
}

/// The file of `[records] path`.
struct RecordFile {
    path: PathBuf,
    known: Option<(u64, u64)>,
    file: File,
    torn: bool,
    totals: Arc<Totals>,
}

impl RecordFile {
    fn open(path: &Path, totals: Arc<Totals>) -> std::io::Result<Self> {
        let file = open(path)?;
        let known = file.metadata().ok().map(|opened| identity(&opened));
        Ok(RecordFile { path: path.to_owned(), known, file, torn: false, totals })
    }

    fn put(&mut self, lines: &Lines) {
        self.hold();
        let count = lines.ends.len() as u64;
        match append(&mut self.file, &lines.text, &mut self.torn) {
            Ok(()) => self.totals.written.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, count, "call records could not be written");
                self.totals.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
        let _ = self.file.unlock();
    }

    /// Takes the file that has the name now, and keeps an erasure (`erasure::file`) from putting another one in its place
    /// until it is let go: so no record is appended to one that was just replaced.
    fn hold(&mut self) {
        loop {
            // A file system without locks is one where an erasure holds none either.
            let _ = self.file.lock_shared();
            // Moved away or deleted by whoever rotates such files: the next record begins a new one.
            if self.path.metadata().ok().map(|named| identity(&named)) == self.known {
                return;
            }
            match open(&self.path).and_then(|file| Ok((file.metadata()?, file))) {
                Ok((metadata, file)) => {
                    (self.known, self.file, self.torn) = (Some(identity(&metadata)), file, false);
                }
                Err(error) => {
                    let path = self.path.display();
                    tracing::error!(%path, %error, "the file of call records was moved away, and a new one cannot be made");
                    return;
                }
            }
        }
    }
}

/// Appends whole lines. Where perhaps only a part of the last ones reached the disk (`torn`), that is closed first, so
/// that it spoils no other.
fn append(file: &mut impl Write, text: &[u8], torn: &mut bool) -> std::io::Result<()> {
    let result = if *torn { file.write_all(b"\n") } else { Ok(()) };
    let result = result.and_then(|()| file.write_all(text));
    *torn = result.is_err();
    result
}

#[expect(clippy::disallowed_methods, reason = "this is the file of call records")]
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::samples;
    use crate::store::database::testing::Folder;
    use crate::store::erasure::file::erase_in_file;

    /// A disk that is full after some bytes, until it is told to have room.
    struct Disk {
        room: Vec<usize>,
        written: Arc<std::sync::Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let room = if self.room.is_empty() { bytes.len() } else { self.room.remove(0) };
            if room == 0 {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            let taken = room.min(bytes.len());
            self.written.lock().unwrap().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn record(id: &str) -> Box<CallRecord> {
        Box::new(CallRecord { call_id: id.to_owned(), ..samples::record(0) })
    }

    #[test]
    fn a_full_disk_spoils_no_later_record() {
        let written = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut file = Disk { room: vec![10, 0], written: written.clone() };
        let (mut torn, mut lines) = (false, Lines::default());
        for (id, is_written) in [("first", false), ("second", true)] {
            lines.clear();
            lines.push(&record(id));
            assert_eq!(append(&mut file, &lines.text, &mut torn).is_ok(), is_written);
        }
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[1].starts_with("{\"callId\":\"second\""), "{text}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks into the file")]
    fn an_erasure_beside_a_server_that_writes_loses_no_record_and_leaves_none_of_the_caller() {
        const RECORDS: u64 = 2_000;
        let folder = Folder::new("records-erased");
        let path = folder.0.join("calls.jsonl");
        let (records, thread) = Records::open(Some(&path), None).unwrap();
        let caller = |n: u64| if n.is_multiple_of(2) { "+14155550123" } else { "+14155550199" };
        let write = |n: u64| {
            let from = caller(n).to_owned();
            records.write(Box::new(CallRecord { call_id: format!("n{n}"), from, ..samples::record(n) }));
        };
        write(0);
        let spellings = crate::call::number::spellings(caller(0));
        let erase = || erase_in_file(&path, &spellings, samples::BEGIN);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..RECORDS {
                    write(n);
                    // A few at a time, so that many writes meet an erasure.
                    while records.figures().written() + 8 < n {
                        std::thread::yield_now();
                    }
                }
            });
            while records.figures().written() < RECORDS {
                erase().unwrap();
            }
        });
        drop(records);
        thread.join().unwrap();
        erase().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut ids, mut of_others) = (std::collections::HashSet::new(), 0);
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(ids.insert(record["callId"].as_str().unwrap().to_owned()), "{line}");
            of_others += u64::from(record["from"] == caller(1));
            assert_ne!(record["from"], caller(0));
        }
        assert_eq!((ids.len() as u64, of_others), (RECORDS, RECORDS / 2));
    }

    #[test]
    fn lines_are_handed_out_as_they_were_put_in() {
        let mut lines = Lines::default();
        for round in 0..2 {
            lines.clear();
            (0..3).for_each(|n| lines.push(&record(&format!("{round}-{n}"))));
            let ids: Vec<String> = lines
                .iter()
                .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["callId"].to_string())
                .collect();
            assert_eq!(ids, [0, 1, 2].map(|n| format!("\"{round}-{n}\"")));
        }
    }

    #[test]
    fn the_thread_ends_with_the_last_records_although_figures_are_still_shown() {
        let path = std::env::temp_dir().join(format!("cordboard-records-{}.jsonl", std::process::id()));
        let (records, thread) = Records::open(Some(&path), None).unwrap();
        let figures = records.figures();
        records.write(record("only"));
        drop(records);
        thread.join().unwrap();
        assert_eq!((figures.written(), figures.lost()), (1, 0));
        let _ = std::fs::remove_file(&path);
    }
}
