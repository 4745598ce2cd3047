//! Studio's Liquid as templates of ours. Ours put values in and know a few filters; statements, arithmetic and dates
//! have no counterpart, and are named for a person to look at.

use super::names::{self, Names};
use super::report::Notes;
use crate::flow::finding::quoted;
use crate::flow::template::Template;
use std::collections::HashMap;

/// What other widgets read from one.
pub(super) enum Answer {
    /// Keys, in this variable.
    Digits(String),
    /// A reply, in this variable.
    Reply(String),
    /// What became of a dial.
    Dial,
}

/// Where a text goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Text,
    /// Values are escaped there anyhow.
    Url,
}

#[derive(Default)]
pub(super) struct Liquid {
    /// By the widget's name.
    answers: HashMap<String, Answer>,
    names: Names,
    /// Ours by theirs.
    variables: HashMap<String, String>,
}

impl Liquid {
    /// Notes what can be read from a widget. The first of two with the same name counts, as for transitions.
    pub fn add_answer(&mut self, widget: &str, answer: Answer) {
        if let Answer::Digits(name) | Answer::Reply(name) = &answer {
            self.names.unique(name.clone());
        }
        self.answers.entry(widget.to_owned()).or_insert(answer);
    }

    /// Our name of a flow variable.
    pub fn variable(&mut self, name: &str) -> String {
        if let Some(known) = self.variables.get(name) {
            return known.clone();
        }
        let ours = self.names.unique(names::variable(name));
        self.variables.insert(name.to_owned(), ours.clone());
        ours
    }

    /// A template that parses. What cannot be said in one is left out of it and named in `notes`.
    pub fn translate(&mut self, text: &str, place: Place, notes: &mut Notes) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((open, is_value)) = next_opening(rest) {
            out.push_str(&rest[..open]);
            let inner = &rest[open + 2..];
            let Some(end) = inner.find(if is_value { "}}" } else { "%}" }) else {
                notes.attention(format!("{} is not closed and was taken out.", quoted(&rest[open..])));
                rest = "";
                break;
            };
            let expression = inner[..end].trim_matches('-').trim();
            let value = if is_value { self.value(expression, place) } else { None };
            match value {
                Some(value) => out.push_str(&value),
                None => {
                    let piece = quoted(&rest[open..open + 2 + end + 2]);
                    notes.attention(format!(
                        "{piece} cannot be said in a template of ours and was taken out."
                    ));
                }
            }
            rest = &inner[end + 2..];
        }
        out.push_str(rest);
        if Template::parse(&out).is_err() {
            notes.attention("Braces were taken out of its text.");
            out.retain(|c| c != '{');
        }
        out
    }

    fn value(&mut self, expression: &str, place: Place) -> Option<String> {
        let mut parts = split_outside_quotes(expression).into_iter();
        let first = parts.next()?.trim();
        let mut filters = String::new();
        for filter in parts {
            let (name, argument) = filter.split_once(':').unwrap_or((filter, ""));
            match (name.trim(), argument.trim()) {
                ("default", argument) => filters.push_str(&format!(" | default: {}", literal(argument)?)),
                ("upcase", "") => filters.push_str(" | upper"),
                ("downcase", "") => filters.push_str(" | lower"),
                ("strip", "") => filters.push_str(" | trim"),
                ("url_encode", "") if place == Place::Url => {}
                _ => return None,
            }
        }
        if let Some(text) = first.strip_prefix(['"', '\'']) {
            // A text written as a value is that text.
            let text = text.strip_suffix(['"', '\''])?;
            return (filters.is_empty() && !text.contains(['{', '"', '\''])).then(|| text.to_owned());
        }
        let path = first.replace('[', ".").replace([']', '"', '\''], "");
        let segments: Vec<&str> = path.split('.').map(str::trim).collect();
        Some(format!("{{{{{}{filters}}}}}", self.resolve(&segments)?))
    }

    fn resolve(&mut self, path: &[&str]) -> Option<String> {
        match path {
            ["flow", "variables" | "data", name, rest @ ..]
            | ["trigger", "parent" | "request", "parameters", name, rest @ ..] => {
                let name = self.variable(name);
                join(name, rest)
            }
            ["contact", "channel", "address"] | ["trigger", "call", "From" | "Caller"] => own("call.from"),
            ["flow", "channel", "address"] | ["trigger", "call", "To" | "Called"] => own("call.to"),
            ["trigger", "call", "CallSid"] | ["flow", "sid"] => own("call.id"),
            ["trigger", "call", "CallerName"] => own("call.fromName"),
            ["flow", "flow_sid"] => own("flow.id"),
            ["widgets", name, rest @ ..] => match (self.answers.get(*name)?, rest) {
                (Answer::Digits(variable), ["Digits"]) => own(variable),
                (Answer::Reply(variable), ["parsed", rest @ ..]) => join(format!("{variable}.json"), rest),
                (Answer::Reply(variable), ["body"]) => own(&format!("{variable}.body")),
                (Answer::Reply(variable), ["status_code"]) => own(&format!("{variable}.status")),
                (Answer::Dial, ["DialCallStatus"]) => own("dial.result"),
                (Answer::Dial, ["DialCallDuration"]) => own("dial.talkSec"),
                _ => None,
            },
            _ => None,
        }
    }
}

fn own(path: &str) -> Option<String> {
    Some(path.to_owned())
}

fn join(start: String, rest: &[&str]) -> Option<String> {
    let is_word =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    rest.iter().all(is_word).then(|| rest.iter().fold(start, |path, word| format!("{path}.{word}")))
}

/// Where the next `{{` or `{%` begins, and whether it is the former.
fn next_opening(text: &str) -> Option<(usize, bool)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find('{') {
        let open = from + at;
        match text.as_bytes().get(open + 1) {
            Some(b'{') => return Some((open, true)),
            Some(b'%') => return Some((open, false)),
            _ => from = open + 1,
        }
    }
    None
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (i, c) in text.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('|', None) => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A number or a text in quotes, as our templates write it.
fn literal(argument: &str) -> Option<String> {
    let is_number = argument.starts_with(|c: char| c.is_ascii_digit())
        && argument.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number {
        return Some(argument.to_owned());
    }
    let quote = argument.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let text = argument.get(1..)?.strip_suffix(quote)?;
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
