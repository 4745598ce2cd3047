//! TCP.

use super::*;

const ACCEPTED: ConnectionId = ConnectionId(5);

use crate::ids::ConnectionId;

fn open(bench: &mut Bench) {
    let input =
        Input::StreamOpened { connection: ACCEPTED, listener: TCP, peer: address(9, 40_000), admitted: true };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

fn feed(bench: &mut Bench, text: &str) {
    let bytes = text.replace('\n', "\r\n");
    let input = Input::StreamData { connection: ACCEPTED, bytes: bytes.as_bytes() };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

fn closed(bench: &mut Bench) -> Vec<ConnectionId> {
    let closed = bench.actions.iter().filter_map(|action| match action {
        Action::CloseStream { connection } => Some(*connection),
        _ => None,
    });
    closed.collect()
}

fn over_tcp(text: String) -> String {
    text.replace("SIP/2.0/UDP", "SIP/2.0/TCP").replace("5060>", "5060;transport=tcp>")
}

#[test]
fn a_call_over_a_stream_is_answered_on_it_however_the_bytes_are_cut() {
    let mut bench = Bench::new();
    open(&mut bench);
    for byte in over_tcp(invite()).chars() {
        feed(&mut bench, &byte.to_string());
    }
    let Event::Invite { dialog, peer: from, .. } = bench.event() else { panic!("INVITE") };
    assert_eq!((from.transport, from.connection), (Transport::Tcp, Some(ACCEPTED)));
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    assert!(
        bench.actions.iter().all(|action| matches!(action, Action::SendStream { connection: ACCEPTED, .. }))
    );
    let sent = bench.sent();
    assert_eq!(value(&sent[1], "Contact"), "<sip:100@192.0.2.1:5060;transport=tcp>");
    // Two in one piece.
    let ours = tag(&sent[1], "To");
    let both =
        over_tcp(request("ACK", 1, "z9hG4bKa", ours)) + &over_tcp(request("INFO", 2, "z9hG4bKi", ours));
    feed(&mut bench, &both);
    assert_eq!(bench.events().len(), 2);
    bench.pass(32_000);
    bench.assert_nothing();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    // The peer listens on 5060, but the way that it opened leads to it too and is open already.
    assert!(
        matches!(bench.actions[..], [Action::SendStream { connection: ACCEPTED, .. }]),
        "{:?}",
        bench.actions
    );
    bench.assert_clean_of_calls();
}

impl Bench {
    #[track_caller]
    fn assert_clean_of_calls(&mut self) {
        self.pass(120_000);
        let counts = self.endpoint.counts();
        assert_eq!((counts.dialogs, counts.server_transactions, counts.client_transactions), (0, 0, 0));
    }
}

#[test]
fn a_ping_is_answered_by_a_pong_and_a_lone_line_end_is_not() {
    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, "\n");
    bench.assert_nothing();
    feed(&mut bench, "\n");
    assert_eq!(bench.sent(), ["\n"]);
    feed(&mut bench, &format!("\n\n{}", over_tcp(request("OPTIONS", 1, "z9hG4bKo", ""))));
    assert_eq!(bench.sent(), ["\n"]);
    assert!(matches!(bench.event(), Event::Request { .. }));
}

#[test]
fn silent_and_slow_streams_are_closed_after_30_s_and_idle_ones_after_an_hour() {
    let mut bench = Bench::new();
    open(&mut bench);
    bench.pass(29_999);
    assert!(closed(&mut bench).is_empty());
    bench.pass(1);
    assert_eq!(closed(&mut bench), [ACCEPTED]);
    assert_eq!(bench.endpoint.counts(), Counts::default());

    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, &over_tcp(request("PING", 1, "z9hG4bKo", "")));
    bench.pass(100_000);
    feed(&mut bench, "OPTIONS sip:x SIP/2.0\n");
    // A byte now and then does not help: the time runs from the first.
    for _ in 0..6 {
        bench.pass(4_900);
        feed(&mut bench, "X");
    }
    bench.pass(599);
    assert!(closed(&mut bench).is_empty());
    bench.pass(1);
    assert_eq!(closed(&mut bench), [ACCEPTED]);

    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, &over_tcp(request("PING", 1, "z9hG4bKo", "")));
    bench.pass(3_599_999);
    assert!(closed(&mut bench).is_empty());
    bench.pass(1);
    assert_eq!(closed(&mut bench), [ACCEPTED]);
}

#[test]
fn a_stream_that_carries_a_call_may_be_silent_for_as_long_as_that_lasts() {
    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, &over_tcp(invite()));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ok = bench.sent().remove(1);
    feed(&mut bench, &over_tcp(request("ACK", 1, "z9hG4bKa", tag(&ok, "To"))));
    bench.pass(10_000_000);
    assert!(closed(&mut bench).is_empty());
    feed(&mut bench, &over_tcp(request("BYE", 2, "z9hG4bKb", tag(&ok, "To"))));
    bench.pass(3_600_000);
    assert_eq!(closed(&mut bench), [ACCEPTED]);
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

#[test]
fn what_is_no_sip_or_too_large_is_answered_where_possible_and_closed() {
    let options = over_tcp(request("OPTIONS", 1, "z9hG4bKo", ""));
    for (text, lines) in [
        ("GET / HTTP/1.1\nHost: x\n\n".to_owned(), vec![]),
        (options.replace("Content-Length: 0\n", ""), vec!["SIP/2.0 400 Missing Header"]),
        (options.replace("Content-Length: 0", "Content-Length: -999"), vec!["SIP/2.0 400 Bad Header"]),
        (
            options.replace("Content-Length: 0", "Content-Length: 99999999"),
            vec!["SIP/2.0 413 Request Entity Too Large"],
        ),
        (
            options.replace("Max-Forwards", &format!("X: {}\nMax-Forwards", "y".repeat(20_000))),
            vec!["SIP/2.0 513 Message Too Large"],
        ),
        ("x".repeat(20_000), vec![]),
    ] {
        let mut bench = Bench::new();
        open(&mut bench);
        feed(&mut bench, &text);
        assert_eq!(closed(&mut bench), [ACCEPTED], "{}", &text[..30]);
        assert_eq!(bench.lines(), lines);
        feed(&mut bench, &options);
        let events = bench.events();
        assert!(events.iter().all(|event| matches!(event, Event::Refused { .. })), "{events:?}");
    }
}

#[test]
fn after_a_message_with_a_bad_header_the_next_one_is_read() {
    let mut bench = Bench::new();
    open(&mut bench);
    let options = over_tcp(request("OPTIONS", 1, "z9hG4bKo", ""));
    feed(&mut bench, &(options.replace("70", "700") + &options));
    assert_eq!(bench.lines(), ["SIP/2.0 400 Bad Header"]);
    assert!(matches!(&bench.events()[..], [Event::Refused { code: 400, .. }, Event::Request { .. }]));
}

#[test]
fn a_response_whose_stream_is_gone_goes_to_the_port_of_via() {
    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, &over_tcp(invite()));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.sent();
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection: ACCEPTED }, &mut bench.actions);
    bench.endpoint.reject(bench.now, dialog, 486, "", &[], &mut bench.actions);
    let [Action::Connect { connection, destination, .. }, Action::SendStream { connection: sent_on, .. }] =
        bench.actions[..]
    else {
        panic!("{:?}", bench.actions)
    };
    assert_eq!((destination, sent_on), (address(9, 5060), connection));
    assert!(connection.0 >= 1 << 63);
}

#[test]
fn a_connection_that_cannot_be_opened_fails_the_call_at_once() {
    let mut bench = Bench::new();
    let call = Outgoing { transport: Transport::Tcp, ..outgoing() };
    bench.endpoint.invite(bench.now, call, &mut bench.actions);
    let Action::Connect { connection, listener, destination, .. } = bench.actions[0] else {
        panic!("Connect")
    };
    assert_eq!((listener, destination), (TCP, peer()));
    let invite = bench.sent().remove(0);
    assert!(value(&invite, "Via").starts_with("SIP/2.0/TCP"));
    assert_eq!(value(&invite, "Contact"), "<sip:+15550100@192.0.2.1:5060;transport=tcp>");
    bench.actions.clear();
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection }, &mut bench.actions);
    assert!(matches!(bench.event(), Event::Failed { failure: Failure::Transport, .. }));
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

/// The stream that was opened, and what went out over it; nothing but these.
#[track_caller]
fn opened(bench: &mut Bench) -> (ConnectionId, SocketAddr, String) {
    let [Action::Connect { connection, destination, .. }, Action::SendStream { connection: on, .. }] =
        bench.actions[..]
    else {
        panic!("{:?}", bench.actions)
    };
    assert_eq!(on, connection);
    let sent = bench.sent().remove(0);
    bench.actions.clear();
    (connection, destination, sent)
}

#[test]
fn what_goes_into_a_stream_that_its_peer_has_closed_goes_out_once_more_over_another() {
    let mut bench = Bench::new();
    open(&mut bench);
    feed(&mut bench, &over_tcp(invite()));
    let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
    bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
    let ok = bench.sent().remove(1);
    feed(&mut bench, &over_tcp(request("ACK", 1, "z9hG4bKa", tag(&ok, "To"))));
    bench.events();
    bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
    let bye = bench.sent().remove(0);
    bench.actions.clear();
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection: ACCEPTED }, &mut bench.actions);
    let (connection, destination, again) = opened(&mut bench);
    assert_eq!((destination, again), (address(9, 5060), bye.clone()));
    // Not over and over: that one has brought nothing.
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection }, &mut bench.actions);
    assert!(bench.actions.is_empty(), "{:?}", bench.actions);
    bench.assert_clean_of_calls();
}

#[test]
fn an_invite_into_an_idle_stream_that_breaks_goes_out_once_more_and_fails_when_the_next_one_breaks() {
    let mut bench = Bench::new();
    let call = || Outgoing { transport: Transport::Tcp, ..outgoing() };
    bench.endpoint.invite(bench.now, call(), &mut bench.actions);
    let (first, _, invite) = opened(&mut bench);
    let heard = |bench: &mut Bench, connection, invite: &str| {
        let bytes = response(invite, 486, "x").replace('\n', "\r\n");
        let input = Input::StreamData { connection, bytes: bytes.as_bytes() };
        bench.endpoint.handle(bench.now, input, &mut bench.actions);
        bench.actions.clear();
    };
    heard(&mut bench, first, &invite);
    bench.endpoint.invite(bench.now, call(), &mut bench.actions);
    let invite = bench.sent().remove(0);
    bench.actions.clear();
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection: first }, &mut bench.actions);
    let (second, destination, again) = opened(&mut bench);
    assert_eq!((destination, &again), (peer(), &invite));
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection: second }, &mut bench.actions);
    assert!(matches!(bench.event(), Event::Failed { failure: Failure::Transport, .. }));
}

fn long() -> Outgoing {
    Outgoing { headers: vec![("X-Long".to_owned(), "y".repeat(1_300))], ..outgoing() }
}

#[test]
fn a_long_request_goes_by_tcp_only_to_a_peer_known_to_take_it_and_back_to_udp_where_that_fails() {
    let mut bench = Bench::new();
    bench.endpoint.invite(bench.now, long(), &mut bench.actions);
    assert!(matches!(bench.actions[..], [Action::SendDatagram { .. }]));
    bench.actions.clear();
    // The peer speaks to us over TCP once.
    open(&mut bench);
    feed(&mut bench, &over_tcp(request("PING", 1, "z9hG4bKo", "")));
    bench.actions.clear();
    bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    assert!(matches!(bench.actions[..], [Action::SendDatagram { .. }]), "short ones stay");
    bench.actions.clear();
    let dialog = bench.endpoint.invite(bench.now, long(), &mut bench.actions);
    let Action::Connect { connection, .. } = bench.actions[0] else { panic!("Connect") };
    let by_tcp = bench.sent().remove(0);
    assert!(value(&by_tcp, "Via").starts_with("SIP/2.0/TCP 192.0.2.1:5060;branch="));
    bench.actions.clear();
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection }, &mut bench.actions);
    assert!(matches!(bench.actions[..], [Action::SendDatagram { .. }]));
    let by_udp = bench.sent().remove(0);
    assert_eq!(by_udp, by_tcp.replace("SIP/2.0/TCP", "SIP/2.0/UDP"));
    bench.pass(500);
    assert!(bench.sent().contains(&by_udp));
    bench.receive(&response(&by_udp, 180, "a1"));
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    let cancel = bench.sent().pop().unwrap_or_default();
    assert_eq!(value(&cancel, "Via"), value(&by_udp, "Via"));
}

#[test]
fn there_are_so_many_streams_and_no_more() {
    let mut bench = Bench::new();
    bench.endpoint.config.limits.connections_max = 2;
    for number in 0..3 {
        let input = Input::StreamOpened {
            connection: ConnectionId(number),
            listener: TCP,
            peer: address(9, 40_000 + number as u16),
            admitted: true,
        };
        bench.endpoint.handle(bench.now, input, &mut bench.actions);
    }
    assert_eq!(closed(&mut bench), [ConnectionId(2)]);
    assert_eq!(bench.endpoint.counts().connections, 2);
}

#[test]
fn streams_that_close_in_any_state_of_a_call_leave_nothing_behind() {
    for state in 0..4 {
        let mut bench = Bench::new();
        open(&mut bench);
        feed(&mut bench, &over_tcp(invite()));
        let Event::Invite { dialog, .. } = bench.event() else { panic!("INVITE") };
        if state > 0 {
            bench.endpoint.answer(bench.now, dialog, &[], None, &mut bench.actions);
        }
        if state > 1 {
            let ok = bench.sent().pop().unwrap_or_default();
            feed(&mut bench, &over_tcp(request("ACK", 1, "z9hG4bKa", tag(&ok, "To"))));
        }
        if state > 2 {
            bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
        }
        bench.endpoint.handle(bench.now, Input::StreamClosed { connection: ACCEPTED }, &mut bench.actions);
        bench.endpoint.bye(bench.now, dialog, None, &mut bench.actions);
        bench.pass(4_000_000);
        assert_eq!(bench.endpoint.counts(), Counts::default(), "state {state}");
    }
}

#[test]
fn a_call_that_was_given_up_goes_out_by_no_other_way() {
    let mut bench = Bench::new();
    bench.endpoint.tcp_peers.learn(peer().ip());
    let body = Body { content_type: "text/plain".to_owned(), bytes: Bytes::from(vec![b'x'; 1_500]) };
    let call = Outgoing { body: Some(body), ..outgoing() };
    let dialog = bench.endpoint.invite(bench.now, call, &mut bench.actions);
    let Action::Connect { connection, .. } = bench.actions[0] else { panic!("{:?}", bench.actions) };
    bench.actions.clear();
    bench.endpoint.cancel(bench.now, dialog, None, &mut bench.actions);
    bench.endpoint.handle(bench.now, Input::StreamClosed { connection }, &mut bench.actions);
    assert_eq!(bench.lines(), [""; 0]);
    assert!(matches!(bench.event(), Event::Failed { dialog: known, .. } if known == dialog));
    bench.assert_clean();
}
