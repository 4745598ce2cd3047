//! What is told of a leg's audio when it turns bad, and good again.

use super::*;

/// A leg that is played to, so that it is looked at each second.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.open(1, config(1));
    stage.play(1, 1, vec![clip(8_000)], true);
    stage
}

#[test]
fn a_peer_that_stays_silent_is_told_of_after_three_seconds_with_who_sends_instead_and_once() {
    let mut stage = stage();
    let mut stranger = Peer { from: "127.0.0.66:5000".to_owned(), ..Peer::new(1) };
    stranger.talk(&mut stage, 400);
    let [(at, condition)] = stage.conditions[..] else { panic!("{:?}", stage.conditions) };
    assert!((4_000..5_100).contains(&(at.as_micros() / 1_000)), "{at:?}");
    assert_eq!(condition.silent_since, Some(Instant::from_millis(1_000)));
    assert_eq!(condition.refused, Some("127.0.0.66:5000".parse().unwrap()));
    Peer::new(1).talk(&mut stage, 60);
    assert_eq!(stage.conditions[1].1, Condition { was_heard: true, ..Condition::default() });
}

#[test]
fn a_peer_on_hold_is_not_missed_nor_is_one_that_has_just_come_back() {
    for held in [
        LegConfig { receive_enabled: false, ..config(1) },
        LegConfig { send: false, ..config(1) },
        LegConfig { send: false, receive_enabled: false, ..config(1) },
    ] {
        let mut stage = stage();
        stage.command(Command::Update { leg: LegId(1), config: held });
        stage.run(10_000);
        stage.command(Command::Update { leg: LegId(1), config: config(1) });
        stage.run(2_000);
        assert_eq!(stage.conditions, []);
        stage.run(3_000);
        assert_eq!(stage.conditions.len(), 1);
    }
}

#[test]
fn loss_is_told_from_five_percent_on_and_is_over_at_three() {
    let mut stage = stage();
    let mut peer = Peer::new(1);
    // One packet in so many is lost, for so long.
    for (each, packets, told) in [(0, 500, 0), (10, 500, 1), (28, 500, 1), (0, 500, 2)] {
        for n in 0..packets {
            if each > 0 && n % each == 0 {
                peer.lose(160);
                stage.run(20);
            } else {
                peer.talk(&mut stage, 1);
            }
        }
        assert_eq!(stage.conditions.len(), told, "1 in {each}: {:?}", stage.conditions);
    }
    assert!((5..=11).contains(&stage.conditions[0].1.loss), "{:?}", stage.conditions);
    let figures = stage.engine.figures(stage.now, LegId(1)).unwrap();
    assert_eq!((figures.loss_percent, figures.since_last), (0.0, Some(Duration::from_millis(20))));
    assert!(figures.opinion().is_some_and(|mos| mos > 4.3), "{figures:?}");
    assert_eq!(figures.bytes_received, figures.statistics.packets_received * 172);
}

#[test]
fn audio_in_a_codec_that_was_not_agreed_is_told_of() {
    let mut stage = stage();
    let mut peer = Peer { payload_type: 9, ..Peer::new(1) };
    peer.talk(&mut stage, 100);
    assert!(stage.conditions.iter().any(|(_, condition)| condition.is_unusable), "{:?}", stage.conditions);
}
