//! Runs a flow without a telephone: a virtual clock, a caller who follows a script or is stepped through by hand, agents
//! with given outcomes.
//!
//! Only the world around the interpreter is modelled; the interpreter is the one that live calls run.

pub mod kept;
mod print;
pub mod stepped;
pub mod words;
mod world;

pub use print::plain;
pub use world::Setting;

use super::{
    BuiltIn, DialFailure, Event, FlowVersion, LogEvent, LookupError, Outcome, Party, Question, Reply, Sound,
};
use crate::clock::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use utoipa::ToSchema;
use world::{Silence, World};

/// From the moment a step takes input to the first key of a run.
const FIRST_KEY_AFTER: Duration = Duration::from_millis(300);
/// From key to key within a run.
const NEXT_KEY_AFTER: Duration = Duration::from_millis(200);
/// From dialling to 180.
const RINGS_AFTER: Duration = Duration::from_millis(200);
/// From dialling to an answer.
const ANSWERS_AFTER: Duration = Duration::from_secs(3);
/// From dialling to a refusal.
const REFUSES_AFTER: Duration = Duration::from_secs(1);
/// From a question to its reply.
const REPLIES_AFTER: Duration = Duration::from_millis(400);
/// Speech is never rendered; so long a character takes on average (some 150 words a minute).
const SPEECH_MS_PER_CHAR: u64 = 65;
/// What a prompt file is taken to last where nothing is known of it.
const FILE_LENGTH: Duration = Duration::from_secs(3);
/// Rungs of one ladder. A flow that makes more (hours of a caller walking in circles) is cut short by a hang-up.
const RUNGS_MAX: usize = 20_000;

/// A caller who follows a script, in a world where whoever is not named is obliging.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Who is not named in its dials answers; a question without a reply there fails.
    pub setting: Setting,
    /// What the caller does, in order; afterwards the caller waits.
    pub script: Vec<Press>,
    /// The caller hangs up then; never, where absent.
    pub hang_up_after: Option<Duration>,
}

/// One thing that the caller does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Press {
    /// A run of keys, typed when a step next takes input: at a question that no run was typed into yet, or,
    /// directly after a pause, at any that is open.
    Keys(String),
    /// Time that passes before the next run.
    Wait(Duration),
}

/// What becomes of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialOutcome {
    /// After 3 s; presses 1 if asked to, talks for 10 s, hangs up.
    Answered,
    /// Rings until it is given up.
    NoAnswer,
    Busy,
    Rejected,
    Unavailable,
    Failed,
}

/// What another system answers.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SimulatedReply {
    /// For http: `{"status": 200, "json": …}` or `{"status": 404, "body": "…"}`; for a callout its object; for a query
    /// its list of records; for who calls (`call.contact`) `{"id": …, "type": "Contact", "name": …, "ownerId": …}`, or null
    /// where nobody has that number; for sms anything.
    Value(Value),
    /// No reply, for this reason.
    Failure(String),
}

/// Why a script or an outcome could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("`{0}` is neither keys (0-9, *, #, A-D) nor a pause (wait:5)")]
    Press(String),
    #[error(
        "`{0}` is no outcome of a dial; known are answered, no_answer, busy, rejected, unavailable, failed"
    )]
    Outcome(String),
}

/// One thing that happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Rung {
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    Answer,
    Ringing,
    Play {
        party: String,
        sounds: Vec<Sound>,
        forever: bool,
        /// Absent where it goes on until it is stopped.
        #[serde(skip_serializing_if = "Option::is_none")]
        length_ms: Option<u64>,
    },
    PlaybackEnd {
        party: String,
    },
    PlaybackStop {
        party: String,
    },
    Dial {
        dial: String,
        target: String,
    },
    DialRinging {
        target: String,
    },
    DialAnswered {
        target: String,
    },
    DialFailed {
        target: String,
        cause: DialFailure,
    },
    DialCancel {
        target: String,
        reason: super::CancelReason,
    },
    DialHangUp {
        target: String,
    },
    DialledHungUp {
        target: String,
    },
    Connect {
        target: String,
    },
    HandOver {
        target: String,
    },
    HandedOver {
        target: String,
    },
    CallerHangUp,
    HangUp {
        sip_code: u16,
        q850: Option<u8>,
    },
    Ask {
        kind: &'static str,
        target: String,
    },
    Reply {
        kind: &'static str,
        /// Absent where it is usable.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    #[serde(untagged)]
    Log(LogEvent),
}

/// A whole call.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Ladder {
    pub rungs: Vec<Rung>,
    pub outcome: Outcome,
}

/// Runs a call through the flow until it has ended.
pub fn simulate(flow: FlowVersion, scenario: &Scenario) -> Ladder {
    let mut world = World::start(flow, scenario.setting.clone(), Silence::Obliging);
    let mut caller = Caller {
        script: scenario.script.iter().cloned().collect(),
        idle_until: world.now().instant,
        answered_question: None,
    };
    if let Some(after) = scenario.hang_up_after {
        world.after(after, Event::CallerHungUp);
    }
    loop {
        if let Some(outcome) = world.outcome.take() {
            return Ladder { rungs: world.rungs, outcome: *outcome };
        }
        caller.act(&mut world);
        match [world.next_at(), caller.next_at(world.now().instant)].into_iter().flatten().min() {
            Some(at) if world.rungs.len() <= RUNGS_MAX => world.go_to(at),
            _ => world.happen(Event::CallerHungUp),
        }
    }
}

/// A caller who follows a script.
struct Caller {
    script: VecDeque<Press>,
    /// Does nothing before.
    idle_until: Instant,
    /// The question that the last run of keys went into.
    answered_question: Option<u32>,
}

impl Caller {
    /// When the next run of keys may be typed.
    fn next_at(&self, now: Instant) -> Option<Instant> {
        match self.script.front() {
            Some(Press::Keys(_)) if self.idle_until > now => Some(self.idle_until),
            _ => None,
        }
    }

    /// Types the next run if its time has come.
    fn act(&mut self, world: &mut World) {
        let now = world.now().instant;
        while let Some(Press::Wait(pause)) = self.script.front() {
            self.idle_until = self.idle_until.max(now) + *pause;
            self.answered_question = None;
            self.script.pop_front();
        }
        let question = world.interpreter().open_question();
        if self.idle_until > now || question.is_none() || question == self.answered_question {
            return;
        }
        if let Some(Press::Keys(keys)) = self.script.pop_front() {
            let mut delay = FIRST_KEY_AFTER;
            for digit in keys.chars() {
                world.after(delay, Event::Digit { party: Party::Caller, digit, source: "simulated" });
                delay += NEXT_KEY_AFTER;
            }
            self.answered_question = question;
            self.idle_until = now + delay;
        }
    }
}

/// Reads `2,wait:5,1`.
pub fn parse_script(text: &str) -> Result<Vec<Press>, ScenarioError> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let wrong = || ScenarioError::Press(item.to_owned());
            match item.strip_prefix("wait:") {
                Some(seconds) => {
                    let seconds: f64 = seconds.parse().map_err(|_| wrong())?;
                    let pause = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
                    Ok(Press::Wait(pause))
                }
                None if item.chars().all(|c| c.is_ascii_digit() || "*#ABCDabcd".contains(c)) => {
                    Ok(Press::Keys(item.to_ascii_uppercase()))
                }
                None => Err(wrong()),
            }
        })
        .collect()
}

impl std::str::FromStr for DialOutcome {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        Ok(match text {
            "answered" => DialOutcome::Answered,
            "no_answer" => DialOutcome::NoAnswer,
            "busy" => DialOutcome::Busy,
            "rejected" => DialOutcome::Rejected,
            "unavailable" => DialOutcome::Unavailable,
            "failed" => DialOutcome::Failed,
            other => return Err(ScenarioError::Outcome(other.to_owned())),
        })
    }
}

/// The reply that was given for a question, as the outside would have it.
fn reply(question: &Question, given: Option<&SimulatedReply>) -> Result<Reply, LookupError> {
    let failed = |code, message: &str| Err(LookupError { code, message: message.to_owned() });
    let value = match given {
        None if matches!(question, Question::Sms(_)) => return Ok(Reply::Sms),
        // Most callers are strangers.
        None if matches!(question, Question::Match(_)) => return Ok(Reply::Match(None)),
        None => return failed("not_simulated", "No reply was given to this simulation."),
        Some(SimulatedReply::Failure(reason)) => return failed("simulated", reason),
        Some(SimulatedReply::Value(value)) => value,
    };
    match (question, value) {
        (Question::Http(_), Value::Object(given)) => {
            let status =
                given.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
            let json = given.get("json");
            let body = match (json, given.get("body")) {
                (Some(json), _) => json.to_string(),
                (None, Some(Value::String(body))) => body.clone(),
                (None, Some(other)) => other.to_string(),
                (None, None) => String::new(),
            };
            Reply::http(status.unwrap_or(200), body, json.is_some())
        }
        (Question::Sms(_), _) => Ok(Reply::Sms),
        (Question::Callout(_), Value::Object(reply)) => Ok(Reply::Callout(reply.clone())),
        (Question::Query(_), Value::Array(records)) => {
            Ok(Reply::Query(records.iter().filter_map(Value::as_object).cloned().collect()))
        }
        (Question::Match(_), Value::Null) => Ok(Reply::Match(None)),
        (Question::Match(_), person) => match serde_json::from_value(person.clone()) {
            Ok(person) => Ok(Reply::Match(Some(person))),
            Err(error) => failed("simulated", &format!("The given reply is no person: {error}.")),
        },
        _ => failed("simulated", "The given reply is none to this question."),
    }
}

/// How long a sound is taken to last. Speech is never rendered; `prompt` gives the known length of a prompt file.
fn length(sound: &Sound, prompt: impl Fn(&str) -> Option<Duration>) -> Duration {
    match sound {
        Sound::File { id } => prompt(id).unwrap_or(FILE_LENGTH),
        Sound::Speech { text, .. } => {
            Duration::from_millis(500 + SPEECH_MS_PER_CHAR * text.chars().count() as u64)
        }
        Sound::Digits { digits, .. } => Duration::from_millis(500 * digits.chars().count() as u64),
        Sound::BuiltIn { prompt: BuiltIn::Goodbye | BuiltIn::YouEntered, .. } => Duration::from_secs(1),
        Sound::BuiltIn { .. } => Duration::from_secs(3),
        Sound::Silence { ms } => Duration::from_millis(u64::from(*ms)),
        Sound::RingbackTone => Duration::from_secs(6),
        Sound::Music => Duration::from_secs(60),
        Sound::Beep => Duration::from_millis(500),
    }
}

impl DialOutcome {
    /// Why the leg fails at once, where it does.
    fn failure(self) -> Option<DialFailure> {
        match self {
            DialOutcome::Answered | DialOutcome::NoAnswer => None,
            DialOutcome::Busy => Some(DialFailure::Busy),
            DialOutcome::Rejected => Some(DialFailure::Rejected),
            DialOutcome::Unavailable => Some(DialFailure::Unavailable),
            DialOutcome::Failed => Some(DialFailure::Failed),
        }
    }
}
