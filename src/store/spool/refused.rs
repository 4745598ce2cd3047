//! Call records that the database will never take, kept for people: a file, and the one before it.

use super::folder;
use crate::store::erasure::file::identity;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// Bytes of a file after which a new one is begun, and the one before the last is dropped: some ten thousand records. More
/// of them say nothing new about what is wrong, and the disk is for those that can be written.
pub const BYTES_MAX: u64 = 16_000_000;
/// The current one, and the one before.
const NAMES: [&str; 2] = ["refused.jsonl", "refused.1.jsonl"];
/// Longest line that is looked at for a call's id: a call id stands first.
const HEAD_BYTES_MAX: u64 = 4_096;

/// What was dropped for a record.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Dropped {
    pub records: u64,
    /// The calls of the first and of the last of them.
    pub first: String,
    pub last: String,
}

/// Appends a record, and waits for the disk. `bytes_max`: see [`BYTES_MAX`].
pub fn put(spool: &Path, document: &str, bytes_max: u64) -> std::io::Result<Option<Dropped>> {
    let [current, before] = NAMES.map(|name| spool.join(name));
    let line = format!("{document}\n");
    let bytes = std::fs::metadata(&current).map_or(0, |metadata| metadata.len());
    let mut dropped = None;
    if bytes > 0 && bytes.saturating_add(line.len() as u64) > bytes_max {
        dropped = before.exists().then(|| look(&before).unwrap_or_default());
        std::fs::rename(&current, &before)?;
    }
    let is_new = !current.exists();
    let mut file = open(&current)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()?;
    if is_new {
        folder::sync(spool)?;
    }
    Ok(dropped)
}

/// The file that has the name, which an erasure (`store::erasure::file`) does not replace before it is closed.
#[expect(clippy::disallowed_methods, reason = "the files of refused call records")]
fn open(path: &Path) -> std::io::Result<File> {
    loop {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let _ = file.lock_shared();
        let opened = identity(&file.metadata()?);
        if path.metadata().is_ok_and(|named| identity(&named) == opened) {
            return Ok(file);
        }
    }
}

/// What a file holds.
#[expect(clippy::disallowed_methods, reason = "the files of refused call records")]
fn look(file: &Path) -> std::io::Result<Dropped> {
    let mut reader = BufReader::new(File::open(file)?);
    let mut found = Dropped::default();
    loop {
        let mut head = Vec::new();
        if (&mut reader).take(HEAD_BYTES_MAX).read_until(b'\n', &mut head)? == 0 {
            return Ok(found);
        }
        if head.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
        }
        found.records += 1;
        found.last = call_id(&String::from_utf8_lossy(&head));
        if found.records == 1 {
            found.first.clone_from(&found.last);
        }
    }
}

/// The text after `"callId":`, of letters and digits alone.
fn call_id(line: &str) -> String {
    let id = line.split_once("\"callId\":\"").map_or("", |(_, rest)| rest);
    id.chars().take_while(char::is_ascii_alphanumeric).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::testing::Folder;

    fn document(n: u32) -> String {
        format!("{{\"callId\":\"c{n}\",\"more\":\"{}\"}}", "x".repeat(100))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks into the files of refused records")]
    fn two_files_at_the_most_are_kept_and_what_is_dropped_for_a_new_one_is_told() {
        let folder = Folder::new("refused");
        // Four lines a file.
        let bytes_max = document(10).len() as u64 * 4 + 4;
        let mut told = Vec::new();
        for n in 10..30 {
            told.extend(put(&folder.0, &document(n), bytes_max).unwrap().map(|dropped| (n, dropped)));
        }
        let dropped =
            |first: u32| Dropped { records: 4, first: format!("c{first}"), last: format!("c{}", first + 3) };
        assert_eq!(told, [(18, dropped(10)), (22, dropped(14)), (26, dropped(18))]);
        let lines = |name: &str| {
            let text = std::fs::read_to_string(folder.0.join(name)).unwrap();
            text.lines().map(call_id).collect::<Vec<_>>()
        };
        assert_eq!(lines("refused.1.jsonl"), ["c22", "c23", "c24", "c25"]);
        assert_eq!(lines("refused.jsonl"), ["c26", "c27", "c28", "c29"]);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 2);
    }

    #[test]
    fn a_record_larger_than_a_file_has_one_of_its_own() {
        let folder = Folder::new("refused-large");
        for n in 0..3 {
            let dropped = put(&folder.0, &document(n), 10).unwrap();
            assert_eq!(dropped.map(|dropped| dropped.first), (n == 2).then(|| "c0".to_owned()), "{n}");
        }
    }
}
