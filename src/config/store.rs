//! `[store]`: the database, and the folder where call records wait for it.

use crate::config::reader::Section;
use std::path::{Path, PathBuf};

/// Call records that may wait on disk, in MB, where `spool_mb` does not say: a database may be away for ten minutes while
/// 800 calls/s end, each with a record of 2 KB.
const SPOOL_MB: i64 = 1_024;
/// A name stands in each call record and each of its keys.
const NODE_LENGTH_MAX: usize = 64;

/// The database and what leads to it.
#[derive(Clone, PartialEq)]
pub struct Store {
    /// `sqlite://PATH` or `postgres://…`; may hold a password.
    pub url: String,
    /// The name under which this server writes its call records; another server has another.
    pub node: String,
    /// Folder of the call records that wait for the database.
    pub spool: PathBuf,
    /// Bytes that may wait there.
    pub spool_bytes: u64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("node", &self.node).field("spool", &self.spool).finish_non_exhaustive()
    }
}

pub(super) fn read(section: &Section<'_>, folder: &Path) -> Option<Store> {
    // What is no address may hold a password all the same: it is not repeated.
    let url = section.text("url").and_then(|text| {
        let url = address(&text, folder);
        if url.is_none() {
            section.error("url", "is no database", "sqlite://PATH or postgres://USER@HOST/NAME is one");
        }
        url
    });
    let node = section.parsed("node", |text| {
        let wrong = "a name of at most 64 letters, digits, dots, dashes and underscores".to_owned();
        if is_name(text) { Ok(text.to_owned()) } else { Err(wrong) }
    });
    let spool = section.text("spool");
    // From 1 MB, which is a thousand calls, to as much as a large disk has.
    let spool_mb = section.integer("spool_mb", 1..=1_048_576).unwrap_or(SPOOL_MB);
    if section.exists() && !section.has("url") {
        section.warning("", "is not used: it names no database", "set url = \"sqlite://data/cordboard.db\"");
    }
    let url = url?;
    let spool = match spool {
        Some(spool) if spool.is_empty() => {
            section.error("spool", "is empty", "name the folder where call records wait for the database");
            return None;
        }
        Some(spool) => folder.join(spool),
        // Beside the file of SQLite; where the database is elsewhere, below the folder of the configuration.
        None => match url.strip_prefix("sqlite://") {
            Some(path) => PathBuf::from(format!("{path}-spool")),
            None => folder.join("data/spool"),
        },
    };
    let spool_bytes = u64::try_from(spool_mb).unwrap_or(0) * 1_000_000;
    Some(Store { url, node: node.unwrap_or_else(host_name), spool, spool_bytes })
}

/// The address with the path of SQLite's file as the server sees it.
fn address(text: &str, folder: &Path) -> Option<String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Some(text.to_owned());
    }
    let path = text.strip_prefix("sqlite://").filter(|path| !path.is_empty() && !path.contains('?'))?;
    Some(format!("sqlite://{}", folder.join(path).to_str()?))
}

fn is_name(text: &str) -> bool {
    (1..=NODE_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The name of this machine as the kernel has it, as far as it can be a name of ours.
#[expect(clippy::disallowed_methods, reason = "the kernel's own name, read once with the configuration")]
fn host_name() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String =
        text.chars().filter(|c| is_name(c.encode_utf8(&mut [0; 4]))).take(NODE_LENGTH_MAX).collect();
    if name.is_empty() { "cordboard".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};

    fn check(lines: &str) -> (Option<Store>, Vec<String>) {
        let document = Document::parse(Path::new("x.toml"), &format!("[store]\n{lines}\n"));
        let store = read(&document.root().section("store"), Path::new("c"));
        (store, document.into_findings().iter().map(Finding::to_string).collect())
    }

    #[test]
    fn paths_are_those_of_the_configuration_and_records_wait_beside_the_file() {
        let (store, findings) = check("url = \"sqlite://data/x.db\"");
        assert_eq!(findings, [""; 0]);
        let store = store.unwrap();
        assert_eq!(
            (store.url.as_str(), store.spool.to_str()),
            ("sqlite://c/data/x.db", Some("c/data/x.db-spool"))
        );
        assert!(is_name(&store.node) && store.spool_bytes == 1_024_000_000, "{store:?}");
        let (store, _) =
            check("url = \"postgres://u:p@h/n\"\nspool_mb = 5\nnode = \"east-1\"\nspool = \"/s\"");
        let store = store.unwrap();
        assert_eq!((store.node.as_str(), store.spool_bytes), ("east-1", 5_000_000));
        assert_eq!(store.spool, Path::new("/s"));
        assert!(!format!("{store:?}").contains("p@h"), "a password stays out of the log");
        assert_eq!(check("url = \"postgresql://h/n\"").0.unwrap().spool, Path::new("c/data/spool"));
    }

    #[test]
    fn what_is_no_store_is_an_error_with_its_place() {
        for (lines, expected) in [
            ("url = \"mysql://x\"", "error: x.toml:2: store.url: is no database"),
            ("url = \"sqlite://\"", "error: x.toml:2: store.url: is no database"),
            ("url = \"sqlite://a\"\nnode = \"a b\"", "error: x.toml:3: store.node: \"a b\" is not a name"),
            ("url = \"sqlite://a\"\nspool = \"\"", "error: x.toml:3: store.spool: is empty"),
            ("url = \"sqlite://a\"\nspool_mb = 0", "error: x.toml:3: store.spool_mb: "),
            ("node = \"a\"", "warning: x.toml:1: store: is not used"),
        ] {
            let (_, findings) = check(lines);
            assert!(findings.len() == 1 && findings[0].starts_with(expected), "{lines}: {findings:?}");
        }
    }
}
