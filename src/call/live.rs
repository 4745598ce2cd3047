//! Calls as they run, for whoever watches them: what happens, as it happens, and a list of those in progress.
//!
//! Nothing here decides anything: a call goes the same way whether it is watched or not. Keys that a flow takes in
//! secret are masked before they get here.

use super::dialled::Stage;
use super::record::EndReason;
use super::switchboard::Switchboard;
use super::troubles::Severity;
use crate::clock::{Instant, Wall};
use crate::flow::{DialId, FlowName, LookupError, OutcomeKind, Person, Reply};
use crate::ids::CallId;
use crate::media::DigitSource;
use serde::Serialize;
use std::collections::HashSet;

/// Calls kept as changed for whoever asks next. Above it nobody has asked for long, and gets the whole list.
const CHANGED_MAX: usize = 16_384;

/// Something that happened to a call.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    /// The call's id, as in its record.
    pub call_id: String,
    #[serde(serialize_with = "super::record::rfc3339")]
    pub at: Wall,
    #[serde(flatten)]
    pub what: What,
}

/// What it was.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "event")]
pub enum What {
    Started {
        number: String,
        from: String,
        to: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        flow_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    },
    /// The caller was answered.
    Answered,
    StepEntered {
        /// Where it is not a step of the flow that the call began with.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        flow: Option<FlowName>,
        step: String,
        name: String,
        kind: &'static str,
    },
    /// What another system said to a step that asked it.
    Replied {
        step: String,
        /// `http`, `sms`, `callout` or `query`.
        asked: &'static str,
        /// In a few words: `200`, `3 records`, or why there is no reply.
        result: String,
        ms: u64,
    },
    /// The CRM knows the caller's number: what an agent's screen shows of the caller.
    Contact(Person),
    StepLeft {
        step: String,
        port: String,
        /// Variables that it set, cut; what a flow keeps in secret is masked.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        vars: Vec<LiveVariable>,
    },
    /// A key of the caller, and what detected it. `•` where the flow takes it in secret.
    Key {
        step: String,
        digit: char,
        source: DigitSource,
    },
    StepFailed {
        step: String,
        code: String,
        message: String,
    },
    Leg {
        /// Numbered within the call, from 1.
        leg: u32,
        /// The agent's id, the number or the URI.
        party: String,
        state: LegState,
    },
    Ended {
        reason: EndReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<OutcomeKind>,
    },
}

impl What {
    /// Whether the call looks different in a list after it.
    pub(super) fn changes_row(&self) -> bool {
        match self {
            What::Started { .. }
            | What::Answered
            | What::StepEntered { .. }
            | What::Contact(_)
            | What::Leg { .. } => true,
            What::Replied { .. }
            | What::StepLeft { .. }
            | What::Key { .. }
            | What::StepFailed { .. }
            | What::Ended { .. } => false,
        }
    }
}

/// Of an event: a step that keeps a large reply sets one or two.
const VARIABLES_MAX: usize = 20;
/// Of a value: what fits in a line or two.
const VALUE_CHARS_MAX: usize = 200;
/// Of all values of an event together: thousands of events are kept, and hundreds go to whoever listens at once.
const VALUES_BYTES_MAX: usize = 2_048;
/// Of the name of an error and its words.
const RESULT_CHARS_MAX: usize = 200;

/// A variable as an event tells it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LiveVariable {
    pub name: String,
    pub value: String,
}

/// The variables that a step set, cut to what an event tells.
pub(super) fn variables(vars: Vec<(String, String)>) -> Vec<LiveVariable> {
    let mut left = VALUES_BYTES_MAX;
    let told = |(name, value): (String, String)| {
        let mut value = cut(&value, VALUE_CHARS_MAX);
        if value.len() > left {
            let end = (0..=left).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
            value.truncate(end);
            value.push('…');
        }
        left = left.saturating_sub(value.len());
        LiveVariable { name, value }
    };
    vars.into_iter().take(VARIABLES_MAX).map(told).collect()
}

/// A reply in a few words, without what is in it.
pub(super) fn result_words(result: &Result<Reply, LookupError>) -> String {
    match result {
        Ok(Reply::Http { status, .. }) => status.to_string(),
        Ok(Reply::Sms) => "sent".to_owned(),
        Ok(Reply::Callout(fields)) => format!("{} fields", fields.len()),
        Ok(Reply::Query(records)) => format!("{} records", records.len()),
        Ok(Reply::Match(Some(person))) => person.kind.clone(),
        Ok(Reply::Match(None)) => "nobody".to_owned(),
        Err(error) => cut(&format!("{}: {}", error.code, error.message), RESULT_CHARS_MAX),
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How far a dialled leg has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    Dialled,
    Ringing,
    Answered,
    /// It hears the caller.
    Connected,
    Ended,
}

/// A call in progress.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveCall {
    pub id: CallId,
    pub number: String,
    pub from: String,
    pub to: String,
    pub flow_id: Option<String>,
    pub version: Option<u32>,
    pub started: Wall,
    pub answered: bool,
    /// Id and name of the step it is in, and since when.
    pub step: Option<(String, String, Wall)>,
    /// Legs that were dialled and are not over.
    pub legs: Vec<(u32, String, LegState)>,
    /// The worst that is wrong with it, in a few words.
    pub trouble: Option<(Severity, String)>,
}

/// What is different in the list of calls since somebody asked last.
#[derive(Clone, PartialEq, Debug)]
pub struct Changes {
    /// Nobody had asked before, or not for long: `calls` are all that there are.
    pub is_whole: bool,
    /// As they are now, the oldest first.
    pub calls: Vec<LiveCall>,
    pub ended: Vec<CallId>,
}

/// Calls that changed since somebody asked.
#[derive(Default)]
pub(super) struct Changed {
    calls: HashSet<CallId>,
    ended: Vec<CallId>,
}

impl Switchboard {
    /// What changed in the list of calls since this was asked last. From the first time on it is kept, until
    /// [`Switchboard::forget_changes`].
    pub fn changes(&mut self, now: Instant) -> Changes {
        let Some(changed) = self.changed.replace(Changed::default()) else {
            return Changes { is_whole: true, calls: self.live_calls(now), ended: Vec::new() };
        };
        let calls = changed.calls.iter().filter_map(|id| self.calls.get(id));
        let mut calls: Vec<_> = calls.map(|call| call.live(now)).collect();
        calls.sort_unstable_by_key(|call| call.id);
        Changes { is_whole: false, calls, ended: changed.ended }
    }

    /// Nobody looks at the list any more.
    pub fn forget_changes(&mut self) {
        self.changed = None;
    }

    pub(super) fn note_change(&mut self, id: CallId) {
        self.note(|changed| _ = changed.calls.insert(id));
    }

    pub(super) fn note_end(&mut self, id: CallId) {
        self.note(|changed| {
            changed.calls.remove(&id);
            changed.ended.push(id);
        });
    }

    fn note(&mut self, note: impl FnOnce(&mut Changed)) {
        if let Some(changed) = &mut self.changed {
            note(changed);
            if changed.calls.len() + changed.ended.len() > CHANGED_MAX {
                self.changed = None;
            }
        }
    }

    /// All calls in progress, the oldest first. It costs some microseconds a call: for people, now and then.
    pub fn live_calls(&self, now: Instant) -> Vec<LiveCall> {
        let mut calls: Vec<_> = self.calls.values().map(|call| call.live(now)).collect();
        calls.sort_unstable_by_key(|call| call.id);
        calls
    }

    pub fn has_call(&self, id: CallId) -> bool {
        self.calls.contains_key(&id)
    }
}

/// The state of a leg, from where its dialog stands.
pub(super) fn leg_state(stage: Stage, is_connected: bool) -> LegState {
    match stage {
        Stage::Ringing => LegState::Dialled,
        Stage::Answered(_) if is_connected => LegState::Connected,
        Stage::Answered(_) => LegState::Answered,
        Stage::Over => LegState::Ended,
    }
}

/// A leg's number within its call: 0 is the caller's.
pub(super) fn leg_number(dial: DialId) -> u32 {
    dial.0.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_tells_of_a_reply_is_cut_and_has_nothing_of_what_is_in_it() {
        let reply =
            |status, body: &str| Ok(Reply::Http { status, body: body.to_owned(), json: "secret".into() });
        let error = LookupError { code: "timeout", message: "x".repeat(300) };
        for (result, words) in [
            (reply(200, "secret"), "200".to_owned()),
            (Ok(Reply::Sms), "sent".to_owned()),
            (Ok(Reply::Query(vec![Default::default(); 3])), "3 records".to_owned()),
            (Err(error), format!("timeout: {}…", "x".repeat(191))),
        ] {
            assert_eq!(result_words(&result), words);
        }
        let vars = (0..30).map(|n| (n.to_string(), "ü".repeat(500))).collect();
        let told = variables(vars);
        assert_eq!(told.len(), VARIABLES_MAX);
        assert_eq!(told[0].value.chars().count(), VALUE_CHARS_MAX + 1);
        let bytes: usize = told.iter().map(|told| told.value.len()).sum();
        assert!(bytes <= VALUES_BYTES_MAX + 20 * "…".len(), "{bytes} bytes");
    }
}
