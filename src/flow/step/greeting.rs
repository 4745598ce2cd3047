//! greeting: plays audio.

use super::{failure, leave};
use crate::clock::Instant;
use crate::flow::audio::{Audio, Heard, Playing};
use crate::flow::context::{Call, Exit};
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};
use crate::flow::{Event, Party, Sound};
use std::ops::ControlFlow;

pub const FIELDS: [Field; 5] = [
    ("audio", "What the caller hears."),
    ("repeat", "How often it is played."),
    ("gapMs", "Silence between two times, in milliseconds."),
    ("bargeIn", "Whether any key ends it; the key is kept for the next step that reads keys."),
    ("awaitFinish", "Whether the call goes on only when it is over; this version always waits."),
];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    audio: Audio,
    /// How often it is heard in all.
    repeat: u32,
    gap_ms: u32,
    pub barge_in: bool,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        if !fields.boolean("awaitFinish", true, reading) {
            reading.unused(fields.at("awaitFinish"), "`awaitFinish: false` (the greeting is always awaited)");
        }
        Config {
            audio: Audio::read_required(fields, "audio", reading),
            repeat: fields.number("repeat", 1..=5, 1, reading),
            gap_ms: fields.number("gapMs", 0..=5_000, 500, reading),
            barge_in: fields.boolean("bargeIn", false, reading),
        }
    }
}

/// The audio with its repeats and gaps, as one playback.
#[derive(Clone, PartialEq, Debug)]
pub struct Greeting(Playing);

impl Greeting {
    pub fn enter(config: &Config, call: &mut Call) -> ControlFlow<Exit, Greeting> {
        if config.barge_in && !call.state.keys.is_empty() {
            call.answer();
            return leave(Port::Next);
        }
        let once = config.audio.sounds(call);
        let mut sounds = once.clone();
        for _ in 1..config.repeat {
            if config.gap_ms > 0 && !once.is_empty() {
                sounds.push(Sound::Silence { ms: config.gap_ms });
            }
            sounds.extend_from_slice(&once);
        }
        match Playing::start(Party::Caller, sounds, false, call) {
            Some(playing) => ControlFlow::Continue(Greeting(playing)),
            None => leave(Port::Next),
        }
    }

    pub fn on_event(&mut self, _config: &Config, event: &Event, call: &mut Call) -> ControlFlow<Exit> {
        match self.0.on_event(event, call) {
            Heard::Nothing => ControlFlow::Continue(()),
            Heard::End => leave(Port::Next),
            Heard::Failure(message) => failure("audio_failed", message),
        }
    }

    pub fn on_key(&mut self, config: &Config, key: char, call: &mut Call) -> ControlFlow<Exit> {
        call.keep_key(key);
        if config.barge_in {
            call.waited();
            self.0.clone().stop(call);
            return leave(Port::Next);
        }
        ControlFlow::Continue(())
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.0.next_timeout()
    }

    pub fn abandon(self, call: &mut Call) {
        self.0.stop(call);
    }
}
