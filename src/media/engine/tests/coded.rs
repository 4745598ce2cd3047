//! Legs whose audio is not G.711: passed on as it came, or made understood.

use super::*;
use crate::audio::coding::{Decoder, Encoder};
use crate::audio::tones;

const ALL: [(Coding, u8); 3] = [(Coding::G722, 9), (Coding::G729, 18), (Coding::Opus, 111)];

fn coded(n: u8, (coding, payload_type): (Coding, u8)) -> LegConfig {
    let telephone_event_scale = coding.clock_scale() as u16;
    LegConfig {
        coding,
        payload_type,
        receive: vec![(payload_type, coding)],
        telephone_event_scale,
        ..config(n)
    }
}

fn pair(a: LegConfig, b: LegConfig) -> (Stage, Peer, Peer) {
    let mut stage = Stage::new();
    let peer = |n: u64, config: &LegConfig| Peer { payload_type: config.payload_type, ..Peer::new(n) };
    let peers = (peer(1, &a), peer(2, &b));
    stage.open(1, a);
    stage.open(2, b);
    stage.bridge();
    (stage, peers.0, peers.1)
}

/// Packets of 20 ms of a tone, as a telephone codes them.
fn tone(coding: Coding, count: usize) -> Vec<Vec<u8>> {
    said(coding, &sine(count * 160))
}

fn sine(count: usize) -> Vec<i16> {
    (0..count).map(|n| ((n as f32 * 0.5).sin() * 8_000.0) as i16).collect()
}

fn said(coding: Coding, samples: &[i16]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(coding);
    let packet = |samples: &[i16]| {
        let (mut law, mut bytes) = (Vec::new(), Vec::new());
        coding.law().encode_onto(samples, &mut law);
        match &mut encoder {
            Some(encoder) => encoder.encode(coding.law(), &law, &mut bytes),
            None => bytes = law,
        }
        bytes
    };
    samples.chunks_exact(160).map(packet).collect()
}

/// Sends packets, one each 20 ms.
fn send(stage: &mut Stage, peer: &mut Peer, coding: Coding, packets: &[Vec<u8>]) {
    for payload in packets {
        let bytes = peer.bytes(false, peer.payload_type, payload);
        stage.receive(peer.n, Channel::Rtp, &peer.from, &bytes);
        peer.lose(160 * coding.clock_scale() as usize);
        stage.run(20);
    }
}

/// The mean power of what left a port, as it sounds.
fn power(stage: &Stage, port: u64, coding: Coding) -> f64 {
    let mut decoder = Decoder::new(coding);
    let mut bytes = Vec::new();
    for sent in stage.rtp(port) {
        match &mut decoder {
            Some(decoder) => assert!(decoder.decode(sent.rtp().payload, &mut bytes), "{coding:?}"),
            None => bytes.extend_from_slice(sent.rtp().payload),
        }
    }
    let squares = bytes.iter().map(|byte| f64::from(coding.law().decode(*byte)).powi(2));
    squares.sum::<f64>() / bytes.len().max(1) as f64
}

#[track_caller]
fn assert_steps(stage: &Stage, port: u64, payload_type: u8, step: u32) {
    let packets = stage.rtp(port);
    assert!(packets.len() >= 20, "{} packets", packets.len());
    for two in packets.windows(2) {
        let (first, second) = (two[0].rtp(), two[1].rtp());
        assert_eq!(second.sequence.steps_since(first.sequence), 1);
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), step);
        assert_eq!(second.payload_type, payload_type);
    }
}

#[test]
fn two_that_speak_the_same_hear_each_other_as_it_came_under_their_own_clock() {
    for kind in ALL {
        let (coding, payload_type) = kind;
        let other = (coding, payload_type.max(96) + 1);
        let (mut stage, mut peer, _) = pair(coded(1, kind), coded(2, other));
        let packets = tone(coding, 30);
        send(&mut stage, &mut peer, coding, &packets);
        assert_steps(&stage, 2, other.1, 160 * coding.clock_scale());
        let heard: Vec<_> = stage.rtp(2).iter().map(|sent| sent.rtp().payload.to_vec()).collect();
        assert_eq!(heard, packets, "{coding:?}");
        assert_eq!(stage.statistics(1).packets_bad, 0);
    }
}

#[test]
fn what_the_partner_does_not_speak_is_made_understood_both_ways() {
    for kind in ALL {
        let (mut stage, mut peer, mut other) = pair(coded(1, kind), config(2));
        let (coding, payload_type) = kind;
        send(&mut stage, &mut peer, coding, &tone(coding, 30));
        assert_steps(&stage, 2, 0, 160);
        assert!(power(&stage, 2, Coding::PCMU) > 1e7, "{coding:?}");
        send(&mut stage, &mut other, Coding::PCMU, &tone(Coding::PCMU, 30));
        let back = stage.rtp(1).len();
        assert!(back >= 29, "{coding:?}: {back}");
        assert_steps(&stage, 1, payload_type, 160 * coding.clock_scale());
        assert!(power(&stage, 1, coding) > 1e7, "{coding:?}");
    }
}

#[test]
fn packets_of_other_lengths_are_cut_for_a_partner_of_another_coding() {
    for kind in ALL {
        let (mut stage, mut peer, mut other) = pair(LegConfig { ptime_ms: 40, ..coded(1, kind) }, config(2));
        let (coding, payload_type) = kind;
        send(&mut stage, &mut other, Coding::PCMU, &tone(Coding::PCMU, 60));
        assert_steps(&stage, 1, payload_type, 320 * coding.clock_scale());
        assert!(power(&stage, 1, coding) > 1e7, "{coding:?}");
        send(&mut stage, &mut peer, coding, &tone(coding, 10));
        assert!(stage.rtp(2).len() >= 9);
    }
}

#[test]
fn a_prompt_is_heard_in_each_coding_and_silence_after_it() {
    for kind in ALL {
        let (coding, payload_type) = kind;
        let mut stage = Stage::new();
        stage.open(1, coded(1, kind));
        stage.play(1, 1, vec![Item::Clip(Arc::new(Clip::from_samples(&sine(160 * 30))))], false);
        stage.run(1_000);
        assert_steps(&stage, 1, payload_type, 160 * coding.clock_scale());
        assert!(power(&stage, 1, coding) > 1e5, "{coding:?}");
        assert!(stage.rtp(1).len() >= 45, "silence goes on");
    }
}

#[test]
fn keys_in_the_audio_are_found_in_each_coding_that_keeps_tones() {
    for kind in [ALL[0], ALL[2]] {
        let (coding, _) = kind;
        let mut stage = Stage::new();
        stage.open(1, coded(1, kind));
        stage.command(Command::Listen { leg: LegId(1), in_band: true });
        let mut samples = vec![0; 1_600];
        for digit in "147#".chars() {
            samples.extend(tones::dtmf(digit, -10.0, 120).unwrap());
            samples.extend(vec![0; 960]);
        }
        let mut peer = Peer { payload_type: kind.1, ..Peer::new(1) };
        send(&mut stage, &mut peer, coding, &said(coding, &samples));
        assert_eq!(stage.digits(), "147#", "{coding:?}");
    }
}

#[test]
fn telephone_events_change_their_clock_between_opus_and_others() {
    for (from, to, expected) in [(1u64, 2u64, 160), (2, 1, 960)] {
        let (mut stage, ..) = pair(coded(1, ALL[2]), config(2));
        let mut peer = Peer { payload_type: 101, ..Peer::new(from) };
        let scale = if from == 1 { 6 } else { 1 };
        for n in 1..=3u16 {
            let event = TelephoneEvent { event: 5, end: n == 3, volume: 10, duration: 160 * scale };
            let bytes = peer.bytes(n == 1, 101, &event.bytes());
            stage.receive(from, Channel::Rtp, &peer.from, &bytes);
            peer.sequence += 1;
            stage.run(20);
        }
        let durations: Vec<_> =
            stage.rtp(to).iter().filter_map(|sent| TelephoneEvent::parse(sent.rtp().payload)).collect();
        assert!(durations.iter().any(|event| event.duration == expected), "{durations:?}");
        assert_eq!(stage.digits(), "5");
    }
}

#[test]
fn what_no_coder_makes_is_counted_and_changes_nothing() {
    for kind in ALL {
        let (mut stage, mut peer, _) = pair(coded(1, kind), config(2));
        let (coding, _) = kind;
        send(&mut stage, &mut peer, coding, &[vec![0x1B], vec![0; 1_500], vec![]]);
        send(&mut stage, &mut peer, coding, &tone(coding, 30));
        assert!(stage.statistics(1).packets_bad >= 2, "{coding:?} {:?}", stage.statistics(1));
        assert!(stage.rtp(2).len() >= 29);
    }
}
