//! Those who may not send us requests.

use super::*;
use crate::ids::ConnectionId;
use std::net::Ipv4Addr;

fn stranger(bench: &mut Bench, text: &str) {
    stranger_at(bench, 66, text);
}

fn stranger_at(bench: &mut Bench, last: u8, text: &str) {
    let bytes = text.replace('\n', "\r\n");
    let input = Input::Datagram {
        listener: UDP,
        source: address(last, 5060),
        bytes: bytes.as_bytes(),
        admitted: false,
    };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

#[test]
fn a_strangers_requests_are_403_at_a_limited_rate_and_leave_nothing() {
    let mut bench = Bench::new();
    for method in ["INVITE", "OPTIONS", "REGISTER", "CANCEL", "BYE", "NOTHING"] {
        stranger(&mut bench, &request(method, 1, "z9hG4bKs", ""));
        let sent = bench.sent();
        assert_eq!(first_line(&sent[0]), "SIP/2.0 403 Forbidden", "{method}");
        assert_eq!(value(&sent[0], "Via"), "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKs;received=192.0.2.66");
    }
    assert_eq!(told(&mut bench), 6);
    for _ in 0..100 {
        stranger(&mut bench, &invite());
    }
    assert_eq!(bench.sent().len(), 4);
    assert_eq!(bench.endpoint.counts(), Counts::default());
    assert_eq!(bench.endpoint.counters().refused_dropped, 96);
}

/// Takes the events, all of them refusals.
#[track_caller]
fn told(bench: &mut Bench) -> usize {
    let events = bench.events();
    assert!(events.iter().all(|event| matches!(event, Event::Refused { .. })), "{events:?}");
    events.len()
}

#[test]
fn of_a_flood_of_strangers_ten_at_once_and_one_a_second_are_told_of() {
    let mut bench = Bench::new();
    for last in 20..120 {
        stranger_at(&mut bench, last, &invite());
    }
    assert_eq!((bench.sent().len(), told(&mut bench)), (100, 11));
    bench.pass(1_000);
    for last in 120..220 {
        stranger_at(&mut bench, last, &invite());
    }
    assert_eq!((bench.sent().len(), told(&mut bench)), (100, 1));
}

#[test]
fn a_403_has_the_same_tag_for_each_retransmission() {
    let mut bench = Bench::new();
    stranger(&mut bench, &invite());
    stranger(&mut bench, &invite());
    let sent = bench.sent();
    assert_eq!(sent[0], sent[1]);
    stranger(&mut bench, &invite().replace("call-1", "call-2"));
    assert_ne!(tag(&bench.sent()[0], "To"), tag(&sent[0], "To"));
}

#[test]
fn a_strangers_broken_requests_are_403_too_and_its_acks_are_nothing() {
    let mut bench = Bench::new();
    stranger(&mut bench, &invite().replace("Max-Forwards: 70", "Max-Forwards: 700"));
    assert_eq!(bench.lines(), ["SIP/2.0 403 Forbidden"]);
    stranger(&mut bench, &request("ACK", 1, "z9hG4bKs", ""));
    stranger(&mut bench, "NOT SIP AT ALL\n\n");
    assert_eq!(told(&mut bench), 1);
    bench.assert_nothing();
}

#[test]
fn responses_and_requests_inside_a_dialog_are_taken_from_anywhere() {
    let mut bench = Bench::new();
    bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let invite = bench.sent().remove(0);
    stranger(&mut bench, &response(&invite, 200, "a1"));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.sent();
    let bye = request("BYE", 1, "z9hG4bKbye", tag(&invite, "From"))
        .replace("theirs", "a1")
        .replace("call-1", value(&invite, "Call-ID"));
    stranger(&mut bench, &bye.replace("a1", "wrong"));
    assert_eq!(bench.lines(), ["SIP/2.0 403 Forbidden"]);
    assert_eq!(told(&mut bench), 1);
    stranger(&mut bench, &bye);
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    assert!(matches!(bench.event(), Event::Bye { .. }));
    bench.assert_clean();
}

/// Sends a request with that number from host `source`, with `line` among its headers.
fn knock(bench: &mut Bench, source: Ipv4Addr, method: &str, n: u32, line: &str) {
    let text = request(method, n, &format!("z9hG4bKk{n}"), "").replace("call-1", &format!("call-{n}"));
    let bytes = text.replacen("CSeq:", &format!("{line}CSeq:"), 1).replace('\n', "\r\n");
    let source = SocketAddr::from((source, 5060));
    let input = Input::Datagram { listener: UDP, source, bytes: bytes.as_bytes(), admitted: false };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

const OPEN: Doors = Doors { register: true, invite: true };

#[test]
fn at_an_open_door_nothing_is_kept_until_the_call_room_takes_a_request_in() {
    let mut bench = Bench::new();
    bench.endpoint.set_doors(OPEN);
    let source = Ipv4Addr::new(198, 51, 100, 7);
    for (n, method) in [(1, "REGISTER"), (2, "INVITE")] {
        knock(&mut bench, source, method, n, "");
        let Event::Knock { request, peer } = bench.event() else { panic!("Knock") };
        let headers = [("WWW-Authenticate".to_owned(), "Digest x".to_owned())];
        bench.endpoint.answer_apart(bench.now, peer, &request, 401, "", &headers, &mut bench.actions);
        assert_eq!(value(&bench.sent()[0], "WWW-Authenticate"), "Digest x");
        assert_eq!(bench.endpoint.counts(), Counts::default(), "{method}");
    }
    // What belongs to the INVITE finds nothing, and leaves nothing.
    knock(&mut bench, source, "ACK", 2, "");
    knock(&mut bench, source, "CANCEL", 2, "");
    assert_eq!(bench.lines(), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
    assert_eq!(bench.endpoint.counts(), Counts::default());

    knock(&mut bench, source, "INVITE", 3, "");
    let Event::Knock { request, peer } = bench.event() else { panic!("Knock") };
    bench.endpoint.take_in(bench.now, peer, *request, &mut bench.actions);
    assert!(matches!(bench.event(), Event::Invite { .. }));
    knock(&mut bench, source, "INVITE", 3, "");
    assert_eq!(bench.endpoint.counters().retransmissions_absorbed, 1);
    knock(&mut bench, source, "CANCEL", 3, "");
    assert!(matches!(bench.event(), Event::Cancelled { .. }));
}

#[test]
fn a_flood_from_many_sources_is_heard_at_a_rate_and_credentials_come_in_beside_it() {
    let mut bench = Bench::new();
    bench.endpoint.set_doors(OPEN);
    for n in 0..5_000 {
        knock(&mut bench, Ipv4Addr::from(0x0a00_0000 + n), "REGISTER", n, "");
    }
    assert_eq!(bench.events().len(), 2_001);
    assert_eq!(bench.endpoint.counters().knocks_dropped, 2_999);
    knock(&mut bench, Ipv4Addr::new(198, 51, 100, 7), "REGISTER", 6_000, "Authorization: Digest x=y\n");
    assert!(matches!(bench.event(), Event::Knock { .. }));
}

#[test]
fn at_an_open_door_a_source_may_register_up_to_a_rate_and_call_at_none() {
    let mut bench = Bench::new();
    let source = Ipv4Addr::new(198, 51, 100, 7);
    knock(&mut bench, source, "REGISTER", 1, "");
    assert!(matches!(bench.event(), Event::Refused { .. }));
    bench.endpoint.set_doors(Doors { register: true, invite: false });
    for n in 2..1_102 {
        knock(&mut bench, source, "REGISTER", n, "");
    }
    assert_eq!((bench.events().len(), bench.endpoint.counters().knocks_dropped), (1_000, 100));
    knock(&mut bench, source, "INVITE", 1_200, "");
    assert!(matches!(bench.event(), Event::Refused { .. }));
}

/// A STUN Binding request of one who is admitted, or not.
fn stun(bench: &mut Bench, source: Ipv4Addr, admitted: bool) -> usize {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
    let source = SocketAddr::from((source, 5060));
    let input = Input::Datagram { listener: UDP, source, bytes: &bytes, admitted };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
    let sent = std::mem::take(&mut bench.actions);
    for action in &sent {
        let Action::SendDatagram { destination, bytes, .. } = action else { panic!("{action:?}") };
        assert_eq!((*destination, bytes.len()), (source, 32));
    }
    sent.len()
}

#[test]
fn a_telephone_that_may_register_learns_by_stun_where_it_sends_from_and_others_learn_nothing() {
    let mut bench = Bench::new();
    let source = Ipv4Addr::new(198, 51, 100, 7);
    assert_eq!((stun(&mut bench, source, false), stun(&mut bench, source, true)), (0, 1));
    bench.endpoint.set_doors(OPEN);
    assert_eq!(stun(&mut bench, source, false), 1, "its NAT has given it another port");
    assert_eq!((0..600).map(|_| stun(&mut bench, source, true)).sum::<usize>(), 498);
    let others = (0..2_000).map(|n| stun(&mut bench, Ipv4Addr::from(0x0a00_0000 + n), false));
    assert_eq!(others.sum::<usize>(), 501, "all together");
    let counters = bench.endpoint.counters();
    assert_eq!((counters.stun_answered, counters.stun_dropped), (1_001, 1_602));
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

/// Opens a stream.
fn open(bench: &mut Bench, number: usize, last: u8, admitted: bool) {
    let connection = ConnectionId(number as u64);
    let peer = address(last, 1_024 + number as u16);
    let input = Input::StreamOpened { connection, listener: TCP, peer, admitted };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

fn feed(bench: &mut Bench, number: usize, text: &str) {
    let bytes = text.replace("SIP/2.0/UDP", "SIP/2.0/TCP").replace('\n', "\r\n");
    let input = Input::StreamData { connection: ConnectionId(number as u64), bytes: bytes.as_bytes() };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

/// The streams that were closed since the last look.
fn closed(bench: &mut Bench) -> Vec<u64> {
    let closed = std::mem::take(&mut bench.actions).into_iter().filter_map(|action| match action {
        Action::CloseStream { connection } => Some(connection.0),
        _ => None,
    });
    closed.collect()
}

#[test]
fn strangers_who_hold_all_streams_give_way_those_first_who_were_silent_for_the_longest() {
    let mut bench = Bench::new();
    let most = Limits::default().connections_max;
    for number in 0..most {
        open(&mut bench, number, 66, false);
        // A response to nobody is no offence, and with it the stream has brought a message.
        feed(&mut bench, number, &response(&request("OPTIONS", 1, "z9hG4bKs", ""), 200, "t"));
        bench.now += Duration::from_millis(1);
    }
    assert!(closed(&mut bench).is_empty());
    open(&mut bench, most, 9, true);
    assert_eq!(closed(&mut bench), [0]);
    feed(&mut bench, most, &invite());
    assert!(matches!(bench.event(), Event::Invite { .. }));
    bench.endpoint.invite(
        bench.now,
        Outgoing { transport: Transport::Tcp, destination: address(7, 5060), ..outgoing() },
        &mut bench.actions,
    );
    assert_eq!(closed(&mut bench), [1]);
    // A telephone is a stranger until it has registered.
    open(&mut bench, most + 1, 67, false);
    assert_eq!(closed(&mut bench), [2]);
    assert_eq!(bench.endpoint.counts().connections, most);
}

#[test]
fn streams_of_the_known_give_way_to_nobody() {
    let mut bench = Bench::new();
    let most = Limits::default().connections_max;
    for number in 0..most {
        open(&mut bench, number, 9, true);
    }
    open(&mut bench, most, 66, false);
    open(&mut bench, most + 1, 9, true);
    assert_eq!(closed(&mut bench), [most as u64, most as u64 + 1]);
}

#[test]
fn a_flood_of_datagrams_takes_nothing_from_those_who_come_over_streams() {
    let mut bench = Bench::new();
    bench.endpoint.set_doors(OPEN);
    // Forged, from everywhere and from the very host that comes over a stream.
    for n in 0..5_000 {
        knock(&mut bench, Ipv4Addr::from(0x0a00_0000 + n), "REGISTER", n, "");
        knock(&mut bench, Ipv4Addr::new(192, 0, 2, 67), "REGISTER", 5_000 + n, "Authorization: Digest x=y\n");
    }
    bench.actions.clear();
    for (n, line) in [(1, ""), (2, "Authorization: Digest x=y\n")] {
        open(&mut bench, n, 67, false);
        let text = request("REGISTER", 1, &format!("z9hG4bKr{n}"), "");
        feed(&mut bench, n, &text.replacen("CSeq:", &format!("{line}CSeq:"), 1));
        assert!(matches!(bench.event(), Event::Knock { .. }), "{n}");
    }
}
