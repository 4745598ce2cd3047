//! `cordboard flow test`: golden simulations kept beside flows.
//!
//! `NAME.txt` beside `NAME.json` holds commands (`> lint`, `> simulate OPTIONS`), each followed by what it prints for that
//! flow. A simulation without `--at` happens at a moment that is always the same.

use super::flow::{DONE, FAILED, LintOptions, SimulateOptions, USAGE, lint, simulate};
use crate::clock::Wall;
use clap::Parser;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Wednesday, 2026-11-18, 11:06:40 UTC.
const MOMENT: Wall = Wall::from_unix_seconds(1_795_000_000);

#[derive(clap::Args, Debug)]
pub struct TestOptions {
    /// Flow documents, or folders with some; those without a golden file beside them are left out
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
struct Outcome {
    file: String,
    /// What became of it: `ok`, `changed`, `updated` or why it could not be run.
    result: String,
    /// The first line that is not as expected, as it stands and as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Difference {
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

/// Runs the golden files of flows; [`FAILED`] where one prints something else.
pub fn test(options: &TestOptions, out: &mut dyn Write) -> io::Result<u8> {
    let files = match golden_files(&options.files) {
        Ok(files) => files,
        Err(message) => {
            writeln!(out, "{message}")?;
            return Ok(USAGE);
        }
    };
    let outcomes: Vec<Outcome> = files.iter().map(|golden| run(golden, options.update)).collect();
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
fn run(golden: &Path, update: bool) -> Outcome {
    let file = golden.display().to_string();
    let outcome =
        |result: &str, difference| Outcome { file: file.clone(), result: result.to_owned(), difference };
    let expected = match std::fs::read_to_string(golden) {
        Ok(expected) => expected,
        Err(error) => return outcome(&error.to_string(), None),
    };
    let actual = match print_all(&golden.with_extension("json"), &expected) {
        Ok(actual) => actual,
        Err(error) => return outcome(&error.to_string(), None),
    };
    if actual == expected {
        return outcome("ok", None);
    }
    if !update {
        return outcome("changed", Some(difference(&expected, &actual)));
    }
    match std::fs::write(golden, &actual) {
        Ok(()) => outcome("updated", None),
        Err(error) => outcome(&error.to_string(), None),
    }
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

/// The golden files of what was named.
fn golden_files(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            let golden = path.with_extension("txt");
            if !golden.is_file() {
                return Err(format!("{}: there is no golden file {}", path.display(), golden.display()));
            }
            files.push(golden);
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let entries = entries.flatten().map(|entry| entry.path());
        let has_flow = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "txt") && path.with_extension("json").is_file()
        };
        let before = files.len();
        files.extend(entries.filter(has_flow));
        if files.len() == before {
            return Err(format!(
                "{}: no flow in it has a golden file (NAME.txt beside NAME.json)",
                path.display()
            ));
        }
        files[before..].sort();
    }
    Ok(files)
}

/// What the commands of a golden file print now.
fn print_all(flow: &Path, golden: &str) -> io::Result<String> {
    let mut printed = String::new();
    for command in golden.lines().filter_map(|line| line.strip_prefix("> ")) {
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
    fn the_first_line_that_is_different_is_shown() {
        let Difference { line, expected, actual } = difference("a\nb\nc\n", "a\nb\nd\n");
        assert_eq!((line, expected.as_str(), actual.as_str()), (3, "c", "d"));
        assert_eq!(difference("a\n", "a\nb\n").expected, "(the end)");
    }
}
