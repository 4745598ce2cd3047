//! Calls that go out.

use super::*;

/// An INVITE that has gone out.
pub fn calling(bench: &mut Bench) -> (DialogId, String) {
    let dialog = bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    (dialog, sent[0].clone())
}

/// The same, answered; the ACK.
pub fn established(bench: &mut Bench) -> (DialogId, String, String) {
    let (dialog, invite) = calling(bench);
    bench.receive(&response(&invite, 200, "a1"));
    let ack = bench.sent().remove(0);
    assert!(matches!(bench.event(), Event::Answered { dialog: known, .. } if known == dialog));
    (dialog, invite, ack)
}

#[test]
fn an_invite_has_all_it_needs_and_its_2xx_is_acknowledged_each_time() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    assert_eq!(first_line(&invite), "INVITE sip:agent@192.0.2.9 SIP/2.0");
    assert!(value(&invite, "Via").starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
    assert!(value(&invite, "Via").ends_with(";rport"));
    assert_eq!(value(&invite, "Contact"), "<sip:+15550100@192.0.2.1:5060>");
    assert_eq!((value(&invite, "Max-Forwards"), value(&invite, "CSeq")), ("70", "1 INVITE"));
    assert_eq!(value(&invite, "Allow"), compose::ALLOW);
    bench.receive(&response(&invite, 100, ""));
    bench.assert_nothing();
    bench.receive(&response(&invite, 180, "a1"));
    assert!(matches!(bench.event(), Event::Provisional { .. }));
    bench.receive(&response(&invite, 200, "a1"));
    let ack = bench.sent().remove(0);
    assert_eq!(first_line(&ack), "ACK sip:agent@192.0.2.9:5060 SIP/2.0");
    assert_eq!((value(&ack, "CSeq"), tag(&ack, "To")), ("1 ACK", "a1"));
    assert_ne!(value(&ack, "Via"), value(&invite, "Via"));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.pass(4_000);
    bench.receive(&response(&invite, 200, "a1"));
    assert_eq!(bench.sent(), std::slice::from_ref(&ack));
    bench.receive(
        &request("BYE", 1, "z9hG4bKbye", tag(&invite, "From"))
            .replace("theirs", "a1")
            .replace("call-1", value(&invite, "Call-ID")),
    );
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    assert!(matches!(bench.event(), Event::Bye { dialog: known, .. } if known == dialog));
    // The ACK was lost, and the dialog is gone already: its 2xx still is acknowledged.
    bench.receive(&response(&invite, 200, "a1"));
    assert_eq!(bench.sent(), [ack]);
    bench.assert_clean();
}

#[test]
fn a_failure_is_acknowledged_in_the_invites_own_transaction() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.receive(&response(&invite, 486, "a1"));
    let ack = bench.sent().remove(0);
    assert_eq!(first_line(&ack), "ACK sip:agent@192.0.2.9 SIP/2.0");
    assert_eq!(
        (value(&ack, "Via"), value(&ack, "CSeq"), tag(&ack, "To")),
        (value(&invite, "Via"), "1 ACK", "a1")
    );
    let Event::Failed { dialog: known, failure: Failure::Response(response_) } = bench.event() else {
        panic!("Failed")
    };
    assert_eq!((known, response_.code()), (dialog, 486));
    bench.receive(&response(&invite, 486, "a1"));
    assert_eq!(bench.sent(), [ack]);
    bench.assert_nothing();
    bench.assert_clean();
}

#[test]
fn silence_fails_the_call_after_64_t1_and_seven_invites() {
    let mut bench = Bench::new();
    let (dialog, _) = calling(&mut bench);
    bench.pass(31_999);
    assert_eq!(bench.lines().len(), 6);
    bench.pass(1);
    assert!(
        matches!(bench.event(), Event::Failed { dialog: known, failure: Failure::Timeout } if known == dialog)
    );
    bench.assert_clean();
}

#[test]
fn cancel_before_the_first_1xx_waits_for_it() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.endpoint.cancel(bench.now, dialog, Some("SIP;cause=200"), &mut bench.actions);
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    bench.assert_nothing();
    bench.receive(&response(&invite, 100, ""));
    let cancel = bench.sent().remove(0);
    assert_eq!(first_line(&cancel), "CANCEL sip:agent@192.0.2.9 SIP/2.0");
    assert_eq!((value(&cancel, "Via"), value(&cancel, "CSeq")), (value(&invite, "Via"), "1 CANCEL"));
    assert_eq!((value(&cancel, "Reason"), value(&cancel, "To")), ("SIP;cause=200", value(&invite, "To")));
    bench.receive(&response(&cancel, 200, "a1"));
    bench.receive(&response(&invite, 487, "a1"));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    let Event::Failed { failure: Failure::Response(last), .. } = bench.event() else { panic!("Failed") };
    assert_eq!(last.code(), 487);
    bench.assert_clean();
}

#[test]
fn a_failure_before_the_first_1xx_needs_no_cancel() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    bench.receive(&response(&invite, 486, "a1"));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    assert!(matches!(bench.event(), Event::Failed { .. }));
    bench.assert_clean();
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_ended() {
    for provisional in [true, false] {
        let mut bench = Bench::new();
        let (dialog, invite) = calling(&mut bench);
        if provisional {
            bench.receive(&response(&invite, 180, "a1"));
            bench.event();
        }
        bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
        bench.sent();
        bench.receive(&response(&invite, 200, "a1"));
        assert_eq!(
            bench.lines(),
            ["ACK sip:agent@192.0.2.9:5060 SIP/2.0", "BYE sip:agent@192.0.2.9:5060 SIP/2.0"]
        );
        assert!(matches!(bench.event(), Event::Failed { failure: Failure::Cancelled, .. }));
        // And the same 200 again is acknowledged again, and not ended again.
        bench.receive(&response(&invite, 200, "a1"));
        assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9:5060 SIP/2.0"]);
        bench.assert_clean();
    }
}

#[test]
fn a_cancel_that_nobody_heeds_ends_the_call_after_64_t1() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.receive(&response(&invite, 180, "a1"));
    bench.event();
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    bench.pass(31_999);
    assert!(bench.events().is_empty());
    bench.pass(1);
    assert!(matches!(bench.event(), Event::Failed { failure: Failure::Cancelled, .. }));
    bench.assert_clean();
}

#[test]
fn a_2xx_of_another_fork_is_acknowledged_and_ended_and_the_first_call_stays() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.receive(&response(&invite, 180, "a1"));
    bench.receive(&response(&invite, 183, "b2"));
    assert_eq!(bench.events().len(), 2);
    // A tag that no 1xx had (RFC 3261 13.2.2.4).
    bench.receive(&response(&invite, 200, "c3"));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.sent();
    bench.receive(&response(&invite, 200, "a1"));
    let sent = bench.sent();
    assert_eq!(
        sent.iter().map(|text| first_line(text)).collect::<Vec<_>>(),
        ["ACK sip:agent@192.0.2.9:5060 SIP/2.0", "BYE sip:agent@192.0.2.9:5060 SIP/2.0"]
    );
    assert!(sent.iter().all(|message| tag(message, "To") == "a1"));
    bench.receive(&response(&sent[1], 200, ""));
    assert!(bench.events().is_empty());
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(tag(&bench.sent()[0], "To"), "c3");
    bench.assert_clean();
    assert_eq!(bench.endpoint.counters().forks_ended, 1);
}

#[test]
fn the_route_set_is_that_of_the_2xx_in_one_line_reversed() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    let routed = response(&invite, 200, "a1")
        .replace("Contact", "Record-Route: <sip:192.0.2.31:5070;lr>, <sip:192.0.2.32;lr>\nContact");
    bench.receive(&routed);
    let Some(Action::SendDatagram { destination, .. }) = bench.actions.first() else { panic!("ACK") };
    assert_eq!(*destination, address(32, 5060));
    let ack = bench.sent().remove(0);
    let routes: Vec<_> = ack.lines().filter(|line| line.starts_with("Route")).collect();
    assert_eq!(routes, ["Route: <sip:192.0.2.32;lr>", "Route: <sip:192.0.2.31:5070;lr>"]);
    assert_eq!(first_line(&ack), "ACK sip:agent@192.0.2.9:5060 SIP/2.0");
    bench.events();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert!(bench.sent()[0].contains("Route: <sip:192.0.2.32;lr>\nRoute: <sip:192.0.2.31:5070;lr>\n"));
}

#[test]
fn responses_in_compact_form_are_understood() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    let mut compact = response(&invite, 200, "a1");
    for (long, short) in [
        ("Via:", "v:"),
        ("From:", "f:"),
        ("To:", "t:"),
        ("Call-ID:", "i:"),
        ("Contact:", "m:"),
        ("Content-Length:", "l:"),
    ] {
        compact = compact.replace(long, short);
    }
    bench.receive(&compact);
    assert!(matches!(bench.event(), Event::Answered { .. }));
}

#[test]
fn responses_that_are_not_for_us_change_nothing() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    let good = response(&invite, 200, "a1");
    for text in [
        good.replace("branch=z9hG4bK", "branch=z9hG4bKx"),
        good.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        good.replace("From:", "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKother\nFrom:"),
    ] {
        bench.receive(&text);
        bench.assert_nothing();
    }
    assert_eq!(bench.endpoint.counters().strays_dropped, 3);
}

#[test]
fn requests_in_a_dialog_count_up_and_their_ends_come_back() {
    let mut bench = Bench::new();
    let (dialog, _, _) = established(&mut bench);
    let now = bench.now;
    let info = bench.endpoint.request(now, dialog, rsip::Method::Info.into(), &[], None, &mut bench.actions);
    let update =
        bench.endpoint.request(now, dialog, rsip::Method::Update.into(), &[], None, &mut bench.actions);
    let sent = bench.sent();
    assert_eq!((value(&sent[0], "CSeq"), value(&sent[1], "CSeq")), ("2 INFO", "3 UPDATE"));
    bench.receive(&response(&sent[1], 200, "").replace("agent@192.0.2.9:5060", "agent@192.0.2.9:5080"));
    let Event::Response { transaction, response: Ok(ok), .. } = bench.event() else { panic!("Response") };
    assert_eq!((transaction, ok.code()), (update, 200));
    bench.pass(32_000);
    let Event::Response { transaction, response: Err(Failure::Timeout), .. } = bench.event() else {
        panic!("Timeout")
    };
    assert_eq!(transaction, info);
    bench.sent();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    let bye = bench.sent().remove(0);
    assert_eq!(
        (first_line(&bye).as_str(), value(&bye, "CSeq")),
        ("BYE sip:agent@192.0.2.9:5080 SIP/2.0", "4 BYE")
    );
    bench.assert_clean();
}

#[test]
fn a_reinvite_of_ours_is_acknowledged_with_its_own_number() {
    let mut bench = Bench::new();
    let (dialog, _, _) = established(&mut bench);
    let id =
        bench.endpoint.request(bench.now, dialog, rsip::Method::Invite.into(), &[], None, &mut bench.actions);
    let reinvite = bench.sent().remove(0);
    bench.receive(&response(&reinvite, 200, ""));
    let ack = bench.sent().remove(0);
    assert_eq!(
        (first_line(&ack).as_str(), value(&ack, "CSeq")),
        ("ACK sip:agent@192.0.2.9:5060 SIP/2.0", "2 ACK")
    );
    assert!(matches!(bench.event(), Event::Response { transaction, .. } if transaction == id));
    bench.receive(&response(&reinvite, 200, ""));
    assert_eq!(bench.sent(), [ack]);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    bench.assert_clean();
}

#[test]
fn a_peer_with_a_public_address_that_names_a_private_one_is_reached_where_it_sends_from() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    for host in ["10.0.0.7:5066", "phone.example"] {
        let text = response(&invite, 200, host).replace("agent@192.0.2.9:5060", &format!("agent@{host}"));
        bench.receive_from(address(9, 40_000), &text);
        let Some(Action::SendDatagram { destination, bytes, .. }) = bench.actions.first() else {
            panic!("ACK")
        };
        assert_eq!(*destination, address(9, 40_000));
        assert!(String::from_utf8_lossy(bytes).starts_with(&format!("ACK sip:agent@{host} SIP/2.0")));
        bench.actions.clear();
    }
}

#[test]
fn a_request_leaves_by_a_listener_of_its_transport_and_address_family() {
    let mut config = endpoint(1, ours()).config;
    for (transport, bind) in [(Transport::Udp, "[2001:db8::1]:5060"), (Transport::Tcp, "[2001:db8::1]:5060")]
    {
        let bind: SocketAddr = bind.parse().unwrap_or_else(|_| ours());
        let advertise_host = bind.ip().to_string();
        config.listeners.push(Listener { transport, bind, advertise_host, advertise_port: 5060 });
    }
    let mut endpoint = Endpoint::new(config, Random::from_seed(1));
    for (destination, transport, expected) in [
        (peer(), Transport::Udp, 0),
        (peer(), Transport::Tcp, 1),
        (SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9], 5060)), Transport::Udp, 2),
        (SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9], 5060)), Transport::Tcp, 3),
    ] {
        let mut actions = Vec::new();
        let call = Outgoing { destination, transport, ..outgoing() };
        endpoint.invite(Instant::ZERO, call, &mut actions);
        let (Action::SendDatagram { listener, .. } | Action::Connect { listener, .. }) = actions[0] else {
            panic!("{actions:?}")
        };
        assert_eq!(listener, ListenerId(expected));
        if let Action::SendDatagram { bytes, .. } = &actions[0] {
            let text = String::from_utf8_lossy(bytes).replace('\r', "");
            let host = if expected == 2 { "[2001:db8::1]:5060" } else { "192.0.2.1:5060" };
            assert!(value(&text, "Via").starts_with(&format!("SIP/2.0/UDP {host};branch=")));
            assert_eq!(value(&text, "Contact"), format!("<sip:+15550100@{host}>"));
        }
    }
}

#[test]
fn a_reinvite_that_was_only_tried_is_forgotten_64_t1_after_its_dialog_ended() {
    for we_hang_up in [true, false] {
        let mut bench = Bench::new();
        let (dialog, invite, _) = established(&mut bench);
        bench.endpoint.request(bench.now, dialog, rsip::Method::Invite.into(), &[], None, &mut bench.actions);
        let reinvite = bench.sent().remove(0);
        bench.receive(&response(&reinvite, 100, ""));
        bench.pass(40_000);
        if we_hang_up {
            bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
            let bye = bench.sent().remove(0);
            bench.receive(&response(&bye, 200, ""));
        } else {
            let bye = request("BYE", 1, "z9hG4bKbye", tag(&invite, "From"));
            let bye = bye.replace("call-1", value(&invite, "Call-ID")).replace("tag=theirs", "tag=a1");
            bench.receive(&bye);
            assert!(matches!(bench.event(), Event::Bye { .. }));
        }
        bench.pass(31_000);
        assert_eq!(bench.endpoint.counts().client_transactions, 1, "a final response is still acknowledged");
        bench.assert_clean();
    }
}
