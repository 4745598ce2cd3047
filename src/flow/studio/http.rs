//! Make HTTP Request as http.

use super::liquid::Place;
use super::plan::{Import, reply};
use super::report::Notes;
use super::source::State;
use crate::flow::finding::quoted;
use serde_json::{Map, Value, json};

/// Fields of a form.
const PAIRS_MAX: usize = 20;
/// Longest field of a form and longest URL in characters.
const VALUE_CHARS_MAX: usize = 4_000;
/// How long Studio waits, in seconds.
const TIMEOUT_SEC: u32 = 10;

pub(super) fn request(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let method = method(state, notes);
    let mut url = url(import, state, notes);
    if state.is_true("add_twilio_auth") {
        notes.attention("It signed in with the Twilio account; name a secret in a header.");
    }
    let content_type = state.text("content_type").to_ascii_lowercase();
    let mut config = Map::new();
    config.insert("method".to_owned(), method.into());
    let pairs = state.pairs("parameters");
    if content_type.contains("json") {
        if let Some(body) = json_body(import, &state.text("body"), notes) {
            config.insert("json".to_owned(), body);
        }
    } else if method == "GET" {
        for (key, value) in pairs {
            let value = import.liquid.translate(&value, Place::Url, notes);
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{}={}", escaped(&key), escaped_text(&value)));
        }
    } else {
        let mut all = pairs;
        all.extend(form_pairs(&state.text("body")));
        if let Some(form) = form(import, all, notes) {
            config.insert("form".to_owned(), form);
        }
    }
    config.insert("url".to_owned(), super::plan::cut(url, VALUE_CHARS_MAX, notes).into());
    config.insert("timeoutSec".to_owned(), TIMEOUT_SEC.into());
    let id = import.ids.get(i).cloned().unwrap_or_default();
    config.insert("saveAs".to_owned(), reply(&id).into());
    let (success, failed) = (import.target(state.next("success")), import.target(state.next("failed")));
    let on = vec![
        ("success".to_owned(), success),
        ("http_error".to_owned(), failed.clone()),
        ("error".to_owned(), failed),
    ];
    import.add_step(i, id, "http", config.into(), on);
}

fn method(state: &State, notes: &mut Notes) -> &'static str {
    let method = state.text("method").to_ascii_uppercase();
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    if method.is_empty() {
        return "GET";
    }
    known.into_iter().find(|known| *known == method).unwrap_or_else(|| {
        notes.attention(format!("It asks with {}; GET was taken.", quoted(&method)));
        "GET"
    })
}

/// The address; its host must be written out, without a name and a password.
fn url(import: &mut Import, state: &State, notes: &mut Notes) -> String {
    let url = import.liquid.translate(state.text("url").trim(), Place::Url, notes);
    let lower = url.to_ascii_lowercase();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let rest = scheme.and_then(|scheme| url.get(scheme.len()..)).unwrap_or(&url);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => {
            notes.attention("The name and password in its address were left out; name a secret in a header.");
            host
        }
        None => authority,
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if scheme == Some("http://") {
        notes.attention("It asks without encryption; use https, or allow its host in the configuration.");
    }
    match scheme {
        Some(scheme) if !host.is_empty() && host.chars().all(is_host) => format!("{scheme}{host}{path}"),
        _ => {
            notes.attention(format!("The host of {} is not written out; write it.", quoted(&url)));
            let path = if path.starts_with('/') { path } else { "/" };
            format!("https://host.invalid{path}")
        }
    }
}

/// A body that is JSON once its values stand in quotes.
fn json_body(import: &mut Import, body: &str, notes: &mut Notes) -> Option<Value> {
    if body.trim().is_empty() {
        return None;
    }
    let (quoted_body, added) = with_quoted_values(body);
    match serde_json::from_str::<Value>(&quoted_body) {
        Ok(value) => {
            if added {
                notes.attention("Values that stood in its body without quotes are sent as text.");
            }
            Some(translated(import, value, notes))
        }
        Err(_) => {
            notes.attention(format!("Its body is no JSON and was left out: {}.", quoted(body)));
            None
        }
    }
}

/// Puts values outside of JSON texts into quotes, and quotes within values behind a backslash. The nesting of what is
/// parsed then is limited by serde_json.
fn with_quoted_values(body: &str) -> (String, bool) {
    let mut out = String::with_capacity(body.len() + 16);
    let (mut rest, mut in_text, mut added) = (body, false, false);
    while let Some(c) = rest.chars().next() {
        if let Some(inner) = rest.strip_prefix("{{")
            && let Some(end) = inner.find("}}")
        {
            let value = inner[..end].replace("\\\"", "\"").replace('"', "\\\"");
            let value = format!("{{{{{value}}}}}");
            if in_text {
                out.push_str(&value);
            } else {
                added = true;
                out.push_str(&format!("\"{value}\""));
            }
            rest = &inner[end + 2..];
            continue;
        }
        let mut length = c.len_utf8();
        if in_text && c == '\\' {
            length += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if c == '"' {
            in_text = !in_text;
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    (out, added)
}

fn translated(import: &mut Import, value: Value, notes: &mut Notes) -> Value {
    match value {
        Value::String(text) => import.liquid.translate(&text, Place::Text, notes).into(),
        Value::Array(items) => items.into_iter().map(|item| translated(import, item, notes)).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key, translated(import, value, notes))).collect()
        }
        other => other,
    }
}

fn form(import: &mut Import, pairs: Vec<(String, String)>, notes: &mut Notes) -> Option<Value> {
    let mut form = Map::new();
    for (key, value) in pairs {
        if form.contains_key(&key) {
            notes.attention(format!("{} stands twice in its form; the first was taken.", quoted(&key)));
            continue;
        }
        if form.len() >= PAIRS_MAX {
            notes.attention(format!("Only the first {PAIRS_MAX} fields of its form were taken."));
            break;
        }
        let value = import.text(&value, VALUE_CHARS_MAX, notes);
        form.insert(key, value.into());
    }
    (!form.is_empty()).then(|| json!(form))
}

/// Fields of a body that is written as `a=b&c=d`.
fn form_pairs(body: &str) -> Vec<(String, String)> {
    let pairs = body.trim().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (unescaped(key), unescaped(value)))
        .filter(|(key, _)| !key.is_empty())
        .collect()
}

/// `+` and percent-encoding undone; what is no text then stays as it was.
pub(super) fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(match byte {
            b'+' => b' ',
            byte => decoded.unwrap_or(byte),
        });
        rest = if decoded.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn escaped(text: &str) -> String {
    crate::flow::template::url_escaped(text)
}

/// A template with its own text escaped; its values are when they are filled in.
fn escaped_text(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once("{{") {
        let (value, tail) = tail.split_once("}}").unwrap_or((tail, ""));
        out.push_str(&format!("{}{{{{{value}}}}}", escaped(text)));
        rest = tail;
    }
    out + &escaped(rest)
}
