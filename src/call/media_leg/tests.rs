//! What a leg's media say to the peer and to the engine, and when.

use super::*;
use crate::ids::{PlaybackId, PortId};
use crate::media::{HandshakeTerms, MasterKey, Playlist};

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
    MediaSettings {
        advertise,
        advertise_ipv6: None,
        advertise_of: Vec::new(),
        inactivity,
        certificates: vec![vec![1; 32], vec![2; 32]],
    }
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
    assert_eq!(secure.receive, MasterKey::new(b"YS___semctl () {", b"\t220;}\n}\nunles"));
    assert_ne!(secure.send, MasterKey::new(&[], &[]));
}

fn of_browser(ufrag: &str, setup: &str) -> Vec<u8> {
    let fingerprint = vec!["AB"; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE x\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\n\
         a=ice-pwd:a+password/of+the/browser\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\n\
         a=mid:x\r\na=rtcp-mux\r\n"
    )
    .into_bytes()
}

fn value(text: &str, name: &str) -> String {
    let start = format!("a={name}:");
    text.lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("{name} in {text}"))
        .to_owned()
}

fn handshake_of(actions: &[Action]) -> Option<Box<HandshakeTerms>> {
    match actions.last() {
        Some(Action::Media {
            command: Command::Open { config, .. } | Command::Update { config, .. },
            ..
        }) => config.handshake.clone(),
        _ => panic!("nothing was told"),
    }
}

#[test]
fn a_browser_s_leg_opens_at_once_because_nothing_is_sent_before_its_checks() {
    let (mut leg, settings) = leg();
    let mut actions = Vec::new();
    let peer = "198.51.100.7".parse().unwrap();
    let offer = of_browser("abcd", "actpass");
    assert!(leg.would_open(&offer, Sender::Claimed, peer, &settings));
    let text = leg.answer(&offer, Sender::Claimed, peer, &settings, &mut actions).unwrap();
    let terms = handshake_of(&actions).unwrap();
    let ice = terms.ice.unwrap();
    assert_eq!((ice.ours, ice.password), (value(&text, "ice-ufrag"), value(&text, "ice-pwd")));
    assert_eq!((ice.theirs.as_str(), terms.certificate), ("abcd", 0));
    assert!(value(&text, "fingerprint").starts_with("sha-256 01:01"));
    let again = leg.offer_again().unwrap();
    assert!(again.contains("m=audio 20000 UDP/TLS/RTP/SAVPF") && again.contains("a=setup:actpass"));
    assert_eq!((value(&again, "mid"), value(&again, "group")), ("x".to_owned(), "BUNDLE x".to_owned()));
    assert_eq!(value(&again, "ice-ufrag"), value(&text, "ice-ufrag"), "checks go on");
}

#[test]
fn checks_that_begin_again_get_other_names_and_hold_does_not_change_them() {
    let (mut leg, settings) = leg();
    let mut answer = |ufrag: &str, setup: &str| {
        let offer = of_browser(ufrag, setup);
        leg.answer(&offer, Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap()
    };
    let [first, held, restarted] =
        [("abcd", "actpass"), ("abcd", "passive"), ("efgh", "actpass")].map(|(u, s)| answer(u, s));
    assert_eq!(value(&first, "ice-pwd"), value(&held, "ice-pwd"));
    assert_ne!(value(&first, "ice-pwd"), value(&restarted, "ice-pwd"));
    assert_ne!(value(&first, "ice-ufrag"), value(&restarted, "ice-ufrag"));
    assert!(
        [first, held, restarted].iter().all(|text| value(text, "setup") == "passive"),
        "as it was settled"
    );
}

#[test]
fn a_browser_and_a_telephone_may_ring_at_once_and_either_may_answer() {
    for browser_answers in [true, false] {
        let (mut leg, settings) = leg();
        leg.offer_handshake(true);
        assert!(leg.offer(None).contains("UDP/TLS/RTP/SAVPF"));
        leg.offer_handshake(false);
        assert!(leg.offer(None).contains("m=audio 20000 RTP/AVP"));
        let mut actions = Vec::new();
        let browser = of_browser("abcd", "active");
        let answer = if browser_answers { browser.as_slice() } else { OFFER };
        leg.accept(answer, settings.advertise, &settings, &mut actions).unwrap();
        assert_eq!(handshake_of(&actions).is_some(), browser_answers);
        let again = leg.offer_again().unwrap();
        assert_eq!(again.contains("UDP/TLS/RTP/SAVPF"), browser_answers, "{again}");
    }
}

#[test]
fn a_browser_that_is_moved_to_another_port_sees_another_certificate_and_so_begins_anew() {
    let (mut leg, settings) = leg();
    let mut ports = Ports::new(1, 0);
    ports.bound(ThreadId(0), 0, [Port { id: PortId(1), number: 20_002 }]);
    let offer = of_browser("abcd", "actpass");
    leg.answer(&offer, Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap();
    let mut random = Random::from_seed(2);
    let moved = leg.moved(Instant::ZERO, LegId(2), &mut ports, ThreadId(0), &mut random);
    let (mut moved, text) = moved.unwrap();
    assert!(value(&text, "fingerprint").starts_with("sha-256 02:02"), "{text}");
    assert_eq!(value(&text, "mid"), "x");
    let mut actions = Vec::new();
    moved.accept(&of_browser("efgh", "active"), settings.advertise, &settings, &mut actions).unwrap();
    assert_eq!(handshake_of(&actions).unwrap().certificate, 1);
}

#[test]
fn what_is_protected_is_offered_protected_again_and_where_it_moves() {
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    for protocol in ["RTP/SAVP", "RTP/AVP"] {
        let (mut leg, settings) = leg();
        let offer = String::from_utf8(offer_with(1, key)).unwrap().replace("RTP/AVP", protocol);
        leg.answer(offer.as_bytes(), Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap();
        let is_protected = |text: &str, port: u16| {
            text.contains(&format!("m=audio {port} {protocol} "))
                && text.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80")
        };
        let again = leg.offer_again().unwrap();
        assert!(is_protected(&again, 20_000), "{again}");
        leg.offer_declined();
        let mut ports = Ports::new(1, 0);
        ports.bound(ThreadId(0), 0, [Port { id: PortId(1), number: 20_002 }]);
        let mut random = Random::from_seed(2);
        let moved = leg.moved(Instant::ZERO, LegId(2), &mut ports, ThreadId(0), &mut random);
        let (_, moved) = moved.unwrap();
        assert!(is_protected(&moved, 20_002), "{moved}");
        assert_ne!(value(&again, "crypto"), value(&moved, "crypto"), "with a key of its own");
    }
    let (mut leg, settings) = leg();
    leg.answer(&offer_with(1, ""), Sender::Proven, settings.advertise, &settings, &mut Vec::new()).unwrap();
    assert!(!leg.offer_again().unwrap().contains("crypto"), "what is plain stays plain");
}
