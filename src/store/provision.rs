//! The provisioned folder: numbers, agents, trunks, flows and prompts as files.

mod checks;
mod drafts;

use super::assemble::{self, Catalogue, Compiler, FlowSource, Flows, VersionSource};
use super::doubts;
use super::objects::{self, Checked, Kind, Object};
use super::prompts::{self, PromptFile, finding};
use crate::audio::Clip;
use crate::call::snapshot::{Answers, Snapshot, Speech};
use crate::config::Tls;
use crate::config::reader::{Document, Finding, Severity, nearest};
use crate::flow::{CallerList, Flow, Library, Resources, cycle};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The document limit of flows.md is 512 KB; a file over this is none.
const FLOW_BYTES_MAX: u64 = 1024 * 1024;

/// What a folder holds, checked, before its audio is loaded.
#[derive(Default)]
pub struct Provisioned {
    /// As it is kept in a store, in the order of the files.
    pub objects: Vec<(Kind, Checked, Value)>,
    pub catalogue: Catalogue,
    pub sources: Vec<FlowSource>,
    /// Drafts that are other than what is live, and those of flows that were never published, by the ids of their flows.
    pub drafts: Vec<(String, Value)>,
    /// Flows and what they look up, and texts to be rendered ahead of calls.
    pub flows: Flows,
    pub prompt_files: Vec<PromptFile>,
    /// Names and languages of prompts, by id.
    pub prompt_about: HashMap<String, (String, String)>,
}

impl Provisioned {
    /// Whether a flow plays a prompt.
    pub fn plays(&self, prompt: &str) -> bool {
        self.flows.library.flows.values().any(|flow| flow.live.flow.prompts().contains(prompt))
    }

    /// Decodes one of the prompt files. One that cannot be played is an error where a call flow plays it.
    pub fn load(&self, file: &PromptFile) -> Result<Clip, Finding> {
        prompts::load(file).map_err(|found| {
            if self.plays(&file.id) {
                return found;
            }
            let message = format!("{}; no call flow plays it", found.message);
            Finding { severity: Severity::Warning, message, ..found }
        })
    }
}

/// Reads a folder that is all there is. The findings say all that is wrong; what is right is kept.
pub fn read(folder: &Path) -> (Provisioned, Vec<Finding>) {
    read_beside(folder, &Resources::default())
}

/// Reads a folder whose files may refer to what a store and the configuration have.
pub fn read_beside(folder: &Path, store: &Resources) -> (Provisioned, Vec<Finding>) {
    let mut findings = Vec::new();
    checks::unread_files(folder, &mut findings);
    if !folder.is_dir() {
        let message = "the provisioned folder does not exist".to_owned();
        findings.push(finding(Severity::Error, folder, message, "make it, or change [provision] dir"));
    }
    let mut objects: Vec<(Kind, Checked, Value)> = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Number) {
        objects.extend(read_kind(folder, kind, &mut findings));
    }
    let queues = folder.join("queues.toml");
    if queues.exists() {
        let message = "is not used yet: this version has no queues".to_owned();
        findings.push(finding(Severity::Warning, &queues, message, ""));
    }
    let prompt_files = prompts::list(&folder.join("prompts"), &mut findings);
    let ids = |wanted: Kind| -> BTreeSet<String> {
        let known = objects.iter().filter(|(kind, ..)| *kind == wanted);
        known.map(|(_, checked, _)| checked.id.clone()).collect()
    };
    let prompt_ids = prompt_files.iter().map(|file| file.id.clone()).collect();
    // What a file that is no JSON holds is not known: any flow that is missed may be in it.
    let is_broken = has_broken_flow(folder);
    let resources = Resources {
        flows: with(flow_ids(folder), &store.flows).filter(|_| !is_broken),
        agents: with(ids(Kind::Agent), &store.agents),
        lists: with(ids(Kind::List), &store.lists),
        schedules: with(ids(Kind::Schedule), &store.schedules),
        prompts: with(prompt_ids, &store.prompts),
        secrets: store.secrets.clone(),
        allowed_hosts: store.allowed_hosts.clone(),
        sends_messages: store.sends_messages,
        asks_crm: store.asks_crm,
        ..Resources::default()
    };
    let sources = read_flows(&folder.join("flows"), &resources, &mut findings);
    let drafts = drafts::read(&folder.join("drafts"), &resources, &mut findings);
    let mut good = Resources { flows: store.flows.clone(), ..resources };
    let live = good.flows.get_or_insert_default();
    live.extend(sources.iter().map(|source| source.id.clone()));
    good.flows = good.flows.filter(|_| !is_broken);
    objects.extend(read_numbers(folder, &good, &drafts, &mut findings));
    let mut catalogue = Catalogue::default();
    for (_, checked, _) in &objects {
        catalogue.add(checked.id.clone(), checked.object.clone());
    }
    checks::trunk_ranges(folder, &catalogue.trunks, &catalogue.agents, &mut findings);
    checks::crm_users(folder, &catalogue.agents, &mut findings);
    if store.flows.is_none() {
        checks::nobody_can_call(folder, &catalogue.trunks, &catalogue.numbers, &mut findings);
    }
    let flows = assemble::flows(&sources, &catalogue, &mut Compiler::default());
    let prompt_about = read_prompt_words(folder, &prompt_files, &mut findings);
    (Provisioned { objects, catalogue, sources, drafts, flows, prompt_files, prompt_about }, findings)
}

/// Trunks of a folder that name settings of TLS which the configuration does not have.
pub fn unknown_settings(folder: &Path, provisioned: &Provisioned, tls: &Tls) -> Vec<Finding> {
    let known: Vec<String> = tls.clients.iter().map(|client| client.name.clone()).collect();
    let file = folder.join(Kind::Trunk.file());
    let doubts = doubts::unknown_settings(&provisioned.catalogue.trunks, &known).into_iter();
    doubts.map(|doubt| finding(Severity::Warning, &file, doubt.message, doubt.remedy)).collect()
}

/// What a folder has, and what a store has beside it.
fn with(mut found: BTreeSet<String>, store: &Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    found.extend(store.iter().flatten().cloned());
    Some(found)
}

/// Loads the audio and makes the snapshot. `speech` are the texts that could be rendered.
pub fn snapshot(
    provisioned: Provisioned,
    revision: u64,
    speech: HashMap<Speech, Arc<Clip>>,
    previous: Option<&Snapshot>,
    findings: &mut Vec<Finding>,
) -> Snapshot {
    let mut files = HashMap::new();
    for file in &provisioned.prompt_files {
        match provisioned.load(file) {
            Ok(clip) => {
                files.insert(file.id.clone(), Arc::new(clip));
            }
            Err(error) => findings.push(error),
        }
    }
    let Provisioned { catalogue, flows, .. } = provisioned;
    assemble::snapshot(revision, catalogue, flows, files, speech, previous)
}

#[expect(clippy::disallowed_methods, reason = "provisioned files are read when a snapshot is built")]
fn document(path: &Path, findings: &mut Vec<Finding>) -> Option<Document> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Document::parse(path, &text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            findings.push(finding(Severity::Error, path, format!("cannot be read: {error}"), ""));
            None
        }
    }
}

/// Reads the objects of a kind, in the order of their file.
fn read_kind(folder: &Path, kind: Kind, findings: &mut Vec<Finding>) -> Vec<(Kind, Checked, Value)> {
    let path = folder.join(kind.file());
    if kind == Kind::Simulation {
        return read_simulations(&path, findings);
    }
    let Some(document) = document(&path, findings) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let sections = match kind {
        Kind::Account => vec![document.root()],
        _ => document.root().sections(kind.word()),
    };
    let mut objects = Vec::new();
    for section in &sections {
        let Some(checked) = objects::read(kind, section) else { continue };
        if !seen.insert(checked.id.clone()) {
            let (key, what) = match kind {
                Kind::Number => ("", checked.id.clone()),
                _ => ("id", format!("\"{}\"", checked.id)),
            };
            section.error(key, format!("{what} is there twice"), "give each a name of its own");
        }
        let document = objects::canonical(kind, section.to_json(), &checked);
        objects.push((kind, checked, document));
    }
    drop(sections);
    findings.extend(document.into_findings());
    objects
}

/// What `prompts.toml` says about prompts: for people, and in which language they are.
fn read_prompt_words(
    folder: &Path,
    files: &[PromptFile],
    findings: &mut Vec<Finding>,
) -> HashMap<String, (String, String)> {
    let Some(document) = document(&folder.join("prompts.toml"), findings) else { return HashMap::new() };
    let mut words = HashMap::new();
    for section in document.root().sections("prompt") {
        let (id, name) = (section.text("id").unwrap_or_default(), section.text("name").unwrap_or_default());
        let language = section.text("language").unwrap_or_default();
        if !files.iter().any(|file| file.id == id) {
            section.error("id", format!("there is no prompt \"{id}\""), "name a file of the folder prompts");
        }
        words.insert(id, (name, language));
    }
    findings.extend(document.into_findings());
    words
}

/// A file for each simulation, JSON.
fn read_simulations(folder: &Path, findings: &mut Vec<Finding>) -> Vec<(Kind, Checked, Value)> {
    let mut objects = Vec::new();
    for path in flow_files(folder) {
        let document = read_flow(&path).and_then(|text| {
            serde_json::from_str::<Value>(&text).map_err(|error| format!("is no JSON: {error}"))
        });
        match document.map(|document| objects::check(Kind::Simulation, &document)) {
            Ok(Ok((checked, document, _))) => objects.push((Kind::Simulation, checked, document)),
            Ok(Err(found)) => {
                let file = path.display().to_string();
                findings.extend(found.into_iter().map(|found| Finding { file: file.clone(), ..found }));
            }
            Err(message) => findings.push(finding(Severity::Error, &path, message, "")),
        }
    }
    objects
}

/// The lists of callers in `lists.toml`. An entry that cannot be read is left out of its list.
pub fn read_lists(folder: &Path, findings: &mut Vec<Finding>) -> HashMap<String, CallerList> {
    let lists = read_kind(folder, Kind::List, findings).into_iter();
    lists
        .filter_map(|(_, checked, _)| match checked.object {
            Object::List(list) => Some((checked.id, list)),
            _ => None,
        })
        .collect()
}

/// Smart Numbers, and whether what they lead to is there. `known` has of flows those without errors that may be live,
/// or none where that is not known.
fn read_numbers(
    folder: &Path,
    known: &Resources,
    drafts: &[(String, Value)],
    findings: &mut Vec<Finding>,
) -> Vec<(Kind, Checked, Value)> {
    let numbers = read_kind(folder, Kind::Number, findings);
    let file = folder.join(Kind::Number.file());
    let ids = |known: &Option<BTreeSet<String>>| known.iter().flatten().cloned().collect::<Vec<_>>();
    let (flows, agents, lists) = (ids(&known.flows), ids(&known.agents), ids(&known.lists));
    for (_, checked, _) in &numbers {
        let Object::Number(number) = &checked.object else { continue };
        let missing = |findings: &mut Vec<Finding>, what: &str, id: &String, known: &[String]| {
            if !known.contains(id) {
                let hint = nearest(id, known.iter().map(String::as_str));
                let remedy = hint.map(|n| format!("did you mean \"{n}\"?")).unwrap_or_default();
                let message = format!("the number {}: there is no {what}", checked.id);
                findings.push(finding(Severity::Error, &file, message, &remedy));
            }
        };
        match &number.answers {
            Answers::Flow(id) if !flows.contains(id) && drafts.iter().any(|(draft, _)| draft == id) => {
                let message =
                    format!("the number {}: of the call flow \"{id}\" there is a draft only", checked.id);
                findings.push(finding(Severity::Warning, &file, message, "publish it"));
            }
            Answers::Flow(_) if known.flows.is_none() => {}
            Answers::Flow(id) => missing(findings, &format!("call flow \"{id}\" without errors"), id, &flows),
            Answers::Agent(id) => missing(findings, &format!("agent \"{id}\""), id, &agents),
            Answers::Echo | Answers::Nothing => {}
        }
        if let Some(id) = &number.blocked_callers {
            missing(findings, &format!("list of callers \"{id}\""), id, &lists);
        }
    }
    numbers
}

/// Whether the folder holds anything of a set-up: one that does not is most likely another than was meant.
pub fn is_set_up(folder: &Path) -> bool {
    let lists = ["numbers", "agents", "trunks", "schedules", "lists", "account"];
    let has_flows = ["flows", "drafts"].iter().any(|name| folder.join(name).is_dir());
    has_flows || lists.iter().any(|name| folder.join(format!("{name}.toml")).is_file())
}

/// What the flows of a folder look up, for commands that run one of them; what is wrong is for `check` to say.
pub fn library(folder: &Path) -> Library {
    let sources = read_flows(&folder.join("flows"), &Resources::default(), &mut Vec::new());
    let mut catalogue = Catalogue::default();
    for kind in [Kind::Account, Kind::Schedule, Kind::List, Kind::Agent] {
        for (_, checked, _) in read_kind(folder, kind, &mut Vec::new()) {
            catalogue.add(checked.id, checked.object);
        }
    }
    assemble::flows(&sources, &catalogue, &mut Compiler::default()).library
}

/// The ids in the flow files of a provisioned folder, drafts and those with errors included: a flow that runs one of
/// them has an error of its own only where there is no such flow.
pub fn flow_ids(folder: &Path) -> BTreeSet<String> {
    let files = ["flows", "drafts"].into_iter().flat_map(|name| flow_files(&folder.join(name)));
    let texts = files.filter_map(|path| read_flow(&path).ok());
    texts
        .filter_map(|text| {
            let document: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(document.get("id")?.as_str()?.to_owned())
        })
        .collect()
}

/// Whether the file of a flow or of a draft is no JSON.
fn has_broken_flow(folder: &Path) -> bool {
    let mut files = ["flows", "drafts"].into_iter().flat_map(|name| flow_files(&folder.join(name)));
    files.any(|path| {
        let text = read_flow(&path);
        text.is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err())
    })
}

/// The file of a flow in a provisioned folder: of what is live, else of its draft.
pub fn flow_file(folder: &Path, id: &str) -> Option<PathBuf> {
    let mut files = ["flows", "drafts"].into_iter().flat_map(|name| flow_files(&folder.join(name)));
    files.find(|path| {
        let document: Option<Value> = read_flow(path).ok().and_then(|text| serde_json::from_str(&text).ok());
        document.is_some_and(|document| document["id"] == id)
    })
}

fn flow_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    paths
}

#[expect(clippy::disallowed_methods, reason = "provisioned files are read when a snapshot is built")]
fn read_flow(path: &Path) -> Result<String, String> {
    if std::fs::metadata(path).map_or(0, |metadata| metadata.len()) > FLOW_BYTES_MAX {
        return Err("is too large to be a call flow".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn read_flows(folder: &Path, resources: &Resources, findings: &mut Vec<Finding>) -> Vec<FlowSource> {
    let mut flows: Vec<(PathBuf, Flow)> = Vec::new();
    let mut sources = Vec::new();
    for path in flow_files(folder) {
        let text = match read_flow(&path) {
            Ok(text) => text,
            Err(message) => {
                findings.push(finding(Severity::Error, &path, message, ""));
                continue;
            }
        };
        let (flow, found) = match Flow::compile(&text, resources) {
            Ok((flow, found)) => (Some(flow), found),
            Err(found) => (None, found),
        };
        findings.extend(found.iter().filter_map(|f| flow_finding(&path, f)));
        let Some(flow) = flow else { continue };
        if flows.iter().any(|(_, other)| other.id() == flow.id()) {
            let message = format!("a call flow with the id \"{}\" was read from another file", flow.id());
            findings.push(finding(Severity::Error, &path, message, "give each flow an id of its own"));
            continue;
        }
        let live = VersionSource { number: 1, document: text.into() };
        sources.push(FlowSource { id: flow.id().to_owned(), live, canary: None, pinned: Vec::new() });
        flows.push((path, flow));
    }
    let runs_of = |id: &str| flows.iter().find(|(_, flow)| flow.id() == id).map(|(_, flow)| flow.runs());
    for (path, flow) in &flows {
        findings.extend(cycle(flow, runs_of).and_then(|found| flow_finding(path, &found)));
    }
    sources
}

/// A finding about a flow, as one about its file; notes are for whoever draws the flow, not for who runs it.
fn flow_finding(path: &Path, found: &crate::flow::Finding) -> Option<Finding> {
    let severity = match found.severity {
        crate::flow::Severity::Error => Severity::Error,
        crate::flow::Severity::Warning => Severity::Warning,
        crate::flow::Severity::Note => return None,
    };
    Some(Finding {
        severity,
        file: path.display().to_string(),
        place: found.pointer.clone(),
        message: format!("{} {}", found.code, found.message),
        remedy: found.remedy.clone(),
    })
}
