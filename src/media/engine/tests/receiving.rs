//! What a leg takes from whom, and what it makes of it.

use super::*;
use crate::audio::tones;
use crate::rtp::rtcp::{Compound, Identity, ReportBlock, SenderInfo};

const STRANGER: &str = "127.0.0.66:4000";

fn listening() -> (Stage, Peer) {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.command(Command::Listen { leg: LegId(1), in_band: true });
    (stage, Peer::new(1))
}

#[test]
fn a_stranger_can_neither_steal_nor_inject() {
    let (mut stage, mut peer) = listening();
    stage.open(2, config(2));
    stage.bridge();
    peer.talk(&mut stage, 20);
    stage.sent.clear();
    let mut stranger = Peer { from: STRANGER.into(), ssrc: 666, ..Peer::new(1) };
    // The peer is silent for two seconds and more; the stranger has the port to itself.
    for _ in 0..20 {
        stranger.key(&mut stage, 1);
        stranger.talk(&mut stage, 5);
    }
    stage.receive(1, Channel::Rtcp, STRANGER, &report(666, None, true));
    assert_eq!(stage.digits(), "");
    assert!(stage.rtp(1).iter().all(|sent| sent.to == "127.0.0.1:4000".parse().unwrap()));
    assert!(stage.rtp(2).iter().all(|sent| sent.rtp().payload == [0xFF; 160]));
    let statistics = stage.statistics(1);
    assert_eq!((statistics.packets_refused, statistics.packets_received), (20 * 11 + 1, 20));
}

#[test]
fn a_peer_behind_nat_is_followed_to_where_its_signalling_comes_from() {
    let mut stage = Stage::new();
    let signalling_ip = "127.0.0.77".parse().unwrap();
    stage.open(1, LegConfig { signalling_ip, ..config(1) });
    stage.play(1, 1, vec![clip(80_000)], false);
    let mut peer = Peer { from: "127.0.0.77:9000".into(), ..Peer::new(1) };
    peer.talk(&mut stage, 9);
    assert_eq!(stage.rtp(1).last().unwrap().to, "127.0.0.1:4000".parse().unwrap());
    peer.talk(&mut stage, 3);
    assert_eq!(stage.rtp(1).last().unwrap().to, "127.0.0.77:9000".parse().unwrap());
    let from = "127.0.0.77:9000".parse().unwrap();
    assert!(stage.events.iter().any(|(_, e)| *e == Event::SourceLearned { leg: LegId(1), from }));
}

#[test]
fn reports_are_followed_by_the_same_rule() {
    let mut stage = Stage::new();
    let signalling_ip = "127.0.0.77".parse().unwrap();
    stage.open(1, LegConfig { signalling_ip, inactivity: None, ..config(1) });
    for _ in 0..10 {
        stage.run(5_000);
        stage.receive(1, Channel::Rtcp, STRANGER, &report(7_001, None, false));
    }
    for _ in 0..4 {
        stage.run(5_000);
        stage.receive(1, Channel::Rtcp, "127.0.0.77:9001", &report(7_001, None, false));
    }
    assert!(stage.rtcp(1).iter().all(|sent| sent.to == "127.0.0.1:4001".parse().unwrap()));
    stage.receive(1, Channel::Rtcp, "127.0.0.77:9001", &report(7_001, None, false));
    stage.run(10_000);
    assert_eq!(stage.rtcp(1).last().unwrap().to, "127.0.0.77:9001".parse().unwrap());
    assert_eq!(stage.statistics(1).packets_refused, 14);
}

#[test]
fn a_rebinding_is_followed_after_five_packets_and_200_ms() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 50);
    peer.from = "127.0.0.1:4444".into();
    peer.talk(&mut stage, 9);
    assert_eq!(stage.rtp(1).last().unwrap().to, "127.0.0.1:4000".parse().unwrap());
    peer.talk(&mut stage, 3);
    assert_eq!(stage.rtp(1).last().unwrap().to, "127.0.0.1:4444".parse().unwrap());
}

#[test]
fn a_key_is_one_digit_whatever_happens_to_its_packets() {
    for (name, press) in [
        ("whole", (|peer, stage| peer.key(stage, 5)) as fn(&mut Peer, &mut Stage)),
        ("without its end", |peer, stage| peer.event(stage, true, 5, false, 160)),
        ("without its start", |peer, stage| peer.event(stage, false, 5, true, 640)),
        ("without a marker", |peer, stage| {
            peer.event(stage, false, 5, false, 160);
            peer.event(stage, false, 5, true, 320);
        }),
        ("with its end first", |peer, stage| {
            peer.sequence += 1;
            peer.event(stage, false, 5, true, 320);
            peer.sequence -= 2;
            peer.event(stage, true, 5, false, 160);
            peer.sequence += 1;
        }),
    ] {
        let (mut stage, mut peer) = listening();
        for _ in 0..3 {
            peer.talk(&mut stage, 10);
            press(&mut peer, &mut stage);
            peer.timestamp += 640;
        }
        assert_eq!(stage.digits(), "555", "{name}");
    }
}

#[test]
fn a_key_as_event_tone_and_info_is_one_and_the_same_key_again_is_another() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 10);
    for _ in 0..2 {
        let tone = tones::dtmf('7', -10.0, 100).unwrap();
        peer.say(&mut stage, &tone, || false);
        peer.key(&mut stage, 7);
        let duration = Duration::from_millis(100);
        stage.command(Command::InfoDigit { leg: LegId(1), digit: '7', duration });
        peer.talk(&mut stage, 25);
    }
    assert_eq!(stage.digits(), "77");
    let sources: Vec<DigitSource> = stage
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Digit { source, .. } => Some(*source),
            _ => None,
        })
        .collect();
    assert_eq!(sources, [DigitSource::InBand, DigitSource::InBand]);
}

#[test]
fn keys_by_info_alone_are_keys_and_other_text_is_none() {
    let (mut stage, _) = listening();
    for digit in ['1', '1', 'd', '#', 'x', '\0', 'é'] {
        stage.command(Command::InfoDigit { leg: LegId(1), digit, duration: Duration::MAX });
        stage.run(200);
    }
    assert_eq!(stage.digits(), "11D#");
}

#[test]
fn tones_are_keys_only_while_they_are_listened_for() {
    let (mut stage, mut peer) = listening();
    let tone = tones::dtmf('3', -10.0, 100).unwrap();
    peer.talk(&mut stage, 5);
    peer.say(&mut stage, &tone, || false);
    peer.talk(&mut stage, 10);
    assert_eq!(stage.digits(), "3");
    stage.command(Command::Listen { leg: LegId(1), in_band: false });
    peer.say(&mut stage, &tone, || false);
    peer.key(&mut stage, 4);
    assert_eq!(stage.digits(), "34");
}

#[test]
fn one_packet_in_twenty_lost_doubles_no_key() {
    let (mut stage, mut peer) = listening();
    let mut random = Random::from_seed(5);
    let mut pressed = String::new();
    peer.talk(&mut stage, 5);
    for digit in "0123456789*#ABCD".chars().cycle().take(96) {
        let tone = tones::dtmf(digit, -10.0, 120).unwrap();
        peer.say(&mut stage, &tone, || random.below(20) == 0);
        peer.say(&mut stage, &[0; 960], || random.below(20) == 0);
        pressed.push(digit);
    }
    assert_eq!(stage.digits(), pressed);
}

#[test]
fn disorder_in_the_audio_changes_no_key() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 5);
    for digit in "123456789".chars() {
        let tone = tones::dtmf(digit, -10.0, 120).unwrap();
        let mut packets = Vec::new();
        for part in tone.chunks(160) {
            let payload: Vec<u8> = part.iter().map(|&s| Codec::Pcmu.encode(s)).collect();
            packets.push(peer.bytes(false, 0, &payload));
            peer.lose(160);
        }
        packets.swap(1, 2);
        packets.swap(3, 5);
        for packet in packets {
            stage.receive(1, Channel::Rtp, &peer.from, &packet);
            stage.run(20);
        }
        peer.talk(&mut stage, 5);
    }
    assert_eq!(stage.digits(), "123456789");
}

#[test]
fn a_silent_peer_is_told_of_once_until_it_is_heard_again() {
    let mut stage = Stage::new();
    stage.open(1, LegConfig { inactivity: Some(Duration::from_secs(10)), ..config(1) });
    let mut peer = Peer::new(1);
    let inactive_at = |stage: &Stage| -> Vec<u64> {
        let told = stage.events.iter().filter(|(_, event)| matches!(event, Event::Inactive { .. }));
        told.map(|(at, _)| at.as_micros() / 1_000).collect()
    };
    stage.run_to(30_000);
    assert_eq!(inactive_at(&stage), [11_000]);
    peer.talk(&mut stage, 1);
    stage.run_to(39_999);
    let mut stranger = Peer { from: STRANGER.into(), ..Peer::new(1) };
    stranger.talk(&mut stage, 1);
    assert_eq!(inactive_at(&stage), [11_000, 40_000], "a stranger is not the peer");
    stage.receive(1, Channel::Rtcp, "127.0.0.1:4001", &report(7_001, None, false));
    stage.run_to(49_000);
    stage.receive(1, Channel::Rtcp, "127.0.0.1:4001", &report(7_001, None, false));
    stage.run_to(58_999);
    assert_eq!(inactive_at(&stage).len(), 2, "RTCP is a sign of life");
}

#[test]
fn a_peer_on_hold_may_be_silent_and_what_it_sends_is_not_heard() {
    let mut stage = Stage::new();
    let limit = Some(Duration::from_secs(10));
    stage.open(1, LegConfig { inactivity: limit, ..config(1) });
    let held = LegConfig { inactivity: limit, receive_enabled: false, send: false, ..config(1) };
    stage.command(Command::Update { leg: LegId(1), config: held });
    Peer::new(1).key(&mut stage, 1);
    stage.run_to(100_000);
    assert_eq!(stage.events, []);
    stage.command(Command::Update { leg: LegId(1), config: LegConfig { inactivity: limit, ..config(1) } });
    stage.run_to(120_000);
    let silent_for = Duration::from_secs(10);
    assert_eq!(
        stage.events,
        [(Instant::from_millis(110_000), Event::Inactive { leg: LegId(1), silent_for })]
    );
}

#[test]
fn what_is_no_packet_of_the_call_is_counted_and_dropped() {
    let (mut stage, peer) = listening();
    let mut bad = vec![
        vec![],
        vec![0x80; 11],
        peer.bytes(false, 0, &[0; 160])[..12].to_vec(),
        peer.bytes(false, 20, &[0; 1]),
        peer.bytes(false, 101, &[0; 3]),
        peer.bytes(false, 0, &[0; 1_601]),
    ];
    bad.push(peer.bytes(false, 0, &[0; 160]));
    bad.last_mut().unwrap()[0] = 0x40;
    for bytes in &bad {
        stage.receive(1, Channel::Rtp, &peer.from, bytes);
    }
    stage.receive(1, Channel::Rtcp, "127.0.0.1:4001", &[0x80, 200, 0, 1]);
    assert_eq!(stage.statistics(1).packets_bad, bad.len() as u64 + 1);
    assert_eq!(stage.digits(), "");
}

#[test]
fn comfort_noise_is_a_sign_of_life_and_no_gap_in_the_audio() {
    let (mut stage, mut peer) = listening();
    stage.open(2, config(2));
    stage.bridge();
    let tone = tones::dtmf('6', -10.0, 100).unwrap();
    for _ in 0..3 {
        peer.say(&mut stage, &tone, || false);
        let bytes = peer.bytes(false, 13, &[60]);
        stage.receive(1, Channel::Rtp, &peer.from, &bytes);
        peer.sequence += 1;
        stage.run(300);
        peer.timestamp += 2_400;
    }
    assert_eq!(stage.digits(), "666");
    assert_eq!(stage.statistics(1).packets_bad, 0);
    assert!(stage.rtp(2).iter().all(|sent| sent.rtp().payload_type == 0));
}

#[test]
fn any_bytes_from_anywhere_to_any_port_do_no_harm() {
    let (mut stage, _) = listening();
    stage.open(2, LegConfig { coding: Coding::PCMA, payload_type: 8, ptime_ms: 30, ..config(2) });
    stage.bridge();
    let mut random = Random::from_seed(99);
    for round in 0..20_000u32 {
        let len = random.below(600) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| random.next_u32() as u8).collect();
        if len > 1 && round % 4 != 0 {
            bytes[0] = 0x80 | (random.next_u32() as u8 & if round % 3 == 0 { 0x3F } else { 0 });
            bytes[1] = [0, 8, 101, 200, 201, 203][random.below(6) as usize];
        }
        let channel = if random.below(8) == 0 { Channel::Rtcp } else { Channel::Rtp };
        let n = u64::from(random.below(4));
        let port = if channel == Channel::Rtp { 4_000 } else { 4_001 };
        stage.receive(n, channel, &format!("127.0.0.{}:{port}", n.max(1)), &bytes);
        if round % 10 == 0 {
            stage.run(u64::from(random.below(30)));
            stage.sent.clear();
        }
    }
    for n in 1..=2 {
        let statistics = stage.statistics(n);
        assert!(statistics.packets_bad > 0 && statistics.packets_received > 0, "{statistics:?}");
        stage.command(Command::Close { leg: LegId(n) });
    }
    assert_eq!(stage.engine.counts(), Default::default());
}

#[test]
fn loss_and_a_change_of_the_source_are_in_the_totals() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 10);
    peer.lose(160);
    peer.talk(&mut stage, 10);
    peer.ssrc += 1;
    peer.sequence = 60_000;
    peer.talk(&mut stage, 10);
    peer.lose(160);
    peer.talk(&mut stage, 1);
    let statistics = stage.statistics(1);
    assert_eq!((statistics.packets_received, statistics.packets_lost), (31, 2));
}

/// RTCP from the peer, with a block about the source `about`.
fn report(ssrc: u32, block: Option<ReportBlock>, bye: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let info = SenderInfo { ntp: 0x1234_5678_9ABC_DEF0, ..SenderInfo::default() };
    Identity { ssrc, cname: 1 }.write(&mut bytes, Some(&info), block.as_ref(), bye);
    bytes
}

#[test]
fn keys_between_even_audio_are_counted_and_are_no_jitter() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    let mut peer = Peer::new(1);
    for event in [1, 5, 9] {
        peer.talk(&mut stage, 20);
        peer.key(&mut stage, event);
    }
    let Statistics { packets_received, packets_lost, jitter_us, .. } = stage.statistics(1);
    assert_eq!((stage.digits().as_str(), packets_received, packets_lost), ("159", 78, 0));
    assert!(jitter_us < 1_000, "{jitter_us}");
}

#[test]
fn the_opinion_of_a_leg_is_of_all_that_came_and_falls_with_what_was_lost() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    assert_eq!(stage.statistics(1).mos, None, "nothing came");
    let mut peer = Peer::new(1);
    peer.talk(&mut stage, 100);
    assert_eq!(stage.statistics(1).mos, Some(4.4));
    // As many as came before are lost, and two thirds of all have come at the end.
    (0..100).for_each(|_| peer.lose(160));
    peer.talk(&mut stage, 100);
    assert_eq!(stage.statistics(1).packets_lost, 100);
    assert!(
        stage.statistics(1).mos.is_some_and(|mos| (1.5..2.5).contains(&mos)),
        "{:?}",
        stage.statistics(1)
    );
}

#[test]
fn reports_of_the_peer_give_loss_jitter_and_round_trip() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 400);
    let ours = Compound::parse(&stage.rtcp(1).last().unwrap().bytes, 7_001).unwrap();
    let sent_at = stage.rtcp(1).last().unwrap().at;
    assert_eq!(ours.block.unwrap().ssrc, 7_001);
    // The peer had it after 30 ms, waited 500 ms, and its report took 30 ms.
    let block = ReportBlock {
        ssrc: ours.ssrc,
        cumulative_lost: 3,
        jitter: 16,
        last_sender_report: (ours.sender.unwrap().ntp >> 16) as u32,
        delay_since: 65_536 / 2,
        ..ReportBlock::default()
    };
    stage.now = sent_at + Duration::from_millis(560);
    stage.receive(1, Channel::Rtcp, "127.0.0.1:4001", &report(7_001, Some(block), false));
    let statistics = stage.statistics(1);
    assert_eq!((statistics.reported_lost, statistics.reported_jitter_us), (3, 2_000));
    assert!(statistics.round_trip_us.abs_diff(60_000) < 100, "{}", statistics.round_trip_us);
}

#[test]
fn a_report_of_ours_names_the_last_report_of_the_peer() {
    let (mut stage, mut peer) = listening();
    peer.talk(&mut stage, 10);
    stage.receive(1, Channel::Rtcp, "127.0.0.1:4001", &report(7_001, None, false));
    let came = stage.now;
    peer.talk(&mut stage, 400);
    let first = stage.rtcp(1).iter().find(|sent| sent.at > came).copied().unwrap();
    let block = Compound::parse(&first.bytes, 7_001).unwrap().block.unwrap();
    assert_eq!(block.last_sender_report, 0x5678_9ABC);
    let delay = u128::from(block.delay_since) * 1_000 / 65_536;
    assert!(delay.abs_diff((first.at - came).as_millis()) <= 1, "{delay} ms");
}
