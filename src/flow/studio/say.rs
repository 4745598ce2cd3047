//! Say/Play as greeting; Gather Input On Call as menu, where the keys are told apart right behind it, else as prompt.

use super::http::unescaped;
use super::liquid::Place;
use super::plan::{Import, digits};
use super::report::Notes;
use super::source::State;
use crate::flow::finding::quoted;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Longest text to speak, in characters, as for every audio.
const TEXT_CHARS_MAX: usize = 4_000;
/// Most repeats of a greeting.
const REPEAT_MAX: u32 = 5;
/// Most pieces of one audio.
const PIECES_MAX: u32 = 10;

pub(super) fn say_play(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let audio = audio(import, state, notes);
    let mut config = json!({ "audio": audio });
    let repeat = whole(state, "loop", 1, 1..=REPEAT_MAX, notes);
    if repeat > 1 {
        config["repeat"] = repeat.into();
    }
    let next = import.target(state.next("audioComplete"));
    let id = import.ids.get(i).cloned().unwrap_or_default();
    import.add_step(i, id, "greeting", config, vec![("next".to_owned(), next)]);
}

pub(super) fn gather(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    if state.next("speech").is_some() {
        notes.attention("Speech is not understood; only keys are.");
    }
    let once = audio(import, state, notes);
    let times = whole(state, "loop", 1, 1..=PIECES_MAX, notes);
    let prompt = match times {
        1 => once,
        times => json!({"kind": "seq", "items": vec![once; times as usize]}),
    };
    match import.menus.get(&i).copied() {
        Some(split) => menu(import, i, state, split, prompt, notes),
        None => collect(import, i, state, prompt, notes),
    }
}

fn menu(import: &mut Import, i: usize, state: &State, split: usize, prompt: Value, notes: &mut Notes) {
    let mut options = Map::new();
    let mut on = Vec::new();
    let rules = import.splits.get(&split).map(|split| split.rules.clone()).unwrap_or_default();
    for rule in rules {
        let to = import.target(rule.to);
        for key in rule.tests.into_iter().flat_map(|(_, test)| test.values) {
            if !options.contains_key(&key) {
                options.insert(key.clone(), json!({}));
                on.push((format!("key:{key}"), to.clone()));
            }
        }
    }
    // Past the split, which has no step of its own, to where no key matches.
    on.push(("no_input".to_owned(), import.target(state.next("timeout"))));
    on.push(("invalid".to_owned(), import.target(Some(split))));
    let timeout = whole(state, "timeout", 5, 1..=60, notes);
    let id = import.ids.get(i).cloned().unwrap_or_default();
    let config = json!({
        "prompt": prompt, "options": options, "timeoutSec": timeout, "maxNoInput": 1, "maxInvalid": 1,
        "saveAs": digits(&id),
    });
    import.add_step(i, id, "menu", config, on);
}

fn collect(import: &mut Import, i: usize, state: &State, prompt: Value, notes: &mut Notes) {
    let id = import.ids.get(i).cloned().unwrap_or_default();
    let most = whole(state, "number_of_digits", 30, 1..=30, notes);
    let timeout = whole(state, "timeout", 5, 1..=60, notes);
    let config = json!({
        "prompt": prompt, "saveAs": digits(&id), "maxDigits": most, "finishKey": finish_key(state, notes),
        "timeoutSec": timeout, "interDigitSec": timeout.min(15), "attempts": 1,
    });
    let next = import.target(state.next("keypress"));
    let timeout = import.target(state.next("timeout"));
    let on = vec![
        ("next".to_owned(), next),
        ("no_input".to_owned(), timeout.clone()),
        ("no_response".to_owned(), timeout),
    ];
    import.add_step(i, id, "prompt", config, on);
}

fn finish_key(state: &State, notes: &mut Notes) -> &'static str {
    if state.get("stop_gather") == Some(&Value::Bool(false)) {
        return "none";
    }
    match state.get("finish_on_key").and_then(Value::as_str) {
        None | Some("#") => "#",
        Some("*") => "*",
        Some("") => "none",
        Some(other) => {
            notes.attention(format!("It ends on {}; ours end on # or *.", quoted(other)));
            "none"
        }
    }
}

/// What is heard. A gather may say nothing, and an audio of ours may not: that is a text which comes out blank.
fn audio(import: &mut Import, state: &State, notes: &mut Notes) -> Value {
    let (say, play) = (state.text("say"), state.text("play"));
    if !say.trim().is_empty() {
        let plain = without_tags(&say, notes);
        let text = import.text(plain.trim(), TEXT_CHARS_MAX, notes);
        if !text.trim().is_empty() {
            return speech(&text, state, notes);
        }
    } else if !play.trim().is_empty() {
        return file(import, &play, notes);
    }
    notes.attention("It says nothing here; write a text.");
    json!({"kind": "tts", "text": "{{silence | default: \" \"}}"})
}

fn speech(text: &str, state: &State, notes: &mut Notes) -> Value {
    let mut audio = json!({"kind": "tts", "text": text});
    let language = state.text("language");
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !language.is_empty() && language.len() <= 35 && language.split('-').all(subtag) {
        if language != "en-US" {
            audio["language"] = language.into();
        }
    } else if !language.is_empty() {
        notes.attention(format!("Its language is {}; write a fixed one.", quoted(&language)));
    }
    let voice = state.text("voice");
    if !voice.is_empty() && voice != "default" {
        notes.remark(format!("The flow's own voice speaks in place of {}.", quoted(&voice)));
    }
    audio
}

/// A file that is fetched by its URL there, and is a prompt here.
fn file(import: &mut Import, url: &str, notes: &mut Notes) -> Value {
    let url = import.liquid.translate(url.trim(), Place::Url, notes);
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let id = super::names::slug(&unescaped(stem), 60);
    notes.attention(format!("Upload {} as the prompt `{id}`.", quoted(&url)));
    json!({"kind": "file", "id": id})
}

/// Speech is plain text here: marks of SSML would be read out.
fn without_tags(text: &str, notes: &mut Notes) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        let is_tag = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        match inner.find('>').filter(|_| is_tag) {
            Some(end) => {
                notes.attention("Its SSML was taken out; speech is plain text.");
                out.push(' ');
                rest = &inner[end + 1..];
            }
            None => {
                out.push('<');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A whole number of a property within what our field takes.
pub(super) fn whole(
    state: &State,
    key: &str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
    notes: &mut Notes,
) -> u32 {
    let text = state.text(key);
    if text.trim().is_empty() {
        return default;
    }
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let taken = match number {
        // Saturates, which the range then cuts.
        Some(number) => (number.round() as u32).clamp(*range.start(), *range.end()),
        None => default,
    };
    if number.is_none_or(|number| number.round() != f64::from(taken)) {
        notes.attention(format!("{} is {}; {taken} was taken.", quoted(key), quoted(&text)));
    }
    taken
}

/// Gathers that are menus, with the splits that tell their keys apart: each rule is for single keys of that very
/// gather, and nothing but the gather leads to the split.
pub(super) fn menus(import: &Import) -> HashMap<usize, usize> {
    let states = &import.source.states;
    let mut led_from: Vec<Option<usize>> = vec![None; states.len()];
    let mut shared = vec![false; states.len()];
    for (from, state) in states.iter().enumerate() {
        for to in state.transitions.iter().filter_map(|way| way.next) {
            if let (Some(known), Some(shared)) = (led_from.get_mut(to), shared.get_mut(to)) {
                *shared |= known.is_some_and(|known| known != from);
                *known = Some(from);
            }
        }
    }
    let gathers = states.iter().enumerate().filter(|(_, state)| state.kind == "gather-input-on-call");
    gathers
        .filter_map(|(i, state)| {
            let split = state.next("keypress")?;
            let variable = format!("{{{{{}}}}}", digits(import.ids.get(i)?));
            let alone = shared.get(split) == Some(&false);
            (alone && import.splits.get(&split)?.tells_keys_apart(&variable)).then_some((i, split))
        })
        .collect()
}
