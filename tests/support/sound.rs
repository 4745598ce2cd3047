//! Recordings: written, read, spoken, compared.

use std::path::Path;
use std::process::Command;

/// Writes 8 kHz mono.
pub fn write(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|s| writer.write_sample(*s).unwrap());
    writer.finalize().unwrap();
}

/// Reads 16-bit mono, at 8 kHz whatever its rate is.
pub fn read(path: &Path) -> Vec<i16> {
    // A recorder that is still writing has no length in the header yet; what is there is used.
    let Ok(mut reader) = hound::WavReader::open(path) else { return Vec::new() };
    let rate = reader.spec().sample_rate;
    let samples = reader.samples::<i16>().map_while(Result::ok);
    if rate == 8_000 {
        return samples.collect();
    }
    at_8k(samples.map(|s| f32::from(s) / 32_768.0).collect(), rate)
}

fn at_8k(samples: Vec<f32>, rate: u32) -> Vec<i16> {
    cordboard::audio::resample::to_8k_mono(&samples, 1, rate).unwrap()
}

/// Speaks a text at 8 kHz, so that two texts are two voices that can be told apart.
pub fn speak(text: &str, voice: &str) -> Vec<i16> {
    let path = super::folder("speak").join("x.wav");
    let done = Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&path).arg(text).status();
    assert!(done.expect("espeak-ng is installed").success());
    read(&path)
}

/// A voice that goes on for a minute.
pub fn voice(text: &str, voice: &str) -> Vec<i16> {
    let once = speak(text, voice);
    once.iter().copied().cycle().take(8_000 * 60).collect()
}

pub fn caller_voice() -> Vec<i16> {
    voice("I am the caller and I would like to know the price of a dozen roses.", "en-us+m3")
}

pub fn agent_voice() -> Vec<i16> {
    voice("Good morning, you are speaking to an agent, how may I help?", "en-us+f4")
}

/// A second and a half of what was said was heard by `who` as it was spoken.
pub fn assert_heard(who: &str, said: &[i16], heard: &[i16]) {
    assert_alike(who, said, heard, 0.9);
}

/// The same through Opus, which keeps the sound and not the wave.
pub fn assert_heard_through_opus(who: &str, said: &[i16], heard: &[i16]) {
    assert_alike(who, said, heard, 0.8);
}

fn assert_alike(who: &str, said: &[i16], heard: &[i16], least: f64) {
    // A voice loops: an excerpt out of its second round is somewhere in what was heard.
    let excerpt = excerpt(&said[..said.len().min(8_000 * 8)], 1.5);
    let (score, _) = find(excerpt, heard);
    assert!(score > least, "{who} heard it with a correlation of {score:.3}");
}

/// The best normalised cross-correlation of `part` anywhere in `whole`, and where: 1 is the same sound,
/// louder or softer.
pub fn find(part: &[i16], whole: &[i16]) -> (f64, usize) {
    // Every fourth offset first, with every fourth sample; then all around the best.
    let score = |offset: usize, step: usize| {
        let (mut dot, mut a, mut b) = (0f64, 0f64, 0f64);
        for (x, y) in part.iter().zip(&whole[offset..]).step_by(step) {
            let (x, y) = (f64::from(*x), f64::from(*y));
            dot += x * y;
            a += x * x;
            b += y * y;
        }
        if a * b > 0.0 { dot / (a * b).sqrt() } else { 0.0 }
    };
    if whole.len() < part.len() || part.is_empty() {
        return (0.0, 0);
    }
    let last = whole.len() - part.len();
    let coarse = (0..=last).max_by(|a, b| score(*a, 37).total_cmp(&score(*b, 37))).unwrap_or(0);
    let near = coarse.saturating_sub(8)..=(coarse + 8).min(last);
    near.map(|offset| (score(offset, 1), offset)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0))
}

/// A stretch of `seconds` out of the middle of a sound, where it is loudest.
pub fn excerpt(samples: &[i16], seconds: f64) -> &[i16] {
    let length = ((seconds * 8_000.0) as usize).min(samples.len());
    let energy = |at: usize| samples[at..at + length].iter().map(|s| i64::from(*s).pow(2)).sum::<i64>();
    let at = (0..=samples.len() - length).step_by(400).max_by_key(|at| energy(*at)).unwrap_or(0);
    &samples[at..at + length]
}
