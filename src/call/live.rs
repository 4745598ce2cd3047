//! Calls as they run, for whoever watches them: what happens, as it happens, and a list of those in progress.
//!
//! Nothing here decides anything: a call goes the same way whether it is watched or not. Keys that a flow takes in
//! secret are masked before they get here.

use super::b2bua::Call;
use super::dialled::Stage;
use super::record::EndReason;
use super::switchboard::Switchboard;
use crate::clock::Wall;
use crate::flow::{DialId, FlowName, OutcomeKind};
use crate::ids::CallId;
use crate::media::DigitSource;
use serde::Serialize;

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
    StepLeft {
        step: String,
        port: String,
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
        /// Numbered within the call.
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
}

impl Switchboard {
    /// All calls in progress, the oldest first. It costs some microseconds a call: for people, now and then.
    pub fn live_calls(&self) -> Vec<LiveCall> {
        let mut calls: Vec<_> = self.calls.values().map(Call::live).collect();
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
        Stage::Resolving(_) | Stage::Inviting(_) => LegState::Dialled,
        Stage::Answered(_) if is_connected => LegState::Connected,
        Stage::Answered(_) => LegState::Answered,
        Stage::Over => LegState::Ended,
    }
}

/// A leg's number.
pub(super) fn leg_number(dial: DialId) -> u32 {
    dial.0
}
