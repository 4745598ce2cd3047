//! Golden flows: each `tests/flows/NAME.txt` holds commands (`> lint`, `> simulate OPTIONS`) for `NAME.json`
//! with what they print; those in `provisioned/flows` know what lies in the folder around them. `UPDATE=1 cargo test --test flows` writes anew what has changed; read the difference.

use clap::Parser;
use cordboard::cli::flow::{SimulateOptions, lint, simulate};
use cordboard::clock::Wall;
use cordboard::flow::simulate::{Scenario, simulate as run};
use cordboard::flow::{Flow, FlowVersion, Resources};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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
    let folders = ["tests/flows", "tests/flows/provisioned/flows"];
    let mut names: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
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
    let ladder = run(FlowVersion::unpublished(flow), &Scenario::default());
    assert!(!ladder.rungs.is_empty());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a provisioned folder for the commands")]
fn what_lies_beside_a_flow_file_is_known_to_lint_and_simulate() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("provisioned");
    for part in ["flows", "prompts/en"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    std::fs::write(folder.join("agents.toml"), "[[agent]]\nid = \"alice\"\n").unwrap();
    std::fs::write(folder.join("numbers.toml"), "[[number]]\ne164 = \"+15550100\"\nflow = \"f\"\n").unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.join("prompts/en/hello.wav"), spec).unwrap();
    (0..10_000).for_each(|_| wav.write_sample(0i16).unwrap());
    wav.finalize().unwrap();

    let file = folder.join("flows/f.json");
    let write = |prompt: &str, agent: &str| {
        let document = serde_json::json!({
            "schema": "callflow/1", "id": "f", "name": "F", "entry": "hi", "settings": {"status": "paused"},
            "steps": {
                "hi": {"type": "greeting", "config": {"audio": {"kind": "file", "id": prompt}}, "on": {"next": "d"}},
                "d": {"type": "dial", "config": {"target": {"kind": "user", "value": agent}}, "on": {"no_response": "e"}},
                "e": {"type": "hangup"}}});
        std::fs::write(&file, document.to_string()).unwrap();
    };
    write("en/hello", "alice");
    let said = print(&file, "lint");
    assert!(said.contains("W09") && said.ends_with("exit 0\n"), "{said}");
    let ladder = print(&file, "simulate --hang-up 2");
    assert!(ladder.contains("    1.250  d (dial"), "{ladder}");
    write("hello", "alicia");
    let said = print(&file, "lint");
    assert!(
        said.contains("no agent `alicia`. Did you mean `alice`?") && said.contains("no prompt `hello`"),
        "{said}"
    );
    assert!(said.ends_with("exit 1\n"), "{said}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a provisioned folder for the reader")]
fn an_entry_that_is_no_number_is_named_and_left_out_of_its_list() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lists");
    std::fs::create_dir_all(&folder).unwrap();
    let text = r#"
        [[list]]
        id = "vip"
        [[list]]
        id = "vip"
        numbers = ["+1415*", "alice"]
        [[list]]
        numbers = []
    "#;
    std::fs::write(folder.join("lists.toml"), text).unwrap();
    let mut findings = Vec::new();
    let lists = cordboard::store::provision::read_lists(&folder, &mut findings);
    let said = findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("\n");
    for part in ["\"alice\" is no number", "\"vip\" is there twice", "is missing or empty"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(lists["vip"].contains("+14155550100") && !lists["vip"].contains("alice"));
}
