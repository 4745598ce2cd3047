//! The document of flows.md 1.1, compiled: everything that can be looked up or built before a call comes, is.

use super::audio::read_language;
use super::fields::{FLOW_FIELDS, SETTINGS_FIELDS, STEP_FIELDS};
use super::finding::{Code, Finding, quoted};
use super::json::{parse, push_segment};
use super::library::is_crm_user;
use super::port::Port;
use super::reading::{Fields, Reading, Speech, known_words, wrong_type};
use super::step::{Config, KINDS, LATER_KINDS, time};
use super::subflows::Run;
use super::template::Template;
use super::validate;
use super::variables::OWNER_ID;
use crate::ids::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Largest document in bytes. flows.md E12.
pub const DOCUMENT_BYTES_MAX: usize = 512 * 1_024;
/// Most steps of a flow. flows.md E12.
pub const STEPS_MAX: usize = 500;

/// What exists around a flow. `None` means not known, so that nothing is said about references to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resources {
    pub agents: Option<BTreeSet<String>>,
    pub prompts: Option<BTreeSet<String>>,
    pub schedules: Option<BTreeSet<String>>,
    /// Lists of callers.
    pub lists: Option<BTreeSet<String>>,
    /// Names of secrets, of the configuration.
    pub secrets: Option<BTreeSet<String>>,
    /// Hosts of `[http_client] allow`, of the configuration.
    pub allowed_hosts: Option<Vec<String>>,
    /// `[sms]` is there, of the configuration: text messages can be sent.
    pub sends_messages: Option<bool>,
    /// `[crm]` is there, of the configuration: queries and callouts can be answered.
    pub asks_crm: Option<bool>,
    /// Flows that others may run.
    pub flows: Option<BTreeSet<String>>,
    /// Smart Numbers by the id of the flow they lead to.
    pub numbers: BTreeMap<String, Vec<String>>,
}

/// A flow that can run. Calls share it.
#[derive(Clone, PartialEq, Debug)]
pub struct Flow {
    id: String,
    name: String,
    description: String,
    version: String,
    digest: String,
    pub(super) settings: Settings,
    pub(super) entry: usize,
    steps: Vec<Step>,
    reads_keys: bool,
    pub(super) has_sensitive: bool,
    /// Some step, or a text of the settings, reads who calls, as the CRM knows it.
    pub(super) reads_contact: bool,
    prompts: BTreeSet<String>,
    speech: BTreeSet<Speech>,
    runs: Vec<Run>,
}

/// Settings that the interpreter goes by; the others are checked and kept for later versions.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Settings {
    pub language: String,
    pub short_abandon: Duration,
    pub max_call: Duration,
    pub max_steps_between_input: u32,
    pub max_subflow_depth: u32,
    pub fallback: Option<usize>,
    pub answer_immediately: bool,
    pub is_paused: bool,
    /// Who gets the task for an abandoned call; whoever connected the CRM where absent.
    pub assign_abandoned_to: Option<String>,
    /// Comments of that task end with the last step.
    pub append_final_step: bool,
    pub abandoned_subject: Template,
    pub abandoned_comments: Template,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Step {
    pub id: String,
    pub name: String,
    pub config: Config,
    /// It reads who calls.
    pub reads_contact: bool,
    on: Vec<(Port, usize)>,
}

/// A step as it is read, before it is known whether the document holds together.
pub(super) struct Draft {
    pub id: String,
    pub name: String,
    /// None where the type is not known.
    pub config: Option<Config>,
    pub on: Vec<Edge>,
}

/// A connection of the document.
pub(super) struct Edge {
    /// None where the step has no such port.
    pub port: Option<Port>,
    /// None where there is no such step.
    pub target: Option<usize>,
}

/// Where a port leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Connected(usize),
    /// By way of a stand-in port of the same step.
    StandIn(usize),
    Fallback(usize),
    /// To the built-in end.
    End,
}

impl Flow {
    /// Reads, checks and compiles a document. Everything there is to say is said at once: warnings and notes
    /// beside a flow that runs, or all findings of one that does not.
    pub fn compile(text: &str, resources: &Resources) -> Result<(Flow, Vec<Finding>), Vec<Finding>> {
        let mut reading = Reading::default();
        let flow = read_document(text, resources, &mut reading);
        let Reading { report, .. } = reading;
        match flow {
            Some(flow) if !report.has_errors() => Ok((flow, report.into_findings())),
            _ => Err(report.into_findings()),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    /// `flow.version`: the beginning of the digest, as long as nothing numbers versions.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 in hex over the document with sorted keys and without `ui`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// `settings.status` is `paused`. It still routes calls.
    pub fn is_paused(&self) -> bool {
        self.settings.is_paused
    }

    /// Ids and types of the steps, in the order of the document.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.steps.iter().map(|step| (step.id.as_str(), step.config.kind()))
    }

    /// Prompt files that are named.
    pub fn prompts(&self) -> &BTreeSet<String> {
        &self.prompts
    }

    /// Texts to speak that have no variables in them, so that they can be rendered before a call comes.
    pub fn speech(&self) -> &BTreeSet<Speech> {
        &self.speech
    }

    /// Its `subflow` steps.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(super) fn step(&self, index: usize) -> Option<&Step> {
        self.steps.get(index)
    }

    /// Some step reads keys.
    pub(super) fn reads_keys(&self) -> bool {
        self.reads_keys
    }

    /// flows.md 1.2 rule 1.
    pub(super) fn way(&self, step: &Step, port: Port) -> Way {
        let target = |port: Port| step.on.iter().find(|(known, _)| *known == port).map(|(_, to)| *to);
        way(target, port, self.settings.fallback, &step.config)
    }
}

/// Port resolution over any table of connections.
pub(super) fn way(
    target: impl Fn(Port) -> Option<usize>,
    port: Port,
    fallback: Option<usize>,
    config: &Config,
) -> Way {
    let named = if let Config::Goto(goto) = config { goto.step } else { None };
    if let Some(step) = named.or_else(|| target(port)) {
        return Way::Connected(step);
    }
    // A time step that cannot decide fails as it is told to: open, so that callers are not stranded.
    let open = match (config, port) {
        (Config::Time(time), Port::Error) => Some(&time.on_missing),
        _ => None,
    };
    let stand_in = open.into_iter().chain(port.stand_ins()).find_map(|port| target(*port));
    match (stand_in, fallback) {
        (Some(step), _) => Way::StandIn(step),
        (None, Some(step)) => Way::Fallback(step),
        (None, None) => Way::End,
    }
}

fn read_document(text: &str, resources: &Resources, reading: &mut Reading) -> Option<Flow> {
    if text.len() > DOCUMENT_BYTES_MAX {
        reading.error(
            Code::E12,
            "",
            format!("The document has {} bytes.", text.len()),
            "At most 512 KB are allowed; split the flow.",
        );
        return None;
    }
    let (value, duplicates) = match parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            reading.error(
                Code::E03,
                "",
                format!("The document is no JSON: {error}."),
                "Correct it at that place.",
            );
            return None;
        }
    };
    for pointer in duplicates {
        reading.error(Code::E06, &pointer, "This key stands twice.", "Take one of them out.");
    }
    if !value.is_object() {
        wrong_type(reading, "", "an object", &value);
        return None;
    }
    let fields = Fields::new(Some(&value), String::new(), &FLOW_FIELDS, reading);
    if let Some(schema) = fields.required_text("schema", 40, reading)
        && schema != "callflow/1"
    {
        reading.error(
            Code::E03,
            "/schema",
            format!("The schema {} is not known.", quoted(schema)),
            "Write `callflow/1`.",
        );
    }
    let id = fields.required_text("id", 100, reading).unwrap_or_default().to_owned();
    let name = fields.required_text("name", 80, reading).unwrap_or_default().to_owned();
    let description = fields.text("description", 2_000, reading).unwrap_or_default().to_owned();

    reading.step_ids = step_ids(&fields, reading);
    let mut settings = read_settings(&fields, reading);
    settings.fallback = read_fallback(&fields, reading);
    let entry = read_entry(&fields, reading);
    let drafts = read_steps(&fields, reading);
    let at_once = validate::graph(&drafts, entry, &settings, reading);
    validate::references(resources, reading);
    validate::services(&drafts, resources, reading);
    if settings.is_paused
        && let Some(number) = resources.numbers.get(&id).and_then(|numbers| numbers.first())
    {
        reading.report.add(
            Code::W09,
            "/settings/status",
            format!(
                "The flow is paused, and the number {number} leads to it: calls go through it all the same."
            ),
            "Lead the number elsewhere, or set the flow active.",
        );
    }
    let (speech, prompts) = (std::mem::take(&mut reading.speech), std::mem::take(&mut reading.prompts));
    let mut steps: Vec<Step> = drafts.into_iter().filter_map(Draft::into_step).collect();
    let readers = || reading.reads.iter().filter(|read| matches!(read.root.as_str(), "contact" | OWNER_ID));
    for step in readers().filter_map(|read| read.step) {
        if let Some(step) = steps.get_mut(step) {
            step.reads_contact = true;
        }
    }
    let reads_contact = readers().next().is_some() || steps.iter().any(|step| step.reads_contact);
    let runs = runs(&steps, &at_once);
    let digest = digest(value);
    Some(Flow {
        id,
        name,
        description,
        version: digest.get(..12).unwrap_or_default().to_owned(),
        digest,
        settings,
        entry: entry?,
        reads_keys: steps.iter().any(|step| step.config.reads_keys()),
        has_sensitive: steps.iter().any(|step| step.config.is_sensitive()),
        reads_contact,
        steps,
        prompts: prompts.into_iter().map(|(id, _)| id).collect(),
        speech,
        runs,
    })
}

fn runs(steps: &[Step], at_once: &[bool]) -> Vec<Run> {
    let subflows = steps.iter().zip(at_once).filter_map(|(step, at_once)| match &step.config {
        Config::Subflow(subflow) => Some((step, subflow, *at_once)),
        _ => None,
    });
    subflows
        .map(|(step, subflow, at_once)| Run {
            flow: subflow.flow.clone(),
            pointer: format!("/steps/{}/config/flowId", step.id),
            at_once,
        })
        .collect()
}

/// Ids of the steps with their places.
fn step_ids(fields: &Fields, reading: &mut Reading) -> BTreeMap<String, usize> {
    let steps = match fields.get("steps") {
        Some(Value::Object(steps)) if !steps.is_empty() => steps,
        Some(Value::Object(_)) | None => {
            fields.missing("steps", reading);
            return BTreeMap::new();
        }
        Some(other) => {
            wrong_type(reading, "/steps", "an object of steps", other);
            return BTreeMap::new();
        }
    };
    if steps.len() > STEPS_MAX {
        reading.error(
            Code::E12,
            "/steps",
            format!("The flow has {} steps.", steps.len()),
            "At most 500 are allowed; split the flow.",
        );
    }
    steps.keys().take(STEPS_MAX).enumerate().map(|(i, id)| (id.clone(), i)).collect()
}

fn is_step_id(id: &str) -> bool {
    id.len() <= 40
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn read_entry(fields: &Fields, reading: &mut Reading) -> Option<usize> {
    let Some(entry) = fields.get("entry").and_then(Value::as_str).filter(|entry| !entry.is_empty()) else {
        reading.error(Code::E01, "/entry", "The flow has no entry.", "Name the step that calls start with.");
        return None;
    };
    let found = reading.step_ids.get(entry).copied();
    if found.is_none() {
        let remedy = known_words(entry, reading.step_ids.keys().map(String::as_str));
        let message = format!("The entry {} is no step of this flow.", quoted(entry));
        reading.error(Code::E01, "/entry", message, remedy);
    }
    found
}

fn read_fallback(fields: &Fields, reading: &mut Reading) -> Option<usize> {
    let fallback = fields.get("settings")?.get("fallback").filter(|value| !value.is_null())?;
    let Some(id) = fallback.as_str() else {
        wrong_type(reading, "/settings/fallback", "the id of a step", fallback);
        return None;
    };
    reading.step_index(id, "/settings/fallback")
}

/// Reads settings out of nothing, for the schema.
pub(super) fn describe_settings(reading: &mut Reading) {
    let flow = Fields::new(None, String::new(), &FLOW_FIELDS, reading);
    read_settings(&flow, reading);
}

fn read_settings(flow: &Fields, reading: &mut Reading) -> Settings {
    let pointer = flow.at("settings");
    let fields = Fields::new(flow.get("settings"), pointer, &SETTINGS_FIELDS, reading);
    fields.describe("fallback", reading, || serde_json::json!({"type": ["string", "null"]}));
    fields.describe(
        "assignAbandonedTo",
        reading,
        || serde_json::json!({"type": ["string", "null"], "maxLength": 100}),
    );
    reading.zone = time::read_zone(&fields, reading);
    reading.language = read_language(&fields, reading).unwrap_or_else(|| "en-US".to_owned());
    reading.voice = fields.text("voice", 100, reading).unwrap_or("default").to_owned();
    read_unused_settings(&fields, reading);
    Settings {
        language: reading.language.clone(),
        short_abandon: Duration::from_secs(fields.number("shortAbandonSec", 0..=60, 5, reading).into()),
        max_call: Duration::from_secs(fields.number("maxCallSec", 60..=14_400, 7_200, reading).into()),
        max_steps_between_input: fields.number("maxStepsBetweenInput", 10..=500, 100, reading),
        fallback: None,
        answer_immediately: fields.choice(
            "answer",
            &[("on_first_media", false), ("immediate", true)],
            false,
            reading,
        ),
        is_paused: fields.choice("status", &[("active", false), ("paused", true)], false, reading),
        max_subflow_depth: fields.number("maxSubflowDepth", 1..=10, 5, reading),
        assign_abandoned_to: read_assignee(&fields, reading),
        append_final_step: fields.boolean("appendFinalStep", false, reading),
        abandoned_subject: fields.template("abandonedSubject", 255, reading).unwrap_or_else(default_subject),
        abandoned_comments: fields.template("abandonedComments", 32_000, reading).unwrap_or_default(),
    }
}

/// Settings that are checked, so that a later version can rely on them, but do nothing yet.
fn read_unused_settings(fields: &Fields, reading: &mut Reading) {
    let words = [("inherit", false), ("always", true), ("never", false)];
    if fields.choice("recording", &words, false, reading) {
        let pointer = fields.at("recording");
        reading.unused(pointer.clone(), "Recording");
        validate::no_consent(pointer, reading);
    }
}

fn read_assignee(fields: &Fields, reading: &mut Reading) -> Option<String> {
    let user = fields.text("assignAbandonedTo", 100, reading)?;
    if !is_crm_user(user) {
        reading.agents.push((user.to_owned(), fields.at("assignAbandonedTo")));
    }
    Some(user.to_owned())
}

/// flows.md 1.1, with a word for who shows no number.
fn default_subject() -> Template {
    let template = "Abandoned call from {{call.from | default: \"a withheld number\"}}";
    Template::parse(template).unwrap_or_default()
}

fn read_steps(flow: &Fields, reading: &mut Reading) -> Vec<Draft> {
    let Some(Value::Object(steps)) = flow.get("steps") else { return Vec::new() };
    let mut names: HashMap<String, String> = HashMap::new();
    let mut drafts = Vec::new();
    for (i, (id, value)) in steps.iter().take(STEPS_MAX).enumerate() {
        reading.step = Some(i);
        let mut pointer = "/steps".to_owned();
        push_segment(&mut pointer, id);
        if !is_step_id(id) {
            reading.error(
                Code::E03,
                &pointer,
                format!("{} is no id for a step.", quoted(id)),
                "Start with a small letter; small letters, digits and _ may follow, 40 in all.",
            );
        }
        let draft = read_step(id, value, pointer.clone(), reading);
        if let Some(other) = names.insert(draft.name.to_lowercase(), id.clone()) {
            pointer.push_str("/name");
            reading.error(
                Code::E06,
                &pointer,
                format!("The step {} has the same name.", quoted(&other)),
                "Give one of them another name.",
            );
        }
        drafts.push(draft);
    }
    reading.step = None;
    drafts
}

fn read_step(id: &str, value: &Value, pointer: String, reading: &mut Reading) -> Draft {
    if value.is_null() {
        wrong_type(reading, &pointer, "a step", value);
    }
    let fields = Fields::new(Some(value), pointer, &STEP_FIELDS, reading);
    let name = match fields.get("name") {
        Some(_) => fields.required_text("name", 60, reading).unwrap_or(id),
        // A step that nobody named goes by its id.
        None => id,
    };
    let kind = fields.required_text("type", 40, reading).unwrap_or_default();
    let config = Config::read(kind, fields.get("config"), fields.at("config"), reading);
    if config.is_none() && !kind.is_empty() {
        unknown_kind(kind, &fields.at("type"), reading);
    }
    let on = read_edges(&fields, config.as_ref(), reading);
    Draft { id: id.to_owned(), name: name.to_owned(), config, on }
}

fn unknown_kind(kind: &str, pointer: &str, reading: &mut Reading) {
    if let Some((_, needed)) = LATER_KINDS.iter().find(|(later, _)| *later == kind) {
        reading.error(
            Code::E15,
            pointer,
            format!("A {kind} step needs {needed}, which this version does not have yet."),
            format!("Build it from {}.", KINDS.join(", ")),
        );
    } else {
        let later = LATER_KINDS.iter().map(|(kind, _)| *kind);
        let remedy = match super::finding::nearest(kind, KINDS.into_iter().chain(later)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => known_words(kind, KINDS),
        };
        reading.error(Code::E03, pointer, format!("There is no step type {}.", quoted(kind)), remedy);
    }
}

fn read_edges(step: &Fields, config: Option<&Config>, reading: &mut Reading) -> Vec<Edge> {
    let empty = Map::new();
    let edges = match step.get("on") {
        None => &empty,
        Some(Value::Object(edges)) => edges,
        Some(other) => {
            wrong_type(reading, &step.at("on"), "an object of ports", other);
            &empty
        }
    };
    let mut on = Vec::new();
    for (name, target) in edges {
        if reading.report.is_full() {
            break;
        }
        if target.is_null() {
            continue;
        }
        let mut pointer = step.at("on");
        push_segment(&mut pointer, name);
        let port = config.and_then(|config| read_port(config, name, &pointer, reading));
        let target = match target.as_str() {
            Some(id) => reading.step_index(id, &pointer),
            None => {
                wrong_type(reading, &pointer, "the id of a step", target);
                None
            }
        };
        on.push(Edge { port, target });
    }
    on
}

fn read_port(config: &Config, name: &str, pointer: &str, reading: &mut Reading) -> Option<Port> {
    let port = config.port_named(name);
    if port.is_none() {
        let known: Vec<_> = config.ports().into_iter().map(|port| config.port_name(port)).collect();
        let remedy = match config {
            Config::Hangup(_) => "The call ends here; take it out.".to_owned(),
            Config::Goto(_) => "Name the step to go to in `stepId`.".to_owned(),
            _ => known_words(name, known.iter().map(AsRef::as_ref).chain(["no_response"])),
        };
        let message = format!("A {} step has no port {} here.", config.kind(), quoted(name));
        reading.error(Code::E03, pointer, message, remedy);
    }
    if let (Some(Port::AfterCall), Config::Dial(dial)) = (port, config)
        && !dial.continues
    {
        reading.report.add(
            Code::N01,
            pointer,
            "`after_call` is never taken: the flow ends when the conversation does.",
            "Set `afterAnswered` to `continue`, or take the connection out.",
        );
    }
    port
}

impl Draft {
    fn into_step(self) -> Option<Step> {
        let on = self.on.iter().filter_map(|edge| edge.port.zip(edge.target)).collect();
        Some(Step { id: self.id, name: self.name, config: self.config?, reads_contact: false, on })
    }
}

/// Keys in order, without `ui`, so that neither moving a step on the canvas nor another order of keys makes a
/// new version.
fn digest(mut value: Value) -> String {
    if let Some(Value::Object(steps)) = value.get_mut("steps") {
        for step in steps.values_mut().filter_map(Value::as_object_mut) {
            step.remove("ui");
        }
    }
    value.sort_all_objects();
    hex(&Sha256::digest(value.to_string().as_bytes()))
}
