#![allow(clippy::disallowed_methods, reason = "the tests make a folder to be read")]

use super::super::read;
use std::path::PathBuf;

const TRUNK: (&str, &str) = ("trunks.toml", "[[trunk]]\nid = \"t\"\nmatch = [\"127.0.0.0/8\"]\n");
const NUMBER: (&str, &str) = ("numbers.toml", "[[number]]\ne164 = \"+15550100\"\nservice = \"echo\"\n");

const PLAYS_JUNK: &str = r#"{
  "schema": "callflow/1", "id": "a", "name": "A", "settings": {"language": "en-US"}, "entry": "listen",
  "steps": {
    "listen": {
      "type": "wait", "name": "Listen",
      "config": {"seconds": 5, "audio": {"kind": "file", "id": "junk"}}, "on": {"next": "bye"}
    },
    "bye": {"type": "hangup", "name": "Goodbye", "config": {}, "on": {}}
  }
}"#;

#[test]
fn two_agents_who_are_one_user_of_the_crm_are_told_of() {
    let agents = "[[agent]]\nid = \"bea\"\nuri = \"sip:bea@127.0.0.1:1\"\ncrm_user = \"0055e000001AbCdAAK\"\n\
                  [[agent]]\nid = \"al\"\nuri = \"sip:al@127.0.0.1:2\"\ncrm_user = \"0055e000001AbCd\"\n\
                  [[agent]]\nid = \"cy\"\nuri = \"sip:cy@127.0.0.1:3\"\ncrm_user = \"0055e000001ABCDAAK\"\n";
    let folder = Folder::new("crm-users", &[TRUNK, NUMBER, ("agents.toml", agents)]);
    let findings = folder.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("\"bea\" has the crm_user of \"al\""), "{findings:?}");
}

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = Folder(std::env::temp_dir().join(format!("cordboard-{}-{name}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        std::fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            let path = folder.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    /// What `check` says, without the folder's own path.
    fn findings(&self) -> Vec<String> {
        let (provisioned, mut findings) = read(&self.0);
        findings.extend(provisioned.prompt_files.iter().filter_map(|file| provisioned.load(file).err()));
        let root = format!("{}/", self.0.display());
        findings.iter().map(|f| f.to_string().replace(&root, "")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Each is found once, and nothing else.
fn check(name: &str, files: &[(&str, &str)], expected: &[&str]) {
    let found = Folder::new(name, files).findings();
    assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
    for expected in expected {
        assert!(found.iter().any(|f| f.starts_with(expected)), "{name}: no \"{expected}\" in {found:#?}");
    }
}

#[test]
fn a_folder_with_a_trunk_and_a_number_is_right() {
    let aside = [TRUNK, NUMBER, ("README.md", ""), ("prompts/.hidden", ""), ("flows/LICENSE", "")];
    check("right", &aside, &[]);
}

#[test]
fn an_empty_folder_takes_no_calls_and_a_broken_file_is_said_once() {
    let empty = ["warning: trunks.toml: there is no trunk", "warning: numbers.toml: there is no number"];
    check("empty", &[], &empty);
    check("broken", &[("trunks.toml", "[[trunk]\n"), NUMBER], &["error: trunks.toml:1: not TOML"]);
    // Whatever is missed may be in it.
    let runs = PLAYS_JUNK
        .replace("wait", "subflow")
        .replace(
            r#"{"seconds": 5, "audio": {"kind": "file", "id": "junk"}}"#,
            r#"{"flowId": "main", "mode": "call"}"#,
        )
        .replace("next", "return");
    let numbers = "[[number]]\ne164 = \"+15550100\"\nflow = \"main\"\n[[number]]\ne164 = \"+15550101\"\nflow = \"main\"\n";
    let files = [TRUNK, ("numbers.toml", numbers), ("flows/a.json", &runs), ("flows/broken.json", "{,")];
    check("broken-flow", &files, &["error: flows/broken.json"]);
}

#[test]
fn files_that_are_not_read_are_named() {
    let stray = [
        TRUNK,
        NUMBER,
        ("nubmers.toml", ""),
        ("flows/b.yaml", ""),
        ("flows/a.txt", ""),
        ("prompts/a.opus", ""),
    ];
    check(
        "stray",
        &stray,
        &[
            "warning: nubmers.toml: is not read (did you mean numbers.toml?)",
            "warning: flows/b.yaml: is not read",
            "warning: flows/a.txt: is not read",
            "warning: prompts/a.opus: is not read",
        ],
    );
    let names: Vec<String> = (0..30).map(|n| format!("flows/{n}.bak")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).chain([TRUNK, NUMBER]).collect();
    let found = Folder::new("many", &many).findings();
    assert_eq!(found.len(), 21, "{found:#?}");
    assert!(found[20].contains("10 more files"), "{found:#?}");
}

#[test]
fn files_of_passwords_are_no_strangers() {
    let trunk = "[[trunk]]\nid = \"t\"\nhost = \"192.0.2.1\"\nusername = \"u\"\npassword = \"${file:keys/t}\"\n\
                 [[trunk]]\nid = \"o\"\nhost = \"192.0.2.2\"\nusername = \"o\"\npassword = \"${file:other.key}\"\n";
    let files = [
        ("trunks.toml", trunk),
        NUMBER,
        ("keys/t", "x"),
        ("other.key", "x"),
        ("secrets/carrier", "x"),
        ("stray", "x"),
    ];
    check("passwords", &files, &["warning: stray: is not read"]);
}

#[test]
fn an_agent_and_a_trunk_without_a_use_and_a_range_given_twice_are_doubted() {
    let agents = ("agents.toml", "[[agent]]\nid = \"a\"\n");
    let trunks = "[[trunk]]\nid = \"a\"\nmatch = [\"10.0.0.0/8\"]\n[[trunk]]\nid = \"b\"\n\
                  [[trunk]]\nid = \"c\"\nmatch = [\"10.1.0.0/8\"]\n";
    check(
        "useless",
        &[NUMBER, agents, ("trunks.toml", trunks)],
        &[
            "warning: agents.toml:1: agent[0]: has neither uri nor password",
            "warning: trunks.toml:4: trunk[1]: has neither match nor tls_names",
            "warning: trunks.toml: the trunk \"c\": 10.0.0.0/8 is another trunk's range",
        ],
    );
}

#[test]
fn a_number_that_cannot_be_dialled_is_an_error_and_a_doubtful_one_a_warning() {
    for (number, expected) in [
        ("e164 = \"abc\"", "warning: numbers.toml:2: number[0].e164: \"abc\" is no telephone number"),
        ("e164 = \"+\"", "error: numbers.toml:2: number[0].e164: is a plus without digits"),
        ("e164 = \"+1a\"", "error: numbers.toml:2: number[0].e164: \"+1a\" is no number"),
        ("e164 = \"\"", "error: numbers.toml:2: number[0].e164: the number is empty"),
        ("e164 = \"15550109\"", "warning: numbers.toml:2: number[0].e164: has no plus: a call to 15550109"),
        ("e164 = \"+123456789012345678901234567890123\"", "error: numbers.toml:2: number[0].e164: is longer"),
        ("prefix = \"+\"", "warning: numbers.toml:2: number[0].prefix: takes every call"),
    ] {
        let file = format!("[[number]]\n{number}\nservice = \"echo\"\n");
        check("number", &[TRUNK, ("numbers.toml", &file)], &[expected]);
    }
    for number in ["e164 = \"100\"", "e164 = \"*98\"", "prefix = \"+1555\"", "e164 = \"+1 (555) 01-00\""] {
        let file = format!("[[number]]\n{number}\nservice = \"echo\"\n");
        check("good-number", &[TRUNK, ("numbers.toml", &file)], &[]);
    }
}

#[test]
fn a_broken_prompt_is_an_error_only_where_a_flow_plays_it() {
    let unused = [TRUNK, NUMBER, ("prompts/junk.wav", "no sound")];
    check("unused", &unused, &["warning: prompts/junk.wav: no sound format that is known"]);
    let used =
        [TRUNK, NUMBER, ("prompts/junk.wav", "no sound"), ("flows/a.json", &format!("\u{feff}{PLAYS_JUNK}"))];
    check("used", &used, &["error: prompts/junk.wav: no sound format that is known"]);
}

#[test]
fn a_trunk_that_names_no_settings_of_tls_is_told_of_with_its_file() {
    let trunk = "[[trunk]]\nid = \"t\"\nhost = \"a.test;transport=tls\"\ntls_client = \"foo\"\n";
    let folder = Folder::new("tls-client", &[("trunks.toml", trunk), NUMBER]);
    let (provisioned, findings) = read(&folder.0);
    assert_eq!(findings, []);
    let said = super::super::unknown_settings(&folder.0, &provisioned, &crate::config::Tls::default());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].file.ends_with("trunks.toml") && said[0].message.contains("named \"foo\""), "{said:?}");
}
