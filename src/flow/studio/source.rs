//! A flow definition as it is read: leniently, because what one widget lacks is no reason to lose the others.

use super::{ImportError, STATES_MAX};
use crate::flow::finding::quoted;
use crate::flow::json::parse;
use serde_json::{Map, Value};
use std::collections::HashMap;

pub(super) struct Source {
    pub name: String,
    pub description: String,
    /// Where executions begin, as a rule the trigger.
    pub start: usize,
    pub states: Vec<State>,
}

/// A widget.
pub(super) struct State {
    pub name: String,
    pub kind: String,
    properties: Map<String, Value>,
    pub transitions: Vec<Transition>,
    /// Where it stands on the canvas, x to the right and y down.
    pub at: Option<(f64, f64)>,
}

pub(super) struct Transition {
    pub event: String,
    pub next: Option<usize>,
    /// A widget that is named and not there.
    pub dangling: Option<String>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

pub(super) struct Condition {
    pub kind: String,
    /// What is compared: Liquid.
    pub argument: String,
    pub value: String,
}

impl Source {
    pub fn read(text: &str) -> Result<Source, ImportError> {
        let (tree, _) = parse(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let definition = tree.get("definition").filter(|inner| inner.is_object()).unwrap_or(&tree);
        let items = definition.get("states").and_then(Value::as_array).filter(|items| !items.is_empty());
        let items = items.ok_or(ImportError::NoStates)?;
        if items.len() > STATES_MAX {
            return Err(ImportError::TooManyStates { count: items.len() });
        }
        let mut states: Vec<State> = items.iter().enumerate().map(|(i, item)| State::read(i, item)).collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (i, state) in states.iter().enumerate() {
            places.entry(state.name.clone()).or_insert(i);
        }
        for (state, item) in states.iter_mut().zip(items) {
            let list = item.get("transitions").and_then(Value::as_array).into_iter().flatten();
            state.transitions = list.map(|item| Transition::read(item, &places)).collect();
        }
        let start = field(definition, "initial_state");
        let start = if start.is_empty() {
            states.iter().position(|state| state.kind == "trigger")
        } else {
            places.get(&start).copied()
        };
        let start = start
            .ok_or_else(|| ImportError::NoStart { name: quoted(&field(definition, "initial_state")) })?;
        let description = field(definition, "description");
        let names = [field(&tree, "friendly_name"), field(&tree, "friendlyName"), description.clone()];
        let name = names.iter().map(|name| one_line(name, 80)).find(|name| !name.is_empty());
        Ok(Source {
            name: name.unwrap_or_else(|| "Imported flow".to_owned()),
            description: description.trim().chars().take(2_000).collect(),
            start,
            states,
        })
    }

    /// The flow's id, from its name.
    pub fn id(&self) -> String {
        super::names::slug(&self.name, 60)
    }
}

impl State {
    fn read(i: usize, item: &Value) -> State {
        let name = field(item, "name");
        let properties = item.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let number = |key: &str| properties.get("offset").and_then(|at| at.get(key)).and_then(Value::as_f64);
        State {
            name: if name.trim().is_empty() { format!("widget {}", i + 1) } else { name },
            kind: field(item, "type"),
            at: number("x").zip(number("y")),
            properties,
            transitions: Vec::new(),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties.get(key).filter(|value| !value.is_null())
    }

    /// A property as text; empty where there is none.
    pub fn text(&self, key: &str) -> String {
        self.get(key).map(value_text).unwrap_or_default()
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    /// Pairs of a list of `key` and `value`.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let items = self.get(key).and_then(Value::as_array).into_iter().flatten();
        items
            .map(|item| (field(item, "key"), field(item, "value")))
            .filter(|(key, _)| !key.is_empty())
            .collect()
    }

    /// Where an event leads.
    pub fn next(&self, event: &str) -> Option<usize> {
        self.transitions.iter().find(|way| way.event == event && way.next.is_some()).and_then(|way| way.next)
    }
}

impl Transition {
    fn read(item: &Value, places: &HashMap<String, usize>) -> Transition {
        let next = field(item, "next");
        let place = places.get(&next).copied();
        let conditions = item.get("conditions").and_then(Value::as_array).into_iter().flatten();
        Transition {
            event: field(item, "event"),
            next: place,
            dangling: (place.is_none() && !next.is_empty()).then_some(next),
            conditions: conditions.map(Condition::read).collect(),
        }
    }
}

impl Condition {
    fn read(item: &Value) -> Condition {
        let argument = item.get("arguments").and_then(|list| list.get(0)).map(value_text);
        Condition {
            kind: field(item, "type"),
            argument: argument.unwrap_or_default(),
            value: field(item, "value"),
        }
    }
}

fn field(item: &Value, key: &str) -> String {
    item.get(key).map(value_text).unwrap_or_default()
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => String::new(),
    }
}

/// Cut, with single spaces in place of white space and control characters.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line: String = words.collect::<Vec<_>>().join(" ").chars().take(chars_max).collect();
    line.trim().to_owned()
}
