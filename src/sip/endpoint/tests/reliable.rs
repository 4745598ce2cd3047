//! Reliable provisional responses, RFC 3262, both ways.

use super::client::calling;
use super::*;

fn with(message: &str, header: &str) -> String {
    message.replacen("CSeq:", &format!("{header}\nCSeq:"), 1)
}

/// An INVITE of a peer that requires 100rel.
fn incoming(bench: &mut Bench) -> DialogId {
    bench.receive(&with(&invite(), "Require: 100rel"));
    bench.sent();
    match bench.event() {
        Event::Invite { dialog, .. } => dialog,
        other => panic!("{other:?}"),
    }
}

fn prack(cseq: u32, ringing: &str) -> String {
    let rack = format!("RAck: {} {}", value(ringing, "RSeq"), value(ringing, "CSeq"));
    with(&request("PRACK", cseq, &format!("z9hG4bKp{cseq}"), tag(ringing, "To")), &rack)
}

#[test]
fn ringing_is_sent_again_after_t1_doubled_until_its_prack_and_the_answer_waits_for_it() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    assert!(bench.endpoint.rings_reliably(dialog));
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let ringing = bench.sent().remove(0);
    assert_eq!(value(&ringing, "Require"), "100rel");
    for (ms, again) in [(499, 0), (1, 1), (999, 0), (1, 1), (1_999, 0), (1, 1), (4_000, 1), (8_000, 1)] {
        bench.pass(ms);
        assert_eq!(bench.sent().len(), again, "{ms}");
    }
    bench.endpoint.ring(bench.now, dialog, 183, "", None, &mut bench.actions);
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    bench.assert_nothing();
    bench.receive(&prack(2, &ringing).replace("RAck: ", "RAck: 1"));
    assert_eq!(bench.lines(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
    bench.receive(&prack(3, &ringing));
    let sent = bench.sent();
    assert_eq!(
        sent.iter().map(|text| first_line(text)).collect::<Vec<_>>(),
        ["SIP/2.0 200 OK", "SIP/2.0 183 Session Progress"]
    );
    let number = |text: &str| value(text, "RSeq").parse::<u32>().unwrap();
    assert_eq!(number(&sent[1]), number(&ringing) + 1);
    assert!(matches!(bench.event(), Event::Pracked { dialog: known } if known == dialog));
    bench.receive(&prack(4, &sent[1]));
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|text| value(text, "CSeq")).collect::<Vec<_>>(), ["4 PRACK", "1 INVITE"]);
    assert_eq!(first_line(&sent[1]), "SIP/2.0 200 OK");
    // The same PRACK again is met by its 200; another one is for nothing.
    bench.receive(&prack(4, &ringing));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    bench.receive(&prack(5, &ringing));
    assert_eq!(bench.lines(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
}

#[test]
fn ringing_that_is_never_acknowledged_fails_the_call_with_504_after_64_t1() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let to_tag = tag(&bench.sent()[0], "To").to_owned();
    bench.pass(31_999);
    bench.sent();
    bench.pass(1);
    let sent = bench.sent().remove(0);
    assert_eq!(first_line(&sent), "SIP/2.0 504 Server Time-out");
    assert!(value(&sent, "Reason").contains("not acknowledged"));
    assert!(matches!(bench.event(), Event::Failed { failure: Failure::NotPracked, .. }));
    assert_eq!(bench.endpoint.counters().not_pracked, 1);
    bench.receive(&request("ACK", 1, "z9hG4bKinvite", &to_tag));
    bench.assert_clean();
}

#[test]
fn a_prack_with_a_body_is_the_rooms_to_answer() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.endpoint.ring(bench.now, dialog, 180, "", outgoing().body, &mut bench.actions);
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ringing = bench.sent().remove(0);
    let prack = prack(2, &ringing)
        .replace("Content-Length: 0\n\n", "Content-Type: application/sdp\nContent-Length: 5\n\nv=0\n");
    bench.receive(&prack);
    let Event::Request { transaction, .. } = bench.event() else { panic!("PRACK") };
    bench.assert_nothing();
    bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|text| value(text, "CSeq")).collect::<Vec<_>>(), ["2 PRACK", "1 INVITE"]);
}

#[test]
fn a_peer_that_does_not_require_it_gets_its_ringing_once() {
    let mut bench = Bench::new();
    bench.receive(&with(&invite(), "Supported: 100rel, timer"));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let sent = bench.sent();
    assert!(!has_header(&sent[1], "RSeq") && !has_header(&sent[1], "Require"));
    bench.pass(10_000);
    bench.assert_nothing();
    let mut bench = Bench::new();
    bench.receive(&with(&invite(), "Require: 100rel, sec-agree"));
    assert_eq!(value(&bench.sent()[0], "Unsupported"), "sec-agree");
}

#[test]
fn reliable_ringing_of_the_peer_is_acknowledged_once_and_in_order_for_each_fork() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    let ringing = |code, tag: &str, rseq: &str| {
        let contact = format!("<sip:{tag}@192.0.2.9:5060>");
        with(&response(&invite, code, tag), &format!("Require: 100rel\nRSeq: {rseq}"))
            .replace("<sip:agent@192.0.2.9:5060>", &contact)
    };
    for (code, tag, rseq, prack) in [
        (180, "a1", "776656", Some("2 PRACK")),
        (180, "a1", "776656", None),
        (183, "a1", "776658", None),
        (183, "a1", "776657", Some("3 PRACK")),
        (183, "b2", "1", Some("2 PRACK")),
        (183, "b2", "0", None),
        (180, "", "5", None),
    ] {
        bench.receive(&ringing(code, tag, rseq));
        let sent = bench.sent();
        assert_eq!(sent.first().map(|text| value(text, "CSeq")), prack, "{code} {tag} {rseq}");
        // What cannot be read as a number is a plain provisional response.
        let heard = bench.events().len();
        assert_eq!(heard, usize::from(prack.is_some() || rseq == "0"), "{code} {tag} {rseq}");
        if let Some(text) = sent.first() {
            assert_eq!(value(text, "RAck"), format!("{rseq} 1 INVITE"));
            assert_eq!(first_line(text), format!("PRACK sip:{tag}@192.0.2.9:5060 SIP/2.0"));
            assert_eq!(self::tag(text, "To"), tag);
            bench.receive(&response(text, 200, ""));
        }
    }
    bench.receive(&response(&invite, 200, "a1"));
    let Event::Answered { dialog, .. } = bench.event() else { panic!("Answered") };
    assert_eq!(value(&bench.sent()[0], "CSeq"), "1 ACK");
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(value(&bench.sent()[0], "CSeq"), "4 BYE", "the numbers of the early dialog go on");
    bench.assert_clean();
}
