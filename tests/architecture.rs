//! The map is true: ARCHITECTURE.md names every room and file group that exists, and none that does not;
//! files have one subject; public modules say what they are.

#![allow(clippy::disallowed_methods, reason = "the test reads the sources")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file seldom has more lines; one that does is on the list with its reason.
const LINES_MAX: usize = 600;
const LONG: &[(&str, &str)] = &[];

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn rooms() -> BTreeSet<String> {
    let entries = fs::read_dir("src").unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    entries
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|n| !["main", "lib"].contains(&n.as_str()))
        .collect()
}

#[test]
fn the_map_names_every_room_and_none_that_is_gone() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let table = map.split("## Rooms").nth(1).expect("a chapter called Rooms").split("\n## ").next().unwrap();
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(named, rooms());
}

#[test]
fn every_path_that_the_map_names_exists() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    for path in map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|t| ["src/", "tests/", "docs/", "config/"].iter().any(|p| t.starts_with(p)))
    {
        assert!(
            Path::new(path.trim_end_matches('/')).exists(),
            "ARCHITECTURE.md names {path}, which does not exist"
        );
    }
}

#[test]
fn every_test_that_stands_for_a_demand_exists() {
    let table = fs::read_to_string("docs/compatibility.md").unwrap();
    let is_name = |text: &&str| {
        text.matches('_').count() > 3
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).filter(is_name).collect();
    let files = ["src", "tests"].into_iter().flat_map(|folder| walk(Path::new(folder)));
    let code: String = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(named.len() > 40, "{}", named.len());
    for name in named {
        assert!(
            code.contains(&format!("fn {name}()")),
            "docs/compatibility.md names {name}, which is no test"
        );
    }
}

#[test]
fn files_have_one_subject_or_a_reason() {
    for path in walk(Path::new("src")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let name = path.to_str().unwrap();
        let excused = name.ends_with("tests.rs") || LONG.iter().any(|(long, _)| *long == name);
        assert!(lines <= LINES_MAX || excused, "{name} has {lines} lines");
    }
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    for path in walk(Path::new("src")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//! ") || path.ends_with("tests.rs"),
            "{} has no first line",
            path.display()
        );
    }
}

#[test]
fn nothing_that_the_signalling_thread_runs_parses_what_other_systems_send() {
    // Texts of a flow's own making, 8 KB at the most.
    const SHORT: [&str; 2] = ["src/flow/step/repeat.rs", "src/flow/step/set.rs"];
    let rooms = ["src/call", "src/sip", "src/flow/step", "src/flow/interpreter"];
    let files = rooms.iter().flat_map(|room| walk(Path::new(room)));
    let more =
        ["src/flow/interpreter.rs", "src/flow/variables.rs", "src/flow/context.rs", "src/net/signalling.rs"];
    let files = files.chain(more.map(PathBuf::from));
    for path in files.filter(|path| !SHORT.iter().any(|short| path.ends_with(short))) {
        let text = fs::read_to_string(&path).unwrap();
        for parser in ["serde_json::from_", "reply_json::read", "Reply::http("] {
            let is_test =
                path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
            assert!(is_test || !text.contains(parser), "{} has {parser}", path.display());
        }
    }
}
