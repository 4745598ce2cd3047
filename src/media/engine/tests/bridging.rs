//! Two legs that hear each other.

use super::*;

fn bridged(a: LegConfig, b: LegConfig) -> (Stage, Peer, Peer) {
    let mut stage = Stage::new();
    stage.open(1, a);
    stage.open(2, b);
    stage.bridge();
    (stage, Peer::new(1), Peer::new(2))
}

fn pcma(n: u8) -> LegConfig {
    LegConfig { coding: Coding::PCMA, payload_type: 8, ..config(n) }
}

#[test]
fn a_packet_goes_on_when_it_comes_with_its_audio_and_our_numbers() {
    let (mut stage, mut peer, mut other) = bridged(config(1), config(2));
    for n in 0..100u8 {
        peer.audio(&mut stage, &[n; 160]);
        stage.run(3);
        other.audio(&mut stage, &[n; 160]);
        stage.run(17);
    }
    for (port, ssrc) in [(1, other.ssrc), (2, peer.ssrc)] {
        let packets = stage.rtp(port);
        assert_eq!(packets.len(), 100);
        assert_continuous(&packets, 0);
        for (n, sent) in packets.iter().enumerate() {
            assert_eq!(sent.rtp().payload, [n as u8; 160]);
            assert_eq!(sent.rtp().marker, n == 0);
            assert_ne!(sent.rtp().ssrc, ssrc);
        }
    }
    assert_eq!(stage.rtp(2)[5].at_ms(), 1_100.0);
    assert_eq!(stage.rtp(1)[5].at_ms(), 1_103.0);
}

#[test]
fn loss_disorder_and_steps_of_the_partner_stay_visible() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.talk(&mut stage, 5);
    peer.lose(160);
    peer.talk(&mut stage, 1);
    let late = peer.bytes(false, 0, &[1; 160]);
    peer.lose(160);
    peer.talk(&mut stage, 1);
    stage.receive(1, Channel::Rtp, "127.0.0.1:4000", &late);
    peer.timestamp += 4_000;
    peer.talk(&mut stage, 1);
    let first = stage.rtp(2)[0].rtp();
    let numbers: Vec<(i16, u32)> = stage
        .rtp(2)
        .iter()
        .map(|sent| {
            let packet = sent.rtp();
            (
                packet.sequence.steps_since(first.sequence),
                packet.timestamp.wrapping_sub(first.timestamp) / 160,
            )
        })
        .collect();
    assert_eq!(numbers[4..], [(4, 4), (6, 6), (8, 8), (7, 7), (9, 9 + 25)]);
}

#[test]
fn a_packet_from_before_the_bridge_takes_no_number_twice() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    let late = peer.bytes(false, 0, &[1; 160]);
    peer.lose(160);
    peer.talk(&mut stage, 1);
    stage.receive(1, Channel::Rtp, "127.0.0.1:4000", &late);
    peer.talk(&mut stage, 1);
    assert_eq!(stage.rtp(2).len(), 2);
    assert_continuous(&stage.rtp(2), 0);
}

#[test]
fn a_partner_that_starts_again_with_other_numbers_is_followed() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.talk(&mut stage, 10);
    (peer.ssrc, peer.sequence, peer.timestamp) = (99, 40_000, 3_000_000_000);
    peer.talk(&mut stage, 10);
    // With the same SSRC the first packet might be a very late one.
    (peer.sequence, peer.timestamp) = (12, 5);
    peer.talk(&mut stage, 11);
    assert_continuous(&stage.rtp(2), 0);
    let markers: Vec<usize> = (0..30).filter(|&n| stage.rtp(2)[n].rtp().marker).collect();
    assert_eq!(markers, [0, 10, 20]);
}

#[test]
fn a_packet_that_comes_seconds_late_is_not_relayed_and_disturbs_nothing() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    let late = peer.bytes(false, 0, &[1; 160]);
    peer.lose(160);
    peer.talk(&mut stage, 200);
    stage.receive(1, Channel::Rtp, "127.0.0.1:4000", &late);
    peer.talk(&mut stage, 10);
    assert_eq!(stage.rtp(2).len(), 210);
    assert_continuous(&stage.rtp(2), 0);
    assert_eq!(stage.rtp(2).iter().filter(|sent| sent.rtp().marker).count(), 1);
}

#[test]
fn the_numbers_of_a_long_bridge_wrap() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.timestamp = u32::MAX - 1_000_000;
    for _ in 0..140_000 {
        peer.audio(&mut stage, &[0xFF; 160]);
        stage.run(20);
        if stage.sent.len() > 1_000 {
            stage.sent.retain(|sent| sent.channel == Channel::Rtp && sent.port == PortId(2));
            assert_continuous(&stage.rtp(2), 0);
            let last = stage.sent.pop();
            stage.sent.clear();
            stage.sent.extend(last);
        }
    }
    assert_eq!(stage.statistics(2).packets_sent, 140_000);
}

#[test]
fn laws_are_converted_both_ways_within_their_error() {
    let (mut stage, mut peer, mut other) = bridged(config(1), pcma(2));
    other.payload_type = 8;
    let wave: Vec<i16> =
        (0..160).map(|n| (12_000.0 * (std::f32::consts::TAU * n as f32 / 20.0).sin()) as i16).collect();
    let in_law = |codec: Codec| -> Vec<u8> { wave.iter().map(|&sample| codec.encode(sample)).collect() };
    peer.audio(&mut stage, &in_law(Codec::Pcmu));
    other.audio(&mut stage, &in_law(Codec::Pcma));
    for (port, codec, payload_type) in [(2, Codec::Pcma, 8), (1, Codec::Pcmu, 0)] {
        let packets = stage.rtp(port);
        let packet = packets[0].rtp();
        assert_eq!(packet.payload_type, payload_type);
        for (&byte, &sample) in packet.payload.iter().zip(&wave) {
            let error = (i32::from(codec.decode(byte)) - i32::from(sample)).abs();
            assert!(error <= i32::from(sample.abs()) / 12 + 24, "{sample} off by {error}");
        }
    }
}

#[test]
fn what_counts_is_the_law_of_each_packet_not_what_was_agreed_first() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.payload_type = 8;
    peer.audio(&mut stage, &[Codec::Pcma.encode(4_000); 160]);
    let packets = stage.rtp(2);
    let packet = packets[0].rtp();
    assert_eq!(packet.payload_type, 0);
    assert!((i32::from(Codec::Pcmu.decode(packet.payload[0])) - 4_000).abs() < 250);
}

#[test]
fn packet_times_that_differ_are_cut_anew_and_evenly_paced() {
    for (from_samples, ptime, a) in [
        (160, 30, config(1)),
        (480, 20, config(1)),
        (160, 60, pcma(1)),
        (240, 20, config(1)),
        (80, 20, config(1)),
    ] {
        let (mut stage, mut peer, _) = bridged(a, LegConfig { ptime_ms: ptime, ..config(2) });
        let packets = 8_000 * 6 / from_samples;
        for n in 0..packets {
            let wave: Vec<u8> = (0..from_samples)
                .map(|k| {
                    let phase = (n * from_samples + k) as f32 * std::f32::consts::TAU / 80.0;
                    Codec::Pcmu.encode((8_000.0 * phase.sin()) as i16)
                })
                .collect();
            peer.audio(&mut stage, &wave);
            stage.run(from_samples as u64 / 8);
        }
        let name = format!("{from_samples} samples to {ptime} ms");
        let sent = stage.rtp(2);
        let expected = 6_000 / usize::from(ptime);
        assert!((expected - 1..=expected).contains(&sent.len()), "{name}: {} packets", sent.len());
        for pair in sent.windows(2) {
            let (a, b) = (pair[0].rtp(), pair[1].rtp());
            assert_eq!(b.payload.len(), usize::from(ptime) * 8, "{name}");
            assert_eq!(b.sequence, a.sequence.plus(1), "{name}");
            assert_eq!(b.timestamp.wrapping_sub(a.timestamp) as usize, a.payload.len(), "{name}");
            let gap = (pair[1].at - pair[0].at).as_millis();
            assert!(gap.abs_diff(ptime.into()) <= 10, "{name}: {gap} ms at {}", pair[1].at_ms());
        }
        let heard: Vec<i16> = sent
            .iter()
            .flat_map(|s| s.rtp().payload.iter().map(|&b| Codec::Pcmu.decode(b)).collect::<Vec<_>>())
            .collect();
        let wrong = heard.windows(81).filter(|w| (i32::from(w[80]) - i32::from(w[0])).abs() > 300).count();
        assert_eq!(wrong, 0, "{name}: a wave of 80 samples repeats without a break");
    }
}

#[test]
fn one_odd_packet_is_cut_and_two_seconds_later_packets_go_on_as_they_come_again() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.talk(&mut stage, 10);
    peer.audio(&mut stage, &[0xFF; 80]);
    stage.run(10);
    peer.talk(&mut stage, 200);
    stage.run(13);
    peer.audio(&mut stage, &[7; 160]);
    let last = stage.rtp(2).last().copied().unwrap();
    assert_eq!((last.at, last.rtp().payload), (stage.now, &[7; 160][..]));
    assert_continuous(&stage.rtp(2), 320);
}

#[test]
fn a_packet_lost_on_the_way_to_the_cutter_is_made_up_for() {
    let (mut stage, mut peer, _) = bridged(config(1), LegConfig { ptime_ms: 40, ..config(2) });
    for n in 0..200 {
        if n % 20 == 10 {
            peer.lose(160);
        } else {
            peer.audio(&mut stage, &[Codec::Pcmu.encode(5_000); 160]);
        }
        stage.run(20);
    }
    let sent = stage.rtp(2);
    assert!((98..=100).contains(&sent.len()), "{}", sent.len());
    let quiet = sent.iter().flat_map(|s| s.rtp().payload.to_vec()).filter(|&b| Codec::Pcmu.decode(b) < 2_000);
    assert_eq!(quiet.count(), 0);
}

#[test]
fn keys_pass_under_the_partners_number() {
    let b = LegConfig { telephone_event_send: Some(96), telephone_event_receive: Some(96), ..config(2) };
    for b in [b.clone(), LegConfig { ptime_ms: 40, ..b }] {
        let (mut stage, mut peer, _) = bridged(config(1), b);
        peer.talk(&mut stage, 10);
        peer.key(&mut stage, 9);
        peer.talk(&mut stage, 10);
        assert_eq!(stage.digits(), "9");
        let events: Vec<&Sent> =
            stage.rtp(2).into_iter().filter(|sent| sent.rtp().payload_type == 96).collect();
        assert_eq!(events.len(), 6);
        assert!(events[0].rtp().marker);
        assert!(events.iter().all(|sent| sent.rtp().timestamp == events[0].rtp().timestamp));
        assert_eq!(events[5].rtp().payload, [9, 0x8A, 640u16.to_be_bytes()[0], 640u16.to_be_bytes()[1]]);
        for pair in stage.rtp(2).windows(2) {
            assert_eq!(pair[1].rtp().sequence, pair[0].rtp().sequence.plus(1));
        }
    }
}

#[test]
fn a_leg_without_telephone_events_hears_the_tones_of_a_key() {
    use crate::audio::dtmf_detector::DtmfDetector;
    let b = LegConfig { telephone_event_send: None, telephone_event_receive: None, ..config(2) };
    let (mut stage, mut peer, _) = bridged(config(1), b);
    peer.talk(&mut stage, 10);
    for event in [1, 2, 11] {
        peer.key(&mut stage, event);
        peer.talk(&mut stage, 10);
    }
    let mut detector = DtmfDetector::new();
    let mut heard = String::new();
    for sent in stage.rtp(2) {
        let mut samples = [0; 160];
        Codec::Pcmu.decode_into(sent.rtp().payload, &mut samples);
        detector.push(&samples, &mut |found| heard.push(found.digit));
    }
    assert_eq!(heard, "12#");
    assert!(!stage.events.iter().any(|(_, event)| matches!(event, Event::PlaybackEnded { .. })));
}

#[test]
fn a_partner_that_falls_silent_is_followed_by_silence_until_it_speaks_again() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    stage.run(1_000);
    assert_eq!(stage.rtp(2).len(), 41, "from 200 ms on");
    peer.talk(&mut stage, 10);
    stage.run(1_000);
    peer.timestamp += 8_000;
    let before = stage.rtp(2).len();
    peer.audio(&mut stage, &[9; 160]);
    assert_eq!((stage.rtp(2)[before].rtp().payload[0], stage.rtp(2)[before].rtp().marker), (9, true));
    assert_continuous(&stage.rtp(2), 160);
}

#[test]
fn a_leg_on_hold_gets_nothing_and_the_other_hears_silence() {
    let (mut stage, mut peer, mut other) = bridged(config(1), config(2));
    peer.talk(&mut stage, 10);
    let held = LegConfig { send: false, receive_enabled: false, ..config(2) };
    stage.command(Command::Update { leg: LegId(2), config: held });
    stage.sent.clear();
    for _ in 0..50 {
        peer.audio(&mut stage, &[1; 160]);
        other.audio(&mut stage, &[2; 160]);
        stage.run(20);
    }
    assert!(stage.rtp(2).is_empty());
    assert!(!stage.rtp(1).is_empty());
    assert!(stage.rtp(1).iter().all(|sent| sent.rtp().payload == [0xFF; 160]));
    stage.command(Command::Update { leg: LegId(2), config: config(2) });
    peer.talk(&mut stage, 10);
    other.audio(&mut stage, &[2; 160]);
    assert_eq!(stage.rtp(1).last().unwrap().rtp().payload, [2; 160]);
    assert_eq!(stage.rtp(2).last().unwrap().rtp().payload, [0xFF; 160]);
}

#[test]
fn when_one_leg_closes_the_other_is_free_and_can_be_bridged_again() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.talk(&mut stage, 10);
    stage.command(Command::Close { leg: LegId(2) });
    stage.open(3, config(3));
    assert_eq!(stage.engine.counts().bridges, 0);
    stage.command(Command::Bridge { a: LegId(1), b: LegId(3) });
    assert_eq!(stage.engine.counts().bridges, 1);
    peer.audio(&mut stage, &[5; 160]);
    assert_eq!(stage.rtp(3)[0].rtp().payload, [5; 160]);
    stage.open(4, config(4));
    stage.command(Command::Bridge { a: LegId(1), b: LegId(4) });
    assert_eq!(stage.engine.counts().bridges, 1, "the old pair is parted");
}

#[test]
fn a_playback_on_a_bridged_leg_is_heard_instead_of_the_partner() {
    let (mut stage, mut peer, _) = bridged(config(1), config(2));
    peer.talk(&mut stage, 10);
    stage.play(2, 1, vec![clip(1_600)], false);
    peer.talk(&mut stage, 20);
    let loud = stage.rtp(2).iter().filter(|sent| Codec::Pcmu.decode(sent.rtp().payload[0]) > 7_000).count();
    assert_eq!(loud, 10);
    assert_continuous(&stage.rtp(2), 160);
}

#[test]
fn a_leg_joined_with_itself_hears_itself_whatever_the_length_of_its_packets() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.command(Command::Bridge { a: LegId(1), b: LegId(1) });
    let mut peer = Peer::new(1);
    for n in 0..50u8 {
        peer.audio(&mut stage, &vec![n; if n < 25 { 160 } else { 240 }]);
        stage.run(if n < 25 { 20 } else { 30 });
    }
    let packets = stage.rtp(1);
    let heard: Vec<(u8, usize)> =
        packets.iter().map(|p| (p.rtp().payload[0], p.rtp().payload.len())).collect();
    let said: Vec<(u8, usize)> = (0..50).map(|n| (n, if n < 25 { 160 } else { 240 })).collect();
    assert_eq!(heard, said);
}
