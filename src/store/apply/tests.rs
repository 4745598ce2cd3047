#![allow(clippy::disallowed_methods, reason = "the tests make folders to be read")]

use super::*;
use crate::config::reader::errors;
use crate::store::database::testing::{Folder, for_each_engine};
use crate::store::export::{export, prune};
use crate::store::plan::{Present, plan};
use crate::store::provision;
use crate::store::sample_sound;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use std::path::Path;

const NOON: Wall = Wall::from_unix_seconds(1_795_000_000);

fn flow(id: &str, text: &str) -> String {
    let document = json!({
        "schema": "callflow/1", "id": id, "name": id, "settings": {}, "entry": "say",
        "steps": {
            "say": {"type": "greeting", "name": "Say", "config": {"audio": {"kind": "tts", "text": text}}, "on": {"next": "bye"}, "ui": {"x": 1.5, "y": -2}},
            "bye": {"type": "hangup", "name": "Bye", "config": {}}
        }
    });
    format!("{document:#}\n")
}

/// A WAV file of half a second.
fn wav(seed: u8) -> Vec<u8> {
    sample_sound::wav(8_000, (0..4_000).map(|n| i16::from(seed) * (n % 7)))
}

fn write(folder: &Folder, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = folder.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn read(folder: &Path) -> Provisioned {
    let (provisioned, findings) = provision::read(folder);
    assert_eq!(errors(&findings), 0, "{findings:#?}");
    provisioned
}

/// All files of a folder, by their paths below it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(next).unwrap().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

const TRUNKS: &[u8] = b"[[trunk]]\nid = \"t\"\nmatch = [\"127.0.0.0/8\"]\ndefault_country = \"US\"\n";

fn small_set(folder: &Folder) {
    let simulation =
        b"{\"id\": \"sales\", \"flow\": \"a\", \"seed\": 1, \"replies\": {\"x_y\": {\"value\": {\"b\": 1, \"a\": null}}}}";
    write(
        folder,
        &[
            ("trunks.toml", TRUNKS),
            ("agents.toml", b"[[agent]]\nid = \"alice\"\nuri = \"sip:a@127.0.0.1:5070\"\npassword = \"${file:secret}\"\n"),
            ("secret", b"hush"),
            ("lists.toml", b"[[list]]\nid = \"bad\"\nnumbers = [\"+1666*\"]\n"),
            ("account.toml", b"language = \"en-GB\"\n[[holiday]]\ndate = \"2026-12-25\"\n"),
            ("schedules.toml", b"[[schedule]]\nid = \"office\"\n[[schedule.weekly]]\ndays = [\"mon\"]\nopen = \"09:00\"\nclose = \"17:00\"\n"),
            ("numbers.toml", b"[[number]]\ne164 = \"+1 (555) 0100\"\nflow = \"a\"\nblocked_callers = \"bad\"\n\n[[number]]\npattern = \"+1555020x\"\nuser = \"alice\"\n"),
            ("flows/a.json", flow("a", "Hello").as_bytes()),
            ("flows/zwei.json", flow("b", "Other").as_bytes()),
            ("simulations/one.json", simulation),
            ("prompts/sub/hello.wav", &wav(1)),
            ("prompts/music.WAV", &wav(2)),
            ("prompts.toml", b"[[prompt]]\nid = \"music\"\nname = \"On hold\"\nlanguage = \"de\"\n"),
        ],
    );
}

/// Written, published, removed.
fn counts(applied: &Applied) -> (usize, usize, usize) {
    (applied.written, applied.published, applied.removed.len())
}

#[test]
fn a_folder_seeds_an_empty_store_once() {
    for_each_engine(async |database| {
        let folder = Folder::new("seed");
        small_set(&folder);
        let applied = seed(&database, &read(&folder.0), "seed", NOON).await.unwrap().unwrap();
        assert_eq!(counts(&applied), (10, 2, 0));
        assert_eq!(seed(&database, &read(&folder.0), "seed", NOON).await.unwrap(), None);
        let number = database.object(Kind::Number, "+15550100").await.unwrap().unwrap();
        assert_eq!(number.document["flow"], "a");
        let versions = database.flow_versions("a", None, 10).await.unwrap();
        assert_eq!((versions[0].comment.as_str(), versions[0].author.as_str()), ("provisioned", "seed"));
        // Emptied by hand is not empty for the first time.
        let mut change = database.change("ann", NOON).await.unwrap();
        for kind in [Kind::Number, Kind::Simulation] {
            for object in database.objects(kind, None, None, 10).await.unwrap() {
                change.remove_object(&object).await.unwrap();
            }
        }
        change.commit().await.unwrap();
        assert!(!is_empty(&database).await.unwrap());
    });
}

#[test]
fn the_same_files_change_nothing_and_other_files_only_what_is_other() {
    for_each_engine(async |database| {
        let folder = Folder::new("sync");
        small_set(&folder);
        apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        let revision = database.revision().await.unwrap();
        let again = apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        assert_eq!((again, database.revision().await.unwrap()), (Applied::default(), revision));
        write(&folder, &[("flows/a.json", flow("a", "Good evening").as_bytes())]);
        for gone in ["flows/zwei.json", "simulations/one.json", "prompts/sub/hello.wav"] {
            std::fs::remove_file(folder.0.join(gone)).unwrap();
        }
        let applied = apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        assert_eq!(counts(&applied), (0, 1, 3));
        assert_eq!(database.flow("a").await.unwrap().unwrap().live, Some(2));
        assert_eq!(database.flow("b").await.unwrap(), None);
        // Where others stay, what was made by hand does.
        let mut change = database.change("ann", NOON).await.unwrap();
        change.create_object(Kind::List, &json!({"id": "mine", "numbers": []})).await.unwrap();
        change.commit().await.unwrap();
        apply(&database, &read(&folder.0), Others::Stay, "files", NOON).await.unwrap();
        assert!(database.object(Kind::List, "mine").await.unwrap().is_some());
    });
}

/// Makes flows over the API: one that was never published and to which a number leads, a draft with errors, and drafts
/// that are other than what is live, by a word and by where a step is drawn.
async fn edit(database: &Database) {
    let mut change = database.change("ann", NOON).await.unwrap();
    let document = |id: &str, text: &str| serde_json::from_str::<Value>(&flow(id, text)).unwrap();
    let mut new = document("new", "Soon");
    new["settings"] =
        json!({"status": "paused", "assignAbandonedTo": "alice", "abandonedSubject": "{{call.from}}"});
    new["description"] = "Not yet.".into();
    change.create_flow(&new).await.unwrap();
    change.create_flow(&json!({"id": "half", "steps": {"x": {"type": "nothing"}}})).await.unwrap();
    change.create_object(Kind::Number, &json!({"e164": "+15550199", "flow": "new"})).await.unwrap();
    change.create_object(Kind::Simulation, &json!({"id": "soon", "flow": "new"})).await.unwrap();
    change.save_draft("a", None, &document("a", "Better")).await.unwrap();
    let mut moved = document("b", "Other");
    moved["steps"]["say"]["ui"]["x"] = 7.into();
    change.save_draft("b", None, &moved).await.unwrap();
    change.commit().await.unwrap();
}

#[test]
fn what_is_exported_imported_and_exported_again_is_the_same() {
    let (first, second) = (Folder::new("first"), Folder::new("second"));
    let stage = std::cell::Cell::new(0);
    // Out of one engine and into the other.
    for_each_engine(async |database| {
        if stage.replace(1) == 0 {
            let folder = Folder::new("source");
            small_set(&folder);
            apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap();
            edit(&database).await;
            let exported = export(&database, &first.0).await.unwrap();
            assert_eq!((exported.files.len(), exported.strangers.len()), (17, 0));
        } else {
            apply(&database, &read(&first.0), Others::Stay, "import", NOON).await.unwrap();
            export(&database, &second.0).await.unwrap();
            let live = async |id| database.flow(id).await.unwrap().unwrap().live;
            assert_eq!((live("a").await, live("new").await, live("half").await), (Some(1), None, None));
        }
    });
    let (first, second) = (files(&first.0), files(&second.0));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    assert!(first == second);
    let drafts: Vec<_> = first.keys().filter(|path| path.starts_with("drafts")).collect();
    assert_eq!(
        drafts,
        ["drafts/a.json", "drafts/b.json", "drafts/half.json", "drafts/new.json"].map(Path::new)
    );
    let agents = String::from_utf8(first[Path::new("agents.toml")].clone()).unwrap();
    assert!(agents.contains("password = \"${file:secret}\"") && !agents.contains("hush"), "{agents}");
}

#[test]
fn drafts_are_the_files_where_those_are_the_truth_and_stay_where_the_files_say_nothing() {
    for_each_engine(async |database| {
        let (folder, exported) = (Folder::new("drafts"), Folder::new("exported"));
        small_set(&folder);
        apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        edit(&database).await;
        export(&database, &exported.0).await.unwrap();
        let same = apply(&database, &read(&exported.0), Others::Go, "files", NOON).await.unwrap();
        assert_eq!(same, Applied::default());
        // Of `new` there is nothing any more, of `a` no draft.
        for gone in ["drafts/new.json", "drafts/a.json", "simulations/soon.json"] {
            std::fs::remove_file(exported.0.join(gone)).unwrap();
        }
        let numbers = std::fs::read_to_string(exported.0.join("numbers.toml")).unwrap();
        let numbers = numbers.replace("flow = \"new\"", "service = \"echo\"");
        write(&exported, &[("numbers.toml", numbers.as_bytes())]);
        let applied = apply(&database, &read(&exported.0), Others::Go, "files", NOON).await.unwrap();
        assert_eq!(counts(&applied), (1, 0, 2));
        assert_eq!(database.flow("new").await.unwrap(), None);
        let (draft, _) = database.flow_draft("a").await.unwrap().unwrap();
        assert_eq!(draft["steps"]["say"]["config"]["audio"]["text"], "Better");
    });
}

#[test]
fn what_a_sync_would_do_is_told_and_nothing_is_done() {
    for_each_engine(async |database| {
        let folder = Folder::new("plan");
        small_set(&folder);
        let told = async || {
            let present = Present::read(&database).await.unwrap();
            plan(&read(&folder.0), &present).unwrap()
        };
        let all = told().await;
        assert_eq!((all.add.len(), all.change.len(), all.remove.len()), (12, 0, 0), "{all:?}");
        assert_eq!(all, plan(&read(&folder.0), &Present::default()).unwrap());
        assert!(is_empty(&database).await.unwrap());
        apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        assert!(told().await.is_empty());
        edit(&database).await;
        let louder = String::from_utf8(TRUNKS.to_vec()).unwrap().replace("US", "GB");
        write(
            &folder,
            &[
                ("trunks.toml", louder.as_bytes()),
                ("flows/a.json", flow("a", "Good evening").as_bytes()),
                ("flows/c.json", flow("c", "New").as_bytes()),
                ("drafts/half.json", b"{\"id\": \"half\"}"),
                ("prompts/sub/hello.wav", &wav(3)),
                ("prompts.toml", b""),
            ],
        );
        std::fs::remove_file(folder.0.join("lists.toml")).unwrap();
        let numbers = b"[[number]]\ne164 = \"+15550100\"\nflow = \"a\"\n";
        write(&folder, &[("numbers.toml", numbers)]);
        let before = database.revision().await.unwrap();
        let told = told().await;
        assert_eq!(told.add, ["call flow \"c\""]);
        assert_eq!(
            told.change,
            [
                "trunk \"t\"",
                "number \"+15550100\"",
                "call flow \"a\"",
                "draft of the call flow \"half\"",
                "prompt \"music\"",
                "prompt \"sub/hello\"",
            ]
        );
        assert_eq!(
            told.remove,
            [
                "list of callers \"bad\"",
                "number \"+15550199\"",
                "number \"+1555020X\"",
                "flow test \"soon\"",
                "call flow \"new\"",
            ]
        );
        assert_eq!(database.revision().await.unwrap(), before);
        // And it is what is done.
        let applied = apply(&database, &read(&folder.0), Others::Go, "files", NOON).await.unwrap();
        assert_eq!(counts(&applied), (5, 2, 5));
        assert_eq!(applied.removed, told.remove);
    });
}

#[test]
fn files_that_are_added_may_refer_to_what_the_store_has() {
    for_each_engine(async |database| {
        let (folder, more) = (Folder::new("first"), Folder::new("more"));
        small_set(&folder);
        apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap();
        let mut document: Value = serde_json::from_str(&flow("c", "x")).unwrap();
        document["steps"]["say"]["config"]["audio"] = json!({"kind": "file", "id": "sub/hello"});
        document["steps"]["bye"] = json!({"type": "subflow", "config": {"flowId": "a", "mode": "jump"}});
        let numbers = "[[number]]\ne164 = \"+15550111\"\nflow = \"a\"\nblocked_callers = \"bad\"\n\
                       [[number]]\ne164 = \"+15550112\"\nuser = \"alice\"\n";
        let files = [("numbers.toml", numbers.as_bytes()), ("flows/c.json", document.to_string().as_bytes())]
            .map(|(name, bytes)| (name, bytes.to_vec()));
        write(&more, &files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())));
        assert_eq!(errors(&provision::read(&more.0).1), 5, "{:#?}", provision::read(&more.0).1);
        let around = database.resources().await.unwrap();
        let (provisioned, findings) = provision::read_beside(&more.0, &around);
        assert_eq!(findings, []);
        let applied = apply(&database, &provisioned, Others::Stay, "import", NOON).await.unwrap();
        assert_eq!(counts(&applied), (2, 1, 0));
        // What is nowhere is told with the nearest of both.
        write(&more, &[("numbers.toml", b"[[number]]\ne164 = \"+1\"\nuser = \"alicia\"\n")]);
        let (_, findings) = provision::read_beside(&more.0, &around);
        assert_eq!((errors(&findings), findings[0].remedy.as_str()), (1, "did you mean \"alice\"?"));
        // And what has gone since it was read is not leant on.
        let mut change = database.change("ann", NOON).await.unwrap();
        for number in ["+15550111", "+15550100"] {
            change.delete_object(Kind::Number, number, None).await.unwrap();
        }
        change.delete_object(Kind::List, "bad", None).await.unwrap();
        change.commit().await.unwrap();
        let error = apply(&database, &provisioned, Others::Stay, "import", NOON).await.unwrap_err();
        assert!(error.to_string().contains("there is no list of callers \"bad\""), "{error}");
    });
}

#[test]
fn a_draft_that_is_none_is_named_with_its_file_and_one_with_errors_stops_nothing() {
    let folder = Folder::new("broken");
    small_set(&folder);
    let numbers = b"[[number]]\ne164 = \"+1\"\nflow = \"half\"\n";
    write(&folder, &[("drafts/half.json", b"{\"id\": \"half\"}"), ("numbers.toml", numbers)]);
    let (provisioned, findings) = provision::read(&folder.0);
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!((errors(&findings), provisioned.drafts.len()), (0, 1), "{said:#?}");
    assert!(said.iter().any(|said| said.contains("half.json: the draft cannot be published as it is: E")));
    assert!(said.iter().any(|said| said.contains("of the call flow \"half\" there is a draft only")));
    let broken: [(&str, &[u8]); 3] = [
        ("drafts/x.json", b"[1"),
        ("drafts/y.json", b"{\"id\": \"../y\"}"),
        ("drafts/z.json", b"{\"id\": \"half\"}"),
    ];
    write(&folder, &broken);
    let (_, findings) = provision::read(&folder.0);
    assert_eq!(errors(&findings), 3, "{findings:#?}");
}

#[test]
fn an_export_says_which_flows_an_empty_store_would_not_take() {
    for_each_engine(async |database| {
        let (folder, exported) = (Folder::new("pins"), Folder::new("exported"));
        small_set(&folder);
        apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap();
        assert_eq!(export(&database, &exported.0).await.unwrap().refused, [""; 0]);
        let mut document: Value = serde_json::from_str(&flow("c", "x")).unwrap();
        document["steps"]["bye"] = json!({"type": "subflow", "config": {"flowId": "a", "version": 1}});
        write(&folder, &[("flows/c.json", document.to_string().as_bytes())]);
        apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap();
        let refused = export(&database, &exported.0).await.unwrap().refused;
        assert!(refused.len() == 1 && refused[0].contains("\"c\" runs version 1 of \"a\""), "{refused:?}");
    });
}

#[test]
fn files_that_are_not_of_the_store_are_named_and_go_only_when_told_so() {
    for_each_engine(async |database| {
        let folder = Folder::new("strangers");
        small_set(&folder);
        apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap();
        let exported = export(&database, &folder.0).await.unwrap();
        let strangers: Vec<_> = exported.strangers.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(strangers, ["flows/zwei.json", "prompts/music.WAV", "simulations/one.json"]);
        prune(&folder.0, &exported).unwrap();
        assert!(!folder.0.join("flows/zwei.json").exists() && folder.0.join("secret").exists());
        read(&folder.0);
    });
}

#[test]
fn a_folder_that_cannot_be_taken_leaves_the_store_as_it_was() {
    for_each_engine(async |database| {
        let folder = Folder::new("refused");
        small_set(&folder);
        let mut twin: Value = serde_json::from_str(&flow("c", "x")).unwrap();
        twin["name"] = "A".into();
        write(&folder, &[("flows/c.json", twin.to_string().as_bytes())]);
        let error = apply(&database, &read(&folder.0), Others::Stay, "import", NOON).await.unwrap_err();
        assert!(error.to_string().contains("the name \"A\" is that of"), "{error}");
        assert!(is_empty(&database).await.unwrap());
    });
}

/// Sets of objects as people may write them.
fn sets() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let word = "[a-z][a-z0-9_-]{0,8}";
    let text = "[ -~\u{e4}\u{4e2d}\u{1f600}\"\\\\\t\n]{0,30}";
    let lists = prop::collection::btree_map(
        word,
        (text, prop::collection::vec("[+][1-9][0-9]{3,9}[*]?", 0..20)),
        0..4,
    );
    let numbers = prop::collection::btree_map(
        "[+][1-9][0-9]{6,11}",
        (text, any::<bool>(), prop::option::of(1..500u32), prop::collection::vec("[a-z]{1,5}", 0..3)),
        0..6,
    );
    // Published, a draft, or both.
    let flows = prop::collection::btree_map(word, (text, any::<i64>(), any::<f64>(), 1..4u8), 0..4);
    (lists, numbers, flows).prop_map(|(lists, numbers, flows)| {
        let quote = |text: &str| Value::from(text).to_string().replace('\u{7f}', "");
        let mut files = vec![("trunks.toml", String::from_utf8_lossy(TRUNKS).into_owned())];
        let lists = lists.iter().map(|(id, (name, entries))| {
            format!("[[list]]\nnumbers = {entries:?}\nname = {}\nid = \"{id}\"\n", quote(name))
        });
        files.push(("lists.toml", lists.collect()));
        let numbers = numbers.iter().map(|(number, (label, active, most, tags))| {
            let most = most.map(|most| format!("max_concurrent_calls = {most}\n")).unwrap_or_default();
            let status = if *active { "active" } else { "inactive" };
            format!(
                "[[number]]\ntags = {tags:?}\n{most}label = {}\ne164 = \"{number}\"\nservice = \"echo\"\nstatus = \"{status}\"\n",
                quote(label)
            )
        });
        files.push(("numbers.toml", numbers.collect()));
        for (id, (text, x, y, places)) in flows {
            let mut document: Value = serde_json::from_str(&flow(&id, "x")).unwrap();
            document["description"] = text.into();
            document["steps"]["say"]["ui"] = json!({"y": y, "x": x});
            if places & 1 > 0 {
                files.push(("flow", document.to_string()));
            }
            if places & 2 > 0 {
                document["steps"]["bye"]["name"] = "Other".into();
                files.push(("draft", document.to_string()));
            }
        }
        files
    })
}

#[test]
fn any_set_survives_the_way_out_and_in_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let taken = std::cell::Cell::new(0);
    let result = runner.run(&sets(), |set| {
        let (source, first, second) = (Folder::new("set"), Folder::new("out"), Folder::new("again"));
        for (n, (name, text)) in set.iter().enumerate() {
            let name = match *name {
                "flow" => format!("flows/{n}.json"),
                "draft" => format!("drafts/{n}.json"),
                file => file.to_owned(),
            };
            write(&source, &[(&name, text.as_bytes())]);
        }
        let (provisioned, findings) = provision::read(&source.0);
        prop_assume!(errors(&findings) == 0);
        taken.set(taken.get() + 1);
        runtime.block_on(async {
            for (name, from, to) in [("1", &source, &first), ("2", &first, &second)] {
                let url = format!("sqlite://{}/{name}.db", source.0.display());
                let database = Database::open(&url).await.unwrap();
                let again = if name == "1" { None } else { Some(read(&from.0)) };
                let read = again.as_ref().unwrap_or(&provisioned);
                apply(&database, read, Others::Stay, "import", NOON).await.unwrap();
                export(&database, &to.0).await.unwrap();
                database.close().await;
            }
        });
        prop_assert_eq!(files(&first.0), files(&second.0));
        Ok(())
    });
    result.unwrap();
    assert!(taken.get() >= 20, "only {} sets were good", taken.get());
}
