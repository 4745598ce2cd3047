//! Objects as TOML, in one way only: a file that is written, read and written again is the same to the last byte.

use super::Kind;
use serde_json::{Map, Value};

/// Lists that are longer have a line for each item.
const LINE_CHARS_MAX: usize = 80;

/// The file of a kind with its objects, in their order. The account has no sections.
pub fn file(kind: Kind, documents: &[Value]) -> String {
    let mut text = String::new();
    for document in documents {
        let Value::Object(fields) = document else { continue };
        if kind != Kind::Account {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("[[{}]]\n", kind.word()));
        }
        text.push_str(&lines(fields));
    }
    text
}

/// A line for each field.
pub fn lines(fields: &Map<String, Value>) -> String {
    fields.iter().map(|(key, value)| format!("{} = {}\n", snake_case(key), of_value(value, true))).collect()
}

fn of_value(value: &Value, may_break: bool) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| of_value(item, false)).collect();
            let line = format!("[{}]", items.join(", "));
            if !may_break || line.chars().count() <= LINE_CHARS_MAX {
                return line;
            }
            let lines: String = items.iter().map(|item| format!("    {item},\n")).collect();
            format!("[\n{lines}]")
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{} = {}", snake_case(key), of_value(value, false)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        // TOML has no null: none is kept. Numbers and truth are written as in JSON.
        other => other.to_string(),
    }
}

/// A basic string: what TOML does not allow in one is escaped.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `maxCalls` as `max_calls`.
fn snake_case(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
