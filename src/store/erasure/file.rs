//! Erasure of a caller in a file of call records, a JSON line each: written anew beside it, brought to the disk, and put in
//! its place.

use super::erase;
use crate::clock::Wall;
use serde_json::Value;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What was done to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ErasedFile {
    pub lines: u64,
    /// Records that were the caller's.
    pub erased: u64,
    /// Lines that are no records, as one that was cut off, and had the number: they are gone.
    pub removed: u64,
}

/// Why it was not done; then the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EraseFileError {
    #[error("{} cannot be read: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} cannot be written: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("{} is there already: another erasure runs, or was broken off; delete it where none runs", .0.display())]
    UnderWay(PathBuf),
    #[error("{} was moved away meanwhile: erase in the file that it is now, and here again", .0.display())]
    Moved(PathBuf),
}

/// Takes a caller out of a file, also of one that a running server appends to: it goes on in the new one. What the server
/// appends meanwhile is taken over under a lock that it waits for (`store::records`), for as long as the last lines take.
pub fn erase_in_file(path: &Path, spellings: &[String], at: Wall) -> Result<ErasedFile, EraseFileError> {
    // Where it is a link, the file that is meant.
    let path = path.canonicalize().map_err(|error| EraseFileError::Read { path: path.to_owned(), error })?;
    let beside = beside(&path);
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => EraseFileError::UnderWay(beside.clone()),
        _ => EraseFileError::Write { path: beside.clone(), error },
    };
    let new = open_new(&beside).map_err(fail)?;
    let done = rewrite(&path, &beside, new, spellings, at);
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".erasing");
    path.with_file_name(name)
}

#[expect(clippy::disallowed_methods, reason = "this is the file of call records")]
fn open_new(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[expect(clippy::disallowed_methods, reason = "this is the file of call records")]
fn rewrite(
    path: &Path,
    beside: &Path,
    new: File,
    spellings: &[String],
    at: Wall,
) -> Result<ErasedFile, EraseFileError> {
    let reading = |error| EraseFileError::Read { path: path.to_owned(), error };
    let writing = |error| EraseFileError::Write { path: beside.to_owned(), error };
    let old = File::open(path).map_err(reading)?;
    let mut copy = Copy { old: BufReader::new(old), new: BufWriter::new(new), done: ErasedFile::default() };
    copy.whole_lines(spellings, at).map_err(reading)?.map_err(writing)?;
    // The most of it, while the server may go on.
    copy.new.flush().and_then(|()| copy.new.get_ref().sync_data()).map_err(writing)?;
    // From here to the end the server waits. A file system without locks is one where it cannot.
    let _ = copy.old.get_ref().lock();
    copy.whole_lines(spellings, at).map_err(reading)?.map_err(writing)?;
    copy.last_line(spellings, at).map_err(reading)?.map_err(writing)?;
    let Copy { old, new, done } = copy;
    let new = new.into_inner().map_err(|error| writing(error.into_error()))?;
    let like = old.get_ref().metadata().map_err(reading)?;
    keep_owner(&new, &like).map_err(writing)?;
    new.sync_all().map_err(writing)?;
    if path.metadata().ok().map(|named| identity(&named)) != Some(identity(&like)) {
        return Err(EraseFileError::Moved(path.to_owned()));
    }
    std::fs::rename(beside, path).map_err(writing)?;
    // The new name is on disk when its folder is.
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing)?;
    Ok(done)
}

/// What stays the same when a file is given another name.
pub fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The same user may read and write it as before.
fn keep_owner(new: &File, like: &Metadata) -> io::Result<()> {
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
        std::os::unix::fs::fchown(new, Some(like.uid()), Some(like.gid()))?;
    }
    new.set_permissions(like.permissions())
}

/// From the old file to the new one.
struct Copy {
    old: BufReader<File>,
    new: BufWriter<File>,
    done: ErasedFile,
}

/// What could not be read, or what could not be written.
type Copied = io::Result<io::Result<()>>;

impl Copy {
    /// All that have come whole; what is behind the last line break is left for later.
    fn whole_lines(&mut self, spellings: &[String], at: Wall) -> Copied {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = self.old.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                // The server is about to write the rest, or never did.
                let back = i64::try_from(length).unwrap_or(0);
                self.old.seek_relative(-back)?;
                return Ok(Ok(()));
            }
            if let Err(error) = self.line(&line, spellings, at) {
                return Ok(Err(error));
            }
        }
    }

    /// What was never written to its end.
    fn last_line(&mut self, spellings: &[String], at: Wall) -> Copied {
        let mut line = Vec::new();
        self.old.read_until(b'\n', &mut line)?;
        Ok(if line.is_empty() { Ok(()) } else { self.line(&line, spellings, at) })
    }

    fn line(&mut self, line: &[u8], spellings: &[String], at: Wall) -> io::Result<()> {
        self.done.lines += 1;
        match serde_json::from_slice::<Caller>(line) {
            Ok(Caller { from }) if !spellings.contains(&from) => self.new.write_all(line),
            Err(_) if !spellings.iter().any(|spelling| is_within(line, spelling)) => self.new.write_all(line),
            Ok(_) => {
                self.done.erased += 1;
                let mut document: Value = serde_json::from_slice(line)?;
                erase(&mut document, at);
                serde_json::to_writer(&mut self.new, &document)?;
                self.new.write_all(b"\n")
            }
            Err(_) => {
                self.done.removed += 1;
                Ok(())
            }
        }
    }
}

/// Whose call a line is about.
#[derive(serde::Deserialize)]
struct Caller {
    #[serde(default)]
    from: String,
}

fn is_within(line: &[u8], text: &str) -> bool {
    !text.is_empty() && line.windows(text.len()).any(|part| part == text.as_bytes())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests write and read the file")]
mod tests {
    use super::*;
    use crate::store::database::samples;
    use crate::store::database::testing::Folder;
    use std::os::unix::fs::PermissionsExt;

    const AT: Wall = Wall::from_unix_seconds(1_796_000_000);

    fn spellings(n: u64) -> Vec<String> {
        crate::call::number::spellings(&samples::record(n).from)
    }

    #[test]
    fn the_callers_lines_are_erased_and_all_others_stay_as_they_were() {
        let folder = Folder::new("erase-file");
        let path = folder.0.join("calls.jsonl");
        let caller = samples::record(3).from;
        let national =
            samples::document(4).replace(&samples::record(4).from, caller.trim_start_matches("+1"));
        let other = samples::document(5).replace("a value of usual length", &caller);
        let cut_off = &samples::document(3)[..600];
        let cut_off_other = &samples::document(6)[..600];
        let lines = [
            samples::document(1),
            samples::document(3),
            cut_off.to_owned(),
            national,
            other.clone(),
            cut_off_other.to_owned(),
            String::new(),
            samples::document(3)[..700].to_owned(),
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let done = erase_in_file(&path, &spellings(3), AT).unwrap();
        assert_eq!(done, ErasedFile { lines: 8, erased: 2, removed: 2 });
        let text = std::fs::read_to_string(&path).unwrap();
        let mut erased: Vec<Value> =
            vec![3, 4].into_iter().map(|n| serde_json::to_value(samples::record(n)).unwrap()).collect();
        erased.iter_mut().for_each(|document| erase(document, AT));
        let expected = [
            samples::document(1),
            erased[0].to_string(),
            erased[1].to_string(),
            other,
            cut_off_other.to_owned(),
            String::new(),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_cannot_be_written_anew_stays_as_it_was() {
        let folder = Folder::new("erase-file");
        let path = folder.0.join("calls.jsonl");
        std::fs::write(&path, samples::document(3)).unwrap();
        std::fs::write(folder.0.join("calls.jsonl.erasing"), "another's").unwrap();
        let error = erase_in_file(&path, &spellings(3), AT).unwrap_err();
        assert!(matches!(error, EraseFileError::UnderWay(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), samples::document(3));
        assert_eq!(std::fs::read_to_string(folder.0.join("calls.jsonl.erasing")).unwrap(), "another's");
        let error = erase_in_file(&folder.0.join("none"), &spellings(3), AT).unwrap_err();
        assert!(matches!(error, EraseFileError::Read { .. }), "{error}");
    }

    #[test]
    fn a_link_stays_one_and_the_file_that_it_leads_to_is_erased() {
        let folder = Folder::new("erase-file");
        let (path, link) = (folder.0.join("calls.jsonl"), folder.0.join("link"));
        std::fs::write(&path, samples::document(3)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(erase_in_file(&link, &spellings(3), AT).unwrap().erased, 1);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&samples::record(3).from));
    }
}
