//! Call records as JSON lines, written by a thread of its own so that no call waits for a disk.

use crate::call::record::CallRecord;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Records that wait while the disk is slow: a minute of 1,000 calls/s. Above, records are lost and counted.
const QUEUE: usize = 65_536;

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

    pub fn written(&self) -> u64 {
        self.totals.written.load(Ordering::Relaxed)
    }

    /// Records that were lost because the queue was full or the file could not be written.
    pub fn lost(&self) -> u64 {
        self.totals.lost.load(Ordering::Relaxed) + self.totals.failed.load(Ordering::Relaxed)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the file of call records")]
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn run(receiver: &Receiver<Box<CallRecord>>, file: File, path: &Path, totals: &Totals) {
    let mut file = BufWriter::new(file);
    while let Ok(first) = receiver.recv() {
        // All that waits goes out in one write; a reader sees whole lines.
        let mut count = 0;
        let mut result = Ok(());
        for record in std::iter::once(first).chain(receiver.try_iter()) {
            count += 1;
            result = result.and_then(|()| {
                serde_json::to_writer(&mut file, &record)?;
                file.write_all(b"\n")
            });
        }
        match result.and_then(|()| file.flush()) {
            Ok(()) => totals.written.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, count, "call records could not be written");
                totals.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}
