//! Call flows: the document, its validation, and the one interpreter that live calls, the simulator and tests run.
//!
//! It does not know SIP. It sees keys, ends of playback, legs that ring, answer or fail, and hang-ups
//! ([`Event`]); it asks for audio, legs and an end ([`Action`]).

mod audio;
mod caller_list;
mod context;
mod diff;
mod fields;
mod finding;
mod graph;
mod interpreter;
mod json;
mod library;
mod lookup;
mod pattern;
mod port;
mod reading;
pub mod reply_json;
pub mod schedule;
pub mod schema;
mod share;
pub mod simulate;
mod step;
pub mod studio;
mod subflows;
mod template;
pub mod trial;
mod validate;
mod variables;
pub mod web_address;

pub use caller_list::{CallerList, EntryError, SEPARATORS};
pub use context::KEYS_MAX;
pub use diff::diff;
pub use fields::is_document_key;
pub use finding::{Code, Finding, Severity};
pub use graph::{DOCUMENT_BYTES_MAX, Flow, Resources, STEPS_MAX};
pub use interpreter::Interpreter;
pub use json::{pointer_of, push_segment};
pub use library::{Canary, FlowVersion, Library, LiveFlow, crm_user_key, is_crm_user};
pub use lookup::{
    Callout, HTTP_BYTES_MAX, HeaderValue, HttpRequest, LookupError, LookupId, Match, Method, Person, Query,
    Question, Reply, TextMessage,
};
pub use reading::Speech;
pub use step::dial_target::is_number;
pub use subflows::{Run, cycle};
pub use template::{Template, TemplateError, soql_escaped, url_escaped};
pub use variables::{VALUE_BYTES_MAX, VARIABLES_MAX, Variables};

use crate::ids::PlaybackId;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A leg that a dial step asked for, numbered within its call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialId(pub u32);

/// Who hears or presses something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Party {
    Caller,
    Dialled(DialId),
}

/// What happened to the call.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A key, once. `0-9 * # A-D`.
    Digit {
        party: Party,
        digit: char,
        source: &'static str,
    },
    /// The first sample of a playback went out (speech may have to be rendered first).
    PlaybackStarted {
        playback: PlaybackId,
    },
    /// It came to its end by itself.
    PlaybackEnded {
        playback: PlaybackId,
    },
    /// It cannot be played: a missing file, speech that failed.
    PlaybackFailed {
        playback: PlaybackId,
        message: String,
    },
    Ringing {
        dial: DialId,
    },
    Answered {
        dial: DialId,
    },
    /// The leg did not come to an answer, or it ended before it was connected.
    DialFailed {
        dial: DialId,
        cause: DialFailure,
        sip_code: Option<u16>,
    },
    /// A connected leg hung up, or its media died.
    DialledHungUp {
        dial: DialId,
    },
    /// The caller talks to another party than before: who talked to it has handed the call on.
    Transferred {
        from: DialId,
        to: DialId,
        /// As dialled: an agent's id, a number, an address.
        name: String,
        /// The id of the agent that it is, where it is one.
        agent: Option<String>,
    },
    /// The caller's side has brought the caller there: see [`Action::HandOver`].
    HandedOver {
        dial: DialId,
    },
    /// It has not, and the caller is still here.
    HandOverFailed {
        dial: DialId,
        cause: DialFailure,
        sip_code: Option<u16>,
    },
    /// Who talked to the caller has sent it into another flow.
    SentInto {
        flow: FlowVersion,
    },
    /// The reply to an [`Action::Ask`].
    Replied {
        lookup: LookupId,
        result: Result<Reply, LookupError>,
    },
    CallerHungUp,
    /// The media of the caller died; ends the call like a hang-up, with another end reason.
    CallerVanished,
    /// Somebody on our side ended the call: nobody gave up.
    EndedHere,
    /// Any timer of `Interpreter::next_timeout` is due.
    Timeout,
}

/// Why a leg did not answer. flows.md 1.3, dial.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialFailure {
    /// 486, 600.
    Busy,
    /// 603.
    Rejected,
    /// 408, or nothing within the time (487 after our CANCEL).
    NoAnswer,
    /// 404, 410, 480, no such agent, agent without endpoint.
    Unavailable,
    /// 484, 488, 5xx and the rest.
    Failed,
}

impl DialFailure {
    /// The code that stands for it where no response came.
    pub fn sip_code(self) -> u16 {
        match self {
            DialFailure::Busy => 486,
            DialFailure::Rejected => 603,
            DialFailure::NoAnswer => 408,
            DialFailure::Unavailable => 480,
            DialFailure::Failed => 500,
        }
    }
}

/// What is to be heard. References are resolved by whoever plays.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Sound {
    /// A prompt file by its id.
    File {
        id: String,
    },
    /// Text to speak, variables filled in.
    Speech {
        text: String,
        language: String,
        voice: String,
    },
    /// Digits and letters read out one by one from the built-in prompts.
    Digits {
        digits: String,
        language: String,
    },
    /// One of the built-in prompts.
    BuiltIn {
        prompt: BuiltIn,
        language: String,
    },
    Silence {
        ms: u32,
    },
    /// Ringing tone, one period.
    RingbackTone,
    /// Music on hold, one pass.
    Music,
    Beep,
}

/// Prompts embedded in the binary.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltIn {
    Goodbye,
    /// "You entered".
    YouEntered,
    /// "If this is correct, press 1; to enter it again, press 2".
    ConfirmOptions,
    /// "To accept this call, press any key".
    PressAnyToAccept,
    /// "To accept this call, press 1".
    PressOneToAccept,
}

/// Whom to ring.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum DialTarget {
    /// An agent by id; its endpoint is known to whoever dials.
    User(String),
    /// A telephone number, dialled over a trunk.
    Number(String),
    /// A SIP URI, dialled as written.
    Sip(String),
}

/// What the called party is shown as caller.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum CallerIdentity {
    Caller,
    Dialled,
    Fixed(String),
}

/// Why a leg that was asked for is not wanted any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Another leg won: Reason `SIP;cause=200;text="Call completed elsewhere"` (RFC 3326).
    AnsweredElsewhere,
    /// It rang for its whole time.
    RangOut,
    CallerGone,
    /// The step went on for another reason.
    StepEnded,
}

/// What the interpreter wants done, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Answer the caller (200 OK). Comes before the first [`Action::Play`] to the caller, and before
    /// [`Action::Connect`] where the caller was not answered yet; never twice.
    Answer,
    /// Tell an unanswered caller that it rings (180).
    Ringing,
    /// Play to a party; replaces what plays there.
    Play { party: Party, playback: PlaybackId, sounds: Vec<Sound>, forever: bool },
    /// Stop a playback; no event follows.
    Stop { party: Party, playback: PlaybackId },
    /// Whether the interpreter waits for keys of this party; in-band detection follows it.
    Listen { party: Party, keys: bool },
    /// Ring a leg.
    /// `ring_busy`: ring an agent who is in a conversation as well; otherwise such an agent is not rung and the
    /// leg fails as [`DialFailure::Busy`].
    Dial { dial: DialId, target: DialTarget, identity: CallerIdentity, ring_busy: bool },
    /// Give a leg up that has not answered.
    Cancel { dial: DialId, reason: CancelReason },
    /// Hang up a leg that has answered.
    HangUpDialled { dial: DialId },
    /// Join the caller and an answered leg.
    Connect { dial: DialId },
    /// Ask the caller's side by REFER to bring the caller to that target itself, or, where none is named, to the leg that has
    /// answered. Ends in [`Event::HandedOver`] or [`Event::HandOverFailed`].
    HandOver { dial: DialId, target: Option<DialTarget> },
    /// Ask another system; the answer comes as [`Event::Replied`]. Nothing is done with that of a question which
    /// nobody waits for any more.
    Ask { lookup: LookupId, step: String, question: Box<Question> },
    /// Nobody waits for this answer any more: whoever asks may stop.
    Forget { lookup: LookupId },
    /// End the caller's leg: BYE where it was answered, else the SIP code.
    HangUp { sip_code: u16, q850: Option<u8> },
    /// For logs, analytics and the simulator.
    Log(LogEvent),
    /// The last action of a call.
    Finished(Box<Outcome>),
}

/// flows.md 1.2 rule 7.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum LogEvent {
    StepEnter {
        /// Where it is not a step of the flow that the call began with.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        flow: Option<FlowName>,
        step: String,
        name: String,
        kind: &'static str,
    },
    StepLeave {
        step: String,
        port: String,
        ms: u64,
        vars: Vec<(String, String)>,
    },
    /// Keys are masked when `sensitive`.
    Key {
        step: String,
        digit: char,
        source: &'static str,
        sensitive: bool,
    },
    StepError {
        step: String,
        code: String,
        message: String,
    },
    /// A tag step wrote into the record.
    Tag {
        step: String,
        key: String,
        value: String,
    },
    /// The CRM knows the caller's number.
    Contact(Person),
    /// Speech that did not start within 3 s; counted as silence.
    TtsLate {
        step: String,
    },
    /// An unconnected port, or [`LOOP_GUARD`], and where it fell to: a step, or `end`.
    Fallback {
        step: String,
        port: String,
        to: String,
    },
}

/// How a call through a flow ended. flows.md 1.6.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Answered,
    VoicemailLeft,
    AbandonedInFlow,
    AbandonedInQueue,
    AbandonedRinging,
    ShortAbandon,
    DisconnectedByFlow,
    CallbackRequested,
    LoopGuard,
    Error,
}

impl OutcomeKind {
    /// As records and the API have it.
    pub fn word(self) -> &'static str {
        match self {
            OutcomeKind::Answered => "answered",
            OutcomeKind::VoicemailLeft => "voicemail_left",
            OutcomeKind::AbandonedInFlow => "abandoned_in_flow",
            OutcomeKind::AbandonedInQueue => "abandoned_in_queue",
            OutcomeKind::AbandonedRinging => "abandoned_ringing",
            OutcomeKind::ShortAbandon => "short_abandon",
            OutcomeKind::DisconnectedByFlow => "disconnected_by_flow",
            OutcomeKind::CallbackRequested => "callback_requested",
            OutcomeKind::LoopGuard => "loop_guard",
            OutcomeKind::Error => "error",
        }
    }
}

/// The flow's part of the call record.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub outcome: OutcomeKind,
    /// What a `hangup` step called it, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_text: Option<String>,
    pub final_step: Option<FinalStep>,
    pub path: Vec<Visit>,
    pub offers: Vec<Offer>,
    pub agent_id: Option<String>,
    pub talk_sec: u64,
    pub ended_by: EndedBy,
    /// Variables that are not sensitive, in order of their names.
    pub vars: Vec<(String, String)>,
    /// What tag steps wrote, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whom the CRM knows under the caller's number, where the flow asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Person>,
    /// For a caller who talked to somebody: what the dial step says of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_task: Option<TaskText>,
    /// For a caller who gave up before an agent came, unless it was a short abandon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandoned_task: Option<AbandonedTask>,
}

#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalStep {
    /// Where it is not a step of the flow that the call began with.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowName>,
    pub id: String,
    pub name: String,
    pub seconds_in: u64,
}

#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// Where it is not a step of the flow that the call began with.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowName>,
    pub step: String,
    /// The port it was left by; absent where the call ended in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// RFC 3339.
    pub entered_at: String,
}

/// A version of a flow, by its names.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowName {
    #[serde(rename = "flow")]
    pub id: String,
    pub version: u32,
}

/// What a task says.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskText {
    /// At most 255 characters; empty where the flow says nothing.
    #[serde(default)]
    pub subject: String,
    /// At most 32,000 characters.
    #[serde(default)]
    pub comments: String,
}

/// Longest subject of a task, in characters: Salesforce's. flows.md 2.9.
pub const SUBJECT_CHARS_MAX: usize = 255;
/// Longest comments of a task, in characters. flows.md 2.9.
pub const COMMENTS_CHARS_MAX: usize = 32_000;
/// What stands for a step where the CRM is asked who calls, in [`Action::Ask`] and in the replies of a simulation. No step can
/// have this id.
pub const CONTACT_STEP: &str = "call.contact";

/// The task that is to be made for a caller whom nobody spoke to. flows.md 2.2.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AbandonedTask {
    /// At most 255 characters.
    pub subject: String,
    /// At most 32,000 characters.
    pub comments: String,
    /// A user; the one whose connection it is where absent.
    pub assign_to: Option<String>,
}

/// One leg that was rung.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Which leg that was.
    #[serde(skip)]
    pub dial: DialId,
    /// The agent's id, number or URI as dialled.
    pub agent: String,
    pub ring_sec: u64,
    pub result: String,
    /// The trunk that it went over, of several the last. This and the reason are known to the call, not to its flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// Why it came to nothing, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Offer {
    pub fn new(dial: DialId, agent: &str, ring_sec: u64, result: &str) -> Self {
        let (agent, result) = (agent.to_owned(), result.to_owned());
        Offer { dial, agent, ring_sec, result, trunk: None, reason: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    Caller,
    Agent,
    Flow,
    /// Media that stopped, a drain, a limit.
    System,
}

/// What is known of a call when its flow starts. Read as `call.*` by templates.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CallFacts {
    pub call_id: String,
    pub call_key: String,
    /// The caller as E.164 where it could be read so, else as it came; empty where withheld.
    pub from: String,
    pub from_name: String,
    /// The Smart Number that was dialled.
    pub to: String,
    pub number_label: String,
    pub from_area_code: String,
    pub from_country_code: String,
    /// Who was called before and sent the call here, where the trunk is believed about that; else empty.
    pub diverted_from: String,
    /// Already answered when the flow starts (never so for a call from a trunk).
    pub answered: bool,
}

impl fmt::Display for DialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.0)
    }
}

/// How long a flow may wait for speech before it counts as silence. flows.md 1.4 rule 7.
pub const SPEECH_START_LIMIT: Duration = Duration::from_secs(3);

/// What stands for a port in [`LogEvent::Fallback`] where more steps than `maxStepsBetweenInput` went by.
pub const LOOP_GUARD: &str = "loop_guard";

#[cfg(test)]
mod tests;
