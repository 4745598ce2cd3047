//! Call records as JSON lines, written by a thread of its own so that no call waits for a disk.

use crate::call::record::CallRecord;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
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
    totals: Arc<Totals>,
}

#[derive(Default)]
struct Totals {
    written: AtomicU64,
    lost: AtomicU64,
    failed: AtomicU64,
}

impl Records {
    /// Where no file is configured: records are counted and forgotten.
    pub fn nowhere() -> Self {
        Records { queue: None, totals: Arc::default() }
    }

    /// Opens the file for appending and starts the thread, which ends when the last [`Records`] is dropped.
    pub fn open(path: &Path) -> std::io::Result<(Self, JoinHandle<()>)> {
        let file = open(path)?;
        let (sender, receiver) = sync_channel(QUEUE);
        let totals = Arc::new(Totals::default());
        let (path, shared) = (path.to_owned(), totals.clone());
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || run(&receiver, file, &path, &shared))?;
        Ok((Records { queue: Some(sender), totals }, thread))
    }

    /// Hands a record over; never waits.
    pub fn write(&self, record: Box<CallRecord>) {
        match self.queue.as_ref().map(|queue| queue.try_send(record)) {
            None | Some(Ok(())) => {}
            Some(Err(TrySendError::Full(record) | TrySendError::Disconnected(record))) => {
                if self.totals.lost.fetch_add(1, Ordering::Relaxed) == 0 {
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
        RecordFigures(self.totals.clone())
    }
}

/// What became of the records so far.
#[derive(Clone)]
pub struct RecordFigures(Arc<Totals>);

impl RecordFigures {
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Records that were lost because the queue was full or the file could not be written.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed) + self.0.failed.load(Ordering::Relaxed)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the file of call records")]
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// What stays the same when a file is given another name.
fn identity(metadata: std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

fn run(receiver: &Receiver<Box<CallRecord>>, file: File, path: &Path, totals: &Totals) {
    let mut known = file.metadata().ok().map(identity);
    let mut lines = Lines { file, text: Vec::new(), torn: false };
    while let Ok(first) = receiver.recv() {
        // Moved away or deleted by whoever rotates such files: the next record begins a new one.
        if path.metadata().ok().map(identity) != known {
            match open(path).and_then(|file| Ok((file.metadata()?, file))) {
                Ok((metadata, file)) => {
                    (known, lines.file, lines.torn) = (Some(identity(metadata)), file, false);
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "the file of call records was moved away, and a new one cannot be made");
                }
            }
        }
        // All that waits goes out in one write; a reader sees whole lines.
        lines.put(std::iter::once(first).chain(receiver.try_iter()).take(BATCH), path, totals);
    }
}

struct Lines<W> {
    file: W,
    text: Vec<u8>,
    /// Perhaps only a part of the last line reached the disk: it is closed first, so that it spoils no other.
    torn: bool,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, records: impl Iterator<Item = Box<CallRecord>>, path: &Path, totals: &Totals) {
        self.text.clear();
        if self.torn {
            self.text.push(b'\n');
        }
        let mut count = 0;
        for record in records {
            count += 1;
            if let Err(error) = serde_json::to_writer(&mut self.text, &record) {
                tracing::error!(%error, call = record.call_id, "a call record cannot be put in words");
            }
            self.text.push(b'\n');
        }
        let result = self.file.write_all(&self.text);
        self.torn = result.is_err();
        match result {
            Ok(()) => totals.written.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, count, "call records could not be written");
                totals.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::record::EndReason;
    use crate::clock::Wall;

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
        let wall = Wall::from_unix_micros(0);
        Box::new(CallRecord {
            call_id: id.to_owned(),
            call_key: String::new(),
            sip_call_id: String::new(),
            trunk: None,
            source: String::new(),
            number: None,
            flow_id: None,
            version: None,
            from: String::new(),
            to: String::new(),
            start: wall,
            answer: None,
            end: wall,
            duration_sec: 0.0,
            billed_sec: 0.0,
            sip_code: None,
            end_reason: EndReason::Rejected,
            reason: String::new(),
            outcome: None,
            keys: Vec::new(),
            legs: Vec::new(),
        })
    }

    #[test]
    fn a_full_disk_spoils_no_later_record() {
        let written = Arc::new(std::sync::Mutex::new(Vec::new()));
        let totals = Totals::default();
        let file = Disk { room: vec![10, 0], written: written.clone() };
        let mut lines = Lines { file, text: Vec::new(), torn: false };
        for id in ["first", "second"] {
            lines.put(std::iter::once(record(id)), Path::new("disk"), &totals);
        }
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[1].starts_with("{\"callId\":\"second\""), "{text}");
        assert_eq!((totals.written.into_inner(), totals.failed.into_inner()), (1, 1));
    }

    #[test]
    fn the_thread_ends_with_the_last_records_although_figures_are_still_shown() {
        let path = std::env::temp_dir().join(format!("cordboard-records-{}.jsonl", std::process::id()));
        let (records, thread) = Records::open(&path).unwrap();
        let figures = records.figures();
        records.write(record("only"));
        drop(records);
        thread.join().unwrap();
        assert_eq!((figures.written(), figures.lost()), (1, 0));
        let _ = std::fs::remove_file(&path);
    }
}
