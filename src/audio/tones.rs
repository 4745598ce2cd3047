//! Tones made from their frequencies: ringing, the beep, keys.

use super::SAMPLE_RATE;
use std::f32::consts::TAU;

/// Largest sample of a sine at 0 dBm0: full scale is +3.14 dBm0 in G.711.
const SAMPLE_AT_0_DBM0: f32 = 22_826.0;
/// Rise and fall of a tone, so that it does not click: 2 ms.
const RAMP: usize = 16;

/// One period of the North American ringing tone: 440 + 480 Hz at -19 dBm0 each, 2 s on, 4 s off.
pub fn ringback() -> Vec<i16> {
    let mut samples = tone(&[(440.0, -19.0), (480.0, -19.0)], 2_000);
    samples.resize(milliseconds(6_000), 0);
    samples
}

/// 1,000 Hz at -13 dBm0, 500 ms: the beep before a recording.
pub fn beep() -> Vec<i16> {
    tone(&[(1_000.0, -13.0)], 500)
}

/// A tone that rises from 300 to 3,300 Hz within a second at -13 dBm0: all that a telephone line carries, once, so that it
/// is like itself at one place alone.
pub fn sweep() -> Vec<i16> {
    const FROM: f32 = 300.0;
    const TO: f32 = 3_300.0;
    let count = milliseconds(1_000);
    let size = SAMPLE_AT_0_DBM0 * 10f32.powf(-13.0 / 20.0);
    (0..count)
        .map(|n| {
            let (seconds, ramp) = (n as f32 / SAMPLE_RATE as f32, ramp(n, count));
            let cycles = FROM * seconds + (TO - FROM) * seconds * seconds / 2.0;
            (size * ramp * (TAU * cycles.fract()).sin()) as i16
        })
        .collect()
}

/// A key at `dbm0` a tone for `duration_ms` (ITU-T Q.23); nothing where `digit` is no key.
pub fn dtmf(digit: char, dbm0: f32, duration_ms: u32) -> Option<Vec<i16>> {
    let (low, high) = dtmf_frequencies(digit)?;
    Some(tone(&[(low, dbm0), (high, dbm0)], duration_ms))
}

/// Frequencies of a key in Hz, the low one first.
pub fn dtmf_frequencies(digit: char) -> Option<(f32, f32)> {
    const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let place = "123A456B789C*0#D".find(digit)?;
    Some((LOW[place / 4], HIGH[place % 4]))
}

fn tone(parts: &[(f32, f32)], duration_ms: u32) -> Vec<i16> {
    let count = milliseconds(duration_ms);
    let parts: Vec<(f32, f32)> = parts
        .iter()
        .map(|&(hertz, dbm0)| (TAU * hertz / SAMPLE_RATE as f32, SAMPLE_AT_0_DBM0 * 10f32.powf(dbm0 / 20.0)))
        .collect();
    (0..count)
        .map(|n| {
            let sum: f32 = parts.iter().map(|(step, size)| size * (step * n as f32).sin()).sum();
            (sum * ramp(n, count)) as i16
        })
        .collect()
}

/// How far sample `n` of `count` has come up, or down again.
fn ramp(n: usize, count: usize) -> f32 {
    (n.min(count - 1 - n) as f32 / RAMP as f32).min(1.0)
}

const fn milliseconds(duration_ms: u32) -> usize {
    duration_ms as usize * (SAMPLE_RATE as usize / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loudest(samples: &[i16]) -> i16 {
        samples.iter().map(|s| s.saturating_abs()).max().unwrap_or(0)
    }

    #[test]
    fn the_ringing_tone_sounds_for_two_of_six_seconds() {
        let samples = ringback();
        assert_eq!(samples.len(), 48_000);
        assert!(loudest(&samples[..16_000]) > 4_000);
        assert_eq!(loudest(&samples[16_000..]), 0);
    }

    #[test]
    fn the_beep_is_half_a_second_at_its_level() {
        let samples = beep();
        assert_eq!(samples.len(), 4_000);
        assert!((5_000..5_200).contains(&loudest(&samples)), "{}", loudest(&samples));
    }

    #[test]
    fn the_sweep_passes_each_frequency_once_at_its_level_and_is_no_key() {
        let samples = sweep();
        assert!((5_000..5_200).contains(&loudest(&samples)), "{}", loudest(&samples));
        // Crossings of zero in a tenth of a second: twice the frequency in its middle, by ten.
        for (tenth, hertz) in [(0, 450), (4, 1_650), (9, 3_150)] {
            let part = &samples[tenth * 800..(tenth + 1) * 800];
            let crossings = part.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
            assert!((crossings * 5).abs_diff(hertz) < 30, "{tenth}: {crossings}");
        }
        let mut detector = crate::audio::dtmf_detector::DtmfDetector::new();
        detector.push(&samples, &mut |found| panic!("{}", found.digit));
    }

    #[test]
    fn each_key_has_two_tones_and_other_characters_none() {
        for digit in "0123456789*#ABCD".chars() {
            assert_eq!(dtmf(digit, -10.0, 50).map(|samples| samples.len()), Some(400), "{digit}");
        }
        assert_eq!(dtmf_frequencies('5'), Some((770.0, 1_336.0)));
        assert_eq!(dtmf('x', -10.0, 50), None);
    }
}
