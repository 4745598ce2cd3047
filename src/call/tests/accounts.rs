//! Trunks where we have an account: what they challenge, and how we stay registered with them.

use super::trunks::{OUT, changed, login, registering, trunk_at, two_trunks};
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

#[test]
fn a_trunk_that_has_us_registered_calls_over_a_stream_that_it_had_before_and_over_reloads() {
    let mut bench = Bench::new();
    bench.handle(registering());
    bench.handle(Input::StreamOpened {
        connection: CONNECTION,
        listener: TCP,
        peer: trunk_at(1),
        names: Arc::default(),
    });
    let call = |bench: &mut Bench, n: u8| {
        let text = request("INVITE", GREETED, 1, Transport::Tcp, "", &sdp(caller().ip()));
        bench.receive_stream(
            &text.replace("call-1", &format!("call-{n}")).replace("INVITE1", &format!("i{n}")),
        );
        bench.heads().remove(0)
    };
    assert_eq!(call(&mut bench, 1), "403 INVITE");
    bench.pass(1_000);
    let (at, first) = bench.sent_to("REGISTER").remove(0);
    bench.receive(at, &response(&first, 200, ""));
    assert_eq!(call(&mut bench, 2), "100 INVITE");
    bench.handle(registering());
    bench.sent();
    assert_eq!(call(&mut bench, 3), "100 INVITE");
}

#[test]
fn a_registrar_that_refuses_our_credentials_is_asked_no_more_until_somebody_says_so() {
    let mut bench = Bench::new();
    bench.handle(registering());
    bench.pass(1_000);
    let challenge = |text: &str, nonce: u32| {
        let line = format!("WWW-Authenticate: Digest realm=\"c\", nonce=\"{nonce}\"\nContact:");
        response(text, 401, "").replace("Contact:", &line)
    };
    for nonce in 0..2 {
        let (at, text) = bench.sent_to("REGISTER").remove(0);
        bench.receive(at, &challenge(&text, nonce));
    }
    bench.pass(3_600_000);
    assert!(bench.sent_to("REGISTER").is_empty());
    let trunk = bench.switchboard.trunks(bench.now.instant).remove(1);
    assert!(trunk.why.unwrap().starts_with("credentials rejected") && !trunk.is_up);
    bench.receive(caller(), &invite(OUT));
    assert_eq!(bench.sent_to("INVITE")[0].0, trunk_at(2), "calls go out over the other");
    bench.handle(Input::Register("first".to_owned()));
    bench.pass(1);
    assert_eq!(bench.sent_to("REGISTER").len(), 1);
}
