//! What is done to a simulated call, as requests and kept tests write it.

use super::stepped::{Input, LegInput};
use super::{DialOutcome, SimulatedReply};
use crate::clock::Wall;
use crate::flow::DialFailure;
use crate::flow::schedule::State;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The longest wait of one input.
const WAIT_SECONDS_MAX: f64 = 86_400.0;
/// Keys of one input: more than any step takes.
const KEYS_MAX: usize = 100;

/// What is done to the call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "input")]
#[schema(as = SimulationInput)]
pub enum InputWords {
    /// The caller types keys.
    Press {
        #[schema(min_length = 1, max_length = 100, pattern = "^[0-9*#A-D]+$")]
        keys: String,
    },
    /// Time passes.
    Wait {
        #[schema(minimum = 0, maximum = 86400)]
        seconds: f64,
    },
    /// Time passes until something happens.
    Next,
    /// The caller hangs up.
    HangUp,
    /// A dialled leg does something.
    Dial {
        /// The agent's id, the number or the URI; the first leg that is not over where absent.
        target: Option<String>,
        result: LegWord,
    },
    /// A dialled party presses a key.
    DialPress {
        target: Option<String>,
        #[schema(min_length = 1, max_length = 1, pattern = "^[0-9*#A-D]$")]
        key: String,
    },
    /// Another system replies.
    Reply {
        /// The step that asked; the question that has waited longest where absent.
        step: Option<String>,
        reply: SimulatedReply,
    },
    /// The clock is set, without time passing.
    Clock {
        #[schema(format = "date-time")]
        at: String,
    },
}

/// What a dialled leg does.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegWord {
    Ringing,
    Answered,
    NoAnswer,
    Busy,
    Rejected,
    Unavailable,
    Failed,
    HangUp,
}

/// A word that means nothing, by the field it stands in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field} {message}")]
pub struct WordError {
    pub field: &'static str,
    pub message: &'static str,
}

impl InputWords {
    /// What is meant.
    pub fn read(self) -> Result<Input, WordError> {
        let wrong = |field, message| WordError { field, message };
        Ok(match self {
            InputWords::Press { keys } => {
                if !(1..=KEYS_MAX).contains(&keys.len()) || !keys.chars().all(is_key) {
                    return Err(wrong("keys", "is 1 to 100 of 0-9, *, #, A-D"));
                }
                Input::Press(keys)
            }
            InputWords::Wait { seconds } => {
                let fits = (0.0..=WAIT_SECONDS_MAX).contains(&seconds);
                let time = Duration::try_from_secs_f64(seconds).ok().filter(|_| fits);
                Input::Wait(time.ok_or_else(|| wrong("seconds", "is 0 to 86400"))?)
            }
            InputWords::Next => Input::Next,
            InputWords::HangUp => Input::HangUp,
            InputWords::Dial { target, result } => Input::Dial { target, result: result.into() },
            InputWords::DialPress { target, key } => {
                let mut keys = key.chars();
                let (Some(key), None) = (keys.next().filter(|key| is_key(*key)), keys.next()) else {
                    return Err(wrong("key", "is one of 0-9, *, #, A-D"));
                };
                Input::Dial { target, result: LegInput::Press(key) }
            }
            InputWords::Reply { step, reply } => Input::Reply { step, reply },
            InputWords::Clock { at } => Input::Clock(wall("at", &at)?),
        })
    }
}

fn is_key(key: char) -> bool {
    key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D')
}

/// A time of RFC 3339.
pub fn wall(field: &'static str, text: &str) -> Result<Wall, WordError> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    let message = "is no time of RFC 3339, such as 2026-11-23T09:00:00Z";
    time.map(Wall::from).map_err(|_| WordError { field, message })
}

impl From<LegWord> for LegInput {
    fn from(word: LegWord) -> LegInput {
        match word {
            LegWord::Ringing => LegInput::Ring,
            LegWord::Answered => LegInput::Answer,
            LegWord::NoAnswer => LegInput::Fail(DialFailure::NoAnswer),
            LegWord::Busy => LegInput::Fail(DialFailure::Busy),
            LegWord::Rejected => LegInput::Fail(DialFailure::Rejected),
            LegWord::Unavailable => LegInput::Fail(DialFailure::Unavailable),
            LegWord::Failed => LegInput::Fail(DialFailure::Failed),
            LegWord::HangUp => LegInput::HangUp,
        }
    }
}

/// States of schedules by id.
pub type ScheduleWords = std::collections::BTreeMap<String, State>;

/// Outcomes of dialled legs, and replies of other systems, by name.
pub type DialWords = std::collections::BTreeMap<String, DialOutcome>;
pub type ReplyWords = std::collections::BTreeMap<String, SimulatedReply>;
