//! Call records on their way to the database: a bounded queue on disk.
//!
//! The records thread appends lines to a segment and waits for the disk; from then on a record is acknowledged: it
//! outlives the process, and a database that is away. The [`Backlog`] hands the records out in their order, and deletes a
//! segment when all of it is in the database. After a crash what was delivered and not deleted is handed out again: the
//! database takes a record once.

mod backlog;
mod folder;
mod line;
mod refused;

pub use backlog::{Backlog, Batch};

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Ending of the files that hold records.
const ENDING: &str = "records";

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all segments; records above are lost.
    pub bytes: u64,
    /// Bytes after which a new segment is begun: what is handed out twice after a crash stays small.
    pub segment: u64,
}

impl Limits {
    /// 4 MB are some two thousand records: a second of work for the database.
    const SEGMENT: u64 = 4_000_000;

    pub fn of(bytes: u64) -> Self {
        Limits { bytes, segment: Self::SEGMENT }
    }
}

/// Why records cannot wait in a folder.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the folder where call records wait, {}, cannot be used: {error} ([store] spool)", path.display())]
    Folder { path: PathBuf, error: std::io::Error },
    #[error("the folder where call records wait, {}, is used by another server ([store] spool)", path.display())]
    InUse { path: PathBuf },
}

/// What became of the records so far.
#[derive(Default, Debug)]
pub struct Totals {
    /// Acknowledged: on disk.
    pub acknowledged: AtomicU64,
    /// On disk and not in the database.
    pub waiting: AtomicU64,
    /// In the database.
    pub written: AtomicU64,
    /// Neither on disk nor in the database, or put aside.
    pub lost: AtomicU64,
    /// Of those: records under an id that another record has in the database.
    pub conflicting: AtomicU64,
    /// Of those: records that were put aside, and then dropped for later ones.
    pub dropped: AtomicU64,
    /// Whether the database did not answer when it was last asked.
    pub away: AtomicBool,
}

/// The end that writes. When it is dropped no more will come.
pub struct Spool {
    node: String,
    limits: Limits,
    shared: Arc<Shared>,
    active: Option<Active>,
    next: u64,
    /// Lines of one write; kept for its memory.
    text: Vec<u8>,
    /// Records lost since the last that was not.
    losing: u64,
}

/// The segment that is written to.
struct Active {
    number: u64,
    file: File,
    bytes: u64,
}

struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    /// Told when there is more to hand out, or never will be.
    changed: Notify,
    totals: Arc<Totals>,
    /// Locked as long as one end is there.
    _lock: File,
}

#[derive(Default)]
struct State {
    /// In the order in which they were written.
    segments: VecDeque<Segment>,
    closed: bool,
}

struct Segment {
    number: u64,
    /// Bytes that are on disk.
    bytes: u64,
    /// Lines that were not handed out yet.
    records: u64,
    /// Whether nothing more will be written to it.
    sealed: bool,
}

impl Spool {
    /// Opens a folder, makes it where it is missing, and takes over what an earlier run left there. `node` is the name
    /// under which this server's records are kept; it has no space.
    #[expect(clippy::disallowed_methods, reason = "these are the files of waiting call records")]
    pub fn open(folder: &Path, node: &str, limits: Limits) -> Result<(Spool, Backlog), SpoolError> {
        let fail = |error| SpoolError::Folder { path: folder.to_owned(), error };
        folder::make(folder).map_err(fail)?;
        let lock = OpenOptions::new().create(true).append(true).open(folder.join("lock")).map_err(fail)?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => SpoolError::InUse { path: folder.to_owned() },
            std::fs::TryLockError::Error(error) => fail(error),
        })?;
        let segments = found(folder).map_err(fail)?;
        let waiting: u64 = segments.iter().map(|segment| segment.records).sum();
        if waiting > 0 {
            tracing::info!(records = waiting, "call records of an earlier run wait for the database");
        }
        let totals = Totals { waiting: waiting.into(), ..Totals::default() };
        let next = segments.back().map_or(0, |last| last.number + 1);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            state: Mutex::new(State { segments, closed: false }),
            changed: Notify::new(),
            totals: Arc::new(totals),
            _lock: lock,
        });
        let backlog = Backlog::new(shared.clone());
        let node = node.to_owned();
        Ok((Spool { node, limits, shared, active: None, next, text: Vec::new(), losing: 0 }, backlog))
    }

    pub fn totals(&self) -> Arc<Totals> {
        self.shared.totals.clone()
    }

    /// Writes records, each JSON without line breaks, and returns when the disk has them. What finds no room or no disk
    /// is counted as lost.
    pub fn put<'d>(&mut self, documents: impl Iterator<Item = &'d [u8]>) {
        let waiting: u64 = self.shared.state().segments.iter().map(|segment| segment.bytes).sum();
        let room = usize::try_from(self.limits.bytes.saturating_sub(waiting)).unwrap_or(usize::MAX);
        let (mut taken, mut refused) = (0, 0);
        self.text.clear();
        for document in documents {
            let start = self.text.len();
            line::write(&mut self.text, &self.node, document);
            if self.text.len() > room {
                self.text.truncate(start);
                refused += 1;
            } else {
                taken += 1;
            }
        }
        if refused > 0 {
            self.lose(refused, &format!("{} bytes wait for the database already", self.limits.bytes));
        }
        if taken == 0 {
            return;
        }
        // A segment whose disk failed once is not written to again; a new one may lie where there is room.
        let written = self.append(taken).or_else(|_| self.append(taken));
        match written {
            Err(error) => self.lose(taken, &error.to_string()),
            Ok(()) if refused == 0 && self.losing > 0 => {
                tracing::warn!(lost = self.losing, "call records are kept again");
                self.losing = 0;
            }
            Ok(()) => {}
        }
    }

    /// Appends the lines at hand to the current segment, which is given up where that fails.
    fn append(&mut self, records: u64) -> std::io::Result<()> {
        if self.active.as_ref().is_none_or(|active| active.bytes >= self.limits.segment) {
            self.seal();
            self.active = Some(self.begin()?);
        }
        let Some(active) = &mut self.active else { return Ok(()) };
        let written = active.file.write_all(&self.text).and_then(|()| active.file.sync_data());
        if let Err(error) = written {
            self.seal();
            return Err(error);
        }
        active.bytes += self.text.len() as u64;
        let mut state = self.shared.state();
        let Some(segment) = state.segments.iter_mut().find(|segment| segment.number == active.number) else {
            // The reader gave it up.
            self.active = None;
            return Err(std::io::Error::other("the segment cannot be read again"));
        };
        segment.bytes = active.bytes;
        segment.records += records;
        self.shared.totals.waiting.fetch_add(records, Ordering::Relaxed);
        self.shared.totals.acknowledged.fetch_add(records, Ordering::Release);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "these are the files of waiting call records")]
    fn begin(&mut self) -> std::io::Result<Active> {
        let number = self.next;
        let file =
            OpenOptions::new().create_new(true).append(true).open(path(&self.shared.folder, number))?;
        self.next += 1;
        // The name of a new file is on disk when its folder is.
        File::open(&self.shared.folder)?.sync_all()?;
        self.shared.state().segments.push_back(Segment { number, bytes: 0, records: 0, sealed: false });
        Ok(Active { number, file, bytes: 0 })
    }

    fn seal(&mut self) {
        let Some(active) = self.active.take() else { return };
        for segment in
            self.shared.state().segments.iter_mut().filter(|segment| segment.number == active.number)
        {
            segment.sealed = true;
        }
        self.shared.changed.notify_one();
    }

    fn lose(&mut self, records: u64, reason: &str) {
        if self.losing == 0 {
            let folder = self.shared.folder.display();
            tracing::error!(%folder, "call records are lost: they cannot wait for the database: {reason}");
        }
        self.losing += records;
        self.shared.totals.lost.fetch_add(records, Ordering::Relaxed);
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.seal();
        self.shared.state().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{ENDING}"))
}

/// The segments of an earlier run. A line that was cut off has no line break, and is not counted.
#[expect(clippy::disallowed_methods, reason = "these are the files of waiting call records")]
fn found(folder: &Path) -> std::io::Result<VecDeque<Segment>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        let Some(number) = number.filter(|_| path.extension().is_some_and(|e| e == ENDING)) else { continue };
        let (mut bytes, mut records) = (0, 0);
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&path)?);
        loop {
            let part = reader.fill_buf()?;
            let length = part.len();
            if length == 0 {
                break;
            }
            records += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            bytes += length as u64;
            reader.consume(length);
        }
        segments.push(Segment { number, bytes, records, sealed: true });
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments.into())
}

#[cfg(test)]
mod tests;
