//! Calls that come in.

use super::*;

/// An INVITE that has come in: its dialog, and the tag that we gave it.
fn incoming(bench: &mut Bench) -> DialogId {
    bench.receive(&invite());
    assert_eq!(bench.lines(), ["SIP/2.0 100 Trying"]);
    match bench.event() {
        Event::Invite { dialog, .. } => dialog,
        other => panic!("{other:?}"),
    }
}

/// The same, answered; the 200 as it was sent.
fn answered(bench: &mut Bench) -> (DialogId, String) {
    let dialog = incoming(bench);
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    (dialog, sent[0].clone())
}

/// The same, acknowledged; our tag.
pub fn established(bench: &mut Bench) -> (DialogId, String) {
    let (dialog, ok) = answered(bench);
    let ours = tag(&ok, "To").to_owned();
    bench.receive(&request("ACK", 1, "z9hG4bKack", &ours));
    assert!(matches!(bench.event(), Event::Acknowledged { dialog: known, .. } if known == dialog));
    (dialog, ours)
}

#[test]
fn trying_copies_the_request_without_a_tag_and_ok_has_tag_contact_and_record_route() {
    let mut bench = Bench::new();
    bench.receive(
        &invite()
            .replace("Max-Forwards", "Record-Route: <sip:p1;lr>, <sip:p2;lr>\nTimestamp: 54\nMax-Forwards"),
    );
    let trying = bench.sent().remove(0);
    assert_eq!(value(&trying, "Via"), "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKinvite");
    assert_eq!((value(&trying, "To"), value(&trying, "Timestamp")), ("<sip:100@192.0.2.1>", "54"));
    let Event::Invite { dialog, request, peer: from } = bench.event() else { panic!("INVITE") };
    assert_eq!((request.uri().user().as_str(), from.address), ("100", peer()));
    let body = Body { content_type: "application/sdp".to_owned(), bytes: Bytes::from_static(b"v=0\r\n") };
    bench.endpoint.ring(bench.now, dialog, 183, "", Some(body.clone()), &mut bench.actions);
    bench.endpoint.answer(bench.now, dialog, &[("X-A".into(), "b".into())], Some(body), &mut bench.actions);
    let sent = bench.sent();
    assert_eq!(first_line(&sent[0]), "SIP/2.0 183 Session Progress");
    assert_eq!(tag(&sent[0], "To"), tag(&sent[1], "To"));
    for message in &sent {
        assert_eq!(value(message, "Contact"), "<sip:100@192.0.2.1:5060>");
        let routes: Vec<_> = message.lines().filter(|line| line.starts_with("Record-Route")).collect();
        assert_eq!(routes, ["Record-Route: <sip:p1;lr>", "Record-Route: <sip:p2;lr>"]);
        assert!(message.ends_with("Content-Type: application/sdp\nContent-Length: 5\n\nv=0\n"));
    }
    assert_eq!((value(&sent[1], "X-A"), value(&sent[1], "Allow")), ("b", compose::ALLOW));
}

#[test]
fn ok_is_sent_again_at_500_1500_and_so_on_until_the_ack() {
    let mut bench = Bench::new();
    let (dialog, ok) = answered(&mut bench);
    for (ms, total) in [(499, 0), (1, 1), (999, 0), (1, 1), (2_000, 1), (4_000, 1), (4_000, 1)] {
        bench.pass(ms);
        let sent = bench.sent();
        assert_eq!(sent.len(), total, "after {ms} ms");
        assert!(sent.iter().all(|again| *again == ok));
    }
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    assert!(matches!(bench.event(), Event::Acknowledged { dialog: known, .. } if known == dialog));
    bench.pass(20_000);
    bench.assert_nothing();
    // The ACK of a retransmitted 2xx comes again, and nobody hears of it.
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    bench.assert_nothing();
    bench.endpoint.bye(bench.now, dialog, Some("Q.850;cause=16"), &mut bench.actions);
    let bye = bench.sent().remove(0);
    assert_eq!(first_line(&bye), "BYE sip:caller@192.0.2.9:5060 SIP/2.0");
    assert_eq!((value(&bye, "CSeq"), value(&bye, "Reason")), ("1 BYE", "Q.850;cause=16"));
    assert_eq!((tag(&bye, "From"), tag(&bye, "To")), (tag(&ok, "To"), "theirs"));
    bench.receive(&response(&bye, 200, ""));
    bench.assert_clean();
}

#[test]
fn without_an_ack_for_64_t1_the_room_is_told_and_its_bye_goes_out_at_once() {
    let mut bench = Bench::new();
    let (dialog, _) = answered(&mut bench);
    assert_eq!(bench.endpoint.counts().half_open, 1);
    bench.pass(31_999);
    assert!(bench.events().is_empty());
    assert_eq!(bench.lines().len(), 10);
    bench.pass(1);
    assert!(matches!(bench.event(), Event::NotAcknowledged { dialog: known } if known == dialog));
    assert_eq!(bench.endpoint.counts().half_open, 0);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(bench.lines(), ["BYE sip:caller@192.0.2.9:5060 SIP/2.0"]);
    bench.assert_clean();
}

#[test]
fn a_bye_of_ours_before_the_ack_waits_for_it() {
    let mut bench = Bench::new();
    let (dialog, ok) = answered(&mut bench);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.assert_nothing();
    bench.receive(&request("INFO", 2, "z9hG4bKinfo", tag(&ok, "To")));
    assert_eq!(bench.lines(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    assert_eq!(bench.lines(), ["BYE sip:caller@192.0.2.9:5060 SIP/2.0"]);
    assert!(bench.events().is_empty());
    bench.assert_clean();
}

#[test]
fn a_bye_of_ours_without_any_ack_goes_out_after_64_t1() {
    let mut bench = Bench::new();
    let (dialog, _) = answered(&mut bench);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.pass(32_000);
    assert_eq!(bench.lines().last().map(String::as_str), Some("BYE sip:caller@192.0.2.9:5060 SIP/2.0"));
    assert!(bench.events().is_empty());
    bench.assert_clean();
}

#[test]
fn a_bye_of_the_peer_before_its_ack_ends_the_retransmission_and_the_late_ack_is_nothing() {
    let mut bench = Bench::new();
    let (dialog, ok) = answered(&mut bench);
    bench.receive(&request("BYE", 2, "z9hG4bKbye", tag(&ok, "To")));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    assert!(matches!(bench.event(), Event::Bye { dialog: known, .. } if known == dialog));
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    bench.assert_nothing();
    assert_eq!(bench.endpoint.counts().half_open, 0);
    bench.assert_clean();
}

#[test]
fn a_retransmitted_bye_gets_its_200_again_and_a_new_one_481() {
    let mut bench = Bench::new();
    let (_, ours) = established(&mut bench);
    for (branch, expected) in [
        ("z9hG4bKbye", "SIP/2.0 200 OK"),
        ("z9hG4bKbye", "SIP/2.0 200 OK"),
        ("z9hG4bKlate", "SIP/2.0 481 Call/Transaction Does Not Exist"),
    ] {
        bench.receive(&request("BYE", 2, branch, &ours));
        assert_eq!(bench.lines(), [expected]);
    }
    assert_eq!(bench.events().len(), 1);
    bench.assert_clean();
}

#[test]
fn crossed_byes_are_both_answered_200() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    let bye = bench.sent().remove(0);
    bench.receive(&request("BYE", 2, "z9hG4bKbye", &ours));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    bench.receive(&response(&bye, 481, ""));
    bench.assert_nothing();
    bench.assert_clean();
}

#[test]
fn a_retransmitted_invite_gets_the_last_response_again_and_no_second_event() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.receive(&invite());
    assert_eq!(bench.lines(), ["SIP/2.0 100 Trying"]);
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let ringing = bench.sent();
    bench.receive(&invite());
    assert_eq!(bench.sent(), ringing);
    bench.endpoint.reject(bench.now, dialog, 486, "Busy Here", &[], &mut bench.actions);
    let busy = bench.sent();
    bench.receive(&invite());
    assert_eq!(bench.sent(), busy);
    bench.receive(&request("ACK", 1, "z9hG4bKinvite", tag(&busy[0], "To")));
    bench.receive(&invite());
    bench.assert_nothing();
    bench.assert_clean();
}

#[test]
fn a_rejection_is_sent_again_by_timer_g_until_its_ack() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.endpoint.reject(bench.now, dialog, 404, "", &[("X-Why".into(), "none".into())], &mut bench.actions);
    let sent = bench.sent();
    assert_eq!((first_line(&sent[0]).as_str(), value(&sent[0], "X-Why")), ("SIP/2.0 404 Not Found", "none"));
    bench.pass(1_500);
    assert_eq!(bench.lines().len(), 2);
    bench.receive(&request("ACK", 1, "z9hG4bKinvite", tag(&sent[0], "To")));
    bench.pass(10_000);
    bench.assert_nothing();
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

#[test]
fn cancel_gets_200_and_its_invite_487_with_one_tag_and_again_for_each_retransmission() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let ringing = bench.sent().remove(0);
    let cancel = request("CANCEL", 1, "z9hG4bKinvite", "")
        .replace("Max", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\nMax");
    bench.receive(&cancel);
    let sent = bench.sent();
    let lines: Vec<_> = sent.iter().map(|text| first_line(text)).collect();
    assert_eq!(lines, ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert!(sent.iter().all(|message| tag(message, "To") == tag(&ringing, "To")));
    let Event::Cancelled { dialog: known, reason } = bench.event() else { panic!("Cancelled") };
    assert_eq!((known, reason.as_deref()), (dialog, Some("SIP;cause=200;text=\"Call completed elsewhere\"")));
    bench.receive(&cancel);
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    // What the room does meanwhile means nothing any more.
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.assert_nothing();
    bench.receive(&request("ACK", 1, "z9hG4bKinvite", tag(&ringing, "To")));
    bench.assert_clean();
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing_and_one_for_nothing_gets_481() {
    let mut bench = Bench::new();
    let (_, ok) = answered(&mut bench);
    bench.receive(&request("CANCEL", 1, "z9hG4bKinvite", ""));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    bench.assert_nothing();
    bench.receive(&request("ACK", 1, "z9hG4bKack", tag(&ok, "To")));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    bench.receive(&request("CANCEL", 1, "z9hG4bKother", ""));
    assert_eq!(bench.lines(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
}

#[test]
fn the_same_invite_on_a_second_way_is_482() {
    let mut bench = Bench::new();
    incoming(&mut bench);
    bench.receive(&request("INVITE", 1, "z9hG4bKfork", ""));
    assert_eq!(bench.lines(), ["SIP/2.0 482 Loop Detected"]);
    bench.assert_nothing();
}

#[test]
fn a_bye_before_the_answer_ends_the_invite_with_487() {
    let mut bench = Bench::new();
    let dialog = incoming(&mut bench);
    bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
    let ours = tag(&bench.sent().remove(0), "To").to_owned();
    bench.receive(&request("BYE", 2, "z9hG4bKbye", &ours));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert!(matches!(bench.event(), Event::Bye { dialog: known, .. } if known == dialog));
    bench.assert_clean();
}

#[test]
fn requests_that_are_not_ours_to_serve_get_the_status_that_says_so() {
    let options = |edit: &str| request("OPTIONS", 7, "z9hG4bKo", "").replace("Max-Forwards: 70", edit);
    for (text, line, header) in [
        (request("INFO", 7, "z9hG4bKi", "unknown"), "481 Call/Transaction Does Not Exist", None),
        (request("INFO", 7, "z9hG4bKi", ""), "481 Call/Transaction Does Not Exist", None),
        (request("BYE", 7, "z9hG4bKi", "unknown"), "481 Call/Transaction Does Not Exist", None),
        (request("INVITE", 7, "z9hG4bKi", "unknown"), "481 Call/Transaction Does Not Exist", None),
        (request("MESSAGE", 7, "z9hG4bKi", ""), "405 Method Not Allowed", Some("Allow")),
        (request("PING", 7, "z9hG4bKi", ""), "501 Not Implemented", Some("Allow")),
        (request("invite", 7, "z9hG4bKi", ""), "501 Not Implemented", Some("Allow")),
        (options("Require: sec-agree, precondition"), "420 Bad Extension", Some("Unsupported")),
        (options("Proxy-Require: x"), "420 Bad Extension", Some("Unsupported")),
        (options("Max-Forwards: 256"), "400 Bad Header", None),
        (options("Max-Forwards 70"), "400 Bad Header Line", None),
        (
            options("X: y").replace("sip:100@192.0.2.1 SIP", "http://x SIP"),
            "416 Unsupported URI Scheme",
            None,
        ),
        (options("X: y").replace("SIP/2.0\nVia", "SIP/3.0\nVia"), "505 Version Not Supported", None),
        (
            options("X: y").replace("Content-Length: 0", "Content-Length: 99999"),
            "413 Request Entity Too Large",
            None,
        ),
        (options(&format!("X: {}", "y".repeat(20_000))), "513 Message Too Large", None),
        (
            options("X: y").replace("OPTIONS sip:100@192", &format!("OPTIONS sip:{}@192", "1".repeat(3_000))),
            "414 Request-URI Too Long",
            None,
        ),
    ] {
        let mut bench = Bench::new();
        bench.receive(&text);
        let sent = bench.sent();
        assert_eq!(sent.len(), 1, "{text}");
        assert_eq!(first_line(&sent[0]), format!("SIP/2.0 {line}"), "{text}");
        assert!(header.is_none_or(|name| has_header(&sent[0], name)), "{}", sent[0]);
        assert!(value(&sent[0], "To").contains(";tag="), "{}", sent[0]);
        let why = value(&sent[0], "Warning").strip_prefix("399 192.0.2.1:5060 \"").unwrap();
        assert!(why.len() > 20 && why.ends_with('"'), "{why}");
        // What never becomes a request is told of for the log, with the same words.
        let told = bench.events();
        assert!(matches!(&told[..], [] | [Event::Refused { .. }]), "{told:?}");
        for event in told {
            let Event::Refused { why: told, .. } = event else { continue };
            assert_eq!(format!("{told}\""), why);
        }
        bench.assert_clean();
    }
}

#[test]
fn no_ack_and_no_response_is_ever_answered_however_broken() {
    let mut bench = Bench::new();
    for text in [
        request("ACK", 1, "z9hG4bKa", "unknown"),
        request("ACK", 1, "z9hG4bKa", "unknown").replace("70", "256"),
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\n\n".to_owned(),
        "SIP/2.0 999999999999 OK\n\n".to_owned(),
        "GET / HTTP/1.1\nHost: x\n\n".to_owned(),
        "\n\n".to_owned(),
        "OPTIONS sip:x SIP/2.0\n\n".to_owned(),
        String::new(),
    ] {
        bench.receive(&text);
        bench.assert_nothing();
    }
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

#[test]
fn requests_in_a_dialog_go_up_and_their_responses_down() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    for (number, method) in ["INFO", "UPDATE", "OPTIONS"].into_iter().enumerate() {
        bench.receive(&request(method, 2 + number as u32, &format!("z9hG4bK{method}"), &ours));
        let Event::Request { dialog: Some(known), transaction, .. } = bench.event() else {
            panic!("{method}")
        };
        assert_eq!(known, dialog);
        bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
        let sent = bench.sent();
        assert_eq!((sent.len(), first_line(&sent[0]).as_str()), (1, "SIP/2.0 200 OK"));
        assert_eq!(has_header(&sent[0], "Contact"), method == "UPDATE");
        bench.endpoint.respond(bench.now, transaction, 486, "", &[], None, &mut bench.actions);
        bench.assert_nothing();
    }
    // A number that is not higher came out of order.
    bench.receive(&request("INFO", 3, "z9hG4bKold", &ours));
    assert_eq!(bench.lines(), ["SIP/2.0 500 Server Internal Error"]);
    bench.receive(&request("BYE", 3, "z9hG4bKbye", &ours));
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    bench.assert_clean();
}

#[test]
fn a_reinvite_is_answered_and_its_200_repeated_until_its_own_ack() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    let moved =
        request("INVITE", 2, "z9hG4bKre", &ours).replace("caller@192.0.2.9:5060>", "caller@192.0.2.9:5099>");
    bench.receive(&moved);
    assert_eq!(bench.lines(), ["SIP/2.0 100 Trying"]);
    let Event::Request { transaction, .. } = bench.event() else { panic!("re-INVITE") };
    // A second one before the first has its final response (RFC 3261 14.2).
    bench.receive(&request("INVITE", 3, "z9hG4bKre2", &ours));
    let sent = bench.sent();
    assert_eq!(first_line(&sent[0]), "SIP/2.0 500 Server Internal Error");
    assert!(value(&sent[0], "Retry-After").parse::<u32>().is_ok_and(|seconds| seconds <= 10));
    bench.receive(&request("ACK", 3, "z9hG4bKre2", &ours));
    bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
    bench.pass(500);
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    bench.receive(&request("ACK", 2, "z9hG4bKreack", &ours));
    assert!(matches!(bench.event(), Event::AcknowledgedAgain { dialog: known, .. } if known == dialog));
    bench.pass(5_000);
    bench.assert_nothing();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(bench.lines(), ["BYE sip:caller@192.0.2.9:5099 SIP/2.0"]);
    bench.assert_clean();
}

#[test]
fn a_refresh_whose_ack_is_lost_is_acknowledged_late_and_the_call_goes_on() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    bench.receive(&request("INVITE", 2, "z9hG4bKre", &ours));
    let Event::Request { transaction, .. } = bench.event() else { panic!("re-INVITE") };
    bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
    bench.pass(8_000);
    assert!(bench.lines().len() > 3);
    // The next one comes before that ACK: it is taken.
    bench.receive(&request("INVITE", 3, "z9hG4bKre2", &ours));
    let Event::Request { transaction, .. } = bench.event() else { panic!("re-INVITE") };
    bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
    bench.receive(&request("ACK", 2, "z9hG4bKa2", &ours));
    bench.receive(&request("ACK", 3, "z9hG4bKa3", &ours));
    assert_eq!(bench.events().len(), 2);
    bench.sent();
    bench.pass(40_000);
    bench.assert_nothing();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.assert_clean();
}

#[test]
fn a_reinvite_that_meets_ours_is_491() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    let id =
        bench.endpoint.request(bench.now, dialog, rsip::Method::Invite.into(), &[], None, &mut bench.actions);
    let reinvite = bench.sent().remove(0);
    bench.receive(&request("INVITE", 2, "z9hG4bKre", &ours));
    assert_eq!(bench.lines(), ["SIP/2.0 491 Request Pending"]);
    bench.receive(&response(&reinvite, 491, ""));
    let Event::Response { transaction, response: Err(_) | Ok(_), .. } = bench.event() else { panic!("491") };
    assert_eq!(transaction, id);
    assert!(bench.lines()[0].starts_with("ACK "));
}

#[test]
fn what_the_room_never_answers_is_forgotten_when_the_client_has_given_up() {
    let mut bench = Bench::new();
    bench.receive(&request("OPTIONS", 1, "z9hG4bKo", ""));
    assert!(matches!(bench.event(), Event::Request { dialog: None, .. }));
    bench.pass(32_000);
    bench.assert_nothing();
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

#[test]
fn half_open_calls_are_capped_per_source_and_ringing_ones_do_not_count() {
    let mut bench = Bench::new();
    let invite = |number: usize| {
        super::invite().replace("call-1", &format!("call-{number}")).replace("invite", &format!("i{number}"))
    };
    let mut dialogs = Vec::new();
    for number in 0..250 {
        bench.receive(&invite(number));
        let Event::Invite { dialog, .. } = bench.event() else { panic!("{number}") };
        dialogs.push(dialog);
    }
    bench.sent();
    for dialog in &dialogs {
        bench.endpoint.answer(bench.now, *dialog, &[], None, &mut bench.actions);
    }
    let lines = bench.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("200 OK")).count(), 200);
    assert_eq!(lines.iter().filter(|line| line.contains("503")).count(), 50);
    assert_eq!(bench.events().len(), 50);
    assert_eq!(bench.endpoint.counts().half_open, 200);
    bench.receive(&invite(1_000));
    let sent = bench.sent();
    assert_eq!(
        (first_line(&sent[0]).as_str(), value(&sent[0], "Retry-After")),
        ("SIP/2.0 503 Service Unavailable", "5")
    );
    // Another source is not held up.
    bench.receive_from(address(10, 5060), &invite(1_001));
    assert!(matches!(bench.event(), Event::Invite { .. }));
    bench.pass(33_000);
    assert_eq!(bench.endpoint.counts().half_open, 0);
}

#[test]
fn above_its_limits_the_endpoint_says_503_and_keeps_nothing() {
    let mut bench = Bench::new();
    bench.endpoint.config.limits.server_transactions_max = 1;
    incoming(&mut bench);
    let before = bench.endpoint.counts();
    bench.receive(&request("OPTIONS", 1, "z9hG4bKo", ""));
    let sent = bench.sent();
    assert_eq!(
        (first_line(&sent[0]).as_str(), value(&sent[0], "Retry-After")),
        ("SIP/2.0 503 Service Unavailable", "5")
    );
    assert_eq!(bench.endpoint.counts(), before);
}

/// Whether a new OPTIONS of this telephone gets to the call room.
fn is_ping_taken(bench: &mut Bench, last: u8, number: u32) -> bool {
    let text =
        request("OPTIONS", 1, &format!("z9hG4bKo{number}"), "").replace("call-1", &format!("ping-{number}"));
    bench.receive_from(address(last, 5060), &text);
    let _ = bench.sent();
    !bench.events().is_empty()
}

#[test]
fn the_pings_of_one_source_do_not_shut_out_those_of_another() {
    let mut bench = Bench::new();
    bench.endpoint.config.limits.server_transactions_max = 40;
    let taken = (0..30).filter(|n| is_ping_taken(&mut bench, 9, *n)).count();
    assert_eq!(taken, 10, "a quarter of all");
    assert!(is_ping_taken(&mut bench, 10, 100));
}

#[test]
fn a_flood_within_one_dialog_is_refused_without_a_transaction_and_its_bye_is_taken() {
    let mut bench = Bench::new();
    let (dialog, ours) = established(&mut bench);
    let before = bench.endpoint.counts().server_transactions;
    let mut lines = Vec::new();
    for n in 0..200u32 {
        bench.receive(&request("INFO", 10 + n, &format!("z9hG4bKi{n}"), &ours));
        for event in bench.events() {
            let Event::Request { transaction, .. } = event else { panic!("{event:?}") };
            bench.endpoint.respond(bench.now, transaction, 200, "", &[], None, &mut bench.actions);
        }
        lines.extend(bench.lines());
    }
    assert_eq!(lines.iter().filter(|line| line.contains("200 OK")).count(), 65);
    assert_eq!(lines.iter().filter(|line| line.contains("503")).count(), 135);
    assert_eq!(bench.endpoint.counts().server_transactions, before + 65);
    bench.receive(&request("BYE", 500, "z9hG4bKbye", &ours));
    assert!(matches!(bench.event(), Event::Bye { dialog: known, .. } if known == dialog));
}

#[test]
fn a_call_of_rfc_2543_without_branch_tag_and_contact_works() {
    let mut bench = Bench::new();
    let old = |method: &str, to_tag: &str| {
        request(method, 1, "x", to_tag)
            .replace(";branch=x", "")
            .replace(";tag=theirs", "")
            .replace("Contact: <sip:caller@192.0.2.9:5060>\n", "")
    };
    bench.receive(&old("INVITE", ""));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.receive(&old("INVITE", ""));
    assert_eq!(bench.lines().len(), 2);
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ours = tag(&bench.sent().remove(0), "To").to_owned();
    bench.receive(&old("ACK", &ours));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(bench.lines(), ["BYE sip:caller@192.0.2.9 SIP/2.0"]);
    bench.assert_clean();
}

#[test]
fn calls_that_differ_in_order_and_case_only_are_treated_alike() {
    let plain = invite()
        .replace("Max-Forwards", "Record-Route: <sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>\nMax-Forwards");
    let strange = "INVITE sip:100@192.0.2.1 sip/2.0\nl : 0\nm:<SIP:caller@192.0.2.9:5060>\n\
        record-ROUTE: <sip:192.0.2.7;lr>\nI: call-1\ncseq: 0001   INVITE\n\
        t:<sip:100@192.0.2.1>\nRecord-Route:\n <sip:192.0.2.8;lr>\nf:<sip:caller@192.0.2.9> ; TAG = theirs\n\
        max-forwards: 70\nV: SIP / 2.0 / UDP 192.0.2.9 : 5060 ; BRANCH = z9hG4bKinvite\n\n";
    let run = |text: &str| {
        let mut bench = Bench::new();
        bench.receive(text);
        let Event::Invite { dialog, .. } = bench.event() else { panic!("{text}") };
        bench.endpoint.ring(bench.now, dialog, 180, "", None, &mut bench.actions);
        bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
        let lines = bench.lines();
        // Retransmission, CANCEL and ACK of either spelling find it.
        bench.receive(&plain);
        bench.receive(strange);
        bench.receive(&request("CANCEL", 1, "z9hG4bKinvite", ""));
        assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
        let ours =
            bench.endpoint.dialogs.by_local_tag.keys().next().map(|tag| tag.to_string()).unwrap_or_default();
        bench.receive(&request("ACK", 1, "z9hG4bKack", &ours));
        assert!(matches!(bench.event(), Event::Acknowledged { .. }));
        bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
        let bye = bench.sent().remove(0);
        let routes: Vec<_> =
            bye.lines().filter(|line| line.starts_with("Route")).map(str::to_owned).collect();
        bench.assert_clean();
        (lines, first_line(&bye).to_lowercase(), routes)
    };
    let (one, other) = (run(&plain), run(strange));
    assert_eq!(one, other);
    assert_eq!(one.2, ["Route: <sip:192.0.2.7;lr>", "Route: <sip:192.0.2.8;lr>"]);
}
