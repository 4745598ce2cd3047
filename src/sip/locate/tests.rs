//! RFC 3263 as a table: which questions a destination takes, and what order of targets comes out.

use super::*;
use crate::clock::Instant;
use crate::sip::endpoint::Failure;
use crate::sip::message::{Message, parse_datagram};
use std::time::Duration;

/// What our DNS says, one record a line: `name NAPTR order preference service replacement`, `name SRV priority weight
/// port target`, `name A address`, `name FAIL`.
const ZONE: &str = "
naptr.example NAPTR 20 10 SIP+D2U _sip._udp.naptr.example
naptr.example NAPTR 10 20 SIP+D2T _sip._tcp.naptr.example
naptr.example NAPTR 10 10 SIPS+D2T _sips._tcp.naptr.example
naptr.example NAPTR 5 10 SIP+D2W _sip._ws.naptr.example
_sips._tcp.naptr.example SRV 1 0 5071 a.naptr.example
_sip._tcp.naptr.example SRV 1 0 5070 a.naptr.example
_sip._udp.naptr.example SRV 2 0 5060 b.naptr.example
_sip._udp.naptr.example SRV 1 0 5062 a.naptr.example
a.naptr.example A 192.0.2.1
a.naptr.example A 2001:db8::1
b.naptr.example A 192.0.2.2
_sip._udp.srv.example SRV 1 0 5080 h.srv.example
_sip._tcp.srv.example SRV 1 0 5081 h.srv.example
h.srv.example A 192.0.2.3
plain.example A 192.0.2.4
plain.example A 192.0.2.5
six.example A 2001:db8::6
none.example A 192.0.2.9
_sip._udp.none.example SRV 0 0 0 .
_sip._tcp.none.example SRV 0 0 0 .
_sips._tcp.none.example SRV 0 0 0 .
dead.example FAIL
half.example FAIL
_sip._udp.half.example SRV 1 0 5090 gone.example
_sip._udp.half.example SRV 2 0 5091 h.srv.example
numeric.example NAPTR 1 1 SIP+D2U _sip._udp.numeric.example
_sip._udp.numeric.example SRV 1 0 5092 192.0.2.7
";

fn reply(question: &Question) -> Reply {
    let (name, kind) = match question {
        Question::Naptr(name) => (name, "NAPTR"),
        Question::Srv(name) => (name, "SRV"),
        Question::Addresses(name) => (name, "A"),
    };
    let lines: Vec<Vec<&str>> = ZONE.lines().map(|line| line.split(' ').collect()).collect();
    let of_name: Vec<_> = lines.iter().filter(|line| line[0] == name).collect();
    if of_name.iter().any(|line| line[1] == "FAIL") {
        return Reply::Failed("SERVFAIL".to_owned());
    }
    let found: Vec<_> = of_name.into_iter().filter(|line| line[1] == kind).collect();
    if found.is_empty() {
        return Reply::Nothing;
    }
    let number = |text: &str| text.parse().unwrap();
    match question {
        Question::Naptr(_) => Reply::Naptr(
            found
                .iter()
                .map(|l| Naptr {
                    order: number(l[2]),
                    preference: number(l[3]),
                    flags: "s".to_owned(),
                    service: l[4].to_owned(),
                    replacement: format!("{}.", l[5]),
                })
                .collect(),
        ),
        Question::Srv(_) => Reply::Srv(
            found
                .iter()
                .map(|l| Srv {
                    priority: number(l[2]),
                    weight: number(l[3]),
                    port: number(l[4]),
                    target: l[5].to_owned(),
                })
                .collect(),
        ),
        Question::Addresses(_) => Reply::Addresses(found.iter().map(|l| l[2].parse().unwrap()).collect()),
    }
}

fn everything() -> Reach {
    let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
    Reach { ways: transports.into_iter().flat_map(|t| [(t, true), (t, false)]).collect() }
}

fn destination(uri: &str) -> Destination {
    Destination::of(&SipUri::parse(uri).unwrap()).unwrap()
}

/// The questions that were asked in all, and the targets as `transport address name`.
fn locate(uri: &str, reach: Reach) -> (usize, Result<Vec<String>, LocateError>) {
    let mut locator = Locator::new(destination(uri), reach, Random::from_seed(1));
    let mut asked = 0;
    while !locator.questions().is_empty() {
        asked += locator.questions().len();
        locator.answer(locator.questions().iter().map(reply).collect());
    }
    let words = |target: &Target| {
        let name = target.tls.as_ref().map(|tls| format!(" {}", tls.name)).unwrap_or_default();
        format!("{} {}{name}", target.transport.name(), target.address)
    };
    (asked, locator.into_targets().map(|targets| targets.iter().map(words).collect()))
}

#[test]
fn what_is_named_decides_what_is_asked_and_what_comes_out_is_in_the_order_of_dns() {
    for (uri, asked, targets) in [
        // 4.1 and 4.2: a numeric host, a port, a transport.
        ("sip:a@192.0.2.8", 0, &["udp 192.0.2.8:5060"][..]),
        ("sip:a@192.0.2.8:5070;transport=tcp", 0, &["tcp 192.0.2.8:5070"]),
        ("sips:a@192.0.2.8", 0, &["tls 192.0.2.8:5061 192.0.2.8"]),
        ("sips:a@[2001:db8::8];transport=tcp", 0, &["tls [2001:db8::8]:5061 2001:db8::8"]),
        ("sip:plain.example:5070", 1, &["udp 192.0.2.4:5070", "udp 192.0.2.5:5070"]),
        (
            "sip:plain.example:5070;transport=tls",
            1,
            &["tls 192.0.2.4:5070 plain.example", "tls 192.0.2.5:5070 plain.example"],
        ),
        ("sip:srv.example;transport=tcp", 2, &["tcp 192.0.2.3:5081"]),
        // NAPTR decides the transport; what follows is for when that fails.
        (
            "sip:naptr.example",
            6,
            &[
                "tls 192.0.2.1:5071 naptr.example",
                "tls [2001:db8::1]:5071 naptr.example",
                "tcp 192.0.2.1:5070",
                "tcp [2001:db8::1]:5070",
                "udp 192.0.2.1:5062",
                "udp [2001:db8::1]:5062",
                "udp 192.0.2.2:5060",
            ],
        ),
        (
            "sips:naptr.example",
            3,
            &["tls 192.0.2.1:5071 naptr.example", "tls [2001:db8::1]:5071 naptr.example"],
        ),
        // No NAPTR: SRV of each transport; no SRV: the addresses.
        ("sip:srv.example", 5, &["udp 192.0.2.3:5080", "tcp 192.0.2.3:5081"]),
        ("sip:Plain.Example", 5, &["udp 192.0.2.4:5060", "udp 192.0.2.5:5060"]),
        ("sips:plain.example", 3, &["tls 192.0.2.4:5061 plain.example", "tls 192.0.2.5:5061 plain.example"]),
        // A server at fault for NAPTR and SRV does not hide what it knows of them beside.
        ("sip:half.example", 6, &["udp 192.0.2.3:5091"]),
        ("sip:numeric.example", 2, &["udp 192.0.2.7:5092"]),
    ] {
        let targets = targets.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(locate(uri, everything()), (asked, Ok(targets)), "{uri}");
    }
}

#[test]
fn why_there_is_no_target_is_said() {
    for (uri, words) in [
        ("sip:nobody.example", "nobody.example has no address"),
        ("sip:dead.example:5060", "dead.example cannot be looked up: SERVFAIL"),
        ("sip:none.example", "none.example says that it takes no SIP (its SRV record is a dot)"),
    ] {
        assert_eq!(locate(uri, everything()).1.unwrap_err().to_string(), words);
    }
    let only_v4 = Reach { ways: vec![(Transport::Udp, true)] };
    for (uri, words) in [
        ("sip:six.example", "six.example has addresses only that no listener of ours can send to (udp)"),
        ("sip:[2001:db8::6]", "[2001:db8::6] has addresses only that no listener of ours can send to (udp)"),
        ("sips:192.0.2.8", "192.0.2.8 has addresses only that no listener of ours can send to (tls)"),
    ] {
        assert_eq!(locate(uri, only_v4.clone()).1.unwrap_err().to_string(), words);
    }
    assert_eq!(locate("sip:naptr.example", only_v4).1.unwrap(), ["udp 192.0.2.1:5062", "udp 192.0.2.2:5060"]);
}

#[test]
fn uris_that_cannot_be_sent_to_have_no_destination() {
    for uri in [
        "tel:+15550100",
        "sip:a@b;transport=ws",
        "sips:a@b;transport=udp",
        "sip:a@b;transport=sctp",
        "mailto:x",
    ] {
        assert_eq!(SipUri::parse(uri).as_ref().and_then(Destination::of), None, "{uri}");
    }
}

#[test]
fn weights_share_out_the_first_place_and_every_record_has_a_place() {
    let record = |weight, target: &str| Srv { priority: 1, weight, port: 5060, target: target.to_owned() };
    let mut first = HashMap::new();
    let mut random = Random::from_seed(4);
    for _ in 0..10_000 {
        let records = vec![record(60, "a"), record(20, "b"), record(20, "c"), record(0, "d")];
        let ordered = in_order(records, &mut random);
        assert_eq!(ordered.len(), 4);
        *first.entry(ordered[0].target.clone()).or_insert(0) += 1;
    }
    for (target, low, high) in [("a", 5_700, 6_200), ("b", 1_800, 2_200), ("c", 1_800, 2_200), ("d", 40, 200)]
    {
        let count = first[target];
        assert!((low..high).contains(&count), "{target} was first {count} times of 10,000");
    }
}

#[test]
fn replies_that_fit_no_question_lead_nowhere_and_to_no_panic() {
    for replies in
        [vec![], vec![Reply::Nothing; 9], vec![Reply::Addresses(vec![]); 9], vec![Reply::Srv(vec![]); 2]]
    {
        let mut locator = Locator::new(destination("sip:naptr.example"), everything(), Random::from_seed(1));
        for _ in 0..4 {
            locator.answer(replies.clone());
        }
        assert!(locator.into_targets().is_err());
    }
}

fn targets(count: u8) -> Vec<Target> {
    let address = |n| SocketAddr::from(([192, 0, 2, n], 5060));
    (1..=count)
        .map(|n| Target { transport: Transport::Udp, address: address(n), tls: None, source: None })
        .collect()
}

fn response(code: u16, retry_after: &str) -> Failure {
    let text = format!(
        "SIP/2.0 {code} X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n\
         Call-ID: 1\r\nCSeq: 1 INVITE\r\n{retry_after}Content-Length: 0\r\n\r\n"
    );
    match parse_datagram(text.as_bytes()) {
        Some(Ok(Message::Response(response))) => Failure::Response(Arc::new(response)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn silence_refusal_and_503_move_on_to_the_next_target_and_a_word_of_the_peer_is_final() {
    let now = Instant::from_millis(1_000);
    for (failure, moves, reason) in [
        (Failure::Timeout, true, Some(BlockReason::Silent)),
        (Failure::Transport, true, Some(BlockReason::Unreachable)),
        (response(503, ""), true, Some(BlockReason::Unavailable)),
        (response(486, ""), false, None),
        (response(500, ""), false, None),
        (response(603, ""), false, None),
        (Failure::Cancelled, false, None),
    ] {
        let mut blocked = Blocked::default();
        let mut way = FailOver::new(now, targets(2), &blocked).unwrap();
        let first = way.target().clone();
        assert!(way.silent_max().is_some());
        assert_eq!(way.failed(now, &failure, &mut blocked), moves, "{failure:?}");
        assert_eq!(*way.target() != first, moves);
        assert_eq!(blocked.reason(now, first.transport, first.address), reason);
        if moves {
            assert_eq!(way.silent_max(), None, "the last target gets the whole of Timer B");
            assert!(!way.failed(now, &failure, &mut blocked), "no target is left");
        }
    }
}

#[test]
fn a_target_that_is_put_back_comes_last_and_comes_back_by_itself() {
    let seconds = |s: u64| Instant::from_millis(s * 1_000);
    let just_before = |s: u64| Instant::from_millis(s * 1_000 - 1);
    let first = |now, blocked: &Blocked| {
        FailOver::new(now, targets(2), blocked).unwrap().target().address.ip().to_string()
    };
    let target = &targets(1)[0];
    for (wanted, faults, back_after) in
        [(None, 1, 30), (None, 2, 60), (None, 9, 300), (Some(7), 1, 7), (Some(86_400), 1, 300)]
    {
        let mut blocked = Blocked::default();
        for _ in 0..faults {
            blocked.block(seconds(0), target, BlockReason::Silent, wanted.map(Duration::from_secs));
        }
        assert_eq!(first(just_before(back_after), &blocked), "192.0.2.2");
        assert_eq!(first(seconds(back_after), &blocked), "192.0.2.1");
        blocked.clear(target);
        assert_eq!(first(seconds(0), &blocked), "192.0.2.1");
    }
    // Where nothing else is left it is tried all the same.
    let mut blocked = Blocked::default();
    targets(2).iter().for_each(|target| blocked.block(seconds(0), target, BlockReason::Silent, None));
    assert_eq!(first(seconds(0), &blocked), "192.0.2.1");
    assert_eq!(blocked.now(seconds(0)).count(), 2);
    assert_eq!(FailOver::new(seconds(0), Vec::new(), &blocked), None);
}

#[test]
fn a_503_says_by_retry_after_how_long_it_is_put_back() {
    let mut blocked = Blocked::default();
    let mut way = FailOver::new(Instant::ZERO, targets(2), &blocked).unwrap();
    way.failed(Instant::ZERO, &response(503, "Retry-After: 120 (upgrade)\r\n"), &mut blocked);
    let left: Vec<Duration> = blocked.now(Instant::ZERO).map(|(.., left)| left).collect();
    assert_eq!(left, [Duration::from_secs(120)]);
}
