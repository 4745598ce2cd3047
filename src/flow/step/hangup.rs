//! hangup: ends the call.

use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::{Call, End, Exit};
use crate::flow::finding::Code;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::template::Template;
use crate::flow::{Action, EndedBy, Event, LogEvent, Party};
use std::ops::ControlFlow;

pub const FIELDS: [Field; 3] = [
    ("audio", "What the caller hears before the end."),
    ("outcome", "A text that the call record keeps as the outcome; variables are filled in."),
    (
        "sipReason",
        "What the caller's side is told: a Q.850 cause from 1 to 127, or the SIP code 480, 486 or 603.",
    ),
];
/// Longest outcome text, as long as a task's subject.
const OUTCOME_CHARS_MAX: usize = 255;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    audio: Option<Audio>,
    outcome: Option<Template>,
    sip_code: u16,
    q850: u8,
}

impl Config {
    /// `sipReason` is a Q.850 cause, or one of the SIP codes that a caller can be refused with.
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        fields.describe("sipReason", reading, || {
            serde_json::json!({"type": "integer", "anyOf": [{"minimum": 1, "maximum": 127}, {"enum": [480, 486, 603]}], "default": 16})
        });
        let reason = fields.number("sipReason", 1..=699, 16, reading);
        let (sip_code, q850) = match reason {
            480 => (480, 18),
            486 => (486, 17),
            603 => (603, 21),
            17 => (486, 17),
            21 => (603, 21),
            cause @ 1..=127 => (480, cause as u8),
            other => {
                reading.error(
                    Code::E14,
                    &fields.at("sipReason"),
                    format!("`sipReason` is {other}."),
                    "Take a Q.850 cause from 1 to 127, or 480, 486 or 603.",
                );
                (480, 16)
            }
        };
        Config {
            audio: Audio::read(fields, "audio", reading),
            outcome: fields.template("outcome", OUTCOME_CHARS_MAX, reading),
            sip_code,
            q850,
        }
    }

    fn end<T>(&self, call: &Call) -> ControlFlow<Exit, T> {
        let render = |template| call.scope().render(template, OUTCOME_CHARS_MAX * 4).text;
        ControlFlow::Break(Exit::End(End {
            sip_code: self.sip_code,
            q850: self.q850,
            outcome_text: self.outcome.as_ref().map(render).filter(|text| !text.trim().is_empty()),
            by: EndedBy::Flow,
        }))
    }
}

/// The last audio.
#[derive(Clone, PartialEq, Debug)]
pub struct Hangup(Playing);

impl Hangup {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Hangup> {
        let sounds = config.audio.as_ref().map(|audio| audio.sounds(call)).unwrap_or_default();
        match Playing::start(Party::Caller, sounds, false, call) {
            Some(playing) => ControlFlow::Continue(Hangup(playing)),
            None => config.end(call),
        }
    }

    /// Audio that fails does not keep the call from ending.
    pub fn on_event(&mut self, config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match self.0.on_event(event, call) {
            Heard::Nothing => ControlFlow::Continue(()),
            Heard::End => config.end(call),
            Heard::Failure(message) => {
                let step = call.step_id().to_owned();
                let code = "audio_failed".to_owned();
                call.act(Action::Log(LogEvent::StepError { step, code, message }));
                config.end(call)
            }
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.0.next_timeout()
    }

    pub fn abandon(self, call: &mut Call) {
        self.0.stop(call);
    }
}
