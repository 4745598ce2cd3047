//! What a leg sends of its own, and when.

use super::*;
use crate::rtp::rtcp::Compound;

#[test]
fn packets_leave_at_exactly_their_packet_time() {
    for ptime in [10, 20, 30, 40, 50, 60] {
        let mut stage = Stage::new();
        stage.open(1, LegConfig { ptime_ms: ptime, ..config(1) });
        stage.play(1, 1, vec![clip(80_000)], false);
        stage.run(6_000);
        let packets = stage.rtp(1);
        assert_eq!(packets.len(), 6_000 / usize::from(ptime) + 1, "{ptime} ms");
        assert_continuous(&packets, 0);
        for pair in packets.windows(2) {
            assert_eq!(pair[1].at - pair[0].at, Duration::from_millis(ptime.into()), "{ptime} ms");
            assert_eq!(pair[1].rtp().payload.len(), usize::from(ptime) * 8);
        }
    }
}

#[test]
fn a_packet_time_that_no_leg_has_becomes_one_that_it_has() {
    for (asked, got) in [(0, 80), (25, 160), (255, 480)] {
        let mut stage = Stage::new();
        stage.open(1, LegConfig { ptime_ms: asked, ..config(1) });
        stage.play(1, 1, vec![clip(800)], false);
        assert_eq!(stage.rtp(1)[0].rtp().payload.len(), got, "{asked} ms");
    }
}

#[test]
fn the_first_packet_leaves_with_the_command_and_bears_the_marker() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(320)], false);
    assert_eq!(stage.rtp(1).len(), 1);
    stage.run(20);
    let markers: Vec<bool> = stage.rtp(1).iter().map(|sent| sent.rtp().marker).collect();
    assert_eq!(markers, [true, false]);
    assert_eq!(stage.rtp(1)[0].to, "127.0.0.1:4000".parse().unwrap());
}

#[test]
fn a_leg_is_quiet_until_it_is_asked_for_something_and_then_never_falls_silent() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.run(1_000);
    assert!(stage.rtp(1).is_empty());
    stage.command(Command::Listen { leg: LegId(1), in_band: true });
    stage.run(1_000);
    assert_eq!(stage.rtp(1).len(), 51);
    assert!(stage.rtp(1).iter().all(|sent| sent.rtp().payload == [0xFF; 160]));
}

#[test]
fn the_clip_is_what_is_heard_in_the_law_of_the_leg() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let mut stage = Stage::new();
        let payload_type = if codec == Codec::Pcmu { 0 } else { 8 };
        stage.open(1, LegConfig { coding: Coding::Law(codec), payload_type, ..config(1) });
        let samples: Vec<i16> = (0..400).map(|n| n * 50).collect();
        stage.play(1, 1, vec![Item::Clip(Arc::new(Clip::from_samples(&samples)))], false);
        stage.run(40);
        let heard: Vec<u8> = stage.rtp(1).iter().flat_map(|sent| sent.rtp().payload.to_vec()).collect();
        let mut expected: Vec<u8> = samples.iter().map(|&sample| codec.encode(sample)).collect();
        expected.resize(480, codec.silence());
        assert_eq!(heard, expected, "{codec:?}");
        assert!(stage.rtp(1).iter().all(|sent| sent.rtp().payload_type == payload_type));
    }
}

#[test]
fn a_playback_ends_when_its_last_sample_has_been_played_out() {
    for (samples, end_ms) in [(1_000, 125), (160, 20), (1_600, 200), (1_604, 201), (0, 0)] {
        let mut stage = Stage::new();
        stage.open(1, config(1));
        stage.play(1, 7, vec![clip(samples)], false);
        stage.run(1_000);
        let ended = (
            Instant::from_millis(1_000 + end_ms),
            Event::PlaybackEnded { leg: LegId(1), playback: PlaybackId(7) },
        );
        assert_eq!(stage.events, [ended], "{samples} samples");
        assert_eq!(stage.engine.counts().playbacks, 0);
    }
}

#[test]
fn a_playback_that_is_replaced_or_stopped_ends_without_an_event() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(8_000)], false);
    stage.run(100);
    stage.play(1, 2, vec![clip(8_000)], true);
    stage.run(5_000);
    assert_eq!(stage.engine.counts().playbacks, 1);
    stage.command(Command::Stop { leg: LegId(1), playback: PlaybackId(1) });
    assert_eq!(stage.engine.counts().playbacks, 1);
    stage.command(Command::Stop { leg: LegId(1), playback: PlaybackId(2) });
    stage.run(2_000);
    assert_eq!(stage.engine.counts().playbacks, 0);
    assert_eq!(stage.events, []);
    assert_continuous(&stage.rtp(1), 0);
}

#[test]
fn tones_and_silence_are_played_like_clips() {
    use crate::media::Tone;
    let mut stage = Stage::new();
    stage.open(1, config(1));
    let items =
        vec![Item::Tone(Tone::Beep), Item::Silence(Duration::from_millis(100)), Item::Tone(Tone::Ringback)];
    stage.play(1, 1, items, false);
    stage.run(10_000);
    assert_eq!(stage.events[0].0, Instant::from_millis(1_000 + 500 + 100 + 6_000));
    let loud = |sent: &&Sent| sent.rtp().payload.iter().any(|&byte| Codec::Pcmu.decode(byte) > 3_000);
    assert_eq!(stage.rtp(1).into_iter().filter(loud).count(), (500 + 2_000) / 20);
}

#[test]
fn a_prompt_after_a_key_starts_at_once_and_the_stream_keeps_its_time() {
    let mut stage = Stage::new();
    let mut peer = Peer::new(1);
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(80_000)], false);
    stage.run(107);
    peer.event(&mut stage, true, 5, false, 160);
    let before = stage.rtp(1).len();
    stage.play(1, 2, vec![clip(80_000)], false);
    assert_eq!(stage.rtp(1).len(), before + 1);
    stage.run(100);
    let times: Vec<f64> = stage.rtp(1)[before..].iter().map(|sent| sent.at_ms()).collect();
    assert_eq!(times, [1_107.0, 1_140.0, 1_160.0, 1_180.0, 1_200.0]);
    // 13 ms early at that one packet, no more.
    assert_continuous(&stage.rtp(1), 104);
    stage.run(93);
    stage.play(1, 3, vec![clip(80_000)], false);
    assert_eq!(stage.rtp(1).last().unwrap().at_ms(), 1_300.0, "no key, no hurry");
}

#[test]
fn a_late_tick_sends_what_was_due_and_the_grid_does_not_drift() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(80_000)], false);
    stage.run(100);
    stage.now = Instant::from_millis(1_190);
    stage.engine.tick(stage.now, &mut stage.out);
    stage.collect();
    stage.run(110);
    let times: Vec<f64> = stage.rtp(1).iter().skip(5).map(|sent| sent.at_ms()).collect();
    assert_eq!(
        times,
        [1_100., 1_190., 1_190., 1_190., 1_190., 1_200., 1_220., 1_240., 1_260., 1_280., 1_300.]
    );
    let steps =
        stage.rtp(1).windows(2).all(|p| p[1].rtp().timestamp.wrapping_sub(p[0].rtp().timestamp) == 160);
    assert!(steps);
}

#[test]
fn after_a_long_stall_the_timestamp_skips_what_was_missed_and_nothing_bursts() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(80_000)], false);
    stage.run(100);
    let before = stage.rtp(1).len();
    stage.now = Instant::from_millis(2_110);
    stage.engine.tick(stage.now, &mut stage.out);
    stage.collect();
    stage.run(30);
    let packets = stage.rtp(1);
    assert_eq!(packets.len(), before + 3);
    let (last, next) = (packets[before - 1].rtp(), packets[before].rtp());
    assert_eq!(next.sequence, last.sequence.plus(1));
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 1_000 * 8);
    assert!(next.marker);
}

#[test]
fn numbers_go_on_over_play_silence_bridge_unbridge_and_play() {
    let mut stage = Stage::new();
    let mut peer = Peer::new(2);
    stage.open(1, config(1));
    stage.open(2, config(2));
    stage.play(1, 1, vec![clip(1_000)], false);
    stage.run(507);
    stage.bridge();
    peer.talk(&mut stage, 50);
    stage.command(Command::Unbridge { leg: LegId(2) });
    stage.run(333);
    stage.play(1, 2, vec![clip(1_000)], false);
    stage.run(500);
    // The source changes on no one's grid; each change may be off by one packet.
    assert_continuous(&stage.rtp(1), 160);
    let seconds = stage.rtp(1).last().unwrap().at - stage.rtp(1)[0].at;
    let steps = stage.rtp(1).last().unwrap().rtp().timestamp.wrapping_sub(stage.rtp(1)[0].rtp().timestamp);
    let drift = i64::from(steps) - (seconds.as_micros() / 125) as i64;
    assert!(drift.abs() <= 320, "{drift} samples in all");
    let markers = stage.rtp(1).iter().filter(|sent| sent.rtp().marker).count();
    assert_eq!(markers, 4, "the prompt, the partner, silence again, the prompt");
}

#[test]
fn sequence_number_and_timestamp_wrap_like_any_other_step() {
    // A seed whose first number, the timestamp at time 0, is 10 to 100 s before the wrap.
    let seed = (0..100_000)
        .find(|&seed| (80_000..800_000).contains(&(u32::MAX - Random::from_seed(seed).next_u32())))
        .expect("one in 6,000 is");
    let mut stage = Stage::with_seed(seed);
    stage.open(1, LegConfig { ptime_ms: 10, inactivity: None, ..config(1) });
    stage.play(1, 1, vec![clip(800)], true);
    stage.run(700_000);
    let packets = stage.rtp(1);
    assert_eq!(packets.len(), 70_001);
    assert_continuous(&packets, 0);
    assert!(packets.windows(2).any(|pair| pair[1].rtp().timestamp < pair[0].rtp().timestamp));
}

#[test]
fn to_a_peer_on_hold_nothing_is_sent_and_time_goes_on() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(16_000)], false);
    stage.run(200);
    stage.command(Command::Update { leg: LegId(1), config: LegConfig { send: false, ..config(1) } });
    let before = stage.rtp(1).len();
    stage.run(1_000);
    assert_eq!(stage.rtp(1).len(), before);
    stage.command(Command::Update { leg: LegId(1), config: config(1) });
    stage.run(1_000);
    assert_eq!(stage.events[0].0, Instant::from_millis(3_000), "the prompt's end");
    assert_continuous(&stage.rtp(1), 0);
    assert!(stage.rtp(1)[before].rtp().marker);
}

#[test]
fn an_update_moves_media_and_codec_without_a_break_in_numbers() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(16_000)], false);
    stage.run(200);
    let moved = LegConfig {
        coding: Coding::PCMA,
        payload_type: 8,
        remote_rtp: "127.0.0.9:5000".parse().unwrap(),
        ..config(1)
    };
    stage.command(Command::Update { leg: LegId(1), config: moved });
    stage.run(200);
    let last = stage.rtp(1).last().copied().unwrap();
    assert_eq!((last.to.to_string().as_str(), last.rtp().payload_type), ("127.0.0.9:5000", 8));
    assert_continuous(&stage.rtp(1), 0);
}

#[test]
fn reports_leave_every_five_seconds_or_so_and_a_leg_says_goodbye() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(8_000)], true);
    stage.run(400_000);
    let count = stage.rtcp(1).len();
    assert!((70..110).contains(&count), "{count} reports in 400 s");
    let gaps: Vec<u128> =
        stage.rtcp(1).windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    assert!(gaps.iter().all(|gap| (2_052..=6_157).contains(gap)), "{gaps:?}");
    let first = Compound::parse(&stage.rtcp(1)[0].bytes, 0).unwrap();
    assert_eq!(first.sender.unwrap().packets as usize * 160, first.sender.unwrap().octets as usize);
    let report = stage.rtcp(1)[0].clone();
    assert_eq!(report.to, "127.0.0.1:4001".parse().unwrap());
    let before = *stage.rtp(1).iter().rfind(|sent| sent.at <= report.at).unwrap();
    let steps = first.sender.unwrap().rtp_timestamp.wrapping_sub(before.rtp().timestamp);
    assert_eq!(u128::from(steps), (report.at - before.at).as_micros() / 125, "both clocks at one moment");

    stage.command(Command::Close { leg: LegId(1) });
    assert!(Compound::parse(&stage.rtcp(1).last().unwrap().bytes, 0).unwrap().bye);
    let packets_sent = stage.rtp(1).len() as u64;
    let Event::Closed { statistics, port: PortId(1), .. } = stage.events.last().unwrap().1 else {
        panic!("{:?}", stage.events)
    };
    assert_eq!(statistics.packets_sent, packets_sent);
}

#[test]
fn a_leg_that_never_sent_anything_leaves_without_a_goodbye() {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.command(Command::Close { leg: LegId(1) });
    assert!(stage.sent.is_empty());
}

#[test]
fn a_thousand_prompts_that_start_together_do_not_leave_together() {
    let mut stage = Stage::new();
    stage.engine = Engine::new(EngineConfig { max_legs: 1_000 }, Random::from_seed(1));
    let prompt = clip(1_600);
    for n in 0..1_000 {
        stage.open(n, config(1));
        stage.play(n, n, vec![prompt.clone()], true);
    }
    stage.run(20);
    stage.sent.clear();
    stage.run(20);
    assert_eq!(stage.sent.len(), 1_000);
    let most = (1_020..=1_040)
        .map(|ms| stage.sent.iter().filter(|sent| sent.at == Instant::from_millis(ms)).count())
        .max();
    assert!(most <= Some(120), "{most:?} in one tick");
}
