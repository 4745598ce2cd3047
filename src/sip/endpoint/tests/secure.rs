//! TLS, WebSocket, and streams that are kept open.

use super::*;
use crate::ids::ConnectionId;
use crate::sip::TlsPeer;
use std::sync::Arc;

const TLS: ListenerId = ListenerId(2);
const WSS: ListenerId = ListenerId(3);
const ACCEPTED: ConnectionId = ConnectionId(7);

/// With listeners of TLS and secure WebSocket beside the usual ones.
fn bench() -> Bench {
    let mut config = endpoint(1, ours()).config;
    for (transport, port) in [(Transport::Tls, 5061), (Transport::Wss, 443)] {
        let (bind, advertise_host) = (address(1, port), "sip.example.net".to_owned());
        config.listeners.push(Listener { transport, bind, advertise_host, advertise_port: port });
    }
    Bench { endpoint: Endpoint::new(config, Random::from_seed(1)), ..Bench::new() }
}

fn open(bench: &mut Bench, listener: ListenerId) {
    let input =
        Input::StreamOpened { connection: ACCEPTED, listener, peer: address(9, 40_000), admitted: true };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

fn feed(bench: &mut Bench, connection: ConnectionId, text: &str) {
    let bytes = text.replace('\n', "\r\n");
    bench.endpoint.handle(
        bench.now,
        Input::StreamData { connection, bytes: bytes.as_bytes() },
        &mut bench.actions,
    );
}

fn over_tls(uri: &str) -> Outgoing {
    let destination = address(9, 5061);
    let request_uri = SipUri::parse(uri).unwrap();
    Outgoing { transport: Transport::Tls, listener: TLS, destination, request_uri, ..outgoing() }
}

/// Connections that were opened since the last look, with the name that is expected there.
fn connects(bench: &mut Bench) -> Vec<(ConnectionId, String)> {
    let connect = |action: &Action| match action {
        Action::Connect { connection, tls, .. } => {
            Some((*connection, tls.as_ref().map(|tls| tls.name.to_string()).unwrap_or_default()))
        }
        _ => None,
    };
    let found = bench.actions.iter().filter_map(connect).collect();
    bench.actions.retain(|action| connect(action).is_none());
    found
}

#[test]
fn a_connection_that_was_checked_for_one_name_carries_nothing_for_another() {
    let mut bench = bench();
    for (uri, settings, opened) in [
        ("sip:a@one.example;transport=tls", None, Some("one.example")),
        ("sip:b@one.example;transport=tls", None, None),
        ("sip:a@two.example;transport=tls", None, Some("two.example")),
        ("sips:a@192.0.2.9", None, Some("192.0.2.9")),
        ("sip:a@one.example;transport=tls", Some("acme"), Some("one.example")),
    ] {
        let tls = settings.map(|settings: &str| {
            Arc::new(TlsPeer { name: "one.example".into(), settings: Some(settings.into()) })
        });
        let call = Outgoing { tls, ..over_tls(uri) };
        bench.endpoint.invite(bench.now, call, &mut bench.actions);
        let names: Vec<String> = connects(&mut bench).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, opened.into_iter().collect::<Vec<_>>(), "{uri}");
    }
}

#[test]
fn via_and_contact_say_tls_and_a_sips_request_has_a_sips_contact() {
    for (uri, contact) in [
        ("sip:a@one.example;transport=tls", "<sip:+15550100@sip.example.net:5061;transport=tls>"),
        ("sips:a@one.example", "<sips:+15550100@sip.example.net:5061>"),
    ] {
        let mut bench = bench();
        bench.endpoint.invite(bench.now, over_tls(uri), &mut bench.actions);
        let invite = bench.sent().remove(0);
        assert!(value(&invite, "Via").starts_with("SIP/2.0/TLS sip.example.net:5061;branch="));
        assert_eq!(value(&invite, "Contact"), contact);
    }
    let mut bench = bench();
    open(&mut bench, TLS);
    let to_sips = invite().replace("INVITE sip:", "INVITE sips:").replace("SIP/2.0/UDP", "SIP/2.0/TLS");
    feed(&mut bench, ACCEPTED, &to_sips);
    let Event::Invite { dialog, peer, .. } = bench.event() else { panic!("INVITE") };
    assert_eq!(peer.transport, Transport::Tls);
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    assert_eq!(value(&bench.sent()[1], "Contact"), "<sips:100@sip.example.net:5061>");
}

/// A call over TLS that the peer has answered, on the connection that we opened.
fn established(bench: &mut Bench, contact: &str) -> (DialogId, ConnectionId) {
    let call = over_tls("sip:agent@desk.example;transport=tls");
    let dialog = bench.endpoint.invite(bench.now, call, &mut bench.actions);
    let (connection, _) = connects(bench).remove(0);
    let invite = bench.sent().remove(0);
    let ok = response(&invite, 200, "a1").replace("<sip:agent@192.0.2.9:5060>", contact);
    feed(bench, connection, &ok);
    assert!(matches!(bench.event(), Event::Answered { .. }));
    assert!(bench.lines().remove(0).starts_with("ACK "));
    (dialog, connection)
}

#[test]
fn a_stream_that_we_opened_is_pinged_while_it_carries_a_silent_call() {
    let mut bench = bench();
    let (dialog, connection) = established(&mut bench, "<sip:agent@192.0.2.9:5061;transport=tls>");
    bench.pass(94_999);
    bench.assert_nothing();
    bench.pass(1);
    assert_eq!(bench.sent(), ["\n\n"]);
    // Pongs, each one line end: two of them are no ping.
    feed(&mut bench, connection, "\n");
    bench.pass(95_000);
    assert_eq!(bench.sent(), ["\n\n"]);
    feed(&mut bench, connection, "\n");
    bench.assert_nothing();
    // A peer that does not answer pings is not thereby gone.
    bench.pass(4 * 3_600_000);
    let pings = bench.sent();
    assert!(pings.len() > 100 && pings.iter().all(|ping| ping == "\n\n"));
    assert_eq!(bench.actions.len(), 0, "{:?}", bench.actions);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    let bye = bench.sent().remove(0);
    feed(&mut bench, connection, &response(&bye, 200, ""));
    bench.pass(600_000);
    bench.assert_nothing();
}

#[test]
fn a_stream_that_a_peer_opened_is_kept_for_its_call_and_gets_no_ping() {
    let mut bench = bench();
    open(&mut bench, TLS);
    feed(&mut bench, ACCEPTED, &invite().replace("SIP/2.0/UDP", "SIP/2.0/TLS"));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ok = bench.sent().remove(1);
    feed(&mut bench, ACCEPTED, &request("ACK", 1, "z9hG4bKa", tag(&ok, "To")));
    bench.events();
    bench.pass(4 * 3_600_000);
    bench.assert_nothing();
}

#[test]
fn where_the_stream_of_a_call_has_broken_its_bye_opens_one_to_the_name_that_was_dialled() {
    let mut bench = bench();
    let (dialog, connection) = established(&mut bench, "<sip:agent@192.0.2.9:5061;transport=tls>");
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection }, &mut bench.actions);
    bench.assert_nothing();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert_eq!(connects(&mut bench)[0].1, "desk.example");
    assert!(bench.lines()[0].starts_with("BYE "));
}

#[test]
fn over_websocket_a_message_is_a_frame_and_the_browser_is_reached_over_its_own_connection_alone() {
    let mut bench = bench();
    open(&mut bench, WSS);
    let from_browser = |text: String| {
        text.replace("SIP/2.0/UDP 192.0.2.9:5060", "SIP/2.0/WSS df7jal23ls0d.invalid")
            .replace("<sip:caller@192.0.2.9:5060>", "<sip:x@df7jal23ls0d.invalid;transport=ws>")
            .replace("Content-Length: 0\n", "")
    };
    feed(&mut bench, ACCEPTED, &from_browser(invite()));
    let Event::Invite { dialog, peer, .. } = bench.event() else { panic!("INVITE") };
    assert_eq!((peer.transport, peer.connection), (Transport::Wss, Some(ACCEPTED)));
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ok = bench.sent().remove(1);
    assert!(value(&ok, "Via").starts_with("SIP/2.0/WSS df7jal23ls0d.invalid;branch="));
    assert_eq!(value(&ok, "Contact"), "<sip:100@sip.example.net:443;transport=ws>");
    feed(&mut bench, ACCEPTED, &from_browser(request("ACK", 1, "z9hG4bKa", tag(&ok, "To"))));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    feed(&mut bench, ACCEPTED, "\n\n");
    assert_eq!(bench.sent(), ["\n"]);
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    assert!(matches!(bench.actions[..], [Action::SendStream { connection: ACCEPTED, .. }]));
    assert!(bench.sent()[0].contains("Via: SIP/2.0/WSS sip.example.net:443;branch="));

    // Nobody can call a browser back.
    let mut bench = self::bench();
    open(&mut bench, WSS);
    feed(&mut bench, ACCEPTED, &from_browser(invite()));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection: ACCEPTED }, &mut bench.actions);
    bench.actions.clear();
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    bench.assert_nothing();
}

#[test]
fn a_frame_that_is_no_sip_closes_its_connection() {
    let mut bench = bench();
    open(&mut bench, WSS);
    feed(&mut bench, ACCEPTED, "hello");
    assert!(matches!(bench.actions[..], [Action::CloseStream { connection: ACCEPTED }]));
}

#[test]
fn a_stream_that_is_named_is_used_whatever_its_address() {
    let mut bench = bench();
    open(&mut bench, TLS);
    let call = Outgoing { connection: Some(ACCEPTED), ..over_tls("sip:a@phone.example;transport=tls") };
    bench.endpoint.invite(bench.now, call, &mut bench.actions);
    assert!(matches!(bench.actions[..], [Action::SendStream { connection: ACCEPTED, .. }]));
}

#[test]
fn a_request_may_be_given_up_sooner_where_nothing_at_all_is_heard() {
    for (code, failed_after) in [(None, Some(8_000)), (Some(100), None)] {
        let mut bench = bench();
        let call = Outgoing { silent_max: Some(Duration::from_secs(8)), ..outgoing() };
        bench.endpoint.invite(bench.now, call, &mut bench.actions);
        let invite = bench.sent().remove(0);
        if let Some(code) = code {
            bench.receive(&response(&invite, code, ""));
        }
        bench.pass(7_999);
        assert!(bench.events().is_empty());
        bench.pass(1);
        let failed =
            bench.events().iter().any(|e| matches!(e, Event::Failed { failure: Failure::Timeout, .. }));
        assert_eq!(failed, failed_after.is_some(), "{code:?}");
    }
}

#[test]
fn what_is_heard_of_a_call_after_it_was_given_up_as_silent_is_cancelled_or_ended() {
    let silent = || {
        let mut bench = bench();
        let call = Outgoing { silent_max: Some(Duration::from_secs(8)), ..outgoing() };
        bench.endpoint.invite(bench.now, call, &mut bench.actions);
        let invite = bench.sent().remove(0);
        bench.pass(8_000);
        assert!(matches!(bench.event(), Event::Failed { failure: Failure::Timeout, .. }));
        bench.sent();
        bench.pass(10_000);
        bench.assert_nothing();
        (bench, invite)
    };
    let (mut bench, invite) = silent();
    bench.receive(&response(&invite, 180, "a1"));
    let cancel = bench.sent().remove(0);
    assert_eq!((value(&cancel, "CSeq"), value(&cancel, "Via")), ("1 CANCEL", value(&invite, "Via")));
    bench.receive(&response(&cancel, 200, "a1"));
    bench.receive(&response(&invite, 487, "a1"));
    assert_eq!(bench.lines(), ["ACK sip:agent@192.0.2.9 SIP/2.0"]);
    assert!(bench.events().is_empty(), "its end was told");
    bench.assert_clean();
    let (mut bench, invite) = silent();
    bench.receive(&response(&invite, 200, "a1"));
    let sent = bench.sent();
    assert_eq!(sent.iter().map(|text| value(text, "CSeq")).collect::<Vec<_>>(), ["1 ACK", "2 BYE"]);
    bench.receive(&response(&sent[1], 200, "a1"));
    assert!(bench.events().is_empty());
    bench.assert_clean();
    let (mut bench, _) = silent();
    bench.assert_clean();
    assert!(bench.events().is_empty());
}
