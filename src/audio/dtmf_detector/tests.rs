use super::*;
use std::f32::consts::TAU;

/// Amplitude of -10 dBm0.
const LOUD: f32 = 7_200.0;

/// Two sines for so many milliseconds.
fn tones(low: (f32, f32), high: (f32, f32), ms: usize) -> Vec<i16> {
    let sine =
        |(hertz, size): (f32, f32), n: usize| size * (TAU * (hertz * n as f32 / 8_000.0).fract()).sin();
    (0..ms * 8).map(|n| (sine(low, n) + sine(high, n)) as i16).collect()
}

fn key(digit: char, ms: usize) -> Vec<i16> {
    let (low, high) = frequencies(digit);
    tones((low, LOUD), (high, LOUD), ms)
}

fn frequencies(digit: char) -> (f32, f32) {
    let row = KEYS.iter().position(|row| row.contains(&digit)).unwrap();
    let column = KEYS[row].iter().position(|d| *d == digit).unwrap();
    (LOW[row], HIGH[column])
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

/// What is heard in the parts, one after the other, in packets of 20 ms.
fn heard(parts: &[Vec<i16>]) -> Vec<Heard> {
    let mut detector = DtmfDetector::new();
    let mut heard = Vec::new();
    for packet in parts.concat().chunks(160) {
        detector.push_until_end(packet, &mut |what| heard.push(what));
    }
    heard
}

fn digits(parts: &[Vec<i16>]) -> String {
    let keys = heard(parts).into_iter().filter_map(|what| match what {
        Heard::Key(key) => Some(key.digit),
        Heard::End(_) => None,
    });
    keys.collect()
}

/// The digits of a key between silences of so many samples before it, for any place in a step and a packet.
fn at_every_offset(digit: char, ms: usize) -> Vec<String> {
    (0..160).step_by(7).map(|offset| digits(&[vec![0; 800 + offset], key(digit, ms), silence(100)])).collect()
}

#[test]
fn every_key_is_heard_once() {
    for digit in KEYS.concat() {
        assert_eq!(digits(&[silence(100), key(digit, 70), silence(100)]), digit.to_string());
    }
}

#[test]
fn a_tone_of_20_ms_is_no_key_and_one_of_40_ms_is_wherever_it_begins() {
    for digit in ['1', '5', 'D'] {
        for (ms, expected) in [(10, ""), (20, ""), (40, &*digit.to_string()), (45, &*digit.to_string())] {
            for found in at_every_offset(digit, ms) {
                assert_eq!(found, expected, "{digit} of {ms} ms");
            }
        }
    }
}

#[test]
fn a_break_inside_a_key_does_not_double_it() {
    for break_ms in [5, 10, 20] {
        for before in 40..60 {
            let parts = [silence(33), key('8', before), silence(break_ms), key('8', 60), silence(100)];
            assert_eq!(digits(&parts), "8", "{break_ms} ms after {before} ms");
        }
    }
}

#[test]
fn equal_keys_40_ms_apart_are_two() {
    for on in [40, 50, 60, 80, 100, 120] {
        for gap in [40, 45, 50, 60, 80] {
            let parts = [silence(300), key('5', on), silence(gap), key('5', on), silence(100)];
            assert_eq!(digits(&parts), "55", "{on} ms, {gap} ms apart");
        }
    }
}

#[test]
fn a_hole_of_whole_packets_in_which_the_tone_would_have_gone_on_does_not_double_it() {
    for lost in [1, 2, 3] {
        let mut tone = key('3', 200);
        tone[480..480 + lost * 160].fill(0);
        assert_eq!(digits(&[silence(300), tone, silence(100)]), "3", "{lost} packets");
    }
    // Four in a row are a pause.
    let mut tone = key('3', 200);
    tone[480..480 + 4 * 160].fill(0);
    assert_eq!(digits(&[silence(300), tone, silence(100)]), "33");
}

#[test]
fn twist_is_accepted_from_minus_8_to_plus_4_db_and_not_far_beyond() {
    for (db, expected) in
        [(-15.0, ""), (-12.5, ""), (-8.0, "6"), (-4.0, "6"), (0.0, "6"), (4.0, "6"), (8.0, ""), (12.0, "")]
    {
        let ratio = 10f32.powf(db / 20.0);
        let (low, high) = (LOUD / ratio.max(1.0), LOUD * ratio.min(1.0));
        let tone = tones((770.0, low), (1_477.0, high), 50);
        assert_eq!(digits(&[silence(50), tone, silence(50)]), expected, "{db} dB");
    }
}

#[test]
fn tones_off_by_1_5_percent_are_accepted_and_by_3_5_percent_refused() {
    for digit in KEYS.concat() {
        let (low, high) = frequencies(digit);
        for (percent, expected) in [(1.5, digit.to_string()), (3.5, String::new()), (5.0, String::new())] {
            for (a, b) in
                [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)]
            {
                let off = |hertz: f32, way: f32| (hertz * (1.0 + way * percent / 100.0), LOUD);
                let tone = tones(off(low, a), off(high, b), 80);
                assert_eq!(
                    digits(&[silence(50), tone, silence(50)]),
                    expected,
                    "{digit} {percent} % {a} {b}"
                );
            }
        }
    }
}

#[test]
fn levels_from_0_to_minus_36_dbm0_are_heard_and_minus_55_is_not() {
    for (dbm0, expected) in [(0.0, "9"), (-10.0, "9"), (-25.0, "9"), (-36.0, "9"), (-55.0, "")] {
        let size = 22_826.0 * 10f32.powf(dbm0 / 20.0) * 0.7;
        let tone = tones((852.0, size), (1_477.0, size), 50);
        assert_eq!(digits(&[silence(50), tone, silence(50)]), expected, "{dbm0} dBm0");
    }
}

#[test]
fn one_tone_alone_and_gliding_pairs_are_no_key() {
    assert_eq!(digits(&[tones((697.0, LOUD), (0.0, 0.0), 1_000)]), "");
    assert_eq!(digits(&[tones((0.0, 0.0), (1_336.0, LOUD), 1_000)]), "");
    // Through the whole tolerance of the 5 in 100 ms, as a voice does: 0.4 % every 10 ms.
    let (mut low, mut high) = (0.0f32, 0.0f32);
    let glide: Vec<i16> = (0..800)
        .map(|n| {
            let bend = 1.0 + 0.02 * (n as f32 - 400.0) / 400.0 * 1.5;
            low += TAU * 770.0 * bend / 8_000.0;
            high += TAU * 1_336.0 * (2.0 - bend) / 8_000.0;
            (LOUD * (low.sin() + high.sin())) as i16
        })
        .collect();
    assert_eq!(digits(&[silence(50), glide, silence(50)]), "");
}

#[test]
fn start_and_length_are_told_to_within_5_ms() {
    for (start, ms) in [(813, 40), (840, 55), (900, 80), (1_001, 123), (955, 700)] {
        let found = heard(&[vec![0; start], key('0', ms), silence(100)]);
        let [Heard::Key(key), Heard::End(end)] = found[..] else { panic!("{found:?}") };
        assert!(key.start_sample.abs_diff(start as u64) < 40, "{key:?}, not {start}");
        assert_eq!((key.digit, key.start_sample), (end.digit, end.start_sample));
        assert!(end.duration_samples.abs_diff(ms as u32 * 8) < 40, "{end:?}, not {ms} ms");
    }
}

#[test]
fn a_key_that_is_still_held_has_no_end_but_a_length() {
    let mut detector = DtmfDetector::new();
    detector.push(&[silence(50), key('7', 90)].concat(), &mut |_| {});
    let held = detector.unfinished().unwrap();
    assert!(held.duration_samples.abs_diff(90 * 8) < 40, "{held:?}");
    detector.reset();
    assert_eq!(detector.unfinished(), None);
}

#[test]
fn the_size_of_the_packets_changes_nothing() {
    let audio =
        [silence(33), key('1', 60), silence(47), key('1', 50), silence(41), key('#', 45), silence(60)]
            .concat();
    let found = |size: usize| {
        let mut detector = DtmfDetector::new();
        let mut found = Vec::new();
        audio.chunks(size).for_each(|packet| detector.push_until_end(packet, &mut |what| found.push(what)));
        found
    };
    let whole = found(audio.len());
    assert_eq!(whole.len(), 6, "{whole:?}");
    for size in [1, 7, 39, 40, 41, 80, 160, 240, 1_000] {
        assert_eq!(found(size), whole, "{size} samples");
    }
}

/// The digits where the packets in `lost` are missing and the detector is told.
fn with_losses(parts: &[Vec<i16>], lost: &[usize]) -> String {
    let mut detector = DtmfDetector::new();
    let mut found = String::new();
    for (n, packet) in parts.concat().chunks(160).enumerate() {
        if lost.contains(&n) {
            detector.lost(packet.len());
        } else {
            detector.push(packet, &mut |key| found.push(key.digit));
        }
    }
    found
}

#[test]
fn a_lost_packet_neither_doubles_nor_invents_a_key() {
    let one = [silence(100), key('4', 120), silence(100)];
    for lost in 0..16 {
        assert_eq!(with_losses(&one, &[lost]), "4", "packet {lost}");
    }
    // Losses in a row that leave enough of it on both sides.
    assert_eq!(with_losses(&[silence(100), key('4', 200), silence(100)], &[8, 9, 10]), "4");
    // Two tones too short for a key are none together.
    assert_eq!(with_losses(&[silence(100), key('4', 20), silence(20), key('4', 20), silence(100)], &[6]), "");
}

#[test]
fn equal_keys_with_a_lost_packet_in_the_pause_are_two() {
    let two = [silence(100), key('2', 60), silence(40), key('2', 60), silence(100)];
    assert_eq!(with_losses(&two, &[]), "22");
    for lost in [8, 9] {
        assert_eq!(with_losses(&two, &[lost]), "22", "packet {lost}");
    }
}

#[test]
fn the_same_key_after_a_gap_of_more_than_100_ms_is_a_new_one() {
    let mut detector = DtmfDetector::new();
    let mut found = String::new();
    for gap in [800, 801] {
        detector.push(&key('A', 60), &mut |key| found.push(key.digit));
        detector.lost(gap);
    }
    detector.push(&key('A', 60), &mut |key| found.push(key.digit));
    assert_eq!(found, "AA");
}

#[test]
fn any_samples_and_gaps_are_survived() {
    let mut detector = DtmfDetector::new();
    let wild: Vec<i16> = (0..4_000).map(|n| if n / 3 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    detector.push(&wild, &mut |_| {});
    detector.lost(usize::MAX);
    detector.lost(0);
    detector.push(&wild, &mut |_| {});
    detector.push(&[], &mut |_| {});
    assert!(std::mem::size_of::<DtmfDetector>() < 2_048, "{}", std::mem::size_of::<DtmfDetector>());
}
