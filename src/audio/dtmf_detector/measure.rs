//! The close look at 30 ms in which two tones seem to stand out: their exact frequencies, their levels, and what
//! else is there.

use super::spectrum::{TONES, cosine, hertz, radians};
use std::f64::consts::TAU;

/// 30 ms: fits whole into the shortest key (40 ms), never into what is too short to be one (20 ms).
pub const WINDOW: usize = 240;

/// Two tones measured in one window.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub low: Tone,
    pub high: Tone,
    /// Part of the energy that is neither of the two tones, 0 to 1.
    pub rest: f32,
}

#[derive(Clone, Copy, Debug)]
pub struct Tone {
    pub hertz: f32,
    /// Distance from the nominal frequency as a part of it.
    pub deviation: f32,
    /// Amplitude of the sine, in samples.
    pub amplitude: f32,
}

impl Pair {
    /// Whether both tones go on from `before`, 5 ms earlier. A generator holds its frequencies and levels; a voice
    /// glides. Noise moves what is measured, the more the weaker the tone is beside it.
    pub fn continues(&self, before: &Pair) -> bool {
        let square = |tone: &Tone| tone.amplitude * tone.amplitude;
        let both = square(&self.low) + square(&self.high);
        let rest = self.rest.max(before.rest);
        let steady = |tone: &Tone, before: &Tone| {
            let noise = (rest * both / square(tone).max(1.0)).sqrt();
            let level = (tone.amplitude / before.amplitude.max(1.0) - 1.0).abs();
            (tone.hertz - before.hertz).abs() < 1.0 + 8.0 * noise && level < 0.04 + 0.12 * noise
        };
        steady(&self.low, &before.low) && steady(&self.high, &before.high)
    }
}

/// Distance of the points at which a tone is measured: one bin of the window, 33 Hz.
const BIN: f32 = 8_000.0 / WINDOW as f32;
static HANN: [f32; WINDOW] = hann();
/// 2 cos ω one bin under, at, and one bin over each tone.
const COEFFICIENTS: [[f32; 3]; TONES] = coefficients();

/// Measures the tones `low` (0 to 3) and `high` (4 to 7) in the window.
pub fn measure(window: &[f32; WINDOW], low: usize, high: usize) -> Pair {
    let [a, b, c] = COEFFICIENTS[low];
    let [d, e, f] = COEFFICIENTS[high];
    let coefficients = [a, b, c, d, e, f, 0.0, 0.0];
    let (mut s1, mut s2) = ([0.0f32; 8], [0.0f32; 8]);
    let mut energy = 0.0;
    for (sample, weight) in window.iter().zip(&HANN) {
        let weighted = sample * weight;
        energy += weighted * weighted;
        for lane in 0..8 {
            let s0 = weighted + coefficients[lane] * s1[lane] - s2[lane];
            s2[lane] = s1[lane];
            s1[lane] = s0;
        }
    }
    let power: [f32; 8] =
        std::array::from_fn(|i| (s1[i] * s1[i] + s2[i] * s2[i] - coefficients[i] * s1[i] * s2[i]).max(0.0));
    let low = tone(hertz(low), [power[0], power[1], power[2]]);
    let high = tone(hertz(high), [power[3], power[4], power[5]]);
    // A sine of amplitude A has A²/2 a sample, weighted by the window's mean square of 3/8.
    let tones =
        (low.amplitude * low.amplitude + high.amplitude * high.amplitude) * (WINDOW as f32 * 3.0 / 16.0);
    Pair { low, high, rest: (1.0 - tones / energy.max(1.0)).clamp(0.0, 1.0) }
}

/// The sine whose Hann spectrum goes through three powers a bin apart. In it the amplitudes at two neighbouring
/// points stand in the ratio (1 + δ) / (2 - δ), where δ is the distance from the first in bins.
fn tone(nominal: f32, [under, at, over]: [f32; 3]) -> Tone {
    let side = if over > under { 1.0 } else { -1.0 };
    let ratio = (over.max(under) / at.max(1e-9)).sqrt();
    let delta = (2.0 * ratio - 1.0) / (1.0 + ratio);
    // From whichever of the two points is nearer.
    let (power, distance) = if delta > 0.5 { (over.max(under), delta - 1.0) } else { (at, delta) };
    let amplitude = 4.0 / WINDOW as f32 * power.sqrt() / main_lobe(distance);
    let offset = side * delta * BIN;
    Tone { hertz: nominal + offset, deviation: offset / nominal, amplitude }
}

/// Height of the Hann spectrum so many bins from its middle, 1 in the middle.
fn main_lobe(bins: f32) -> f32 {
    let x = std::f32::consts::PI * bins;
    let sinc = if x.abs() < 1e-3 { 1.0 } else { x.sin() / x };
    let rest = 1.0 - bins * bins;
    if rest.abs() < 1e-3 { 0.5 } else { (sinc / rest).max(0.05) }
}

const fn hann() -> [f32; WINDOW] {
    let mut table = [0.0; WINDOW];
    let mut n = 0;
    while n < WINDOW {
        table[n] = (0.5 - 0.5 * cosine(TAU * (n as f64 + 0.5) / WINDOW as f64)) as f32;
        n += 1;
    }
    table
}

const fn coefficients() -> [[f32; 3]; TONES] {
    let mut table = [[0.0; 3]; TONES];
    let mut tone = 0;
    while tone < TONES {
        let mut i = 0;
        while i < 3 {
            let bins = i as f64 - 1.0;
            table[tone][i] = (2.0 * cosine(radians(tone) + TAU * bins / WINDOW as f64)) as f32;
            i += 1;
        }
        tone += 1;
    }
    table
}
