//! `cordboard flow test`: golden simulations kept beside flows, and the kept flow tests of a provisioned folder.
//!
//! `NAME.txt` beside `NAME.json` holds commands (`> lint`, `> simulate OPTIONS`), each followed by what it prints for that
//! flow. A simulation without `--at` happens at a moment that is always the same. `simulations/NAME.json` is read by
//! [`super::kept_test`].

use super::flow::{DONE, FAILED, LintOptions, SimulateOptions, USAGE, lint, simulate};
use crate::flow::simulate::kept::MOMENT;
use clap::Parser;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
pub struct TestOptions {
    /// Flow documents with a golden file beside them, kept tests (simulations/NAME.json), or folders with some of these;
    /// of a provisioned folder all in flows, drafts and simulations are run
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write anew what has changed
    #[arg(long)]
    pub update: bool,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
pub(super) struct Outcome {
    file: String,
    /// What became of it: `ok`, `changed`, `updated` or why it could not be run.
    pub(super) result: String,
    /// The first line that is not as expected, as it stands and as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
}

#[derive(Serialize)]
pub(super) struct Difference {
    line: usize,
    expected: String,
    actual: String,
}

#[derive(Parser)]
#[command(no_binary_name = true)]
struct SimulateLine {
    #[command(flatten)]
    options: SimulateOptions,
}

impl Outcome {
    /// Why it could not be run, or what became of it without a difference.
    pub(super) fn said(test: &Path, result: impl Into<String>) -> Self {
        Outcome { file: test.display().to_string(), result: result.into(), difference: None }
    }

    /// What is expected beside what is. `update` writes what is.
    pub(super) fn compared(
        test: &Path,
        (expected, actual): (&str, &str),
        update: Option<impl FnOnce() -> io::Result<()>>,
    ) -> Self {
        if actual == expected {
            return Outcome::said(test, "ok");
        }
        match update.map(|update| update()) {
            None => {
                let difference = Some(difference(expected, actual));
                Outcome { difference, ..Outcome::said(test, "changed") }
            }
            Some(Ok(())) => Outcome::said(test, "updated"),
            Some(Err(error)) => Outcome::said(test, error.to_string()),
        }
    }
}

/// Runs the golden files of flows, and kept tests; [`FAILED`] where one gives something else.
pub fn test(options: &TestOptions, out: &mut dyn Write) -> io::Result<u8> {
    let files = match tests(&options.files) {
        Ok(files) => files,
        Err(message) => {
            writeln!(out, "{message}")?;
            return Ok(USAGE);
        }
    };
    let outcomes: Vec<Outcome> = files.iter().map(|test| run(test, options.update)).collect();
    if options.json {
        serde_json::to_writer_pretty(&mut *out, &outcomes)?;
        writeln!(out)?;
    } else {
        for Outcome { file, result, difference } in &outcomes {
            writeln!(out, "{file}: {result}")?;
            if let Some(Difference { line, expected, actual }) = difference {
                writeln!(out, "  line {line} was: {expected}\n  line {line} is:  {actual}")?;
            }
        }
    }
    let failed = outcomes.iter().any(|outcome| !["ok", "updated"].contains(&outcome.result.as_str()));
    Ok(if failed { FAILED } else { DONE })
}

#[expect(clippy::disallowed_methods, reason = "the command was given these files to run")]
fn run(test: &Path, update: bool) -> Outcome {
    if is_kept(test) {
        return super::kept_test::run(test, update);
    }
    let expected = match std::fs::read_to_string(test) {
        Ok(expected) => expected,
        Err(error) => return Outcome::said(test, error.to_string()),
    };
    if commands(&expected).next().is_none() {
        let remedy =
            "write a line such as `> simulate --press 1` into it, and let --update write what it prints";
        return Outcome::said(test, format!("asserts nothing: {remedy}"));
    }
    let actual = match print_all(&test.with_extension("json"), &expected) {
        Ok(actual) => actual,
        Err(error) => return Outcome::said(test, error.to_string()),
    };
    Outcome::compared(test, (&expected, &actual), update.then_some(|| std::fs::write(test, &actual)))
}

fn difference(expected: &str, actual: &str) -> Difference {
    let (mut was, mut is) = (expected.lines(), actual.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (expected, actual) = (was.next(), is.next());
        // Equal to the last line, and yet not the same: a line break at the end.
        if expected != actual || expected.is_none() {
            let text = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
            return Difference { line, expected: text(expected), actual: text(actual) };
        }
    }
}

/// The tests of what was named: golden files, and kept tests.
fn tests(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            let test = if is_kept(path) { path.clone() } else { path.with_extension("txt") };
            if !test.is_file() {
                return Err(format!("{}: there is no golden file {}", path.display(), test.display()));
            }
            files.push(test);
            continue;
        }
        let before = files.len();
        let parts = ["flows", "drafts", "simulations"].map(|part| path.join(part));
        for folder in [path].into_iter().chain(&parts).filter(|folder| folder.is_dir()) {
            files.extend(tests_in(folder).map_err(|error| format!("{}: {error}", folder.display()))?);
        }
        if files.len() == before {
            return Err(format!(
                "{}: no flow in it has a golden file (NAME.txt beside NAME.json), and there is no \
                 simulations/NAME.json",
                path.display()
            ));
        }
    }
    Ok(files)
}

/// The tests that lie in a folder itself.
fn tests_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_test = |path: &PathBuf| {
        is_kept(path) || path.extension().is_some_and(|e| e == "txt") && path.with_extension("json").is_file()
    };
    let entries = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(is_test).collect();
    found.sort();
    Ok(found)
}

/// Whether a file is a kept test: one of the folder `simulations`.
fn is_kept(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder == Some("simulations".as_ref()) && path.extension().is_some_and(|ending| ending == "json")
}

/// The commands of a golden file.
fn commands(golden: &str) -> impl Iterator<Item = &str> {
    golden.lines().filter_map(|line| line.strip_prefix("> "))
}

/// What the commands of a golden file print now.
fn print_all(flow: &Path, golden: &str) -> io::Result<String> {
    let mut printed = String::new();
    for command in commands(golden) {
        let gap = if printed.is_empty() { "" } else { "\n" };
        let (text, code) = print(flow, command)?;
        let _ = write!(printed, "{gap}> {command}\n{text}exit {code}\n");
    }
    Ok(printed)
}

/// Runs one command over a flow; the flow is named by its file alone, so that it does not matter from where.
pub fn print(flow: &Path, command: &str) -> io::Result<(String, u8)> {
    let mut out = Vec::new();
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let words = split(rest);
    let code = match name {
        "lint" => {
            let json = words.iter().any(|word| word == "--json");
            lint(&LintOptions { files: vec![flow.to_path_buf()], config: None, json }, &mut out)?
        }
        "simulate" => {
            let file = flow.to_string_lossy().into_owned();
            match SimulateLine::try_parse_from(std::iter::once(file).chain(words)) {
                Ok(line) => simulate(&line.options, MOMENT, &mut out)?,
                Err(error) => return Ok((error.to_string(), USAGE)),
            }
        }
        other => return Ok((format!("there is no command {other}: lint and simulate are\n"), USAGE)),
    };
    let text = String::from_utf8_lossy(&out).into_owned();
    let short = flow.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((text.replace(&flow.display().to_string(), &short), code))
}

/// Words between spaces; what stands in single quotes is one word.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_spaces_outside_of_single_quotes() {
        assert_eq!(split("a  b 'c d'e '' f"), ["a", "b", "c de", "", "f"]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "files that the test makes")]
    fn a_golden_file_without_a_command_asserts_nothing_and_is_no_success() {
        let folder = std::env::temp_dir().join(format!("cordboard-golden-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy("config/demo/flows/main.json", folder.join("main.json")).unwrap();
        for (text, update) in [("", false), ("", true), ("simulate --press 1\n", true)] {
            std::fs::write(folder.join("main.txt"), text).unwrap();
            let options = TestOptions { files: vec![folder.clone()], update, json: false };
            let mut out = Vec::new();
            assert_eq!(test(&options, &mut out).unwrap(), FAILED);
            let said = String::from_utf8(out).unwrap();
            assert!(said.contains("main.txt: asserts nothing: write a line such as"), "{said}");
            assert_eq!(std::fs::read_to_string(folder.join("main.txt")).unwrap(), text);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_first_line_that_is_different_is_shown() {
        let Difference { line, expected, actual } = difference("a\nb\nc\n", "a\nb\nd\n");
        assert_eq!((line, expected.as_str(), actual.as_str()), (3, "c", "d"));
        assert_eq!(difference("a\n", "a\nb\n").expected, "(the end)");
    }
}
