//! Who may import whom. A violation names file, line and rule.

#![allow(clippy::disallowed_methods, reason = "the test reads the sources")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every room, and the rooms it may import beside `clock`, `hidden` and `ids`. `ARCHITECTURE.md` draws the same table.
const RULES: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("hidden", &[]),
    ("ids", &[]),
    ("stun", &[]),
    ("config", &[]),
    ("sip", &["stun"]),
    ("sdp", &[]),
    ("rtp", &["stun"]),
    ("audio", &[]),
    ("flow", &[]),
    ("media", &["rtp", "audio"]),
    ("registrar", &["sip"]),
    // `audio` for the clips that pass through it unread.
    ("call", &["sip", "sdp", "flow", "media", "registrar", "audio"]),
    ("net", &["config", "sip", "media", "flow", "call", "audio", "services", "store"]),
    ("store", &["config", "audio", "flow", "call", "media", "sip"]),
    ("services", &["config", "flow", "call", "audio", "store"]),
    ("api", &["flow", "call", "net", "store", "services", "sip", "media"]),
    (
        "cli",
        &["config", "sip", "sdp", "rtp", "audio", "flow", "media", "call", "net", "store", "services", "api"],
    ),
    (
        "server",
        &[
            "config", "sip", "sdp", "rtp", "audio", "flow", "media", "call", "net", "store", "services",
            "api", "cli",
        ],
    ),
];

/// Rooms that never wait: what they may not even name.
const CORE: &[&str] = &["sip", "sdp", "rtp", "audio", "flow", "media", "registrar", "call"];
const WAITING: &[&str] = &[
    "tokio::",
    "std::thread",
    "std::fs",
    "std::net::UdpSocket",
    "std::net::Tcp",
    "Mutex",
    "RwLock",
    "std::process",
    "async fn",
    "std::env",
    "println!",
    "eprintln!",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn room(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Lines of a file that are not comments, up to its test module.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Rooms that a line names: `crate::room` or one of `crate::{room, …}`.
fn imports(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in line.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            Some(list) => {
                found.extend(list.split([',', '}']).map(|item| item.trim().split("::").next().unwrap_or("")))
            }
            None => {
                found.push(part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or(""))
            }
        }
    }
    found
}

#[test]
fn no_room_imports_what_it_may_not() {
    let rules: BTreeMap<_, _> = RULES.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")) {
        let room = room(&path);
        if ["lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let allowed = rules.get(room.as_str()).unwrap_or_else(|| panic!("{room} is a room without a rule"));
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text) {
            for import in imports(line) {
                let known = rules.contains_key(import);
                let common = import == room
                    || ["clock", "hidden", "ids"].contains(&import)
                    || allowed.contains(&import);
                if known && !common {
                    wrong.push(format!("{}:{number}: {room} may not import {import}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn core_rooms_name_nothing_that_waits() {
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")).into_iter().filter(|p| CORE.contains(&room(p).as_str())) {
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text) {
            for name in WAITING.iter().filter(|name| line.contains(*name)) {
                wrong.push(format!("{}:{number}: a core room never waits, and names {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nobody_imports_the_server() {
    for path in sources(Path::new("src")).into_iter().filter(|p| !["lib", "main"].contains(&room(p).as_str()))
    {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            room(&path) == "server" || !text.contains("crate::server"),
            "{} imports the server",
            path.display()
        );
    }
}
