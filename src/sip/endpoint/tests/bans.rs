//! Who is banned, and what comes in all the same.

use super::*;
use crate::ids::ConnectionId;
use crate::sip::bans::Offence;

const STRANGER: u8 = 66;

fn stranger(bench: &mut Bench, text: &str) {
    let bytes = text.replace('\n', "\r\n");
    let source = address(STRANGER, 5060);
    let input = Input::Datagram { listener: UDP, source, bytes: bytes.as_bytes(), admitted: false };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
}

/// Opens a stream of the stranger, and says whether it was closed at once.
fn is_closed(bench: &mut Bench, number: u64) -> bool {
    let (connection, peer) = (ConnectionId(number), address(STRANGER, 40_000));
    let input = Input::StreamOpened { connection, listener: TCP, peer, admitted: false };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
    was_closed(bench, number)
}

fn was_closed(bench: &mut Bench, number: u64) -> bool {
    let closed = Action::CloseStream { connection: ConnectionId(number) };
    let actions = std::mem::take(&mut bench.actions);
    actions.iter().any(|action| format!("{action:?}") == format!("{closed:?}"))
}

fn ban(bench: &mut Bench, is_proven: bool) {
    let peer =
        Peer { listener: UDP, transport: Transport::Udp, address: address(STRANGER, 5060), connection: None };
    let (now, out) = (bench.now, &mut bench.actions);
    assert!(bench.endpoint.ban(now, peer, Offence::Flood, "why".into(), is_proven, out));
}

fn offences(bench: &mut Bench) -> Vec<Offence> {
    let offence = |event: Event| match event {
        Event::Offended { offence, .. } => Some(offence),
        _ => None,
    };
    bench.events().into_iter().filter_map(offence).collect()
}

#[test]
fn a_scanner_is_not_answered_and_told_of() {
    let mut bench = Bench::new();
    bench.endpoint.set_doors(Doors { register: true, invite: true });
    for method in ["OPTIONS", "REGISTER", "INVITE"] {
        let text =
            request(method, 1, "z9hG4bKs", "").replacen("CSeq", "User-Agent: Friendly-Scanner\nCSeq", 1);
        stranger(&mut bench, &text);
        assert_eq!(bench.sent(), [""; 0], "{method}");
        let Event::Offended { offence, reason, .. } = bench.event() else { panic!("Offended") };
        assert_eq!(
            (offence, reason.as_str()),
            (Offence::Scanner, "its User-Agent is that of a scanner: Friendly-Scanner")
        );
    }
    assert_eq!(bench.endpoint.counters().scanners_dropped, 3);
    assert_eq!(bench.endpoint.counts(), Counts::default());
}

#[test]
fn what_strangers_may_not_send_is_a_flood_from_two_hundred_at_once_on_or_ten_a_second() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        stranger(&mut bench, &invite());
        stranger(&mut bench, "no SIP at all");
    }
    assert_eq!(offences(&mut bench), []);
    stranger(&mut bench, "no SIP at all");
    assert_eq!(offences(&mut bench), [Offence::Flood]);
    for _ in 0..100 {
        bench.pass(101);
        stranger(&mut bench, &invite());
    }
    assert_eq!(offences(&mut bench), []);
    bench.endpoint.forgive(address(STRANGER, 1).ip());
    for _ in 0..200 {
        stranger(&mut bench, &invite());
    }
    assert_eq!(offences(&mut bench), [], "what was forgiven does not count");
}

#[test]
fn line_ends_that_keep_a_nat_open_are_no_offence() {
    let mut bench = Bench::new();
    for _ in 0..1_000 {
        stranger(&mut bench, "\n\n");
    }
    assert_eq!(offences(&mut bench), []);
}

#[test]
fn what_might_have_been_forged_shuts_out_no_registration_and_no_stream() {
    let mut bench = Bench::new();
    ban(&mut bench, false);
    stranger(&mut bench, &invite());
    stranger(&mut bench, &request("REGISTER", 1, "z9hG4bKr", ""));
    bench.assert_nothing();
    assert_eq!(bench.endpoint.counters().banned_dropped, 2);
    bench.endpoint.set_doors(Doors { register: true, invite: false });
    stranger(&mut bench, &invite());
    bench.assert_nothing();
    stranger(&mut bench, &request("REGISTER", 1, "z9hG4bKr", ""));
    assert!(matches!(bench.event(), Event::Knock { .. }));
    assert!(!is_closed(&mut bench, 1));
    let text = request("OPTIONS", 1, "z9hG4bKo", "").replace('\n', "\r\n");
    let input = Input::StreamData { connection: ConnectionId(1), bytes: text.as_bytes() };
    bench.endpoint.handle(bench.now, input, &mut bench.actions);
    assert_eq!(bench.lines(), ["SIP/2.0 403 Forbidden"]);
}

#[test]
fn what_is_proven_shuts_out_all_but_what_belongs_to_a_call_and_ends_with_its_time() {
    let mut bench = Bench::new();
    bench.endpoint.set_doors(Doors { register: true, invite: true });
    bench.endpoint.invite(bench.now, outgoing(), &mut bench.actions);
    let invite = bench.sent().remove(0);
    assert!(!is_closed(&mut bench, 1));
    ban(&mut bench, true);
    assert!(was_closed(&mut bench, 1), "the stream that it had");
    assert!(is_closed(&mut bench, 2));
    stranger(&mut bench, &request("REGISTER", 1, "z9hG4bKr", ""));
    bench.assert_nothing();
    stranger(&mut bench, &response(&invite, 200, "a1"));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    let bye = request("BYE", 1, "z9hG4bKbye", tag(&invite, "From"))
        .replace("theirs", "a1")
        .replace("call-1", value(&invite, "Call-ID"));
    bench.sent();
    stranger(&mut bench, &bye);
    assert_eq!(bench.lines(), ["SIP/2.0 200 OK"]);
    bench.events();
    assert_eq!(bench.endpoint.bans.of(address(STRANGER, 1).ip()).unwrap().turned_away, 2);

    bench.pass(3_600_000);
    assert!(bench.endpoint.bans.is_empty());
    stranger(&mut bench, &request("REGISTER", 2, "z9hG4bKr2", ""));
    assert!(matches!(bench.event(), Event::Knock { .. }));
    assert!(!is_closed(&mut bench, 3));
}

#[test]
fn whoever_is_admitted_is_not_asked_for() {
    let mut bench = Bench::new();
    ban(&mut bench, true);
    bench.receive_from(address(STRANGER, 5060), &request("OPTIONS", 1, "z9hG4bKo", ""));
    assert!(matches!(bench.event(), Event::Request { .. }));
    for _ in 0..1_000 {
        bench.receive_from(address(STRANGER, 5060), "no SIP at all");
    }
    assert_eq!(offences(&mut bench), []);
}
