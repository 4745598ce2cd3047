//! A key that was told: whether it goes on, pauses or has ended.

use super::measure::{Pair, Tone};
use super::spectrum::{STEP, TONES};
use super::{Detected, KEYS};
use std::f32::consts::TAU;

/// A told key is heard as long as both tones hold this part of their first power: -8 dB.
const HELD: f32 = 0.16;
/// Steps without a key that end it. A break of 20 ms (a lost packet) is shorter, one of 30 ms is not.
const ENDS: u32 = 6;
/// Steps without a key after which a gap is held for the rest of a pause: more than a break of 10 ms inside a key has.
const PAUSED: u32 = 3;
/// Steps of a packet of 20 ms.
const PACKET: u32 = 4;
/// Lost packets in a row that may lie inside a key.
const LONGEST_HOLE: u32 = 3 * PACKET;
/// Samples on each side of a hole whose phase is compared.
pub const SPAN: usize = PACKET as usize * STEP;
/// How far, in turns, the phase may be from where the tone would be. Two presses agree by chance in both tones once
/// in seventy times.
const SAME_PHASE: f32 = 0.06;

/// A key that was told and has not ended.
#[derive(Clone, Copy)]
pub struct Told {
    pub key: Detected,
    pub low: usize,
    pub high: usize,
    pair: Pair,
    /// Power of each tone in 10 ms of it.
    power: (f32, f32),
    /// Steps in a row in which it was not heard, and where it stopped.
    absent: u32,
    end: u64,
    /// Steps that were lost since it was heard.
    missing: u32,
    hole: Hole,
    /// The last two samples of the step before.
    tail: [i16; 2],
}

/// Digital silence in the middle of a key: packets that somebody before us lost and did not conceal.
#[derive(Clone, Copy)]
enum Hole {
    None,
    /// So many steps of one value. `phases` are those of the tones 20 ms before it, in turns.
    Silent {
        steps: u32,
        value: i16,
        phases: (f32, f32),
    },
    /// Sound came back after whole packets of silence.
    Over {
        silent: u32,
        heard: u32,
        phases: (f32, f32),
    },
}

/// What a step says of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Course {
    GoesOn,
    Away,
    Ended,
}

/// The step that has just become full.
pub struct Now<'a> {
    /// Power of the tones in it and the step before.
    pub power: &'a [f32; TONES],
    /// Where it ends.
    pub position: u64,
    pub samples: &'a [i16; STEP],
}

impl Told {
    pub fn new(low: usize, high: usize, pair: Pair, power: (f32, f32), start: u64, position: u64) -> Self {
        let key = Detected {
            digit: KEYS[low][high - 4],
            start_sample: start,
            duration_samples: position.saturating_sub(start) as u32,
        };
        Told {
            key,
            low,
            high,
            pair,
            power,
            absent: 0,
            end: position,
            missing: 0,
            hole: Hole::None,
            tail: [0; 2],
        }
    }

    /// The key, as long as it lasted until `position` or until it stopped.
    pub fn until(&self, position: u64) -> Detected {
        let end = if self.absent > 0 { self.end } else { position };
        Detected { duration_samples: end.saturating_sub(self.key.start_sample) as u32, ..self.key }
    }

    /// Samples are missing. They count as a pause if silence was heard before them or is after them, as tone if the
    /// tone is.
    pub fn interrupted(&mut self, samples: usize) -> Course {
        self.hole = Hole::None;
        self.missing += (samples / STEP) as u32;
        if self.absent >= PAUSED && self.absent + self.missing >= ENDS { Course::Ended } else { Course::Away }
    }

    /// `span` gives the last 20 ms but so many steps.
    pub fn step(&mut self, now: &Now<'_>, span: impl Fn(usize) -> [f32; SPAN]) -> Course {
        let value = now.samples[0];
        let flat = now.samples.iter().all(|sample| *sample == value);
        let before = std::mem::replace(&mut self.tail, [now.samples[STEP - 2], now.samples[STEP - 1]]);
        match self.hole {
            // Packets are cut sharply: a pause that began within the step before is none of this.
            Hole::None if flat && before != [value; 2] && self.missing == 0 => {
                self.hole = Hole::Silent { steps: 1, value, phases: self.phases(&span(1)) };
            }
            Hole::Silent { steps, value: same, phases } if flat && value == same => {
                self.hole = Hole::Silent { steps: steps + 1, value, phases };
            }
            Hole::Silent { steps, value, phases } if self.absent >= ENDS => {
                if steps % PACKET != 0 || now.samples[..2] == [value; 2] {
                    return Course::Ended;
                }
                self.hole = Hole::Over { silent: steps, heard: 1, phases };
                return Course::Away;
            }
            Hole::Over { silent, heard, phases } if heard + 1 < PACKET => {
                self.hole = Hole::Over { silent, heard: heard + 1, phases };
                return Course::Away;
            }
            Hole::Over { silent, phases, .. } => {
                self.hole = Hole::None;
                return self.resume(silent, phases, self.phases(&span(0)));
            }
            _ => self.hole = Hole::None,
        }
        if self.is_heard(now) {
            return Course::GoesOn;
        }
        let patience = if matches!(self.hole, Hole::Silent { .. }) { LONGEST_HOLE + 1 } else { ENDS };
        let ended = self.absent >= 2 && self.absent + self.missing >= patience;
        if ended { Course::Ended } else { Course::Away }
    }

    fn is_heard(&mut self, now: &Now<'_>) -> bool {
        let part = (now.power[self.low] / self.power.0).min(now.power[self.high] / self.power.1);
        if part >= HELD {
            (self.absent, self.missing) = (0, 0);
            return true;
        }
        if self.absent == 0 {
            let heard = part.sqrt() * (2 * STEP) as f32;
            self.end = now.position.saturating_sub(2 * STEP as u64) + heard as u64;
        }
        self.absent += 1;
        false
    }

    /// After a hole the same press goes on in phase; a new one does not.
    fn resume(&mut self, silent: u32, before: (f32, f32), after: (f32, f32)) -> Course {
        let seconds = (SPAN as u32 + silent * STEP as u32) as f32 / 8_000.0;
        let agrees = |tone: &Tone, before: f32, after: f32| {
            let turns = after - before - tone.hertz * seconds;
            (turns - turns.round()).abs() < SAME_PHASE
        };
        if agrees(&self.pair.low, before.0, after.0) && agrees(&self.pair.high, before.1, after.1) {
            self.absent = 0;
            Course::GoesOn
        } else {
            Course::Ended
        }
    }

    fn phases(&self, span: &[f32; SPAN]) -> (f32, f32) {
        (phase(span, self.pair.low.hertz), phase(span, self.pair.high.hertz))
    }
}

/// Phase of a tone at the start of `span`, in turns.
fn phase(span: &[f32; SPAN], hertz: f32) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in span.iter().enumerate() {
        let window = 0.5 - 0.5 * (TAU * (n as f32 + 0.5) / SPAN as f32).cos();
        let (sin, cos) = (TAU * (hertz * n as f32 / 8_000.0).fract()).sin_cos();
        re += sample * window * cos;
        im -= sample * window * sin;
    }
    im.atan2(re) / TAU
}
