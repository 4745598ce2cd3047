//! One question to the caller: a prompt, then keys. The timing rules of flows.md 1.4 that menu and prompt share.

use crate::clock::Instant;
use crate::flow::audio::{Heard, Playing};
use crate::flow::context::Call;
use crate::flow::{Event, Party, Sound};
use std::time::Duration;

/// How a question is asked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Manner {
    /// A key stops the prompt (rule 1) and is input itself (rule 2).
    pub barge_in: bool,
    /// Keys pressed before the question are answers.
    pub type_ahead: bool,
    /// From the end of the prompt to the first key.
    pub timeout: Duration,
    /// From key to key.
    pub inter_digit: Duration,
}

/// A question under way.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    manner: Manner,
    stage: Stage,
}

#[derive(Clone, PartialEq, Debug)]
enum Stage {
    Prompting(Playing),
    /// No key yet.
    Waiting {
        no_input: Instant,
    },
    Typing {
        inter_digit: Instant,
    },
}

/// What became of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Nothing,
    /// The prompt is over; keys that were kept can be read now.
    PromptOver,
    NoInput,
    /// No further key within the time.
    LastDigit,
    Failure(String),
}

impl Ask {
    /// Asks. Where keys are waiting and may interrupt, the prompt is not heard at all.
    pub fn start(manner: Manner, sounds: impl FnOnce(&Call) -> Vec<Sound>, call: &mut Call) -> Ask {
        call.state.asks += 1;
        call.answer();
        let skip = manner.barge_in && !call.state.keys.is_empty();
        let sounds = if skip { Vec::new() } else { sounds(call) };
        let stage = match Playing::start(Party::Caller, sounds, false, call) {
            Some(playing) => Stage::Prompting(playing),
            None => Stage::waiting(manner, call),
        };
        Ask { manner, stage }
    }

    /// A key as it is pressed; given back where it is an answer.
    pub fn on_key(&mut self, key: char, call: &mut Call) -> Option<char> {
        if let Stage::Prompting(playing) = &self.stage {
            if !self.manner.barge_in {
                if self.manner.type_ahead {
                    call.keep_key(key);
                }
                return None;
            }
            playing.clone().stop(call);
        }
        self.typed(call);
        Some(key)
    }

    /// A key from the type-ahead buffer, unless the prompt has to be heard first.
    pub fn next_kept_key(&mut self, call: &mut Call) -> Option<char> {
        if !self.takes_input() || matches!(self.stage, Stage::Prompting(_)) {
            return None;
        }
        let key = call.state.keys.pop_front()?;
        self.typed(call);
        Some(key)
    }

    pub fn on_event(&mut self, event: &Event, call: &mut Call) -> Answer {
        let now = call.now.instant;
        match &mut self.stage {
            Stage::Prompting(playing) => match playing.on_event(event, call) {
                Heard::Nothing => Answer::Nothing,
                Heard::End => {
                    self.stage = Stage::waiting(self.manner, call);
                    Answer::PromptOver
                }
                Heard::Failure(message) => Answer::Failure(message),
            },
            Stage::Waiting { no_input } if matches!(event, Event::Timeout) && *no_input <= now => {
                call.waited();
                Answer::NoInput
            }
            Stage::Typing { inter_digit } if matches!(event, Event::Timeout) && *inter_digit <= now => {
                Answer::LastDigit
            }
            _ => Answer::Nothing,
        }
    }

    /// A key pressed now would be an answer.
    pub fn takes_input(&self) -> bool {
        self.manner.barge_in || !matches!(self.stage, Stage::Prompting(_))
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Prompting(playing) => playing.next_timeout(),
            Stage::Waiting { no_input } => Some(*no_input),
            Stage::Typing { inter_digit } => Some(*inter_digit),
        }
    }

    pub fn abandon(self, call: &mut Call) {
        if let Stage::Prompting(playing) = self.stage {
            playing.stop(call);
        }
    }

    fn typed(&mut self, call: &mut Call) {
        call.waited();
        self.stage = Stage::Typing { inter_digit: call.now.instant + self.manner.inter_digit };
    }
}

impl Stage {
    fn waiting(manner: Manner, call: &Call) -> Stage {
        Stage::Waiting { no_input: call.now.instant + manner.timeout }
    }
}
