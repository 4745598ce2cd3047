//! Legs whose packets are protected.

use super::*;
use crate::media::Secure;
use crate::rtp::srtp::{MasterKey, Profile, Protect, Unprotect};

fn key(fill: u8) -> MasterKey {
    MasterKey::new(&[fill; 16], &[fill.wrapping_add(1); 14])
}

/// We send with key 1, the peer with key 2.
fn secure() -> Option<Box<Secure>> {
    Some(Box::new(Secure { profile: Profile::Tag80, send: key(1), receive: key(2) }))
}

fn audio(sequence: u16) -> Vec<u8> {
    let packet = Packet {
        marker: false,
        payload_type: 0,
        sequence: SequenceNumber(sequence),
        timestamp: u32::from(sequence) * 160,
        ssrc: 77,
        payload: &[0x2A; 160],
    };
    let mut bytes = Vec::new();
    packet.write(&mut bytes);
    bytes
}

fn protected(protect: &mut Protect, sequence: u16) -> Vec<u8> {
    let mut bytes = audio(sequence);
    protect.rtp(&mut bytes, 0);
    bytes
}

#[test]
fn a_protected_leg_is_heard_by_a_plain_one_and_the_other_way_round() {
    let mut stage = Stage::new();
    stage.open(1, LegConfig { secure: secure(), ..config(1) });
    stage.open(2, config(2));
    stage.command(Command::Bridge { a: LegId(1), b: LegId(2) });
    let mut theirs = Protect::new(Profile::Tag80, &key(2));
    for n in 0..5 {
        stage.receive(1, Channel::Rtp, &config(1).remote_rtp.to_string(), &protected(&mut theirs, n));
        stage.receive(2, Channel::Rtp, &config(2).remote_rtp.to_string(), &audio(n));
        stage.run(20);
    }
    let mut ours = Unprotect::new(Profile::Tag80, &key(1));
    let to_secure: Vec<_> = stage.rtp(1).iter().map(|sent| sent.bytes.clone()).collect();
    let opened: Vec<Vec<u8>> =
        to_secure.into_iter().map(|mut bytes| ours.rtp(&mut bytes).unwrap().to_vec()).collect();
    assert!(opened.iter().filter(|bytes| bytes[12..] == [0x2A; 160]).count() >= 5, "{}", opened.len());
    let heard = stage.rtp(2).iter().filter(|sent| sent.rtp().payload == [0x2A; 160]).count();
    assert!(heard >= 5, "{heard}");
    assert_eq!(stage.statistics(1).packets_unauthentic, 0);
}

#[test]
fn what_is_plain_forged_or_sent_again_is_dropped_and_ends_nothing() {
    let mut stage = Stage::new();
    stage.open(1, LegConfig { secure: secure(), inactivity: None, ..config(1) });
    stage.command(Command::Listen { leg: LegId(1), in_band: false });
    let from = config(1).remote_rtp.to_string();
    let mut theirs = Protect::new(Profile::Tag80, &key(2));
    let good = protected(&mut theirs, 1);
    stage.receive(1, Channel::Rtp, &from, &good);
    for n in 0..200u8 {
        let mut forged = good.clone();
        forged[12] ^= n | 1;
        stage.receive(1, Channel::Rtp, &from, &forged);
    }
    stage.receive(1, Channel::Rtp, &from, &good);
    stage.receive(1, Channel::Rtp, &from, &audio(2));
    stage.receive(1, Channel::Rtp, &from, &[0x80; 5_000]);
    stage.receive(1, Channel::Rtcp, &from, &[0x80, 203, 0, 1, 0, 0, 0, 77]);
    let statistics = stage.statistics(1);
    assert_eq!((statistics.packets_received, statistics.packets_unauthentic), (1, 204));
    stage.receive(1, Channel::Rtp, &from, &protected(&mut theirs, 3));
    assert_eq!(stage.statistics(1).packets_received, 2);
}

#[test]
fn a_stranger_without_the_key_never_becomes_the_source() {
    let mut stage = Stage::new();
    stage.open(1, LegConfig { secure: secure(), inactivity: None, ..config(1) });
    let (from, port) = (config(1).remote_rtp, 4_999);
    let stranger = SocketAddr::new(from.ip(), port).to_string();
    let mut theirs = Protect::new(Profile::Tag80, &key(2));
    stage.receive(1, Channel::Rtp, &from.to_string(), &protected(&mut theirs, 0));
    stage.run(1_000);
    for n in 1..40 {
        stage.receive(1, Channel::Rtp, &stranger, &audio(n));
        stage.run(20);
    }
    assert!(!stage.events.iter().any(|(_, event)| matches!(event, Event::SourceLearned { .. })));
    for n in 40..60 {
        stage.receive(1, Channel::Rtp, &stranger, &protected(&mut theirs, n));
        stage.run(20);
    }
    assert!(
        stage.events.iter().any(|(_, event)| matches!(event, Event::SourceLearned { .. })),
        "a new port of the peer"
    );
}

#[test]
fn a_new_answer_with_the_same_keys_goes_on_and_one_with_others_begins_anew() {
    let mut stage = Stage::new();
    let with = |secure| LegConfig { secure, inactivity: None, ..config(1) };
    stage.open(1, with(secure()));
    let from = config(1).remote_rtp.to_string();
    let mut theirs = Protect::new(Profile::Tag80, &key(2));
    let first = protected(&mut theirs, 1);
    stage.receive(1, Channel::Rtp, &from, &first);
    stage.command(Command::Update { leg: LegId(1), config: with(secure()) });
    stage.receive(1, Channel::Rtp, &from, &first);
    assert_eq!(stage.statistics(1).packets_unauthentic, 1, "it came before");
    let other = Some(Box::new(Secure { profile: Profile::Tag32, send: key(1), receive: key(9) }));
    stage.command(Command::Update { leg: LegId(1), config: with(other) });
    stage.receive(1, Channel::Rtp, &from, &protected(&mut theirs, 2));
    assert_eq!(stage.statistics(1).packets_unauthentic, 2, "that key is gone");
    let mut anew = Protect::new(Profile::Tag32, &key(9));
    stage.receive(1, Channel::Rtp, &from, &protected(&mut anew, 3));
    assert_eq!(stage.statistics(1).packets_received, 2);
}

#[test]
fn a_stream_begins_so_low_that_who_misses_its_beginning_counts_its_turns_right() {
    // RFC 3711 section 3.3.1: whoever hears first what comes after a turn takes that for the first turn.
    let mut stage = Stage::new();
    for n in 1..=32 {
        stage.open(u64::from(n), LegConfig { secure: secure(), ..config(n) });
        stage.command(Command::Listen { leg: LegId(n.into()), in_band: true });
        stage.run(20);
        let first = stage.rtp(n.into())[0].rtp().sequence.0;
        assert!(first < 0x8000, "{first}");
    }
}

#[test]
fn what_a_partner_sends_twice_under_one_number_goes_out_once_where_it_is_protected() {
    let mut stage = Stage::new();
    stage.open(1, LegConfig { secure: secure(), ..config(1) });
    stage.open(2, config(2));
    stage.command(Command::Bridge { a: LegId(1), b: LegId(2) });
    let from = config(2).remote_rtp.to_string();
    for n in 0..5 {
        stage.receive(2, Channel::Rtp, &from, &audio(n));
        stage.run(20);
    }
    for n in [4, 2] {
        let mut other = audio(n);
        other[12..].fill(0x55);
        stage.receive(2, Channel::Rtp, &from, &other);
    }
    let mut numbers: Vec<u16> = stage.rtp(1).iter().map(|sent| sent.rtp().sequence.0).collect();
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), all), (5, 5));
}
