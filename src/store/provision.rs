//! The provisioned folder: numbers, agents, trunks, flows and prompts as files.

mod checks;

use super::prompts::{self, PromptFile, finding};
use crate::audio::Clip;
use crate::call::snapshot::{Agent, Answers, Host, Number, Pattern, Prompts, Snapshot, Speech, Trunk};
use crate::call::{dialled, number};
use crate::config::reader::{Document, Finding, Section, Severity, nearest};
use crate::flow::{CallerList, Flow, Library, LiveFlow, Resources, cycle};
use crate::sip::message::SipUri;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The document limit of flows.md is 512 KB; a file over this is none.
const FLOW_BYTES_MAX: u64 = 1024 * 1024;

/// What a folder holds, checked, before its audio is loaded.
pub struct Provisioned {
    pub numbers: Vec<Number>,
    pub agents: HashMap<String, Agent>,
    pub trunks: Vec<Trunk>,
    /// Flows and what they look up.
    pub library: Library,
    pub prompt_files: Vec<PromptFile>,
    /// Texts without variables, to be rendered ahead of calls.
    pub speech: Vec<Speech>,
}

impl Provisioned {
    /// Decodes one of the prompt files. One that cannot be played is an error where a call flow plays it.
    pub fn load(&self, file: &PromptFile) -> Result<Clip, Finding> {
        prompts::load(file).map_err(|found| {
            if self.library.flows.values().any(|flow| flow.live.flow.prompts().contains(&file.id)) {
                return found;
            }
            let message = format!("{}; no call flow plays it", found.message);
            Finding { severity: Severity::Warning, message, ..found }
        })
    }
}

/// Reads a folder. The findings say all that is wrong; what is right is kept.
pub fn read(folder: &Path) -> (Provisioned, Vec<Finding>) {
    let mut findings = Vec::new();
    checks::unread_files(folder, &mut findings);
    if !folder.is_dir() {
        let message = "the provisioned folder does not exist".to_owned();
        findings.push(finding(Severity::Error, folder, message, "make it, or change [provision] dir"));
    }
    let agents = read_agents(folder, &mut findings);
    let trunks = read_trunks(folder, &mut findings);
    let caller_lists = read_lists(folder, &mut findings);
    for unused in ["queues.toml", "schedules.toml"] {
        if folder.join(unused).exists() {
            let message = "is not used yet: this version has none of these".to_owned();
            findings.push(finding(Severity::Warning, &folder.join(unused), message, ""));
        }
    }
    let prompt_files = prompts::list(&folder.join("prompts"), &mut findings);
    let resources = Resources {
        flows: Some(flow_ids(&folder.join("flows"))),
        agents: Some(agents.keys().cloned().collect()),
        lists: Some(caller_lists.keys().cloned().collect()),
        prompts: Some(prompt_files.iter().map(|f| f.id.clone()).collect()),
        ..Resources::default()
    };
    let (flows, speech) = read_flows(&folder.join("flows"), &resources, &mut findings);
    let numbers = read_numbers(folder, &flows, &mut findings);
    checks::nobody_can_call(folder, &trunks, &numbers, &mut findings);
    let library = Library { flows, caller_lists };
    (Provisioned { numbers, agents, trunks, library, prompt_files, speech }, findings)
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
    let built_in = previous.map_or_else(prompts::built_in, |s| s.prompts.built_in.clone());
    let music = files.get("music").cloned().or_else(prompts::music);
    let Provisioned { numbers, agents, trunks, library, .. } = provisioned;
    Snapshot {
        revision,
        numbers,
        trunks,
        agents,
        library: Arc::new(library),
        prompts: Prompts { files, speech, built_in, music },
    }
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

/// Reads the `[[key]]` sections of a file.
fn read_list<T>(
    path: PathBuf,
    key: &'static str,
    findings: &mut Vec<Finding>,
    mut read: impl FnMut(&Section<'_>) -> Option<T>,
) -> Vec<T> {
    let Some(document) = document(&path, findings) else { return Vec::new() };
    let list = document.root().sections(key).iter().filter_map(&mut read).collect();
    findings.extend(document.into_findings());
    list
}

/// A name that other files refer to.
fn id(section: &Section<'_>, seen: &mut BTreeSet<String>) -> Option<String> {
    let Some(id) = section.text("id").filter(|id| !id.is_empty()) else {
        section.error("id", "is missing or empty", "give it a name of its own");
        return None;
    };
    if id.len() > 80 || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        section.error("id", "is longer than 80 characters or has spaces", "");
        return None;
    }
    if !seen.insert(id.clone()) {
        section.error("id", format!("\"{id}\" is there twice"), "give each a name of its own");
    }
    Some(id)
}

fn read_agents(folder: &Path, findings: &mut Vec<Finding>) -> HashMap<String, Agent> {
    let mut seen = BTreeSet::new();
    let agents = read_list(folder.join("agents.toml"), "agent", findings, |section| {
        let id = id(section, &mut seen);
        let name = section.text("name");
        let skills = section.texts("skills").unwrap_or_default();
        let uri = section.text("uri");
        if section.text("password").is_some() {
            section.warning(
                "password",
                "is not used yet: this version has no registrar",
                "give the agent a fixed uri",
            );
        }
        checks::agent(section);
        let address = uri.as_deref().and_then(|text| agent_address(section, text));
        let id = id?;
        Some(Agent { name: name.unwrap_or_else(|| id.clone()), id, skills, uri, address })
    });
    agents.into_iter().map(|a| (a.id.clone(), a)).collect()
}

fn agent_address(section: &Section<'_>, text: &str) -> Option<std::net::SocketAddr> {
    let host = SipUri::parse(text).as_ref().and_then(dialled::host_of);
    let Some(host) = host else {
        section.error(
            "uri",
            format!("\"{text}\" is not a SIP URI that this version can ring"),
            "sip:USER@HOST:PORT",
        );
        return None;
    };
    let ip = host.name.trim_matches(['[', ']']).parse().ok()?;
    Some(std::net::SocketAddr::new(ip, host.port))
}

/// The lists of callers in `lists.toml`. An entry that cannot be read is left out of its list.
pub fn read_lists(folder: &Path, findings: &mut Vec<Finding>) -> HashMap<String, CallerList> {
    let mut seen = BTreeSet::new();
    let lists = read_list(folder.join("lists.toml"), "list", findings, |section| {
        let id = id(section, &mut seen);
        // For people.
        section.text("name");
        let mut list = CallerList::default();
        for entry in section.texts("numbers").unwrap_or_default() {
            if let Err(error) = list.add(&entry) {
                section.error("numbers", format!("\"{entry}\" {error}"), "");
            }
        }
        Some((id?, list))
    });
    lists.into_iter().collect()
}

fn read_trunks(folder: &Path, findings: &mut Vec<Finding>) -> Vec<Trunk> {
    let (mut seen, mut ranges) = (BTreeSet::new(), Vec::new());
    read_list(folder.join("trunks.toml"), "trunk", findings, |section| {
        let id = id(section, &mut seen);
        let sources = section.texts("match").unwrap_or_default();
        let sources = sources.iter().filter_map(|text| {
            let net = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(Into::into));
            net.map_err(|_| {
                section.error(
                    "match",
                    format!("\"{text}\" is not an address range"),
                    "for example 192.0.2.0/24",
                )
            })
            .ok()
        });
        let sources: Vec<ipnet::IpNet> = sources.collect();
        checks::trunk(section, &sources, &mut ranges);
        let host = section.parsed("host", parse_host);
        let default_country = section.parsed("default_country", |text| {
            text.parse().map_err(|_| "a country of two letters, such as US".to_owned())
        });
        Some(Trunk { id: id?, sources, host, default_country })
    })
}

/// `host`, `host:port`, with `;transport=tcp` where it is not UDP.
fn parse_host(text: &str) -> Result<Host, String> {
    let uri = SipUri::parse(&format!("sip:{text}"));
    uri.as_ref()
        .and_then(dialled::host_of)
        .ok_or_else(|| "a host, with a port where it is not 5060".to_owned())
}

/// Of flows.md 2.4, in the snake case of files.
const LATER_NUMBER_KEYS: [&str; 14] = [
    "kind",
    "assignment",
    "account_id",
    "campaign",
    "tags",
    "sms_enabled",
    "caller_name",
    "recording_policy",
    "language",
    "unassigned_behaviour",
    "blocked_callers",
    "max_concurrent_calls",
    "status",
    "description",
];

fn read_numbers(
    folder: &Path,
    flows: &HashMap<String, LiveFlow>,
    findings: &mut Vec<Finding>,
) -> Vec<Number> {
    let mut seen = BTreeSet::new();
    read_list(folder.join("numbers.toml"), "number", findings, |section| {
        let exact = section.text("e164");
        let prefix = section.text("prefix");
        let label = section.text("label").unwrap_or_default();
        section.later(&LATER_NUMBER_KEYS);
        let flow = section.text("flow");
        let service = section.parsed("service", |text| match text {
            "echo" => Ok(Answers::Echo),
            _ => Err("a service: echo".to_owned()),
        });
        let pattern = match (exact, prefix) {
            (Some(text), None) => Pattern::Exact(number::read(&text, None).plain),
            (None, Some(text)) => Pattern::Prefix(number::read(&text, None).plain),
            _ => {
                section.error("", "needs e164 or prefix, and not both", "e164 = \"+15550100\"");
                return None;
            }
        };
        checks::number(section, &pattern);
        if !seen.insert(format!("{pattern:?}")) {
            section.error("", format!("{} is there twice", pattern.text()), "");
        }
        let answers = match (flow, service) {
            (Some(flow), None) => {
                if !flows.contains_key(&flow) {
                    let hint = nearest(&flow, flows.keys().map(String::as_str));
                    let remedy = hint.map(|n| format!("did you mean \"{n}\"?")).unwrap_or_default();
                    section.error("flow", format!("there is no call flow \"{flow}\" without errors"), remedy);
                }
                Answers::Flow(flow)
            }
            (None, Some(service)) => service,
            _ => {
                section.error("", "needs a flow or a service, and not both", "flow = \"ID\"");
                return None;
            }
        };
        Some(Number { pattern, label, answers })
    })
}

/// What the flows of a folder look up, for commands that run one of them; what is wrong is for `check` to say.
pub fn library(folder: &Path) -> Library {
    let caller_lists = read_lists(folder, &mut Vec::new());
    let (flows, _) = read_flows(&folder.join("flows"), &Resources::default(), &mut Vec::new());
    Library { flows, caller_lists }
}

/// The ids in the flow files of a folder, those with errors included: a flow that runs one of them has an error of
/// its own only where there is no such flow.
pub fn flow_ids(folder: &Path) -> BTreeSet<String> {
    let texts = flow_files(folder).into_iter().filter_map(|path| read_flow(&path).ok());
    texts
        .filter_map(|text| {
            let document: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(document.get("id")?.as_str()?.to_owned())
        })
        .collect()
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

fn read_flows(
    folder: &Path,
    resources: &Resources,
    findings: &mut Vec<Finding>,
) -> (HashMap<String, LiveFlow>, Vec<Speech>) {
    let (mut flows, mut speech) = (HashMap::<String, LiveFlow>::new(), Vec::new());
    let mut files = Vec::new();
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
        if flows.contains_key(flow.id()) {
            let message = format!("a call flow with the id \"{}\" was read from another file", flow.id());
            findings.push(finding(Severity::Error, &path, message, "give each flow an id of its own"));
            continue;
        }
        speech.extend(flow.speech().iter().cloned().map(|s| Speech {
            text: s.text,
            language: s.language,
            voice: s.voice,
        }));
        files.push((path, flow.id().to_owned()));
        flows.insert(flow.id().to_owned(), LiveFlow::new(Arc::new(flow), 1));
    }
    let runs_of = |id: &str| flows.get(id).map(|flow| flow.live.flow.runs());
    for (path, id) in files {
        let cycle = flows.get(&id).and_then(|flow| cycle(&flow.live.flow, runs_of));
        findings.extend(cycle.and_then(|found| flow_finding(&path, &found)));
    }
    (flows, speech)
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
