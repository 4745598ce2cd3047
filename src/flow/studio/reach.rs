//! Widgets that reach others: Connect Call To, Send Message, Run Subflow; Set Variables; and what stands in for those
//! that need mailboxes or queues.

use super::plan::Import;
use super::report::Notes;
use super::say::whole;
use super::source::State;
use crate::flow::finding::quoted;
use crate::flow::step::dial_target::is_number;
use crate::flow::variables::VALUE_BYTES_MAX;
use serde_json::{Map, Value, json};

/// Studio rings ten numbers at most.
const NUMBERS_MAX: usize = 10;
/// Assignments of one step, and parameters of a flow.
const VARIABLES_MAX: usize = 20;
/// Longest value of a variable in characters, so that it has no more bytes than it may.
const VALUE_CHARS_MAX: usize = VALUE_BYTES_MAX / 4;
/// Longest target in characters.
const TARGET_CHARS_MAX: usize = 60;

pub(super) fn dial(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let targets = targets(import, state, notes);
    let next = import.target(state.next("callCompleted"));
    let mut shared = Map::new();
    shared.insert("ringSec".to_owned(), whole(state, "timeout", 30, 5..=120, notes).into());
    if let Some(identity) = identity(import, state, notes) {
        shared.insert("callerId".to_owned(), identity.into());
    }
    if next.is_some() {
        shared.insert("afterAnswered".to_owned(), "continue".into());
    }
    if state.is_true("record") {
        notes.attention("The conversation is not recorded.");
    }
    if state.next("hangup").is_some() {
        notes.remark("What it did after the caller had hung up is left out.");
    }
    let mut ids = vec![import.ids.get(i).cloned().unwrap_or_default()];
    while ids.len() < targets.len() {
        ids.push(import.further_id(i));
    }
    for (place, target) in targets.into_iter().enumerate() {
        let mut config = Map::new();
        config.insert("target".to_owned(), target);
        config.extend(shared.clone());
        let unanswered = ids.get(place + 1).cloned().or_else(|| next.clone());
        let on = vec![("after_call".to_owned(), next.clone()), ("no_response".to_owned(), unanswered)];
        let id = ids.get(place).cloned().unwrap_or_default();
        import.add_step(i, id, "dial", config.into(), on);
    }
}

fn targets(import: &mut Import, state: &State, notes: &mut Notes) -> Vec<Value> {
    let to = state.text("to");
    match state.text("noun").as_str() {
        "sip" => {
            if state.get("sip_username").is_some() || state.get("sip_password").is_some() {
                notes.attention("Its SIP user name and password were left out; they belong to a trunk.");
            }
            let uri = import.text(state.text("sip_endpoint").trim(), 250, notes);
            let is_uri =
                ["sip:", "sips:", "{{"].iter().any(|start| uri.to_ascii_lowercase().starts_with(start))
                    && !uri.split("{{").next().unwrap_or_default().contains([' ', '<', '>', '"']);
            if is_uri && uri.len() > "sips:".len() {
                return vec![json!({"kind": "sip", "value": uri})];
            }
            notes.attention(format!("{} is no SIP URI; write one.", quoted(&uri)));
            vec![json!({"kind": "sip", "value": "sip:nobody@host.invalid"})]
        }
        "client" => {
            let client = import.text(to.trim(), TARGET_CHARS_MAX, notes);
            let agent = client.strip_prefix("client:").unwrap_or(&client);
            let agent = if agent.trim().is_empty() { "nobody" } else { agent };
            notes.attention(format!("Make an agent {} for that client.", quoted(agent)));
            vec![json!({"kind": "user", "value": agent})]
        }
        "number-multi" => {
            let numbers: Vec<&str> = to.split(',').map(str::trim).filter(|to| !to.is_empty()).collect();
            if numbers.len() > 1 {
                notes.attention("Its numbers are rung one after the other, not all at once.");
            }
            if numbers.len() > NUMBERS_MAX {
                notes.attention(format!("Only the first {NUMBERS_MAX} of its numbers were taken."));
            }
            let mut targets: Vec<Value> =
                numbers.into_iter().take(NUMBERS_MAX).map(|to| number(import, to, notes)).collect();
            if targets.is_empty() {
                targets.push(number(import, "", notes));
            }
            targets
        }
        _ => vec![number(import, to.trim(), notes)],
    }
}

fn number(import: &mut Import, to: &str, notes: &mut Notes) -> Value {
    let number = import.text(to, TARGET_CHARS_MAX, notes);
    let plain: String = number.chars().filter(|c| !c.is_whitespace() && !"()-./".contains(*c)).collect();
    if number.contains("{{") || is_number(&plain) {
        return json!({"kind": "number", "value": number});
    }
    notes.attention(format!("{} is no telephone number; write one.", quoted(to)));
    // A number for fiction, which leads to nobody.
    json!({"kind": "number", "value": "+15005550100"})
}

/// Whose number is shown; the step's own default where it is none that can be.
fn identity(import: &mut Import, state: &State, notes: &mut Notes) -> Option<String> {
    let shown = import.text(state.text("caller_id").trim(), TARGET_CHARS_MAX, notes);
    match shown.as_str() {
        "" => None,
        "{{call.from}}" => Some("caller".to_owned()),
        "{{call.to}}" => Some("dialled".to_owned()),
        number if is_number(number) => Some(format!("fixed:{number}")),
        other => {
            notes.attention(format!("It shows {} as caller; choose a number.", quoted(other)));
            None
        }
    }
}

pub(super) fn set(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let pairs = state.pairs("variables");
    let mut assignments = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let name = import.liquid.variable(&key);
        if name != key {
            notes.remark(format!("{} is called `{name}`.", quoted(&key)));
        }
        let value = import.text(&value, VALUE_CHARS_MAX, notes);
        assignments.push(json!({"name": name, "value": value}));
    }
    let next = import.target(state.next("next"));
    let chunks: Vec<Vec<Value>> = assignments.chunks(VARIABLES_MAX).map(<[Value]>::to_vec).collect();
    let mut ids = vec![import.ids.get(i).cloned().unwrap_or_default()];
    while ids.len() < chunks.len() {
        ids.push(import.further_id(i));
    }
    for (place, variables) in chunks.into_iter().enumerate() {
        let to = ids.get(place + 1).cloned().or_else(|| next.clone());
        let id = ids.get(place).cloned().unwrap_or_default();
        import.add_step(i, id, "set", json!({"variables": variables}), vec![("next".to_owned(), to)]);
    }
}

pub(super) fn message(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let mut config = Map::new();
    for (key, usual) in [("to", "{{call.from}}"), ("from", "{{call.to}}")] {
        let number = import.text(state.text(key).trim(), 100, notes);
        if number.contains(':') {
            notes.attention(format!(
                "{} is no telephone number; messages are text messages.",
                quoted(&number)
            ));
        }
        if !number.is_empty() && number != usual {
            config.insert(key.to_owned(), number.into());
        }
    }
    let body = import.text(state.text("body").trim(), 1_000, notes);
    let body = if body.trim().is_empty() {
        notes.attention("It has no text; write one.");
        "…".to_owned()
    } else {
        body
    };
    config.insert("body".to_owned(), body.into());
    config.insert("oncePerCall".to_owned(), false.into());
    if !state.text("media_url").trim().is_empty() {
        notes.attention("Its picture or file is not sent.");
    }
    let (sent, failed) = (import.target(state.next("sent")), import.target(state.next("failed")));
    if failed.is_some() {
        config.insert("waitForResult".to_owned(), true.into());
    }
    let id = import.ids.get(i).cloned().unwrap_or_default();
    let on = vec![("next".to_owned(), sent), ("error".to_owned(), failed)];
    import.add_step(i, id, "sms", config.into(), on);
}

pub(super) fn subflow(import: &mut Import, i: usize, state: &State, notes: &mut Notes) {
    let sid = super::source::one_line(&state.text("flow_sid"), 100);
    let flow = if sid.is_empty() { "unknown".to_owned() } else { sid };
    notes.attention(format!("Import that flow as well, and write its id in place of {}.", quoted(&flow)));
    let revision = state.text("flow_revision");
    if !revision.is_empty() && revision != "LatestPublished" {
        notes.attention(format!("It runs the live version in place of {}.", quoted(&revision)));
    }
    let mut params = Map::new();
    for (key, value) in state.pairs("parameters") {
        let name = import.liquid.variable(&key);
        if params.len() >= VARIABLES_MAX && !params.contains_key(&name) {
            notes.attention(format!("Only the first {VARIABLES_MAX} of its parameters were taken."));
            break;
        }
        let value = import.text(&value, VALUE_CHARS_MAX, notes);
        params.insert(name, value.into());
    }
    let (completed, failed) = (import.target(state.next("completed")), import.target(state.next("failed")));
    let id = import.ids.get(i).cloned().unwrap_or_default();
    let config = json!({"flowId": flow, "params": params});
    let on = vec![("return".to_owned(), completed), ("error".to_owned(), failed)];
    import.add_step(i, id, "subflow", config, on);
}

/// Says that it cannot be done, and hangs up.
pub(super) fn stand_in(import: &mut Import, i: usize, state: &State) {
    let text = if state.kind == "record-voicemail" {
        "We cannot take a message at the moment. Please call again later."
    } else {
        "Nobody can take your call at the moment. Please call again later."
    };
    let id = import.ids.get(i).cloned().unwrap_or_default();
    let config = json!({"audio": {"kind": "tts", "text": text}});
    import.add_step(i, id, "hangup", config, Vec::new());
}
