//! Trunks where we have an account: what they challenge, and how we stay registered with them.

use super::trunks::{changed, login, trunk_at, two_trunks};
use super::*;

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
