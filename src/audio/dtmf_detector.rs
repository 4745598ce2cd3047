//! Keys in the audio (ITU-T Q.23, Q.24).
//!
//! Each 5 ms are correlated with the eight frequencies (`spectrum`). Where one of the low and one of the high ones
//! hold most of the last 30 ms, these are measured closely (`measure`): only two steady sines, each within its
//! frequency's tolerance, with next to nothing beside them, count. The less pure they are the longer they must
//! last, because a voice that happens to sound like a key does not hold it.

mod measure;
mod spectrum;
#[cfg(test)]
mod tests;
mod told;

use measure::{Pair, Tone, WINDOW, measure};
use spectrum::{STEP, Step, TONES};
use std::ops::Range;
use told::{Course, Now, Told};

/// A key heard in the audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detected {
    /// `0-9 * # A-D`.
    pub digit: char,
    /// First sample of the tone, counted from the last [`DtmfDetector::reset`].
    pub start_sample: u64,
    /// In [`Heard::Key`] how much of the tone was heard until it was sure, in [`Heard::End`] its length.
    pub duration_samples: u32,
}

/// What [`DtmfDetector::push_until_end`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A key, once, as soon as it is sure.
    Key(Detected),
    /// The same key has ended.
    End(Detected),
}

/// Finds keys in 8 kHz linear samples; says each once, as soon as it is sure.
pub struct DtmfDetector {
    /// Samples of the step that is not full yet.
    filled: usize,
    /// Samples that were pushed or lost.
    position: u64,
    /// The last samples, a ring of steps, the one at `next` not full yet.
    samples: [[i16; STEP]; RING],
    /// Energy of each step, and the power of the tones in it and the step before.
    energy: [f32; RING],
    power: [[f32; TONES]; RING],
    last: Step,
    /// Next place in the rings.
    next: usize,
    /// Steps in the rings since the last gap, at most `RING`.
    known: usize,
    candidate: Option<Candidate>,
    told: Option<Told>,
}

/// Two tones that look like a key but have not lasted long enough.
#[derive(Clone, Copy)]
struct Candidate {
    low: usize,
    high: usize,
    start: u64,
    evidence: u8,
    /// What was measured in the window before.
    pair: Pair,
}

/// Steps kept: a window and the two steps before it, where its tone may have begun.
const RING: usize = WINDOW / STEP + 2;

const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Amplitude of -42 dBm0: under it no tone is looked for. Q.24 wants -25 dBm0 found and -55 not.
const QUIETEST: f32 = 180.0;
/// A step with less energy holds no tone.
const FLOOR: f32 = QUIETEST * QUIETEST / 2.0 * STEP as f32 * 0.5;
/// Part of the energy that the two strongest tones of the cheap look must hold to be worth a close one. Tones off
/// by 2.5 % lose up to half in it.
const SHARE: f32 = 0.38;
/// Powers of the high tone over the low one that are worth a close look: +13 to -17 dB.
const ROUGH_TWIST: Range<f32> = 0.02..20.0;
/// Q.24 wants tones off by 1.5 % accepted and by 3.5 % refused.
const DEVIATION: f32 = 0.0215;
/// Amplitude of the high tone over the low one. Q.24 wants +4 dB and -8 dB accepted; +7 and -11 leave room.
const TWIST: Range<f32> = 0.28..2.25;
/// What a key is usually like: 1.9 %, +5 dB and -9.4 dB, the limits of Q.24 with noise. Outside it must last longer.
const USUAL_DEVIATION: f32 = 0.019;
const USUAL_TWIST: Range<f32> = 0.34..1.8;
/// What may be beside the two tones, as a part of the energy, and how much a window of it counts. White noise 15 dB
/// under a key makes 0.03, 10 dB under it 0.09. In hours of speech nearly all windows that resemble a key have more
/// than 0.12, and few of the rest last.
const PURITY: [(f32, u8); 3] = [(0.07, 4), (0.115, 2), (0.16, 1)];
/// Energy of the weakest step of a window beside that of the strongest: a key fills the window.
const STEADY: f32 = 0.25;
/// What makes a key sure: two windows of a pure one (35 ms), eight of the least pure.
const SURE: u8 = 8;
/// A key goes on over lost packets up to 100 ms; after more it is a new one.
const LONGEST_LOSS: usize = 800;

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfDetector {
    pub fn new() -> Self {
        DtmfDetector {
            filled: 0,
            position: 0,
            samples: [[0; STEP]; RING],
            energy: [0.0; RING],
            power: [[0.0; TONES]; RING],
            last: Step::SILENT,
            next: 0,
            known: 0,
            candidate: None,
            told: None,
        }
    }

    /// The next samples, in order. `found` gets each key once.
    pub fn push(&mut self, samples: &[i16], found: &mut impl FnMut(Detected)) {
        self.push_until_end(samples, &mut |heard| {
            if let Heard::Key(key) = heard {
                found(key);
            }
        });
    }

    /// The next samples, in order. `each` gets each key when it is sure and when it has ended.
    pub fn push_until_end(&mut self, mut samples: &[i16], each: &mut impl FnMut(Heard)) {
        while !samples.is_empty() {
            let count = samples.len().min(STEP - self.filled);
            let (now, later) = samples.split_at(count);
            self.samples[self.next][self.filled..self.filled + count].copy_from_slice(now);
            self.filled += count;
            self.position = self.position.saturating_add(count as u64);
            samples = later;
            if self.filled == STEP {
                self.filled = 0;
                self.step(each);
            }
        }
    }

    /// So many samples are missing here. A tone on both sides of a gap up to 100 ms is one tone. A key that is taken
    /// to have ended in the gap is not told to have.
    pub fn lost(&mut self, samples: usize) {
        self.filled = 0;
        self.known = 0;
        self.last = Step::SILENT;
        self.candidate = None;
        self.position = self.position.saturating_add(samples as u64);
        let ended = |told: &mut Told| samples > LONGEST_LOSS || told.interrupted(samples) == Course::Ended;
        if self.told.as_mut().is_some_and(ended) {
            self.told = None;
        }
    }

    /// The key that has begun and not ended, as long as it was heard until now.
    pub fn unfinished(&self) -> Option<Detected> {
        self.told.map(|told| told.until(self.position))
    }

    /// Starts afresh at sample 0.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// A step is full: goes on with the told key, or looks for a new one.
    fn step(&mut self, each: &mut impl FnMut(Heard)) {
        let step = Step::of(&self.samples[self.next], FLOOR);
        self.energy[self.next] = step.energy;
        let power = self.last.joined(&step);
        self.power[self.next] = power;
        self.last = step;
        self.next = (self.next + 1) % RING;
        self.known = (self.known + 1).min(RING);
        if let Some(mut told) = self.told {
            // The first step after a gap has none before it to be joined with.
            let course =
                if self.known < 2 { Course::GoesOn } else { told.step(&self.now(), |age| self.last(age)) };
            self.told = (course != Course::Ended).then_some(told);
            match course {
                Course::GoesOn => {
                    self.candidate = None;
                    return;
                }
                Course::Away => {}
                Course::Ended => each(Heard::End(told.until(self.position))),
            }
        }
        self.look(each);
    }

    fn now(&self) -> Now<'_> {
        let place = self.place(0);
        Now { power: &self.power[place], position: self.position, samples: &self.samples[place] }
    }

    fn look(&mut self, each: &mut impl FnMut(Heard)) {
        let Some((low, high, power)) = self.standing_out() else {
            self.candidate = None;
            return;
        };
        let pair = measure(&self.last(0), low, high);
        let weight = weight(&pair);
        if weight == 0 || self.told.is_some_and(|told| (told.low, told.high) == (low, high)) {
            self.candidate = None;
            return;
        }
        let same = self.candidate.filter(|c| (c.low, c.high) == (low, high) && pair.continues(&c.pair));
        let start = same.map_or_else(|| self.onset(low, high), |c| c.start);
        let evidence = same.map_or(0, |c| c.evidence) + weight;
        if evidence < SURE {
            self.candidate = Some(Candidate { low, high, start, evidence, pair });
            return;
        }
        self.candidate = None;
        if let Some(before) = self.told.take() {
            each(Heard::End(before.until(self.position)));
        }
        let told = Told::new(low, high, pair, power, start, self.position);
        self.told = Some(told);
        each(Heard::Key(told.key));
    }

    /// The low and the high tone that hold most of the last window, with their powers in 10 ms.
    fn standing_out(&self) -> Option<(usize, usize, (f32, f32))> {
        if self.known < WINDOW / STEP {
            return None;
        }
        let (mut least, mut most, mut energy) = (f32::MAX, 0.0f32, 0.0);
        for age in 0..WINDOW / STEP {
            let step = self.energy[self.place(age)];
            (least, most, energy) = (least.min(step), most.max(step), energy + step);
        }
        if least < FLOOR || least < STEADY * most {
            return None;
        }
        let mut power = [0.0f32; TONES];
        for age in [0, 2, 4] {
            for (sum, part) in power.iter_mut().zip(&self.power[self.place(age)]) {
                *sum += part;
            }
        }
        let low = strongest(&power, 0..4);
        let high = strongest(&power, 4..8);
        // A sine has STEP² A² in each of three blocks, and A² / 2 of energy a sample.
        let share = (power[low] + power[high]) / (energy * STEP as f32);
        let twist = power[high] / power[low].max(1.0);
        (share > SHARE && ROUGH_TWIST.contains(&twist)).then_some((
            low,
            high,
            (power[low] / 3.0, power[high] / 3.0),
        ))
    }

    /// Place in the rings of the step that so many others followed.
    fn place(&self, age: usize) -> usize {
        (self.next + 2 * RING - 1 - age) % RING
    }

    /// The last samples but so many steps.
    fn last<const COUNT: usize>(&self, age: usize) -> [f32; COUNT] {
        let mut last = [0.0; COUNT];
        for (place, part) in last.chunks_exact_mut(STEP).enumerate() {
            let from = &self.samples[self.place(age + COUNT / STEP - 1 - place)];
            for (to, &sample) in part.iter_mut().zip(from) {
                *to = f32::from(sample);
            }
        }
        last
    }

    /// Where the tones of the present window began, to about 1 ms: the blocks of 10 ms that begin before the
    /// middle of the window are each as high as the part of them that the tones fill, and overlap by half.
    fn onset(&self, low: usize, high: usize) -> u64 {
        let power = |age: usize| {
            let power = &self.power[self.place(age)];
            power[low] + power[high]
        };
        let full = power(2).max(power(3)).max(1.0);
        let mut heard = 4.5 * STEP as f32;
        for age in 4..self.known {
            let part = (power(age) / full).sqrt().min(1.0);
            heard += part * STEP as f32;
            if part < 0.3 {
                break;
            }
        }
        self.position.saturating_sub(heard as u64)
    }
}

/// How much a window speaks for its key; nothing where it is none.
fn weight(pair: &Pair) -> u8 {
    let twist = pair.high.amplitude / pair.low.amplitude.max(1.0);
    let loud = pair.high.amplitude.max(pair.low.amplitude) > QUIETEST;
    let near = pair.low.deviation.abs() < DEVIATION && pair.high.deviation.abs() < DEVIATION;
    if !loud || !near || !TWIST.contains(&twist) {
        return 0;
    }
    let usual = |tone: &Tone| tone.deviation.abs() < USUAL_DEVIATION;
    let weight = PURITY.iter().find(|(rest, _)| pair.rest < *rest).map_or(0, |(_, weight)| *weight);
    if usual(&pair.low) && usual(&pair.high) && USUAL_TWIST.contains(&twist) { weight } else { weight / 2 }
}

fn strongest(power: &[f32; TONES], among: Range<usize>) -> usize {
    let first = among.start;
    among.fold(first, |best, tone| if power[tone] > power[best] { tone } else { best })
}
