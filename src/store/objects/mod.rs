//! Objects: what numbers, agents, trunks, lists, schedules, simulations and the account say, read by one function a
//! kind, from files (TOML) and from documents (JSON) alike.

mod account;
mod number;
mod party;
mod schedules;
pub mod toml_text;
mod trunk_policy;

pub use account::Account;

use crate::call::snapshot::{Agent, Number, Trunk};
use crate::config::reader::{Document, Finding, Section, errors};
use crate::flow::CallerList;
use crate::flow::schedule::Schedule;
use crate::flow::simulate::kept;
use crate::ids::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Largest document: a list of 100,000 callers has some 2 MB.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest id that people choose.
pub const ID_CHARS_MAX: usize = 80;
/// The one account's id.
pub const ACCOUNT_ID: &str = "account";

/// What kinds of objects there are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    Account,
    Trunk,
    Agent,
    List,
    Schedule,
    Number,
    Simulation,
}

/// An object that another one names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Link {
    /// A [`Kind::word`], `flow` or `prompt`.
    pub kind: &'static str,
    pub id: String,
}

/// An object as calls need it.
#[derive(Clone, PartialEq, Debug)]
pub enum Object {
    Account(Account),
    Trunk(Box<Trunk>),
    Agent(Agent),
    List(CallerList),
    Schedule(Schedule),
    Number(Number),
    Simulation,
}

/// An object with what the store needs to know of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    pub id: String,
    /// For people.
    pub name: String,
    pub links: Vec<Link>,
    pub object: Object,
}

impl Kind {
    pub const ALL: [Kind; 7] =
        [Kind::Account, Kind::Trunk, Kind::Agent, Kind::List, Kind::Schedule, Kind::Number, Kind::Simulation];

    /// As it stands in the database, in sentences and in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::Trunk => "trunk",
            Kind::Agent => "agent",
            Kind::List => "list",
            Kind::Schedule => "schedule",
            Kind::Number => "number",
            Kind::Simulation => "simulation",
        }
    }

    pub fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its file in a provisioned folder, or the folder with a file for each.
    pub fn file(self) -> &'static str {
        match self {
            Kind::Account => "account.toml",
            Kind::Trunk => "trunks.toml",
            Kind::Agent => "agents.toml",
            Kind::List => "lists.toml",
            Kind::Schedule => "schedules.toml",
            Kind::Number => "numbers.toml",
            Kind::Simulation => "simulations",
        }
    }

    /// Keys in the order in which files have them; others follow in that of the alphabet.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::Account => &account::KEYS,
            Kind::Trunk => &party::TRUNK_KEYS,
            Kind::Agent => &party::AGENT_KEYS,
            Kind::List => &["id", "name", "numbers"],
            Kind::Schedule => &["id", "name", "time_zone", "weekly"],
            Kind::Number => &number::KEYS,
            Kind::Simulation => {
                &["id", "name", "flow", "at", "from", "to", "dials", "replies", "seed", "inputs", "expected"]
            }
        }
    }
}

/// Reads an object. What is wrong with it is said in its document; `None` where it cannot be told what it is.
pub fn read(kind: Kind, section: &Section<'_>) -> Option<Checked> {
    match kind {
        Kind::Account => account::read(section),
        Kind::Trunk => party::trunk(section),
        Kind::Agent => party::agent(section),
        Kind::List => list(section),
        Kind::Schedule => schedule(section),
        Kind::Number => number::read(section),
        Kind::Simulation => simulation(section),
    }
}

/// Checks a JSON document, and gives it in the one way in which it is kept. The findings have JSON pointers; with an
/// error among them it is refused.
pub fn check(kind: Kind, document: &Value) -> Result<(Checked, Value, Vec<Finding>), Vec<Finding>> {
    let reader = Document::from_json(kind.word(), document);
    let root = reader.root();
    let size = document.to_string().len();
    if size > DOCUMENT_BYTES_MAX {
        root.error("", format!("has {size} bytes; at most {DOCUMENT_BYTES_MAX} are taken"), "");
    }
    let checked = read(kind, &root);
    drop(root);
    if kind == Kind::Simulation
        && let Err(error) = kept::read(document)
    {
        reader.error_at(&error.pointer, error.message);
    }
    let findings = reader.into_findings();
    match checked {
        Some(checked) if errors(&findings) == 0 => {
            let document = canonical(kind, document.clone(), &checked);
            Ok((checked, document, findings))
        }
        _ => Err(findings),
    }
}

/// The one way in which a document is kept: known keys in their order, others sorted, nothing that is null, numbers as
/// they are dialled, no secret but by reference.
pub fn canonical(kind: Kind, document: Value, checked: &Checked) -> Value {
    let Value::Object(mut fields) = document else { return document };
    if let Object::Number(number) = &checked.object {
        number::canonical(number, &mut fields);
    }
    if matches!(kind, Kind::Agent | Kind::Trunk)
        && !fields.get("password").and_then(Value::as_str).is_some_and(is_reference)
    {
        fields.shift_remove("password");
    }
    let mut sorted = Map::new();
    for key in kind.keys().iter().map(|key| crate::config::reader::camel_case(key)) {
        if let Some(value) = fields.shift_remove(&key) {
            sorted.insert(key, value);
        }
    }
    let mut rest: Vec<_> = fields.into_iter().collect();
    rest.sort_by(|a, b| a.0.cmp(&b.0));
    sorted.extend(rest);
    sorted.retain(|_, value| !value.is_null());
    for value in sorted.values_mut() {
        // Simulations hold what other systems reply, where null is a value like any other.
        tidy(value, kind != Kind::Simulation);
    }
    Value::Object(sorted)
}

/// Sorts the keys of what is inside, and takes out what is null where that says as much as nothing.
fn tidy(value: &mut Value, drop_null: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, drop_null)),
        Value::Object(fields) => {
            fields.retain(|_, value| !drop_null || !value.is_null());
            fields.sort_keys();
            fields.values_mut().for_each(|value| tidy(value, drop_null));
        }
        _ => {}
    }
}

/// What an editor names to say which state it changes: 128 bits of SHA-256 over the text that is kept.
pub fn etag(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..16])
}

/// `${file:PATH}`.
fn is_reference(text: &str) -> bool {
    text.starts_with("${file:") && text.ends_with('}')
}

/// A name that other objects refer to.
fn id(section: &Section<'_>) -> Option<String> {
    let Some(id) = section.text("id").filter(|id| !id.is_empty()) else {
        section.error("id", "is missing or empty", "give it a name of its own");
        return None;
    };
    if id.chars().count() > ID_CHARS_MAX || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        section.error("id", format!("is longer than {ID_CHARS_MAX} characters or has spaces"), "");
        return None;
    }
    Some(id)
}

/// A list of callers. An entry that cannot be read is left out of it.
fn list(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let name = section.text("name");
    let mut list = CallerList::default();
    for entry in section.texts("numbers").unwrap_or_default() {
        if let Err(error) = list.add(&entry) {
            section.error("numbers", format!("\"{entry}\" {error}"), "");
        }
    }
    let id = id?;
    Some(Checked {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        links: Vec::new(),
        object: Object::List(list),
    })
}

fn schedule(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let name = section.text("name");
    let object = Object::Schedule(schedules::schedule(section));
    let id = id?;
    Some(Checked { name: name.unwrap_or_else(|| id.clone()), id, links: Vec::new(), object })
}

/// A call that is tried on a flow. What is done to it is read by [`kept::read`], out of the document as it stands: the
/// keys in it are names.
fn simulation(section: &Section<'_>) -> Option<Checked> {
    let id = id(section);
    let name = section.text("name");
    let links = section.text("flow").map(|id| Link { kind: "flow", id }).into_iter().collect();
    if !section.has("flow") {
        section.error("flow", "is missing", "name the call flow that is tried");
    }
    section.accept_rest();
    let id = id?;
    Some(Checked { name: name.unwrap_or_else(|| id.clone()), id, links, object: Object::Simulation })
}

#[cfg(test)]
mod tests;
