//! Legs of browsers: checks, the handshake, and audio with the keys that came of it.

use super::*;
use crate::clock::SystemClock;
use crate::media::{Fingerprint, HandshakeTerms, Ice, Identity, Role, Unsecured};
use crate::rtp::dtls::{Association, Outcome};
use crate::rtp::srtp::{Protect, Unprotect};
use crate::rtp::stun::{self, Request};

const OURS: &str = "ours";
const THEIRS: &str = "theirs";
const PASSWORD: &str = "a password of ours alone";
const AT: &str = "127.0.0.1:50000";

/// A browser at one address after another.
struct Browser {
    at: String,
    handshake: Association,
    keys: Option<(Protect, Unprotect)>,
    failed: bool,
    sequence: u16,
    checks: u8,
    /// Messages of the engine that were looked at.
    seen: usize,
}

/// Identities are made once for all tests here: each is two certificates.
fn identities() -> (Arc<Identity>, Arc<Identity>) {
    let identity = || Arc::new(Identity::new(SystemClock::start().origin()).unwrap());
    (identity(), identity())
}

fn terms(role: Role, fingerprint: &Fingerprint) -> HandshakeTerms {
    let ice = Ice { ours: OURS.into(), theirs: THEIRS.into(), password: PASSWORD.into() };
    let fingerprints = Arc::from([fingerprint.clone()]);
    HandshakeTerms { ice: Some(ice), role, certificate: 0, fingerprints, mux: true }
}

fn with(terms: HandshakeTerms) -> LegConfig {
    LegConfig { handshake: Some(Box::new(terms)), inactivity: None, ..config(1) }
}

/// A leg that waits for a browser, and the browser; `role` is ours.
fn stage(role: Role, named: usize) -> (Stage, Browser) {
    let (ours, theirs) = identities();
    let mut stage = Stage::new();
    stage.engine.set_identity(ours.clone());
    stage.open(1, with(terms(role, theirs.fingerprint(named))));
    stage.command(Command::Listen { leg: LegId(1), in_band: true });
    let role = if role == Role::Server { Role::Client } else { Role::Server };
    let awaited = Arc::from([ours.fingerprint(0).clone()]);
    let handshake = Association::new(stage.now, &theirs, 0, role, awaited);
    let at = AT.to_owned();
    (stage, Browser { at, handshake, keys: None, failed: false, sequence: 0, checks: 0, seen: 0 })
}

impl Browser {
    fn request(&mut self, use_candidate: bool) -> Request {
        self.checks += 1;
        let transaction = [self.checks; 12];
        Request { transaction, use_candidate, is_controlled: false, priority: 100, unknown: None }
    }

    fn check(&mut self, stage: &mut Stage, use_candidate: bool) {
        let request = self.request(use_candidate);
        self.send_check(stage, &request, PASSWORD);
    }

    fn send_check(&mut self, stage: &mut Stage, request: &Request, password: &str) {
        let mut bytes = Vec::new();
        stun::write_request(&mut bytes, request, [OURS, THEIRS], password);
        stage.receive(1, Channel::Rtp, &self.at, &bytes);
    }

    /// Does its part of the handshake for as many steps of ten milliseconds.
    fn shake(&mut self, stage: &mut Stage, steps: usize) {
        for _ in 0..steps {
            let mut ready: Vec<Vec<u8>> = Vec::new();
            let outcome = self.handshake.on_time(stage.now, &mut |datagram| ready.push(datagram.to_vec()));
            self.note(outcome);
            let at = self.at.clone();
            for sent in stage.sent[self.seen..].iter().filter(|sent| sent.to.to_string() == at) {
                if crate::rtp::dtls::is_dtls(&sent.bytes) {
                    let mut send = |datagram: &[u8]| ready.push(datagram.to_vec());
                    let outcome = self.handshake.receive(stage.now, &sent.bytes, &mut send);
                    self.note(outcome);
                }
            }
            self.seen = stage.sent.len();
            for datagram in ready {
                stage.receive(1, Channel::Rtp, &self.at, &datagram);
            }
            stage.run(10);
        }
    }

    fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Going => {}
            Outcome::Agreed(keys) => {
                let protect = Protect::new(keys.profile, &keys.send);
                self.keys = Some((protect, Unprotect::new(keys.profile, &keys.receive)));
            }
            Outcome::Failed(_) => self.failed = true,
        }
    }

    fn speak(&mut self, stage: &mut Stage, payload: u8) {
        let mut bytes = packet(self.sequence, payload);
        self.sequence += 1;
        self.keys.as_mut().unwrap().0.rtp(&mut bytes, 0);
        stage.receive(1, Channel::Rtp, &self.at, &bytes);
    }

    /// Payloads of what came from the engine since `from` and opened.
    fn heard(&mut self, stage: &Stage, from: usize) -> usize {
        let unprotect = &mut self.keys.as_mut().unwrap().1;
        let audio = stage.sent[from..].iter().filter(|sent| sent.to.to_string() == self.at);
        let opened = audio.filter(|sent| sent.bytes[0] == 0x80 && sent.bytes[1] & 0x7F < 64);
        opened.filter(|sent| unprotect.rtp(&mut sent.bytes.clone()).is_ok()).count()
    }
}

fn packet(sequence: u16, payload: u8) -> Vec<u8> {
    let packet = Packet {
        marker: false,
        payload_type: 0,
        sequence: SequenceNumber(sequence),
        timestamp: u32::from(sequence) * 160,
        ssrc: 77,
        payload: &[payload; 160],
    };
    let mut bytes = Vec::new();
    packet.write(&mut bytes);
    bytes
}

/// Answers to checks that went to that address.
fn answers(stage: &Stage, to: &str) -> Vec<u16> {
    let sent = stage.sent.iter().filter(|sent| sent.to.to_string() == to && stun::is_stun(&sent.bytes));
    sent.map(|sent| u16::from_be_bytes([sent.bytes[0], sent.bytes[1]])).collect()
}

fn unsecured(stage: &Stage) -> Option<Unsecured> {
    stage.engine.figures(stage.now, LegId(1)).unwrap().condition.unsecured
}

#[test]
fn a_browser_that_checks_and_shakes_hands_is_heard_and_hears() {
    for role in [Role::Server, Role::Client] {
        let (mut stage, mut browser) = stage(role, 0);
        stage.run(500);
        assert!(stage.sent.is_empty(), "nobody asked for anything yet");
        browser.check(&mut stage, true);
        browser.shake(&mut stage, 50);
        assert_eq!(answers(&stage, AT), [0x0101], "{role:?}");
        let from = stage.sent.len();
        for _ in 0..10 {
            browser.speak(&mut stage, 0x2A);
            stage.run(20);
        }
        assert_eq!(stage.statistics(1).packets_received, 10, "{role:?}");
        assert!(browser.heard(&stage, from) >= 10, "{role:?}");
        assert_eq!(unsecured(&stage), None);
    }
}

#[test]
fn reports_come_and_go_by_the_socket_of_the_audio() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    browser.check(&mut stage, true);
    browser.shake(&mut stage, 50);
    stage.run(8_000);
    assert!(stage.rtcp(1).is_empty());
    let reports: Vec<_> = stage.rtp(1).into_iter().filter(|sent| sent.bytes[1] == 200).collect();
    assert!(!reports.is_empty());
    let unprotect = &mut browser.keys.as_mut().unwrap().1;
    assert!(unprotect.rtcp(&mut reports[0].bytes.clone()).is_ok());
    let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 77];
    browser.keys.as_mut().unwrap().0.rtcp(&mut report, 0);
    stage.receive(1, Channel::Rtp, AT, &report);
    assert_eq!((stage.statistics(1).packets_bad, stage.statistics(1).packets_unauthentic), (0, 0));
}

#[test]
fn checks_without_our_password_are_not_answered_and_name_no_address() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    let request = browser.request(true);
    browser.send_check(&mut stage, &request, "a guess");
    browser.shake(&mut stage, 50);
    assert!(stage.sent.is_empty());
    assert!(browser.keys.is_none());
    assert!(stage.statistics(1).packets_refused >= 2, "the check, and what it sent of a handshake");
    stage.run(3_000);
    assert_eq!(unsecured(&stage), Some(Unsecured::Unreached));
}

#[test]
fn a_stranger_s_handshake_is_not_ours() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    browser.check(&mut stage, true);
    let mut stranger = stage_browser_of(&stage);
    stranger.at = "127.0.0.66:50000".to_owned();
    stranger.shake(&mut stage, 30);
    assert!(stage.sent.iter().all(|sent| sent.to.to_string() == AT), "it gets no answer");
    browser.shake(&mut stage, 50);
    assert!(browser.keys.is_some(), "and the browser is none the worse for it");
}

/// Another one that knows of the leg what everybody may know.
fn stage_browser_of(stage: &Stage) -> Browser {
    let (ours, theirs) = identities();
    let awaited = Arc::from([ours.fingerprint(0).clone()]);
    let handshake = Association::new(stage.now, &theirs, 0, Role::Client, awaited);
    let at = AT.to_owned();
    Browser { at, handshake, keys: None, failed: false, sequence: 0, checks: 0, seen: stage.sent.len() }
}

#[test]
fn a_certificate_that_the_sdp_did_not_name_opens_nothing_and_is_told() {
    let (mut stage, mut browser) = stage(Role::Server, 1);
    browser.check(&mut stage, true);
    browser.shake(&mut stage, 400);
    assert_eq!(unsecured(&stage), Some(Unsecured::WrongCertificate));
    assert_eq!(stage.conditions[0].1.unsecured, Some(Unsecured::WrongCertificate));
    assert!(browser.keys.is_none());
    assert!(stage.sent.iter().all(|sent| sent.bytes[0] < 64), "no audio");
}

#[test]
fn what_is_not_encrypted_is_not_taken_before_the_keys_nor_after() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    browser.check(&mut stage, true);
    stage.receive(1, Channel::Rtp, AT, &packet(1, 9));
    browser.shake(&mut stage, 50);
    stage.receive(1, Channel::Rtp, AT, &packet(2, 9));
    stage.receive(1, Channel::Rtcp, AT, &[0x80, 201, 0, 1, 0, 0, 0, 77]);
    let statistics = stage.statistics(1);
    let counts = (statistics.packets_received, statistics.packets_unauthentic, statistics.packets_refused);
    assert_eq!(counts, (0, 2, 1));
}

#[test]
fn audio_follows_the_address_that_the_browser_names_and_stays_where_the_better_one_lives() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    browser.check(&mut stage, true);
    browser.shake(&mut stage, 50);
    let (first, second) = (AT.to_owned(), "127.0.0.2:50001".to_owned());
    let to = |stage: &Stage, from: usize| stage.sent[from..].last().map(|sent| sent.to.to_string());
    // A check alone says that it can be reached there, and no more.
    browser.at.clone_from(&second);
    browser.check(&mut stage, false);
    stage.run(100);
    assert_eq!(to(&stage, 0), Some(first.clone()));
    browser.speak(&mut stage, 1);
    assert_eq!(stage.statistics(1).packets_received, 0, "not from there yet");
    let worse = Request { priority: 50, ..browser.request(true) };
    browser.at.clone_from(&first);
    browser.speak(&mut stage, 1);
    browser.at.clone_from(&second);
    browser.send_check(&mut stage, &worse, PASSWORD);
    stage.run(100);
    assert_eq!(to(&stage, 0), Some(first), "a worse one does not take its place");
    stage.run(1_500);
    let worse = Request { priority: 50, ..browser.request(true) };
    browser.send_check(&mut stage, &worse, PASSWORD);
    stage.run(100);
    assert_eq!(to(&stage, 0), Some(second), "until it falls silent");
    browser.speak(&mut stage, 1);
    assert_eq!(stage.statistics(1).packets_received, 2);
}

#[test]
fn nothing_is_sent_to_who_makes_no_checks_any_more() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    browser.check(&mut stage, true);
    browser.shake(&mut stage, 50);
    stage.run(31_000);
    let count = stage.sent.len();
    stage.run(5_000);
    assert_eq!(stage.sent.len(), count);
    browser.check(&mut stage, true);
    stage.run(1_000);
    assert!(stage.sent.len() > count + 40, "it is back");
}

#[test]
fn wrong_roles_and_unknown_attributes_are_answered_with_errors() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    for request in [
        Request { is_controlled: true, ..browser.request(true) },
        Request { unknown: Some(0x0042), ..browser.request(true) },
    ] {
        browser.send_check(&mut stage, &request, PASSWORD);
    }
    assert_eq!(answers(&stage, AT), [0x0111, 0x0111]);
    browser.shake(&mut stage, 30);
    assert!(browser.keys.is_none(), "neither named an address");
}

#[test]
fn a_flood_of_checks_is_answered_up_to_a_limit() {
    let (mut stage, mut browser) = stage(Role::Server, 0);
    for _ in 0..200 {
        browser.check(&mut stage, true);
    }
    assert!((50..=150).contains(&answers(&stage, AT).len()), "{}", answers(&stage, AT).len());
    assert!(stage.statistics(1).packets_excess >= 50);
}

#[test]
fn a_new_answer_of_the_same_peer_keeps_the_keys_and_one_of_another_begins_anew() {
    let (ours, theirs) = identities();
    let mut stage = Stage::new();
    stage.engine.set_identity(ours.clone());
    let same = terms(Role::Server, theirs.fingerprint(0));
    stage.open(1, with(same.clone()));
    stage.command(Command::Listen { leg: LegId(1), in_band: true });
    let mut browser = stage_browser_of(&stage);
    let awaited = Arc::from([ours.fingerprint(0).clone()]);
    browser.handshake = Association::new(stage.now, &theirs, 0, Role::Client, awaited);
    browser.check(&mut stage, true);
    browser.shake(&mut stage, 50);
    stage.command(Command::Update { leg: LegId(1), config: LegConfig { send: false, ..with(same.clone()) } });
    stage.command(Command::Update { leg: LegId(1), config: with(same) });
    browser.speak(&mut stage, 1);
    assert_eq!(stage.statistics(1).packets_received, 1);
    let from = stage.sent.len();
    stage.run(200);
    assert!(browser.heard(&stage, from) >= 5);
    let other = terms(Role::Server, theirs.fingerprint(1));
    stage.command(Command::Update { leg: LegId(1), config: with(other) });
    browser.speak(&mut stage, 1);
    let count = stage.sent.len();
    stage.run(1_000);
    assert_eq!((stage.statistics(1).packets_received, stage.sent.len()), (1, count));
    stage.command(Command::Update { leg: LegId(1), config: LegConfig { inactivity: None, ..config(1) } });
    stage.receive(1, Channel::Rtp, &config(1).remote_rtp.to_string(), &packet(1, 9));
    stage.run(100);
    assert_eq!(stage.statistics(1).packets_received, 2, "plain, as it was agreed at last");
    assert_eq!(stage.sent.last().unwrap().to, config(1).remote_rtp);
}

#[test]
fn a_peer_without_checks_shakes_hands_from_where_its_sdp_says() {
    let (ours, theirs) = identities();
    for role in [Role::Server, Role::Client] {
        let mut stage = Stage::new();
        stage.engine.set_identity(ours.clone());
        let terms = HandshakeTerms { ice: None, ..terms(role, theirs.fingerprint(0)) };
        let mut browser = stage_browser_of(&stage);
        stage.open(1, with(terms));
        stage.command(Command::Listen { leg: LegId(1), in_band: true });
        let role = if role == Role::Server { Role::Client } else { Role::Server };
        let awaited = Arc::from([ours.fingerprint(0).clone()]);
        browser.handshake = Association::new(stage.now, &theirs, 0, role, awaited);
        browser.at = config(1).remote_rtp.to_string();
        browser.shake(&mut stage, 50);
        browser.speak(&mut stage, 3);
        stage.run(100);
        assert_eq!(stage.statistics(1).packets_received, 1);
        assert!(browser.heard(&stage, 0) > 0);
    }
}
