//! From checked objects and flow documents, wherever they were kept, to what calls read. What did not change since the
//! last time is shared with it.

use super::objects::{Account, Object};
use crate::audio::Clip;
use crate::call::services;
use crate::call::snapshot::{Agent, Answers, Number, Prompts, Snapshot, Speech, Trunk};
use crate::flow::schedule::Schedule;
use crate::flow::{CallerList, Canary, Flow, FlowVersion, Library, LiveFlow, Resources, crm_user_key};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A flow as it was published: its live version, and the others that calls may get.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowSource {
    pub id: String,
    pub live: VersionSource,
    /// With its share of a hundred callers.
    pub canary: Option<(VersionSource, u8)>,
    /// Those that other flows ask for by number.
    pub pinned: Vec<VersionSource>,
}

/// A version of a flow as text.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionSource {
    pub number: u32,
    pub document: Arc<str>,
}

/// Objects by their kinds, as calls need them.
#[derive(Default)]
pub struct Catalogue {
    pub account: Account,
    pub numbers: Vec<Number>,
    pub trunks: Vec<Trunk>,
    pub agents: HashMap<String, Agent>,
    pub caller_lists: HashMap<String, CallerList>,
    pub schedules: HashMap<String, Schedule>,
}

/// Flows that run, and what in them is to be spoken.
#[derive(Default)]
pub struct Flows {
    pub library: Library,
    pub in_language: HashMap<(String, String), LiveFlow>,
    /// Texts without variables, to be rendered ahead of calls.
    pub speech: Vec<Speech>,
}

/// Compiled versions: a version never changes, so each is compiled once for the settings that it does not have itself.
#[derive(Default)]
pub struct Compiler {
    compiled: HashMap<(String, u32, String), Option<Arc<Flow>>>,
    used: HashSet<(String, u32, String)>,
}

impl Catalogue {
    pub fn add(&mut self, id: String, object: Object) {
        match object {
            Object::Account(account) => self.account = account,
            Object::Trunk(trunk) => self.trunks.push(*trunk),
            Object::Agent(agent) => _ = self.agents.insert(id, agent),
            Object::List(list) => _ = self.caller_lists.insert(id, list),
            Object::Number(number) => self.numbers.push(number),
            Object::Schedule(schedule) => _ = self.schedules.insert(id, schedule),
            Object::Simulation => {}
        }
    }
}

/// Agents by their users of the CRM. An agent's own id is never another's user; of two agents that are one user it is the first
/// by id.
fn crm_users(agents: &HashMap<String, Agent>) -> HashMap<String, String> {
    let mut sorted: Vec<&Agent> = agents.values().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut users = HashMap::new();
    for (user, agent) in sorted.into_iter().filter_map(|agent| Some((agent.crm_user.as_deref()?, agent))) {
        if !agents.contains_key(user) {
            users.entry(crm_user_key(user).to_owned()).or_insert_with(|| agent.id.clone());
        }
    }
    users
}

/// Compiles what is new, with the account's settings where a flow has none, and once more in each language of numbers
/// that lead to a flow which names none.
pub fn flows(sources: &[FlowSource], catalogue: &Catalogue, compiler: &mut Compiler) -> Flows {
    let defaults = &catalogue.account.settings;
    let mut flows = Flows::default();
    flows.library.caller_lists = catalogue.caller_lists.clone();
    flows.library.crm_users = crm_users(&catalogue.agents);
    flows.library.schedules = catalogue.schedules.clone();
    flows.library.account = catalogue.account.calendar.clone();
    let mut by_id = HashMap::new();
    for source in sources {
        by_id.insert(source.id.as_str(), source);
        flows.library.flows.extend(compiler.live(source, defaults).map(|live| (source.id.clone(), live)));
    }
    for number in &catalogue.numbers {
        let (Answers::Flow(id), Some(language)) = (&number.answers, &number.language) else { continue };
        let Some(source) = by_id.get(id.as_str()) else { continue };
        let key = (id.clone(), language.clone());
        if flows.in_language.contains_key(&key) || names_language(&source.live.document) {
            continue;
        }
        let mut defaults = defaults.clone();
        defaults.insert("language".to_owned(), language.clone().into());
        flows.in_language.extend(compiler.live(source, &defaults).map(|live| (key, live)));
    }
    compiler.forget();
    let mut speech = BTreeSet::new();
    for live in flows.library.flows.values().chain(flows.in_language.values()) {
        let canary = live.canary.iter().map(|canary| &canary.version.flow);
        for flow in [&live.live.flow].into_iter().chain(canary).chain(live.pinned.values()) {
            speech.extend(flow.speech().iter().cloned());
        }
    }
    let spoken = speech.into_iter().map(|s| Speech { text: s.text, language: s.language, voice: s.voice });
    flows.speech = spoken.collect();
    flows
}

/// Puts a snapshot together. `speech` are the texts that could be rendered.
pub fn snapshot(
    revision: u64,
    catalogue: Catalogue,
    flows: Flows,
    files: HashMap<String, Arc<Clip>>,
    speech: HashMap<Speech, Arc<Clip>>,
    previous: Option<&Snapshot>,
) -> Snapshot {
    let built_in = previous.map_or_else(super::prompts::built_in, |s| s.prompts.built_in.clone());
    let music = files.get("music").cloned();
    let music = music.or_else(|| match previous {
        Some(previous) if !previous.prompts.files.contains_key("music") => previous.prompts.music.clone(),
        _ => super::prompts::music(),
    });
    let has_prompt = files.contains_key(services::NOT_IN_SERVICE_PROMPT);
    let services = services::of_numbers(&catalogue.numbers, has_prompt);
    Snapshot {
        awaits_database: false,
        revision,
        numbers: catalogue.numbers.into(),
        trunks: catalogue.trunks,
        agents: catalogue.agents,
        library: Arc::new(flows.library),
        in_language: flows.in_language,
        services,
        prompts: Prompts { files, speech, built_in, music },
    }
}

impl Compiler {
    fn live(&mut self, source: &FlowSource, defaults: &Map<String, Value>) -> Option<LiveFlow> {
        let mut live = LiveFlow::new(self.compile(&source.id, &source.live, defaults)?, source.live.number);
        if let Some((version, share)) = &source.canary
            && let Some(flow) = self.compile(&source.id, version, defaults)
        {
            let version = FlowVersion { flow, number: version.number };
            live.canary = Some(Canary { version, share: *share });
        }
        for version in &source.pinned {
            let flow = self.compile(&source.id, version, defaults);
            live.pinned.extend(flow.map(|flow| (version.number, flow)));
        }
        Some(live)
    }

    /// A version that was published by an earlier version of the server may not compile any more: it is said once.
    fn compile(
        &mut self,
        id: &str,
        source: &VersionSource,
        defaults: &Map<String, Value>,
    ) -> Option<Arc<Flow>> {
        let key = (id.to_owned(), source.number, Value::Object(defaults.clone()).to_string());
        let compiled = self.compiled.entry(key.clone()).or_insert_with(|| {
            let merged = with_defaults(&source.document, defaults);
            let text = merged.as_deref().unwrap_or(&source.document);
            match Flow::compile(text, &Resources::default()) {
                Ok((flow, _)) => Some(Arc::new(flow)),
                Err(findings) => {
                    let first = findings.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(flow = id, version = source.number, error = %first, "a published flow does not run");
                    None
                }
            }
        });
        let compiled = compiled.clone();
        self.used.insert(key);
        compiled
    }

    /// Drops what was not asked for since the last time.
    fn forget(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.compiled.retain(|key, _| used.contains(key));
    }
}

/// The document with the account's settings where it has none; `None` where it stays as it is.
fn with_defaults(document: &str, defaults: &Map<String, Value>) -> Option<String> {
    if defaults.is_empty() {
        return None;
    }
    let mut value: Value = serde_json::from_str(document).ok()?;
    let settings = value.as_object_mut()?.entry("settings").or_insert_with(|| Value::Object(Map::new()));
    let settings = settings.as_object_mut()?;
    let before = settings.len();
    for (key, default) in defaults {
        if settings.get(key).is_none_or(Value::is_null) {
            settings.insert(key.clone(), default.clone());
        }
    }
    (settings.len() > before).then(|| value.to_string())
}

/// Whether the flow itself says which language it speaks.
fn names_language(document: &str) -> bool {
    let value: Option<Value> = serde_json::from_str(document).ok();
    value.is_some_and(|value| value["settings"]["language"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::snapshot::Pattern;
    use serde_json::json;

    fn source(settings: Value) -> FlowSource {
        let document = json!({
            "schema": "callflow/1", "id": "main", "name": "Main", "settings": settings, "entry": "hello",
            "steps": {
                "hello": {"type": "greeting", "config": {"audio": {"kind": "tts", "text": "Bonjour"}}, "on": {"next": "bye"}},
                "bye": {"type": "hangup", "config": {}}
            }
        });
        let live = VersionSource { number: 1, document: document.to_string().into() };
        FlowSource { id: "main".into(), live, canary: None, pinned: Vec::new() }
    }

    fn number(language: Option<&str>) -> Number {
        let number = Number::new(Pattern::Exact("1".into()), "", Answers::Flow("main".into()));
        Number { language: language.map(str::to_owned), ..number }
    }

    fn languages(flows: &Flows) -> Vec<&str> {
        flows.speech.iter().map(|speech| speech.language.as_str()).collect()
    }

    #[test]
    fn a_flow_speaks_its_own_language_else_the_numbers_else_the_accounts() {
        for (settings, of_number, of_account, expected) in [
            (json!({"language": "fr"}), Some("de"), Some("es"), ["fr"].as_slice()),
            (json!({}), Some("de"), Some("es"), &["de", "es"]),
            (json!({}), None, Some("es"), &["es"]),
            (json!({}), None, None, &["en-US"]),
        ] {
            let account = of_account.map(|language| ("language".to_owned(), Value::from(language)));
            let account = Account { settings: account.into_iter().collect(), ..Account::default() };
            let catalogue = Catalogue { account, numbers: vec![number(of_number)], ..Catalogue::default() };
            let flows = flows(&[source(settings)], &catalogue, &mut Compiler::default());
            assert_eq!(languages(&flows), expected);
        }
    }

    #[test]
    fn a_version_is_compiled_once_and_shared_and_forgotten_when_nobody_asks_for_it() {
        let (mut compiler, mut catalogue) = (Compiler::default(), Catalogue::default());
        let first = flows(&[source(json!({}))], &catalogue, &mut compiler);
        let second = flows(&[source(json!({}))], &catalogue, &mut compiler);
        let flow = |flows: &Flows| flows.library.flows["main"].live.flow.clone();
        assert!(Arc::ptr_eq(&flow(&first), &flow(&second)));
        catalogue.account.settings.insert("voice".to_owned(), "alto".into());
        assert!(!Arc::ptr_eq(&flow(&first), &flow(&flows(&[source(json!({}))], &catalogue, &mut compiler))));
        flows(&[], &catalogue, &mut compiler);
        assert!(compiler.compiled.is_empty());
    }

    #[test]
    fn canary_and_pinned_versions_are_in_the_library() {
        let mut source = source(json!({}));
        let version = |number| VersionSource { number, ..source.live.clone() };
        (source.canary, source.pinned) = (Some((version(3), 20)), vec![version(2)]);
        let flows = flows(&[source], &Catalogue::default(), &mut Compiler::default());
        let live = &flows.library.flows["main"];
        assert_eq!((live.live.number, live.canary.as_ref().unwrap().version.number), (1, 3));
        assert!(live.pinned.contains_key(&2));
    }
}
