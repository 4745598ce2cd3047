//! The cheap look at every 5 ms: how much of each DTMF frequency is in them.

use super::{HIGH, LOW};
use std::f64::consts::{PI, TAU};

/// Samples of a step: 5 ms, short enough to time the edges of a key.
pub const STEP: usize = 40;
/// Frequencies of a key, low ones first.
pub const TONES: usize = 8;

/// Correlation of a step with each tone; the phase counts from the start of the step.
#[derive(Clone, Copy)]
pub struct Step {
    pub energy: f32,
    /// Real parts of the eight tones, then imaginary ones.
    parts: [f32; 2 * TONES],
}

/// Cosines, then negative sines, of the eight tones at each sample of a step.
static WAVES: [[f32; 2 * TONES]; STEP] = waves();
/// How far each tone turns in a step.
const TURN: [[f32; TONES]; 2] = turn();

impl Step {
    pub const SILENT: Step = Step { energy: 0.0, parts: [0.0; 2 * TONES] };

    /// A step whose energy is under `floor` counts as silent.
    pub fn of(samples: &[i16; STEP], floor: f32) -> Step {
        let samples: [f32; STEP] = std::array::from_fn(|n| f32::from(samples[n]));
        let energy = squares(&samples);
        if energy < floor {
            return Step::SILENT;
        }
        let mut parts = [0.0f32; 2 * TONES];
        for (sample, waves) in samples.iter().zip(&WAVES) {
            for tone in 0..2 * TONES {
                parts[tone] += sample * waves[tone];
            }
        }
        Step { energy, parts }
    }

    /// Power of each tone over this step and `next` as one block of 10 ms; STEP² A² for a tone of amplitude A.
    pub fn joined(&self, next: &Step) -> [f32; TONES] {
        std::array::from_fn(|tone| {
            let (cos, sin) = (TURN[0][tone], TURN[1][tone]);
            let (next_re, next_im) = (next.parts[tone], next.parts[TONES + tone]);
            let re = self.parts[tone] + next_re * cos - next_im * sin;
            let im = self.parts[TONES + tone] + next_re * sin + next_im * cos;
            re * re + im * im
        })
    }
}

/// Sum of squares, in lanes that the compiler can put side by side.
fn squares(samples: &[f32; STEP]) -> f32 {
    let mut sums = [0.0f32; 8];
    for part in samples.chunks_exact(8) {
        for (sum, sample) in sums.iter_mut().zip(part) {
            *sum += sample * sample;
        }
    }
    sums.iter().sum()
}

const fn waves() -> [[f32; 2 * TONES]; STEP] {
    let mut table = [[0.0; 2 * TONES]; STEP];
    let mut n = 0;
    while n < STEP {
        let mut tone = 0;
        while tone < TONES {
            let angle = radians(tone) * n as f64;
            table[n][tone] = cosine(angle) as f32;
            table[n][TONES + tone] = -sine(angle) as f32;
            tone += 1;
        }
        n += 1;
    }
    table
}

const fn turn() -> [[f32; TONES]; 2] {
    let mut table = [[0.0; TONES]; 2];
    let mut tone = 0;
    while tone < TONES {
        let angle = radians(tone) * STEP as f64;
        table[0][tone] = cosine(angle) as f32;
        table[1][tone] = -sine(angle) as f32;
        tone += 1;
    }
    table
}

/// Angle of a tone in one sample at 8 kHz.
pub const fn radians(tone: usize) -> f64 {
    TAU * hertz(tone) as f64 / 8_000.0
}

/// Nominal frequency of a tone.
pub const fn hertz(tone: usize) -> f32 {
    if tone < 4 { LOW[tone] } else { HIGH[tone - 4] }
}

/// The standard library's cosine cannot make a table at compile time; this one is exact to 1e-12.
pub const fn cosine(angle: f64) -> f64 {
    let turns = angle / TAU;
    let x = angle - TAU * (turns + 0.5) as i64 as f64;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 0.0);
    while n < 30.0 {
        term *= -x * x / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sum
}

const fn sine(angle: f64) -> f64 {
    cosine(angle - PI / 2.0)
}
