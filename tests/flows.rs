//! Golden flows: what `cordboard flow test` runs for the flows here. `UPDATE=1 cargo test --test flows` writes anew what
//! has changed; read the difference.

use cordboard::cli::flow_test::{self, TestOptions};
use cordboard::flow::simulate::{Scenario, simulate as run};
use cordboard::flow::{Flow, FlowVersion, Resources};
use std::path::Path;

fn print(file: &Path, command: &str) -> String {
    let (text, code) = flow_test::print(file, command).unwrap();
    format!("{text}exit {code}\n")
}

#[test]
fn golden_flows_print_what_stands_beside_them() {
    let options = TestOptions {
        files: vec!["tests/flows".into(), "tests/flows/provisioned".into()],
        update: std::env::var_os("UPDATE").is_some(),
        json: false,
    };
    let mut out = Vec::new();
    let code = flow_test::test(&options, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().count() >= 15, "golden files are missing: {text}");
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
