//! Requests of ours that are challenged, and the doors for those who show who they are.

use super::*;
use crate::sip::digest::{Account, Credentials, Password, Rejection};

const CHALLENGE: &str = r#"Digest realm="carrier", nonce="n1", qop="auth""#;

fn account() -> Option<Arc<Account>> {
    let password = Password::new("secret");
    let hosts = vec!["198.51.100.0/24".parse().unwrap()];
    Some(Arc::new(Account { owner: "carrier".into(), username: "bob".into(), password, realm: None, hosts }))
}

/// A response with a challenge.
fn challenge(to: &str, code: u16, value: &str) -> String {
    let name = if code == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    response(to, code, "c1").replace("Contact:", &format!("{name}: {value}\nContact:"))
}

fn credentials(message: &str, name: &str) -> (String, u32) {
    let read = Credentials::read(value(message, name)).unwrap();
    (read.uri, read.protection.unwrap().nc)
}

/// An INVITE with an account.
fn calling(bench: &mut Bench) -> (DialogId, String) {
    let call = Outgoing { account: account(), ..outgoing() };
    let dialog = bench.endpoint.invite(bench.now, call, &mut bench.actions);
    (dialog, bench.sent().remove(0))
}

#[test]
fn a_challenged_invite_is_acknowledged_and_sent_again_with_credentials_in_the_same_set_up() {
    for (code, header) in [(401, "Authorization"), (407, "Proxy-Authorization")] {
        let mut bench = Bench::new();
        let (dialog, first) = calling(&mut bench);
        assert!(!has_header(&first, header));
        bench.receive(&challenge(&first, code, CHALLENGE));
        let sent = bench.sent();
        let [ack, second] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((value(ack, "Via"), value(ack, "CSeq")), (value(&first, "Via"), "1 ACK"));
        assert_eq!(value(second, "CSeq"), "2 INVITE");
        assert_ne!(value(second, "Via"), value(&first, "Via"));
        for name in ["Call-ID", "From", "To", "Contact"] {
            assert_eq!(value(second, name), value(&first, name));
        }
        assert_eq!(credentials(second, header), ("sip:agent@192.0.2.9".to_owned(), 1));
        assert!(second.ends_with("v=0\n"));
        bench.assert_nothing();
        // The challenge comes again: its ACK was lost.
        bench.receive(&challenge(&first, code, CHALLENGE));
        assert_eq!(bench.sent(), std::slice::from_ref(ack));
        bench.receive(&response(second, 200, "a1"));
        let ack = bench.sent().remove(0);
        assert_eq!((value(&ack, "CSeq"), value(&ack, header)), ("2 ACK", value(second, header)));
        assert!(matches!(bench.event(), Event::Answered { dialog: known, .. } if known == dialog));
        bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
        let bye = bench.sent().remove(0);
        assert_eq!((value(&bye, "CSeq"), credentials(&bye, header).1), ("3 BYE", 2));
        bench.receive(&challenge(&bye, code, &CHALLENGE.replace("n1", "n2")));
        let bye = bench.sent().remove(0);
        assert_eq!((value(&bye, "CSeq"), credentials(&bye, header).1), ("4 BYE", 1));
        bench.receive(&response(&bye, 200, "a1"));
        bench.assert_nothing();
        bench.assert_clean();
    }
}

#[test]
fn the_next_call_brings_credentials_at_once_and_a_second_refusal_fails_it() {
    let mut bench = Bench::new();
    let (_, first) = calling(&mut bench);
    bench.receive(&challenge(&first, 401, CHALLENGE));
    let second = bench.sent().remove(1);
    bench.receive(&challenge(&second, 401, &CHALLENGE.replace("n1", "n2")));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    let Event::Failed { failure: Failure::Response(last), .. } = bench.event() else { panic!("Failed") };
    assert_eq!(last.code(), 401);
    assert_eq!(bench.endpoint.counters().challenges_refused, 1);
    let (_, first) = calling(&mut bench);
    bench.receive(&challenge(&first, 401, CHALLENGE));
    let second = bench.sent().remove(1);
    bench.receive(&response(&second, 486, "a1"));
    bench.events();
    bench.sent();
    let (_, next) = calling(&mut bench);
    assert_eq!(credentials(&next, "Authorization").1, 2);
    bench.receive(&challenge(&next, 401, &CHALLENGE.replace("n1", "n3")));
    let again = bench.sent().remove(1);
    assert_eq!(credentials(&again, "Authorization").1, 1);
    bench.receive(&response(&again, 603, "a1"));
    bench.events();
    bench.sent();
    bench.assert_clean();
}

#[test]
fn a_challenge_of_another_host_of_another_realm_or_to_a_call_without_account_is_a_failure() {
    let mut bench = Bench::new();
    let (_, first) = calling(&mut bench);
    bench.receive_from(address(66, 5060), &challenge(&first, 401, CHALLENGE));
    assert!(matches!(bench.event(), Event::Failed { .. }));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    let (_, first) = calling(&mut bench);
    bench.receive(&challenge(&first, 407, CHALLENGE));
    let second = bench.sent().remove(1);
    bench.receive(&challenge(&second, 401, r#"Digest realm="callee", nonce="n", qop="auth""#));
    assert!(matches!(bench.event(), Event::Failed { .. }));
    bench.sent();
    bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let plain = bench.sent().remove(0);
    bench.receive(&challenge(&plain, 401, CHALLENGE));
    assert!(matches!(bench.event(), Event::Failed { .. }));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    bench.assert_clean();
}

#[test]
fn credentials_go_to_the_trunk_alone_whoever_its_contact_names() {
    for (host, is_of_trunk) in [("192.0.2.9", true), ("198.51.100.7", true), ("192.0.2.66", false)] {
        let mut bench = Bench::new();
        let (dialog, first) = calling(&mut bench);
        bench.receive(&challenge(&first, 401, CHALLENGE));
        let second = bench.sent().remove(1);
        let answer = response(&second, 200, "a1").replace("agent@192.0.2.9", &format!("agent@{host}"));
        bench.receive(&answer);
        let ack = bench.sent().remove(0);
        assert_eq!(has_header(&ack, "Authorization"), is_of_trunk, "{ack}");
        bench.events();
        bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
        let bye = bench.sent().remove(0);
        assert_eq!(has_header(&bye, "Authorization"), is_of_trunk, "{bye}");
        let source = format!("{host}:5060").parse().unwrap();
        bench.receive_from(source, &challenge(&bye, 401, &CHALLENGE.replace("n1", "n2")));
        assert_eq!(bench.sent().len(), usize::from(is_of_trunk), "{host}");
        bench.assert_clean();
    }
}

#[test]
fn a_call_that_was_given_up_is_not_begun_again_by_a_challenge() {
    let mut bench = Bench::new();
    let (dialog, first) = calling(&mut bench);
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    bench.receive(&challenge(&first, 401, CHALLENGE));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    assert!(matches!(bench.event(), Event::Failed { .. }));
    bench.assert_clean();
}

fn register() -> Outside {
    let uri = |text| SipUri::parse(text).unwrap();
    Outside {
        method: rsip::Method::Register.into(),
        listener: UDP,
        destination: peer(),
        transport: Transport::Udp,
        connection: None,
        request_uri: uri("sip:carrier"),
        routes: Vec::new(),
        from: NameAddr::new(uri("sip:bob@carrier")),
        to: NameAddr::new(uri("sip:bob@carrier")),
        call_id: Some("reg-1".to_owned()),
        cseq: 7,
        contact_user: Some("bob".to_owned()),
        headers: vec![("Expires".to_owned(), "600".to_owned())],
        body: None,
        account: account(),
    }
}

#[test]
fn a_request_outside_dialogs_has_its_number_and_says_what_became_of_it() {
    let mut bench = Bench::new();
    let id = bench.endpoint.send_outside(bench.now, register(), &mut bench.actions);
    let first = bench.sent().remove(0);
    assert_eq!(first_line(&first), "REGISTER sip:carrier SIP/2.0");
    assert_eq!((value(&first, "CSeq"), value(&first, "Contact")), ("7 REGISTER", "<sip:bob@192.0.2.1:5060>"));
    bench.receive(&challenge(&first, 401, CHALLENGE));
    let second = bench.sent().remove(0);
    assert_eq!((value(&second, "CSeq"), value(&second, "Call-ID")), ("8 REGISTER", "reg-1"));
    assert_eq!(credentials(&second, "Authorization"), ("sip:carrier".to_owned(), 1));
    bench.receive(&response(&second, 200, "x"));
    let Event::Reply(reply) = bench.event() else { panic!("Reply") };
    assert_eq!((reply.transaction, reply.cseq, reply.rejection), (id, 8, None));
    assert_eq!(reply.response.unwrap().code(), 200);
    bench.endpoint.send_outside(bench.now, Outside { cseq: 9, ..register() }, &mut bench.actions);
    let third = bench.sent().remove(0);
    assert_eq!(credentials(&third, "Authorization").1, 2);
    bench.receive(&challenge(&third, 401, CHALLENGE));
    let Event::Reply(reply) = bench.event() else { panic!("Reply") };
    assert_eq!((reply.cseq, reply.rejection), (9, Some(Rejection::Rejected)));
    bench.endpoint.send_outside(bench.now, Outside { account: None, ..register() }, &mut bench.actions);
    bench.pass(32_000);
    let Event::Reply(reply) = bench.event() else { panic!("Reply") };
    assert!(matches!(reply.response, Err(Failure::Timeout)));
    bench.sent();
    bench.assert_clean();
}

#[test]
fn what_we_send_beside_a_challenged_call_brings_its_credentials() {
    let mut bench = Bench::new();
    let (_, first) = calling(&mut bench);
    bench.receive(&challenge(&first, 407, CHALLENGE));
    let second = bench.sent().remove(1);
    let reliable = response(&second, 183, "a1").replace("Contact:", "Require: 100rel\nRSeq: 1\nContact:");
    bench.receive(&reliable);
    let prack = bench.sent().remove(0);
    let expected = ("sip:agent@192.0.2.9:5060".to_owned(), 2);
    assert_eq!(credentials(&prack, "Proxy-Authorization"), expected);
    bench.receive(&response(&prack, 200, "a1"));
    bench.receive(&response(&second, 200, "a1"));
    bench.sent();
    bench.events();
    // Another branch answers as well, and is ended.
    bench.receive(&response(&second, 200, "b2"));
    let sent = bench.sent();
    let [ack, bye] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(value(ack, "Proxy-Authorization"), value(&second, "Proxy-Authorization"));
    assert_eq!(credentials(bye, "Proxy-Authorization").1, 3);
}
