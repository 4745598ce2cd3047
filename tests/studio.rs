//! Golden imports: each `tests/studio/NAME.txt` holds commands with what they print: `> import OPTIONS` for the report
//! on `NAME.json`, `> document` for the call flow, `> lint` and `> simulate OPTIONS` for that call flow.
//! `UPDATE=1 cargo test --test studio` writes anew what has changed; read the difference.

use clap::Parser;
use cordboard::cli::flow::{LintOptions, SimulateOptions, lint, simulate};
use cordboard::cli::import_studio::{Options, run};
use cordboard::clock::Wall;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Simulate {
    #[command(flatten)]
    options: SimulateOptions,
}

/// Imports a sample anew; where the call flow is, what was printed, and the exit code.
fn import(sample: &Path, json: bool) -> (PathBuf, String, u8) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("studio");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(sample.file_name().unwrap());
    let _ = std::fs::remove_file(&file);
    let options = Options { file: sample.to_path_buf(), out: Some(file.clone()), force: false, json };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&options, &mut out, &mut err).unwrap();
    out.extend(err);
    (file, String::from_utf8(out).unwrap(), code)
}

#[expect(clippy::disallowed_methods, reason = "a file that the test has made")]
fn print(sample: &Path, command: &str) -> String {
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let (file, report, code) = import(sample, rest == "--json");
    let mut out = Vec::new();
    let code = match name {
        "import" => return format!("{report}exit {code}\n"),
        "document" => return std::fs::read_to_string(&file).unwrap(),
        "lint" => lint(&LintOptions { files: vec![file], config: None, json: false }, &mut out).unwrap(),
        "simulate" => {
            let words = ["simulate", file.to_str().unwrap()].into_iter().chain(rest.split_whitespace());
            let options = Simulate::try_parse_from(words).unwrap().options;
            simulate(&options, Wall::from_unix_seconds(1_795_000_000), &mut out).unwrap()
        }
        other => panic!("{}: no command {other}", sample.display()),
    };
    let folder = format!("{}/studio/", env!("CARGO_TARGET_TMPDIR"));
    format!("{}exit {code}\n", String::from_utf8(out).unwrap().replace(&folder, ""))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "golden files")]
fn golden_imports_print_what_stands_beside_them() {
    let mut changed = Vec::new();
    let mut names: Vec<PathBuf> =
        std::fs::read_dir("tests/studio").unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    names.sort();
    assert!(names.len() >= 4, "golden files are missing");
    for golden in names {
        let expected = std::fs::read_to_string(&golden).unwrap();
        let sample = golden.with_extension("json");
        let mut actual = String::new();
        for command in expected.lines().filter_map(|line| line.strip_prefix("> ")) {
            let gap = if actual.is_empty() { "" } else { "\n" };
            writeln!(actual, "{gap}> {command}").unwrap();
            actual.push_str(&print(&sample, command));
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
#[expect(clippy::disallowed_methods, reason = "files that the test makes")]
fn a_call_flow_that_is_there_already_is_not_written_over() {
    let sample = Path::new("tests/studio/front_desk.json");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept.json");
    std::fs::write(&file, "mine").unwrap();
    let options = Options { file: sample.to_path_buf(), out: Some(file.clone()), force: false, json: false };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(&options, &mut out, &mut err).unwrap(), 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let said = String::from_utf8(err).unwrap();
    assert!(out.is_empty() && said.contains("kept.json exists already and was left as it is"), "{said}");
    let forced = Options { force: true, ..options };
    assert_eq!(run(&forced, &mut Vec::new(), &mut Vec::new()).unwrap(), 0);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("{\n  \"schema\": \"callflow/1\""));
}

#[test]
fn without_a_file_the_call_flow_goes_out_and_the_report_beside_it() {
    let options =
        Options { file: "tests/studio/front_desk.json".into(), out: None, force: false, json: false };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(&options, &mut out, &mut err).unwrap(), 0);
    let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(document["schema"], "callflow/1");
    assert!(
        String::from_utf8(err)
            .unwrap()
            .ends_with("9 of 12 widgets mapped, of which 1 needs attention; 3 left out\n")
    );
    let options = Options { file: "tests/studio/missing.json".into(), out: None, force: false, json: false };
    assert_eq!(run(&options, &mut Vec::new(), &mut Vec::new()).unwrap(), 1);
}
