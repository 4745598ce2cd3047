//! `[records]`: how long call records are kept, and whether their file can be written, as far as looking tells.

use crate::config::reader::Section;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where call records go beside the store, and how long the store keeps them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Records {
    /// The file that each is appended to.
    pub path: Option<PathBuf>,
    /// For ever, where absent.
    pub keep: Option<Duration>,
}

/// A hundred years: more is a slip of the pen, and as good as for ever.
const KEEP_DAYS_MAX: i64 = 36_525;

pub(super) fn read(section: &Section<'_>, folder: &Path, kept_elsewhere: bool) -> Records {
    let path = read_path(section, folder, kept_elsewhere);
    let days = section.integer("keep_days", 0..=KEEP_DAYS_MAX).and_then(|days| u64::try_from(days).ok());
    let keep = days.filter(|days| *days > 0).map(|days| Duration::from_secs(days * 86_400));
    if keep.is_some() && !kept_elsewhere {
        section.warning(
            "keep_days",
            "deletes nothing: there is no [store], and the file of path is left to whoever rotates it",
            "",
        );
    }
    Records { path, keep }
}

/// The file of call records. Nothing is made or opened for writing that is not there: the server does that at start.
/// Without it, and with no database that keeps records either, that there are none is said.
fn read_path(section: &Section<'_>, folder: &Path, kept_elsewhere: bool) -> Option<PathBuf> {
    if !section.has("path") && !kept_elsewhere {
        section.warning(
            "",
            "no call records are written: there is no [records] path and no [store] url",
            "set path = \"data/calls.jsonl\"",
        );
    }
    let text = section.text("path")?;
    let path = folder.join(&text);
    if text.is_empty() || text.ends_with('/') || path.is_dir() {
        section.error(
            "path",
            format!("\"{text}\" is not the name of a file"),
            "for example data/calls.jsonl",
        );
        return None;
    }
    if path.exists() {
        if !is_writable(&path) {
            section.error("path", format!("{} cannot be written by this user", path.display()), "");
        }
        return Some(path);
    }
    let missing: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| !exists(folder)).collect();
    let parent = path.ancestors().skip(1).find(|folder| exists(folder)).unwrap_or(Path::new(""));
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    if !parent.is_dir() {
        section.error("path", format!("{} is not a folder", parent.display()), "");
    } else if !is_writable(parent) {
        let message = format!("the folder {} cannot be written by this user", parent.display());
        section.error("path", message, "let the server write there, or take another folder");
    } else if let [folder, _, ..] = missing[..] {
        // One that is missing is as usual at the first start; more look like a slip of the pen.
        let message = format!("there is no folder {}: it is made at start", folder.display());
        section.warning("path", message, "make it, if that is where records shall be");
    }
    Some(path)
}

/// The empty path is the working folder.
fn exists(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.exists()
}

/// By owner, group and mode; read-only file systems are found when the file is opened.
pub(crate) fn is_writable(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let Ok(found) = path.metadata() else { return false };
    let bit = if found.uid() == user {
        0o200
    } else if is_in_group(found.gid()) {
        0o020
    } else {
        0o002
    };
    user == 0 || found.mode() & bit != 0
}

fn is_in_group(group: u32) -> bool {
    let others = rustix::process::getgroups().unwrap_or_default();
    rustix::process::getegid().as_raw() == group || others.iter().any(|g| g.as_raw() == group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};

    fn findings(path: &str) -> Vec<String> {
        let document = Document::parse(Path::new("x.toml"), &format!("path = \"{path}\"\n"));
        read(&document.root(), Path::new(""), false);
        document.into_findings().iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_path_that_no_file_can_have_is_an_error_and_a_far_one_is_doubted() {
        for (path, expected) in [
            ("", "error: x.toml:1: path: \"\" is not the name of a file"),
            ("src", "error: x.toml:1: path: \"src\" is not the name of a file"),
            ("Cargo.toml/x", "error: x.toml:1: path: Cargo.toml is not a folder"),
            ("no/such/x", "warning: x.toml:1: path: there is no folder no/such: it is made at start"),
        ] {
            let found = findings(path);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{path}: {found:?}");
        }
        for path in ["calls.jsonl", "data-of-calls/calls.jsonl", "Cargo.toml"] {
            assert_eq!(findings(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn records_are_kept_for_ever_or_for_days_and_days_without_a_store_are_doubted() {
        let check = |lines: &str, has_store: bool| {
            let document = Document::parse(Path::new("x.toml"), &format!("path = \"r\"\n{lines}\n"));
            let keep = read(&document.root(), Path::new(""), has_store).keep;
            let findings = document.into_findings().iter().map(Finding::to_string).collect::<Vec<_>>();
            (keep.map(|keep| keep.as_secs() / 86_400), findings.join("\n"))
        };
        for (lines, days, finding) in [
            ("", None, ""),
            ("keep_days = 0", None, ""),
            ("keep_days = 90", Some(90), ""),
            ("keep_days = -1", None, "error: x.toml:2: keep_days: -1 is not between 0 and 36525"),
        ] {
            assert_eq!(check(lines, true), (days, finding.to_owned()), "{lines}");
        }
        let (days, finding) = check("keep_days = 90", false);
        assert!(days == Some(90) && finding.starts_with("warning: x.toml:2: keep_days: deletes nothing"));
    }
}
