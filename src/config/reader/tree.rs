//! What a TOML file, a JSON document or an environment variable says, each value with its place.

use serde_json::{Map, Number};
use toml::de::{DeTable, DeValue};

/// A value with the place it was written at.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: String,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
    /// A date or a fraction, which no key takes.
    Other(&'static str),
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Bool(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a section",
            Value::Other(kind) => kind,
        }
    }
}

pub(super) fn convert_table(table: &DeTable<'_>, line_of: &dyn Fn(usize) -> String) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let node = Node { place: line_of(key.span().start), value: convert(value.get_ref(), line_of) };
        (key.get_ref().to_string(), node)
    });
    Value::Table(entries.collect())
}

fn convert(value: &DeValue<'_>, line_of: &dyn Fn(usize) -> String) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(&n.as_str().replace('_', ""), n.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number that is too large"),
        },
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|i| Node { place: line_of(i.span().start), value: convert(i.get_ref(), line_of) })
                .collect(),
        ),
        DeValue::Table(table) => convert_table(table, line_of),
    }
}

/// `[20000, 29999]`, `true` and `5` are what they look like; everything else is a string.
pub(super) fn value_of_variable(text: &str, place: &str) -> Value {
    let line_of = |_| place.to_owned();
    match DeValue::parse(text) {
        Ok(value) => convert(value.get_ref(), &line_of),
        Err(_) => Value::Text(text.to_owned()),
    }
}

/// Puts a node at a path, making tables on the way; `None` where something else is in the way.
pub(super) fn set(value: &mut Value, path: &[String], node: Node) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let slot = match value {
        Value::Table(entries) => {
            let index = entries.iter().position(|(k, _)| k == first).unwrap_or_else(|| {
                entries.push((
                    first.clone(),
                    Node { place: node.place.clone(), value: Value::Table(Vec::new()) },
                ));
                entries.len() - 1
            });
            &mut entries[index].1
        }
        Value::List(items) => items.get_mut(first.parse::<usize>().ok()?)?,
        _ => return None,
    };
    if rest.is_empty() {
        *slot = node;
        return Some(());
    }
    set(&mut slot.value, rest, node)
}

/// A JSON document with pointers for places. Its keys are in camel case and are read by their names in snake case; a
/// key that is written otherwise keeps its name, so that nobody asks for it.
pub(super) fn convert_json(value: &serde_json::Value, pointer: &str) -> Node {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => Value::Other("nothing"),
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => number.as_i64().map_or(Value::Other("a fraction"), Value::Integer),
        Json::Array(items) => Value::List(
            items.iter().enumerate().map(|(i, item)| convert_json(item, &format!("{pointer}/{i}"))).collect(),
        ),
        // An absent value may be written as null.
        Json::Object(map) => Value::Table(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| {
                    let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                    (snake_case(key), convert_json(value, &place))
                })
                .collect(),
        ),
    };
    Node { place: pointer.to_owned(), value }
}

/// The way back: what a section says as JSON. Dates and fractions, which no key takes, are null.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Text(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::Number(Number::from(*number)),
        Value::Bool(value) => Json::Bool(*value),
        Value::List(items) => Json::Array(items.iter().map(|item| to_json(&item.value)).collect()),
        Value::Table(entries) => Json::Object(
            entries.iter().map(|(key, node)| (camel_case(key), to_json(&node.value))).collect::<Map<_, _>>(),
        ),
        Value::Other(_) => Json::Null,
    }
}

/// `maxCalls` as `max_calls`.
fn snake_case(key: &str) -> String {
    if key.contains('_') {
        return format!("\"{key}\"");
    }
    let mut text = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// `max_calls` as `maxCalls`.
pub fn camel_case(key: &str) -> String {
    let mut words = key.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        text.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        text.push_str(chars.as_str());
    }
    text
}
