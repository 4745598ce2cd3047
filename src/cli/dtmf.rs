//! `cordboard dtmf`: the in-band detector of live calls, over a file.

use crate::audio::SAMPLE_RATE;
use crate::audio::dtmf_detector::{Detected, DtmfDetector, Heard};
use crate::store::audio_file;
use std::io::Write;
use std::path::Path;

/// Samples handed over at once: a packet of 20 ms, as on a call.
const PACKET: usize = 160;

/// Prints a JSON line for each key.
#[expect(clippy::disallowed_methods, reason = "the file that the command names")]
pub fn run(file: &Path, out: &mut dyn Write) -> std::io::Result<u8> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            writeln!(std::io::stderr(), "{}: {error}", file.display())?;
            return Ok(1);
        }
    };
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or("");
    let samples = match audio_file::decode(bytes, extension) {
        Ok(samples) => samples,
        Err(error) => {
            writeln!(std::io::stderr(), "{}: {error}", file.display())?;
            return Ok(1);
        }
    };
    for key in detect(&samples) {
        let ms = |samples: u64| samples * 1_000 / u64::from(SAMPLE_RATE);
        let line = serde_json::json!({
            "digit": key.digit.to_string(),
            "start_ms": ms(key.start_sample),
            "duration_ms": ms(u64::from(key.duration_samples)),
        });
        writeln!(out, "{line}")?;
    }
    Ok(0)
}

/// All keys of a recording at 8 kHz, each with its whole length.
pub fn detect(samples: &[i16]) -> Vec<Detected> {
    let mut detector = DtmfDetector::new();
    let mut found = Vec::new();
    for packet in samples.chunks(PACKET) {
        detector.push_until_end(packet, &mut |heard| {
            if let Heard::End(key) = heard {
                found.push(key);
            }
        });
    }
    found.extend(detector.unfinished());
    found
}
