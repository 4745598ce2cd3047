//! The call record: what is kept of a call when it is over. flows.md 1.6.

use super::troubles::{Severity, TroubleKind};
use crate::clock::Wall;
use crate::flow::Outcome;
use crate::media::{DigitSource, Statistics};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Keys kept in a record; a caller who types more than this is testing us.
pub const KEYS_MAX: usize = 500;
/// Failed transfers kept in a record: whoever asks more often is a program that does not stop.
pub const FAILED_TRANSFERS_MAX: usize = 20;
/// Legs of which it is kept what came of them: the flow keeps no more of them.
pub const ENDS_MAX: usize = 1_000;

/// Why a call ended, as a word for programs; [`CallRecord::reason`] says it in a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// BYE from the caller, or CANCEL before the answer.
    CallerHungUp,
    /// BYE from the agent the caller talked to.
    AgentHungUp,
    /// The flow came to its end.
    FlowEnded,
    /// Nothing was heard of the caller's media for the limit.
    CallerVanished,
    /// Nothing was heard of the agent's media for the limit.
    AgentVanished,
    /// The caller never acknowledged our answer (64 T1, RFC 3261 section 13.3.1.4).
    NotAcknowledged,
    /// The call was refused before its flow began.
    Rejected,
    /// The caller's answer in its ACK could not be used.
    BadAnswer,
    /// Somebody hung it up in the console or over the API.
    OperatorHungUp,
    /// Its parties went on in another call: somebody joined the two.
    Transferred,
    /// The server was stopped.
    ServerStopped,
    /// Something in the server failed.
    InternalError,
}

/// A key that a party pressed.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// `•` where the step marks its input as sensitive.
    pub digit: char,
    pub source: DigitSource,
    pub ms_from_start: u64,
}

/// One leg's media.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegRecord {
    /// `caller`, or the agent's id, number or URI.
    pub party: String,
    pub codec: &'static str,
    #[serde(flatten)]
    pub statistics: Statistics,
}

/// Something that was wrong with the call while it ran.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TroubleRecord {
    #[serde(serialize_with = "rfc3339")]
    pub at: Wall,
    /// `caller`, or the agent's id, number or URI.
    pub party: String,
    pub kind: TroubleKind,
    pub severity: Severity,
    /// What was seen and why, in a sentence.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
}

/// A transfer that was asked for and came to nothing.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedTransfer {
    #[serde(serialize_with = "rfc3339")]
    pub at: Wall,
    /// Who asked for it: `caller`, or the agent's id, number or URI.
    pub party: String,
    /// Whom the caller was to talk with, where that was rung.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The SIP code that it was answered with.
    pub code: u16,
    /// Why, in words.
    pub reason: String,
}

/// One line of the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    pub call_id: String,
    pub call_key: String,
    /// The caller's Call-ID, to find the call at the peer.
    pub sip_call_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    pub source: String,
    /// The Smart Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    pub from: String,
    /// The caller's number as the trunk sent it, where it was read as another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_raw: Option<String>,
    /// Who was called before, and sent the call here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverted_from: Option<String>,
    pub to: String,
    /// The number that was dialled as the trunk sent it, where it was read as another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_raw: Option<String>,
    #[serde(serialize_with = "rfc3339")]
    pub start: Wall,
    #[serde(serialize_with = "rfc3339_if", skip_serializing_if = "Option::is_none")]
    pub answer: Option<Wall>,
    #[serde(serialize_with = "rfc3339")]
    pub end: Wall,
    /// Seconds from start to end, and from answer to end.
    pub duration_sec: f64,
    pub billed_sec: f64,
    /// The SIP code of a call that was not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip_code: Option<u16>,
    pub end_reason: EndReason,
    /// The same in a plain sentence.
    pub reason: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    pub keys: Vec<Key>,
    pub legs: Vec<LegRecord>,
    /// What was wrong with its audio, each kind of each leg once, when it was first seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<TroubleRecord>,
    /// A transfer that went well is an offer with the result `transferred`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_transfers: Vec<FailedTransfer>,
}

pub(super) fn rfc3339<S: Serializer>(wall: &Wall, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(wall)
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn rfc3339_if<S: Serializer>(wall: &Option<Wall>, serializer: S) -> Result<S::Ok, S::Error> {
    match wall {
        Some(wall) => serializer.collect_str(wall),
        None => serializer.serialize_none(),
    }
}

impl EndReason {
    /// For whoever reads the record and knows no SIP.
    pub fn sentence(self, agent: Option<&str>) -> String {
        let agent = agent.map_or_else(|| "the called party".to_owned(), |id| format!("the agent \"{id}\""));
        match self {
            EndReason::CallerHungUp => "the caller hung up".to_owned(),
            EndReason::AgentHungUp => format!("{agent} hung up"),
            EndReason::FlowEnded => "the call flow came to its end".to_owned(),
            EndReason::CallerVanished => {
                "nothing was heard from the caller's phone for the inactivity limit".to_owned()
            }
            EndReason::AgentVanished => {
                format!("nothing was heard from the phone of {agent} for the inactivity limit")
            }
            EndReason::NotAcknowledged => {
                "the caller's side never acknowledged our answer: it may not have reached it (NAT, firewall)"
                    .to_owned()
            }
            EndReason::Rejected => "the call was refused".to_owned(),
            EndReason::BadAnswer => {
                "the caller's side answered our offer with media that cannot be used".to_owned()
            }
            EndReason::OperatorHungUp => "it was hung up in the console or over the API".to_owned(),
            EndReason::Transferred => {
                "its parties went on in another call, which it was joined with".to_owned()
            }
            EndReason::ServerStopped => "the server was stopped".to_owned(),
            EndReason::InternalError => "something in the server failed; the log says what".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::flow::OutcomeKind;

    #[test]
    fn the_log_has_the_words_of_records() {
        for outcome in [
            OutcomeKind::Answered,
            OutcomeKind::VoicemailLeft,
            OutcomeKind::AbandonedInFlow,
            OutcomeKind::AbandonedInQueue,
            OutcomeKind::AbandonedRinging,
            OutcomeKind::ShortAbandon,
            OutcomeKind::DisconnectedByFlow,
            OutcomeKind::CallbackRequested,
            OutcomeKind::LoopGuard,
            OutcomeKind::Error,
        ] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
    }
}
