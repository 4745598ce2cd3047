//! Keys that we press and sound that we keep, with a peer that sends all of it back.

use super::*;
use crate::media::Recording;

/// What comes back comes so many milliseconds later.
const THERE_AND_BACK: u64 = 40;

/// Leg 1, whose packets leg 2 sends back.
fn echoing(config_1: LegConfig, config_2: LegConfig) -> Stage {
    let mut stage = Stage::new();
    stage.open(1, config_1);
    stage.open(2, config_2);
    stage.command(Command::Bridge { a: LegId(2), b: LegId(2) });
    stage
}

/// Carries packets between the two for so long, those from before included.
fn carry(stage: &mut Stage, ms: u64) {
    let (mut done, mut under_way) = (0, Vec::new());
    for _ in 0..ms / 5 {
        stage.run(5);
        let fresh = stage.sent[done..].iter().filter(|sent| sent.channel == Channel::Rtp);
        under_way
            .extend(fresh.map(|sent| (stage.now + Duration::from_millis(THERE_AND_BACK / 2), sent.clone())));
        done = stage.sent.len();
        let (arrived, later) = under_way.into_iter().partition(|(at, _): &(Instant, Sent)| *at <= stage.now);
        under_way = later;
        let arrived: Vec<(Instant, Sent)> = arrived;
        for (_, sent) in arrived {
            let to = 3 - sent.port.0;
            stage.receive(to, Channel::Rtp, &format!("127.0.0.{to}:4000"), &sent.bytes);
        }
        let answers = stage.sent[done..].iter().filter(|sent| sent.channel == Channel::Rtp);
        under_way.extend(
            answers.map(|sent| (stage.now + Duration::from_millis(THERE_AND_BACK / 2), sent.clone())),
        );
        done = stage.sent.len();
    }
}

fn press(stage: &mut Stage, keys: &str) {
    stage.command(Command::Press { leg: LegId(1), playback: PlaybackId(9), keys: keys.into() });
}

fn digits_of(stage: &Stage, leg: u64) -> String {
    let key = |event: &Event| match event {
        Event::Digit { leg: of, digit, .. } if *of == LegId(leg) => Some(*digit),
        _ => None,
    };
    stage.events.iter().filter_map(|(_, event)| key(event)).collect()
}

#[test]
fn keys_that_we_press_are_events_that_the_peer_reads_and_the_stream_goes_on_without_a_gap() {
    let mut stage = echoing(config(1), config(2));
    press(&mut stage, "15#D");
    carry(&mut stage, 1_000);
    assert_eq!((digits_of(&stage, 2), digits_of(&stage, 1)), ("15#D".into(), "15#D".into()));
    let ended = Event::PlaybackEnded { leg: LegId(1), playback: PlaybackId(9) };
    let at = stage.events.iter().find(|(_, event)| *event == ended).unwrap().0;
    assert_eq!(at, Instant::from_millis(1_800));
    let sent = stage.rtp(1);
    let first = sent[0].rtp();
    assert!(first.payload_type == 101 && first.marker);
    for (n, packet) in sent.iter().map(|sent| sent.rtp()).enumerate() {
        assert_eq!(packet.sequence.steps_since(first.sequence), n as i16);
        if packet.payload_type == 0 {
            assert_eq!(packet.timestamp.wrapping_sub(first.timestamp), n as u32 * 160);
        }
    }
}

#[test]
fn a_peer_without_telephone_events_hears_the_tones_of_keys_that_we_press() {
    let deaf = |n| LegConfig { telephone_event_send: None, telephone_event_receive: None, ..config(n) };
    let mut stage = echoing(deaf(1), deaf(2));
    stage.command(Command::Listen { leg: LegId(1), in_band: true });
    press(&mut stage, "159");
    carry(&mut stage, 1_000);
    assert_eq!(digits_of(&stage, 1), "159");
    assert!(stage.rtp(1).iter().all(|sent| sent.rtp().payload_type == 0));
}

#[test]
fn what_a_leg_hears_is_kept_for_its_time_and_comes_back_once() {
    let mut stage = echoing(config(1), config(2));
    let samples: Vec<i16> = (0..1_600).map(|n| ((n * 37) % 4_001 - 2_000) as i16).collect();
    let time = Duration::from_millis(400);
    stage.play(1, 1, vec![Item::Clip(Arc::new(Clip::from_samples(&samples)))], false);
    let record = |recording| Command::Record { leg: LegId(1), recording: Box::new(recording) };
    stage.command(record(Recording::new(stage.now, time)));
    carry(&mut stage, 500);
    let recorded = |stage: &Stage| -> Vec<Recording> {
        let of = |event: &Event| match event {
            Event::Recorded { leg: LegId(1), recording } => Some((**recording).clone()),
            _ => None,
        };
        stage.events.iter().filter_map(|(_, event)| of(event)).collect()
    };
    let [kept] = &recorded(&stage)[..] else { panic!("{:?}", stage.events) };
    let took = kept.begun.unwrap() - stage.rtp(1)[0].at;
    assert!((THERE_AND_BACK..=THERE_AND_BACK + 10).contains(&(took.as_millis() as u64)), "{took:?}");
    let sent: Vec<i16> =
        samples.iter().map(|sample| Codec::Pcmu.decode(Codec::Pcmu.encode(*sample))).collect();
    assert_eq!(kept.samples[..1_600], sent);
    assert!(kept.samples[1_600..].iter().all(|sample| sample.unsigned_abs() < 10));
    // One that is still going on comes back with the end of its leg, and one of no leg at once.
    stage.command(record(Recording::new(stage.now, Duration::MAX)));
    stage.command(Command::Close { leg: LegId(1) });
    assert_eq!(recorded(&stage).len(), 2);
    stage.command(record(Recording::new(stage.now, time)));
    assert_eq!(recorded(&stage).len(), 3);
    assert_eq!(stage.engine.counts().legs, 1);
}
