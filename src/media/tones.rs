//! The tones of a thread, made once, so that playing one is playing a clip.

use super::Tone;
use crate::audio::{Clip, tones};
use crate::rtp::telephone_event::KEYS;
use std::sync::Arc;

/// Keys that a leg without telephone-events hears: -8 dBm0 a tone, well above what detectors need.
const KEY_DBM0: f32 = -8.0;
/// Twice the shortest tone that must be detected (ITU-T Q.24), with its pause after it.
const KEY_MS: u32 = 100;

pub struct Tones {
    ringback: Arc<Clip>,
    beep: Arc<Clip>,
    keys: Vec<Arc<Clip>>,
}

impl Tones {
    pub fn new() -> Self {
        let clip = |samples: Vec<i16>| Arc::new(Clip::from_samples(&samples));
        let key = |digit| {
            let mut samples = tones::dtmf(digit, KEY_DBM0, KEY_MS).unwrap_or_default();
            samples.resize(samples.len() * 3 / 2, 0);
            clip(samples)
        };
        Tones {
            ringback: clip(tones::ringback()),
            beep: clip(tones::beep()),
            keys: KEYS.chars().map(key).collect(),
        }
    }

    pub fn clip(&self, tone: Tone) -> Arc<Clip> {
        match tone {
            Tone::Ringback => Arc::clone(&self.ringback),
            Tone::Beep => Arc::clone(&self.beep),
        }
    }

    /// A key and the pause after it.
    pub fn key(&self, digit: char) -> Option<Arc<Clip>> {
        self.keys.get(KEYS.find(digit)?).map(Arc::clone)
    }
}
