//! Golden flows: each `tests/flows/NAME.txt` holds commands (`> lint`, `> simulate OPTIONS`) for `NAME.json`
//! with what they print. `UPDATE=1 cargo test --test flows` writes anew what has changed; read the difference.

use clap::Parser;
use cordboard::cli::flow::{SimulateOptions, lint, simulate};
use cordboard::clock::Wall;
use cordboard::flow::simulate::{Scenario, simulate as run};
use cordboard::flow::{Flow, Resources};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Parser)]
struct Simulate {
    #[command(flatten)]
    options: SimulateOptions,
}

fn print(file: &Path, command: &str) -> String {
    let mut out = Vec::new();
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let code = match name {
        "lint" => lint(&[file.to_path_buf()], rest == "--json", &mut out).unwrap(),
        "simulate" => {
            let words = ["simulate", file.to_str().unwrap()].into_iter().chain(rest.split_whitespace());
            let options = Simulate::try_parse_from(words).unwrap().options;
            simulate(&options, Wall::from_unix_seconds(1_795_000_000), &mut out).unwrap()
        }
        other => panic!("{}: no command {other}", file.display()),
    };
    let text = String::from_utf8(out).unwrap();
    format!("{text}exit {code}\n")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "golden files")]
fn golden_flows_print_what_stands_beside_them() {
    let mut changed = Vec::new();
    let mut names: Vec<PathBuf> =
        std::fs::read_dir("tests/flows").unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    assert!(names.len() >= 5, "golden files are missing");
    for golden in names {
        let expected = std::fs::read_to_string(&golden).unwrap();
        let file = golden.with_extension("json");
        let mut actual = String::new();
        for command in expected.lines().filter_map(|line| line.strip_prefix("> ")) {
            let gap = if actual.is_empty() { "" } else { "\n" };
            writeln!(actual, "{gap}> {command}").unwrap();
            actual.push_str(&print(&file, command));
        }
        if actual != expected {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&golden, &actual).unwrap();
            } else {
                changed.push(format!("--- {}, as it prints now:\n{actual}", golden.display()));
            }
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

#[test]
fn the_sample_of_the_contract_compiles_with_nothing_to_say() {
    let text = include_str!("flows/sample.json");
    let resources = Resources {
        agents: Some(["alice".to_owned()].into()),
        prompts: Some(["hello".to_owned(), "menu".to_owned()].into()),
        ..Resources::default()
    };
    let (flow, findings) = Flow::compile(text, &resources).unwrap();
    assert_eq!(findings, []);
    assert_eq!(flow.steps().count(), 6);
    let ladder = run(Arc::new(flow), &Scenario::default());
    assert!(!ladder.rungs.is_empty());
}
