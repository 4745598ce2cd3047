//! Trunks where we have an account: what they challenge, and how we stay registered with them.

use super::trunks::{changed, login, trunk_at, two_trunks};
use super::*;
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;

/// A call of the first trunk, where we have an account, up to our BYE; `contact` is what the trunk calls itself.
fn hung_up(bench: &mut Bench, contact: SocketAddr) -> (SocketAddr, String) {
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        let trunk = &mut snapshot.trunks[1];
        (trunk.login, trunk.sources) = (login("100"), vec!["203.0.113.1/32".parse().unwrap()]);
    }));
    let at_contact = |text: String| {
        text.replace("Contact: <sip:caller@192.0.2.9", &format!("Contact: <sip:caller@{}", contact.ip()))
    };
    bench.receive(trunk_at(1), &at_contact(invite(GREETED)));
    let answer = only(&bench.sent(), "200 INVITE");
    bench.receive(trunk_at(1), &ack(&answer, ""));
    let ended = media::Event::PlaybackEnded { leg: LegId(1), playback: crate::ids::PlaybackId(1) };
    bench.handle(Input::Media { thread: THREAD, event: ended });
    bench.sent_to("BYE").remove(0)
}

#[test]
fn a_trunk_that_challenges_us_in_its_own_call_gets_our_credentials() {
    let mut bench = Bench::new();
    let (at, bye) = hung_up(&mut bench, trunk_at(1));
    assert_eq!(at, trunk_at(1));
    let challenge = "Proxy-Authenticate: Digest realm=\"c\", nonce=\"n\", qop=\"auth\"\nContact:";
    bench.receive(at, &response(&bye, 407, "").replace("Contact:", challenge));
    let (at, again) = bench.sent_to("BYE").remove(0);
    assert_eq!((at, value(&again, "CSeq")), (trunk_at(1), "2 BYE"));
    assert!(value(&again, "Proxy-Authorization").starts_with("Digest username=\"100\", realm=\"c\""));
    bench.receive(at, &response(&again, 200, ""));
    bench.closed(1);
    bench.assert_clean();
}

#[test]
fn whom_a_call_of_a_trunk_names_in_its_place_gets_no_credentials() {
    // A forged INVITE names whoever wants to see them.
    let mut bench = Bench::new();
    let (at, bye) = hung_up(&mut bench, SocketAddr::from(([198, 51, 100, 66], 5_060)));
    assert_eq!(at.ip(), IpAddr::from([198, 51, 100, 66]));
    let challenge = "WWW-Authenticate: Digest realm=\"c\", nonce=\"n\", qop=\"auth\"\nContact:";
    bench.receive(at, &response(&bye, 401, "").replace("Contact:", challenge));
    assert_eq!(bench.sent_to("BYE"), []);
}

#[test]
fn a_registration_whose_stream_breaks_is_made_anew() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        let host = SipUri::parse("sip:203.0.113.1;transport=tcp").as_ref().and_then(Destination::of);
        let (login, register) = (login("100"), Some(Duration::from_secs(600)));
        snapshot.trunks.push(Trunk { id: "first".to_owned(), host, login, register, ..Trunk::default() });
    }));
    let opened = |bench: &mut Bench| {
        let opened = bench.take(|action| match action {
            Action::Sip(sip::Action::Connect { connection, .. }) => Some(*connection),
            _ => None,
        });
        opened.first().copied()
    };
    let mut stream = ConnectionId(0);
    // Who closes each of its connections at once is not asked without end.
    for (kept_ms, registers) in [(60_000, Some("1 REGISTER")), (10_000, Some("2 REGISTER")), (0, None)] {
        bench.pass(1_000);
        let sent = bench.sent();
        assert_eq!(sent.first().map(|text| value(text, "CSeq")), registers);
        let Some(register) = sent.first() else { break };
        stream = opened(&mut bench).expect("a new stream");
        let granted = response(register, 200, "").replace('\n', "\r\n");
        bench.handle(Input::StreamData { connection: stream, bytes: granted.as_bytes() });
        bench.pass(kept_ms);
        assert_eq!(bench.sent(), [""; 0]);
        bench.handle(Input::StreamClosed { connection: stream });
    }
    let status = bench.switchboard.trunks(bench.now.instant).remove(1);
    assert_eq!(status.registration.unwrap().word(), "registered", "{stream:?}");
}
