//! The in-band detector on the graded set, on speech and with lost packets. Prints its figures (docs/dtmf.md).

#[path = "dtmf/graded.rs"]
mod graded;
#[path = "dtmf/noise.rs"]
mod noise;
#[path = "dtmf/score.rs"]
mod score;
#[path = "dtmf/speech.rs"]
mod speech;

use cordboard::audio::dtmf_detector::DtmfDetector;
use graded::{Expect, RATE};
use noise::Noise;
use score::{PACKET, Table, Tally, hear, tally};
use std::io::Write;

const SEEDS: [u64; 3] = [1, 2, 3];

/// Past the test runner, which keeps the words of tests that pass to itself.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

#[test]
fn the_graded_set_is_heard_as_it_was_sent() {
    let (en, fr) = (speech::voice("en-us-0"), speech::voice("fr-0"));
    let mut table = Table::default();
    for seed in SEEDS {
        graded::set(seed, [("en", &en), ("fr", &fr)], &mut |file| table.add(&file));
    }
    say(&format!("\nin-band DTMF, graded set, seeds {SEEDS:?}\n{table}"));
    let (must, reject) = (table.total(Expect::Must), table.total(Expect::Reject));
    assert!(must.keys > 5_000 * SEEDS.len(), "{must:?}");
    assert!(must.percent() >= 99.5, "{must:?}: {:#?}", table.short);
    assert_eq!((must.extra, reject.extra, reject.clean), (0, 0, reject.files), "{:#?}", table.short);
    let lost = table.group("G-loss", Expect::Info);
    assert_eq!(lost.extra, 0, "a lost packet doubled a key: {:#?}", table.info);
    assert!(lost.percent() >= 99.0, "{lost:?}");
}

#[test]
fn nobody_who_talks_presses_a_key() {
    let (mut samples, mut heard) = (0, Vec::new());
    for (voice, speech) in speech::all() {
        samples += speech.len();
        for key in hear(&speech) {
            heard.push(format!("{} by {voice} at {} ms", key.digit, key.start_sample / 8));
        }
    }
    let minutes = samples as f64 / (60 * RATE) as f64;
    say(&format!("in-band DTMF, synthetic speech: {minutes:.1} minutes, {} false keys", heard.len()));
    assert!(minutes >= 30.0, "only {minutes:.1} minutes were spoken");
    assert_eq!(heard, Vec::<String>::new());
}

/// Keys with 5 % of the packets lost, which the detector is told of as the jitter buffer does.
fn with_told_losses(seed: u64, part: f64) -> Tally {
    let mut noise = Noise::named(seed, "lost", "told");
    let mut total = Tally::default();
    graded::clean(seed, 120.0, 120.0, &mut |file| {
        let mut detector = DtmfDetector::new();
        let mut heard = Vec::new();
        for packet in file.samples.chunks(PACKET) {
            if noise.uniform() < part {
                detector.lost(packet.len());
            } else {
                detector.push(packet, &mut |key| heard.push(key));
            }
        }
        total.add(tally(&file.sent, &heard));
    });
    total
}

#[test]
fn five_percent_of_lost_packets_double_no_key() {
    let mut total = Tally::default();
    for seed in 1..=20 {
        total.add(with_told_losses(seed, 0.05));
    }
    say(&format!("in-band DTMF, 5 % of packets lost, told by the jitter buffer: {total:?}"));
    assert_eq!(total.extra, 0, "{total:?}");
    assert!(total.percent() >= 99.0, "{total:?}");
}
