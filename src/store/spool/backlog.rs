//! The end of the spool that reads.

use super::refused::{self, Dropped};
use super::{Segment, Shared, Totals, line, path};
use crate::store::database::call_records::NewRecord;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes of one batch: some hundreds of records, a transaction of some tens of milliseconds.
const BATCH_BYTES: u64 = 512 * 1024;

/// A segment that could not be read is tried again for a minute before it is passed by: what keeps a file from being
/// opened (too many open files) is over by then, what is left is a broken disk.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// What waits for the database, in the order in which it was written.
pub struct Backlog {
    shared: Arc<Shared>,
    /// How far the first segment was handed out.
    offset: u64,
    /// How often in a row reading failed.
    failures: u32,
}

/// Records that are handed out together.
#[derive(Default, Debug)]
pub struct Batch {
    pub records: Vec<NewRecord>,
    /// Lines with a good checksum that hold no call record.
    pub unreadable: Vec<String>,
    /// Lines that are not as they were written.
    damaged: u64,
    /// Where the next batch of the segment begins.
    end: u64,
}

impl Batch {
    fn lines(&self) -> u64 {
        (self.records.len() + self.unreadable.len()) as u64 + self.damaged
    }
}

/// What to do next.
enum Next {
    /// Bytes of a segment from the offset on.
    Read(u64, u64),
    Wait,
    End,
}

impl Backlog {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Backlog { shared, offset: 0, failures: 0 }
    }

    pub fn totals(&self) -> &Totals {
        &self.shared.totals
    }

    /// Waits for the next batch, which is handed out until [`Self::delivered`] is told of it. `None` when all was
    /// delivered and nothing more will come.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.look() {
                Next::Wait => self.shared.changed.notified().await,
                Next::End => return None,
                Next::Read(number, bytes) => {
                    let (file, offset) = (path(&self.shared.folder, number), self.offset);
                    // Reading a file may wait for the disk, and the runtime's threads carry streams.
                    let read = tokio::task::spawn_blocking(move || read(&file, offset, bytes));
                    match read.await.map_err(std::io::Error::other).and_then(|result| result) {
                        Ok(batch) if batch.lines() == 0 => (self.offset, self.failures) = (batch.end, 0),
                        Ok(batch) => {
                            self.failures = 0;
                            return Some(batch);
                        }
                        // No file left to open, a disk that is away: it may pass.
                        Err(error) if may_pass(&error) && self.failures < TRIES => {
                            self.failures += 1;
                            pause().await;
                        }
                        Err(error) => {
                            self.failures = 0;
                            self.give_up(&error);
                        }
                    }
                }
            }
        }
    }

    /// The batch is in the database, or put aside.
    pub fn delivered(&mut self, batch: &Batch) {
        self.offset = batch.end;
        if let Some(first) = self.shared.state().segments.front_mut() {
            first.records = first.records.saturating_sub(batch.lines());
        }
        self.shared.totals.waiting.fetch_sub(batch.lines(), Ordering::Relaxed);
        if batch.damaged > 0 {
            self.shared.totals.lost.fetch_add(batch.damaged, Ordering::Relaxed);
            tracing::error!(
                records = batch.damaged,
                "call records that waited on disk are damaged, and lost"
            );
        }
    }

    /// Keeps a record that the database will never take, in a file for people. It counts as lost.
    pub fn put_aside(&self, document: &str, reason: &str) {
        let folder = self.shared.folder.display();
        tracing::error!(%folder, "a call record is put aside in refused.jsonl: {reason}");
        self.shared.totals.lost.fetch_add(1, Ordering::Relaxed);
        match refused::put(&self.shared.folder, document, refused::BYTES_MAX) {
            Ok(None) => {}
            Ok(Some(Dropped { records, first, last })) => {
                self.shared.totals.dropped.fetch_add(records, Ordering::Relaxed);
                tracing::error!(%folder, records, first, last, "refused call records are dropped: newer ones have their place");
            }
            Err(error) => {
                tracing::error!(%folder, %error, "it cannot be put aside either, and is lost");
            }
        }
    }

    /// Deletes the segments that are done, and finds what comes next.
    fn look(&mut self) -> Next {
        loop {
            let mut state = self.shared.state();
            match state.segments.front() {
                Some(first) if self.offset < first.bytes => return Next::Read(first.number, first.bytes),
                Some(first) if first.sealed => {
                    let (number, missing) = (first.number, first.records);
                    state.segments.pop_front();
                    drop(state);
                    self.miss(missing);
                    self.offset = 0;
                    let file = path(&self.shared.folder, number);
                    if let Err(error) = std::fs::remove_file(&file) {
                        tracing::error!(file = %file.display(), %error, "a file of call records cannot be deleted");
                    }
                }
                None if state.closed => return Next::End,
                _ => return Next::Wait,
            }
        }
    }

    /// Passes a segment by that cannot be read. Its file stays; the next start tries it again.
    fn give_up(&mut self, error: &std::io::Error) {
        let Some(Segment { number, records, .. }) = self.shared.state().segments.pop_front() else { return };
        let file = path(&self.shared.folder, number);
        tracing::error!(file = %file.display(), %error, records, "a file of call records cannot be read: they are passed by");
        self.offset = 0;
        self.miss(records);
    }

    /// Records that waited and are not there.
    fn miss(&self, records: u64) {
        self.shared.totals.waiting.fetch_sub(records, Ordering::Relaxed);
        self.shared.totals.lost.fetch_add(records, Ordering::Relaxed);
    }
}

fn may_pass(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::NotFound
}

#[expect(clippy::disallowed_methods, reason = "the pause between two tries")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Reads whole lines from `offset` on; `bytes` are on disk in all.
#[expect(clippy::disallowed_methods, reason = "these are the files of waiting call records")]
fn read(file: &Path, offset: u64, bytes: u64) -> std::io::Result<Batch> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let (mut text, mut wanted) = (Vec::new(), BATCH_BYTES);
    let whole = loop {
        let more = wanted.min(bytes - offset) - text.len() as u64;
        let got = (&mut file).take(more).read_to_end(&mut text)? as u64;
        match text.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => break last + 1,
            // A line longer than a batch.
            None if got == more && text.len() as u64 + offset < bytes => wanted *= 2,
            None => {
                tracing::info!(bytes = text.len(), "the last call record was cut off when the server ended");
                return Ok(Batch { end: bytes, ..Batch::default() });
            }
        }
    };
    let mut batch = Batch { end: offset + whole as u64, ..Batch::default() };
    for text in text[..whole].split_inclusive(|byte| *byte == b'\n') {
        match line::read(&text[..text.len() - 1]) {
            None => batch.damaged += 1,
            Some((node, document)) => match NewRecord::read(node, document) {
                Ok(record) => batch.records.push(record),
                Err(_) => batch.unreadable.push(document.to_owned()),
            },
        }
    }
    Ok(batch)
}
