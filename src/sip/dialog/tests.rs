use super::*;
use crate::sip::Transport;
use crate::sip::message::{Message, parse_datagram};
use std::net::SocketAddr;

fn message(text: &str) -> Message {
    match parse_datagram(text.replace('\n', "\r\n").as_bytes()) {
        Some(Ok(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn peer(address: [u8; 4], transport: Transport) -> Peer {
    Peer {
        listener: ListenerId(0),
        transport,
        address: SocketAddr::from((address, 40_000)),
        connection: None,
    }
}

fn state(record_route: &str, contact: &str, peer: Peer) -> DialogState {
    let text = format!(
        "INVITE sip:100@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\n{record_route}\
         From: \"A\" <sip:a@192.0.2.9>;tag=theirs\nTo: sip:100@192.0.2.1\nCall-ID: c\nCSeq: 7 INVITE\n\
         Contact: <{contact}>\n\n"
    );
    let Message::Request(request) = message(&text) else { panic!("request") };
    DialogState::as_server(&request, "ours", peer)
}

#[test]
fn an_invite_makes_the_state_of_rfc_3261_12_1_1() {
    let state = state(
        "Record-Route: <sip:p1;lr>, <sip:p2;lr>\nRecord-Route: <sip:p3;lr>\n",
        "sip:a@192.0.2.9:5070",
        peer([192, 0, 2, 9], Transport::Udp),
    );
    assert_eq!((&*state.local_tag, &*state.remote_tag, &*state.call_id), ("ours", "theirs", "c"));
    assert_eq!(
        (&*state.local, &*state.remote),
        ("sip:100@192.0.2.1;tag=ours", "\"A\" <sip:a@192.0.2.9>;tag=theirs")
    );
    assert_eq!((state.local_cseq, state.remote_cseq), (0, Some(7)));
    assert_eq!(
        state.route_set.iter().map(|route| &**route).collect::<Vec<_>>(),
        ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]
    );
    assert_eq!(state.target.as_str(), "sip:a@192.0.2.9:5070");
}

#[test]
fn numbers_of_the_peer_only_grow_and_a_gap_is_no_fault() {
    let mut state = state("", "sip:a@192.0.2.9", peer([192, 0, 2, 9], Transport::Udp));
    for (number, taken) in [(7, false), (6, false), (8, true), (20, true), (20, false), (21, true)] {
        assert_eq!(state.take_remote_cseq(number), taken, "{number}");
    }
}

#[test]
fn the_next_hop_follows_route_set_target_and_where_the_peer_really_is() {
    use Transport::{Tcp, Udp};
    type Row =
        (&'static str, &'static str, Peer, &'static str, &'static [&'static str], &'static str, Transport);
    let public = peer([192, 0, 2, 9], Udp);
    let rows: [Row; 12] = [
        ("", "sip:a@198.51.100.7", public, "sip:a@198.51.100.7", &[], "198.51.100.7:5060", Udp),
        (
            "",
            "sip:a@198.51.100.7:5070;transport=tcp",
            public,
            "sip:a@198.51.100.7:5070;transport=tcp",
            &[],
            "198.51.100.7:5070",
            Tcp,
        ),
        ("", "sip:a@[2001:db8::1]:5070", public, "sip:a@[2001:db8::1]:5070", &[], "[2001:db8::1]:5070", Udp),
        ("", "sip:a@phone.example", public, "sip:a@phone.example", &[], "192.0.2.9:40000", Udp),
        ("", "sip:a@192.168.1.7", public, "sip:a@192.168.1.7", &[], "192.0.2.9:40000", Udp),
        // It believes to send from where its Contact is, and sends from elsewhere: NAT, whatever the addresses look like.
        ("", "sip:a@192.0.2.9", peer([10, 0, 0, 9], Udp), "sip:a@192.0.2.9", &[], "10.0.0.9:40000", Udp),
        ("", "sip:a@192.0.2.9:5070", public, "sip:a@192.0.2.9:5070", &[], "192.0.2.9:5070", Udp),
        (
            "",
            "sip:a@192.168.1.7",
            peer([10, 0, 0, 9], Udp),
            "sip:a@192.168.1.7",
            &[],
            "192.168.1.7:5060",
            Udp,
        ),
        (
            "",
            "sip:a@198.51.100.7",
            peer([192, 0, 2, 9], Tcp),
            "sip:a@198.51.100.7",
            &[],
            "198.51.100.7:5060",
            Tcp,
        ),
        (
            "",
            "sip:a@198.51.100.7;transport=udp",
            peer([192, 0, 2, 9], Tcp),
            "sip:a@198.51.100.7;transport=udp",
            &[],
            "198.51.100.7:5060",
            Udp,
        ),
        (
            "Record-Route: <sip:198.51.100.1:5062;lr>, <sip:198.51.100.2;lr>\n",
            "sip:a@198.51.100.7",
            public,
            "sip:a@198.51.100.7",
            &["<sip:198.51.100.1:5062;lr>", "<sip:198.51.100.2;lr>"],
            "198.51.100.1:5062",
            Udp,
        ),
        // A strict router (RFC 3261 12.2.1.1).
        (
            "Record-Route: <sip:198.51.100.1>, <sip:198.51.100.2;lr>\n",
            "sip:a@198.51.100.7",
            public,
            "sip:198.51.100.1",
            &["<sip:198.51.100.2;lr>", "<sip:a@198.51.100.7>"],
            "198.51.100.1:5060",
            Udp,
        ),
    ];
    for (record_route, contact, peer, uri, routes, destination, transport) in rows {
        let hop = next_hop(&state(record_route, contact, peer));
        assert_eq!(hop.request_uri.as_str(), uri, "{contact}");
        assert_eq!(hop.routes.iter().map(|route| &**route).collect::<Vec<_>>(), routes, "{contact}");
        assert_eq!(
            (hop.destination.to_string().as_str(), hop.transport),
            (destination, transport),
            "{contact}"
        );
    }
}

#[test]
fn a_2xx_is_due_at_500_ms_then_doubling_to_4_s_and_given_up_at_32_s() {
    let from = peer([192, 0, 2, 9], Transport::Tcp);
    let mut answer = Unacknowledged::new(Instant::ZERO, 1, true, bytes::Bytes::new(), from, from.address);
    let mut times = Vec::new();
    loop {
        let due = answer.next_timeout();
        match answer.on_timeout(due) {
            Due::SendAgain => times.push(due.as_micros() / 1_000),
            Due::GiveUp => {
                assert_eq!(due, Instant::from_millis(32_000));
                break;
            }
            Due::Nothing => panic!("due at {due:?}"),
        }
    }
    assert_eq!(times, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
}
