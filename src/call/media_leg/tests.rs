//! What a leg's media say to the peer and to the engine, and when.

use super::*;
use crate::ids::{PlaybackId, PortId};
use crate::media::Playlist;

const OFFER: &[u8] =
    b"v=0\r\no=a 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

fn leg() -> (MediaLeg, MediaSettings) {
    let mut ports = Ports::new(1, 0);
    ports.bound(ThreadId(0), 0, [Port { id: PortId(0), number: 20_000 }]);
    let settings = settings();
    let mut random = Random::from_seed(1);
    let leg = MediaLeg::new(Instant::ZERO, LegId(1), &mut ports, None, &settings, &mut random).unwrap();
    (leg, settings)
}

#[test]
fn an_offer_is_taken_only_where_no_answer_is_owed() {
    let (mut leg, settings) = leg();
    let code = |leg: &MediaLeg| leg.refuses_offer().map(|(code, _)| code);
    assert_eq!(code(&leg), Some(500), "we owe the answer to the INVITE");
    leg.offer(None);
    assert_eq!(code(&leg), Some(491), "the peer owes one");
    leg.accept(OFFER, settings.advertise, &settings, &mut Vec::new()).unwrap();
    assert_eq!(code(&leg), None);
}

fn offer_with(version: u32, lines: &str) -> Vec<u8> {
    format!(
        "v=0\r\no=a 1 {version} IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0 8\r\n{lines}"
    )
    .into_bytes()
}

fn version(text: &str) -> u32 {
    let origin = text.lines().find_map(|line| line.strip_prefix("o=")).unwrap();
    origin.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn the_version_grows_when_and_only_when_the_description_changes() {
    let (mut leg, settings) = leg();
    let mut answer = |lines: &str| {
        let offer = offer_with(1, lines);
        leg.answer(&offer, Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap()
    };
    let texts = ["", "", "a=sendonly\r\n", "a=sendonly\r\n", "a=inactive\r\n", "c=IN IP4 0.0.0.0\r\n", ""];
    assert_eq!(texts.map(|lines| version(&answer(lines))), [1, 1, 2, 2, 3, 4, 5]);
    assert!(answer("a=sendonly\r\n").contains("a=recvonly"));
    let unchanged = leg.offer_unchanged().unwrap();
    assert_eq!(
        (version(&unchanged), unchanged.contains("a=recvonly")),
        (6, true),
        "a refresh changes nothing"
    );
    leg.offer_declined();
    let again = leg.offer_again().unwrap();
    assert_eq!((version(&again), again.contains("a=sendrecv")), (7, true), "who was on hold may come back");
    assert_eq!(leg.refuses_offer().map(|(code, _)| code), Some(491));
    assert_eq!(leg.offer_again(), None, "one offer at a time");
    leg.accept(OFFER, settings.advertise, &settings, &mut Vec::new()).unwrap();
    assert!(!leg.awaits_answer() && !leg.is_held());
}

#[test]
fn an_offer_made_again_keeps_streams_that_were_refused() {
    let (mut leg, settings) = leg();
    let text = String::from_utf8(offer_with(1, "")).unwrap();
    let offer = text.replace("m=audio", "m=video 5000 RTP/AVP 96\r\nm=audio");
    leg.answer(offer.as_bytes(), Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap();
    let again = leg.offer_again().unwrap();
    let streams: Vec<_> = again.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(streams, ["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0 8 9 111 18 101 110"]);
}

#[test]
fn silence_counts_while_both_talk_and_the_call_is_answered() {
    let inactivity = |actions: &[Action]| match actions.last() {
        Some(Action::Media {
            command: Command::Open { config, .. } | Command::Update { config, .. },
            ..
        }) => config.inactivity.is_some(),
        _ => panic!("nothing was told"),
    };
    let (mut leg, settings) = leg();
    let mut actions = Vec::new();
    let mut answer = |leg: &mut MediaLeg, lines: &str| {
        let offer = offer_with(1, lines);
        leg.answer(&offer, Sender::Proven, settings.advertise, &settings, &mut actions).unwrap();
        inactivity(&actions)
    };
    assert!(!answer(&mut leg, ""), "before the answer");
    let mut told = Vec::new();
    leg.established(&settings, &mut told);
    assert!(inactivity(&told));
    for (lines, counts) in [
        ("a=sendonly\r\n", false),
        ("", true),
        ("a=inactive\r\n", false),
        ("c=IN IP4 0.0.0.0\r\n", false),
        ("a=recvonly\r\n", false),
        ("a=sendrecv\r\n", true),
    ] {
        assert_eq!(answer(&mut leg, lines), counts, "{lines}");
    }
}

#[test]
fn what_waits_for_an_answer_is_bounded() {
    let (mut leg, settings) = leg();
    leg.offer(None);
    let mut actions = Vec::new();
    for _ in 0..10_000 {
        let key = Command::InfoDigit { leg: LegId(1), digit: '5', duration: Duration::ZERO };
        leg.command(key, &mut actions);
    }
    leg.accept(OFFER, settings.advertise, &settings, &mut actions).unwrap();
    assert_eq!(actions.len(), 1 + HELD_MAX);
}

#[test]
fn what_waits_is_what_is_still_wanted() {
    let leg = LegId(1);
    let play = |n| Command::Play {
        leg,
        playback: PlaybackId(n),
        playlist: Playlist { items: Vec::new(), forever: false },
    };
    let stop = |n| Command::Stop { leg, playback: PlaybackId(n) };
    let listen = |in_band| Command::Listen { leg, in_band };
    let bridge = |b| Command::Bridge { a: leg, b: LegId(b) };
    let word = |command: &Command| match command {
        Command::Play { playback, .. } => format!("play {playback}"),
        Command::Listen { in_band, .. } => format!("listen {in_band}"),
        Command::Bridge { b, .. } => format!("bridge {b}"),
        _ => "other".to_owned(),
    };
    for (commands, kept) in [
        (vec![listen(true), play(1)], vec!["listen true", "play p1"]),
        (vec![play(1), stop(1)], vec![]),
        (vec![play(1), play(2)], vec!["play p2"]),
        (vec![play(1), play(2), stop(1)], vec!["play p2"]),
        (vec![listen(true), play(1), listen(false), bridge(2)], vec!["listen false", "bridge l2"]),
        (vec![bridge(2), play(1)], vec!["bridge l2", "play p1"]),
        (vec![bridge(2), bridge(3)], vec!["bridge l3"]),
    ] {
        let mut held = Vec::new();
        commands.into_iter().for_each(|command| hold(&mut held, command));
        assert_eq!(held.iter().map(word).collect::<Vec<_>>(), kept);
    }
}

fn settings() -> MediaSettings {
    let inactivity = Duration::from_secs(60);
    let advertise = IpAddr::from([127, 0, 0, 1]);
    MediaSettings { advertise, advertise_ipv6: None, advertise_of: Vec::new(), inactivity }
}

#[test]
fn a_listener_has_its_own_media_address_else_the_family_of_the_peer_decides() {
    let of = |text: &str| text.parse::<IpAddr>().unwrap();
    let advertise_of = vec![None, Some(of("198.51.100.7"))];
    let advertise_ipv6 = Some("2001:db8::7".parse().unwrap());
    let settings = MediaSettings { advertise_of, advertise_ipv6, ..settings() };
    for (listener, peer, expected) in [
        (0, "192.0.2.9", "127.0.0.1"),
        (0, "2001:db8::9", "2001:db8::7"),
        (1, "192.0.2.9", "198.51.100.7"),
        (1, "2001:db8::9", "198.51.100.7"),
        (9, "192.0.2.9", "127.0.0.1"),
    ] {
        assert_eq!(settings.advertised(ListenerId(listener), of(peer)), of(expected), "{listener} {peer}");
    }
}

#[test]
fn what_is_agreed_of_keys_is_what_the_engine_protects_packets_with() {
    let (mut leg, settings) = leg();
    let offer = String::from_utf8(OFFER.to_vec()).unwrap().replace("RTP/AVP", "RTP/SAVP")
        + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    let mut actions = Vec::new();
    let answer =
        leg.answer(offer.as_bytes(), Sender::Proven, settings.advertise, &settings, &mut actions).unwrap();
    assert!(
        answer.contains("m=audio 20000 RTP/SAVP 0") && answer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80")
    );
    let Some(Action::Media { command: Command::Open { config, .. }, .. }) = actions.first() else {
        panic!("the leg opens")
    };
    let secure = config.secure.as_ref().expect("it is protected");
    assert_eq!((&secure.receive.key, &secure.receive.salt), (b"YS___semctl () {", b"\t220;}\n}\nunles"));
    assert_ne!(secure.send.key, [0; 16]);
}
