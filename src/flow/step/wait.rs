//! wait: lets time pass, with audio or in silence.

use super::{failure, leave};
use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::{Call, Exit};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::{Event, Party};
use std::ops::ControlFlow;
use std::time::Duration;

pub const FIELDS: [Field; 2] = [
    ("seconds", "How long the call stays in the step, in seconds."),
    ("audio", "What the caller hears meanwhile, over and over; silence without it."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    time: Duration,
    /// Repeated until the time is over.
    audio: Option<Audio>,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        if fields.get("seconds").is_none() {
            fields.missing("seconds", reading);
        }
        Config {
            time: Duration::from_secs(fields.number("seconds", 1..=120, 1, reading).into()),
            audio: Audio::read(fields, "audio", reading),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Wait {
    until: Instant,
    playing: Option<Playing>,
}

impl Wait {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Wait> {
        let sounds = config.audio.as_ref().map(|audio| audio.sounds(call)).unwrap_or_default();
        let playing = Playing::start(Party::Caller, sounds, true, call);
        ControlFlow::Continue(Wait { until: call.now.instant + config.time, playing })
    }

    pub fn on_event(&mut self, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        if matches!(event, Event::Timeout) && self.until <= call.now.instant {
            if let Some(playing) = self.playing.take() {
                playing.stop(call);
            }
            return leave(Port::Next);
        }
        match self.playing.as_mut().map_or(Heard::Nothing, |playing| playing.on_event(event, call)) {
            Heard::Nothing => {}
            Heard::End => self.playing = None,
            Heard::Failure(message) => return failure("audio_failed", message),
        }
        ControlFlow::Continue(())
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let speech = self.playing.as_ref().and_then(Playing::next_timeout);
        Some(speech.map_or(self.until, |speech| speech.min(self.until)))
    }

    pub fn abandon(self, call: &mut Call) {
        if let Some(playing) = self.playing {
            playing.stop(call);
        }
    }
}
