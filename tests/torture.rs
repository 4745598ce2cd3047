//! The messages of RFC 4475 and RFC 5118, each with the verdict that its RFC gives, and 100,000 mutations.

#[path = "torture/mutate.rs"]
mod mutate;

use bytes::Bytes;
use cordboard::clock::Instant;
use cordboard::ids::Random;
use cordboard::sip::bans::BanPolicy;
use cordboard::sip::message::{Framed, StreamFramer, parse_datagram};
use cordboard::sip::{
    Action, Endpoint, EndpointConfig, Event, Input, Limits, Listener, ListenerId, Message, Transport,
};
use mutate::mutate;
use std::net::SocketAddr;
use std::time::Duration;

/// What the parser makes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Syntax {
    Valid,
    /// Refused with this status. For a response there is nobody to send it to.
    Refused(u16),
}

/// What the endpoint makes of it, in a world where it has no calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// 100 goes out, and the call room decides.
    Invite,
    /// The call room decides.
    Request,
    /// This status goes out at once.
    Answer(u16),
    /// Nothing goes out and nobody hears of it.
    Dropped,
}

use Outcome::{Answer, Dropped, Invite, Request};
use Syntax::{Refused, Valid};

struct Case {
    name: &'static str,
    bytes: &'static [u8],
    syntax: Syntax,
    outcome: Outcome,
}

macro_rules! cases {
    ($folder:literal: $($name:literal $syntax:expr, $outcome:expr;)*) => {
        &[$(Case {
            name: $name,
            bytes: include_bytes!(concat!("torture/", $folder, "/", $name, ".dat")),
            syntax: $syntax,
            outcome: $outcome,
        }),*]
    };
}

/// RFC 4475. Where the RFC leaves the choice, the comment says so. REGISTER reaches
/// the call room; MESSAGE and unknown methods are well-formed here and get 405 or 501.
const RFC_4475: &[Case] = cases! { "rfc4475":
    // 3.1.1 Valid.
    "wsinv" Valid, Answer(481); // its To has a tag: it claims to be inside a dialog
    "intmeth" Valid, Answer(501);
    "esc01" Valid, Invite;
    "escnull" Valid, Request;
    "esc02" Valid, Answer(501); // RE%47IST%45R is not REGISTER
    "lwsdisp" Valid, Request;
    "longreq" Valid, Invite;
    "dblreq" Valid, Request; // the second request in the datagram is not looked at
    "semiuri" Valid, Request;
    "transports" Valid, Request;
    "mpart01" Valid, Answer(405);
    "unreason" Valid, Dropped; // a response to nothing
    "noreason" Valid, Dropped;
    // 3.1.2 Invalid.
    "badinv01" Refused(400), Answer(400);
    "clerr" Refused(400), Answer(400);
    "ncl" Refused(400), Answer(400);
    "scalar02" Refused(400), Answer(400);
    "scalarlg" Refused(400), Dropped; // a response
    "quotbal" Refused(400), Answer(400);
    "ltgtruri" Refused(400), Answer(400);
    "lwsruri" Refused(400), Answer(400);
    "lwsstart" Refused(400), Answer(400);
    "trws" Refused(400), Answer(400);
    "escruri" Refused(400), Answer(400);
    "baddate" Refused(400), Answer(400);
    "regbadct" Refused(400), Answer(400);
    "badaspec" Refused(400), Answer(400);
    "baddn" Valid, Request; // the RFC allows to infer the missing quotes, and peers do send this
    "badvers" Refused(505), Answer(505);
    "mismatch01" Refused(400), Answer(400);
    "mismatch02" Refused(400), Answer(400); // 400 or 501
    "bigcode" Refused(400), Dropped; // a response
    // 3.2 Transaction layer.
    "badbranch" Valid, Request; // a branch of nothing but the cookie identifies nothing
    // 3.3 Application layer.
    "insuf" Refused(400), Answer(400);
    "unkscm" Valid, Answer(416);
    "novelsc" Valid, Answer(416);
    "unksm2" Valid, Request;
    "bext01" Valid, Answer(420);
    "invut" Valid, Invite; // 415 is the call room's
    "regaut01" Valid, Request;
    "multi01" Refused(400), Answer(400);
    "mcl01" Refused(400), Answer(400);
    "bcast" Valid, Dropped;
    "zeromf" Valid, Request; // Max-Forwards 0 at the one who is meant
    "cparam01" Valid, Request;
    "cparam02" Valid, Request;
    "regescrt" Valid, Request;
    "sdp01" Valid, Invite; // 406 or an answer is the call room's
    // 3.4 Backward compatibility.
    "inv2543" Valid, Invite;
};

/// RFC 5118.
const RFC_5118: &[Case] = cases! { "rfc5118":
    "ipv6-good" Valid, Request;
    "ipv6-bad" Refused(400), Answer(400);
    "port-ambiguous" Valid, Request;
    "port-unambiguous" Valid, Request;
    "via-received-param-with-delim" Valid, Answer(481);
    "via-received-param-no-delim" Valid, Request;
    "ipv6-in-sdp" Valid, Invite;
    "mult-ip-in-header" Valid, Answer(481);
    "mult-ip-in-sdp" Valid, Invite;
    "ipv4-mapped-ipv6" Valid, Invite;
    "ipv6-bug-abnf-3-colons" Valid, Request; // must be tolerated (4.10)
    "ipv6-correct-abnf-2-colons" Valid, Request;
};

fn all() -> impl Iterator<Item = &'static Case> {
    RFC_4475.iter().chain(RFC_5118)
}

fn parse(bytes: &[u8]) -> Option<Result<Message, u16>> {
    parse_datagram(bytes).map(|parsed| parsed.map_err(|reject| reject.fault.status().0))
}

fn endpoint(seed: u64) -> Endpoint {
    let listener = |transport| Listener {
        transport,
        bind: SocketAddr::from(([192, 0, 2, 1], 5060)),
        advertise_host: "192.0.2.1".to_owned(),
        advertise_port: 5060,
    };
    let listeners = vec![listener(Transport::Udp), listener(Transport::Tcp)];
    let config = EndpointConfig {
        listeners,
        user_agent: "cordboard".to_owned(),
        limits: Limits::default(),
        bans: BanPolicy::default(),
    };
    Endpoint::new(config, Random::from_seed(seed))
}

fn source() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 77], 40_000))
}

fn status_of(bytes: &Bytes) -> u16 {
    let text = String::from_utf8_lossy(bytes);
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[test]
fn none_is_left_out() {
    assert_eq!((RFC_4475.len(), RFC_5118.len()), (49, 12));
}

#[test]
fn the_parser_gives_each_message_the_verdict_of_its_rfc() {
    for case in all() {
        let syntax = match parse(case.bytes) {
            Some(Ok(_)) => Valid,
            Some(Err(status)) => Refused(status),
            None => panic!("{} is something", case.name),
        };
        assert_eq!(syntax, case.syntax, "{}: {:?}", case.name, parse_datagram(case.bytes));
    }
}

#[test]
fn the_endpoint_treats_each_message_as_its_rfc_says() {
    for case in all() {
        let mut endpoint = endpoint(1);
        let mut actions = Vec::new();
        let input =
            Input::Datagram { listener: ListenerId(0), source: source(), bytes: case.bytes, admitted: true };
        endpoint.handle(Instant::ZERO, input, &mut actions);
        // For the log alone.
        actions.retain(|action| !matches!(action, Action::Event(Event::Refused { .. })));
        let outcome = match &actions[..] {
            [] => Dropped,
            [Action::SendDatagram { bytes, .. }, Action::Event(Event::Invite { .. })]
                if status_of(bytes) == 100 =>
            {
                Invite
            }
            [Action::Event(Event::Request { .. })] => Request,
            [Action::SendDatagram { bytes, destination, .. }] => {
                assert_eq!(destination.ip(), source().ip(), "{}: only the sender is answered", case.name);
                Answer(status_of(bytes))
            }
            other => panic!("{}: {other:?}", case.name),
        };
        assert_eq!(outcome, case.outcome, "{}", case.name);
    }
}

#[test]
fn parse_print_parse_is_the_identity_on_all_valid_messages() {
    for case in all().filter(|case| case.syntax == Valid) {
        let Some(Ok(first)) = parse(case.bytes) else { panic!("{}", case.name) };
        let printed = first.to_bytes();
        let Some(Ok(second)) = parse(&printed) else { panic!("{} printed:\n{printed:?}", case.name) };
        assert_eq!(first, second, "{}", case.name);
        assert_eq!(printed, second.to_bytes(), "{}", case.name);
    }
}

#[test]
fn over_a_stream_the_messages_are_the_same_however_the_bytes_are_cut() {
    for case in all().filter(|case| case.syntax == Valid) {
        let Some(Ok(message)) = parse(case.bytes) else { panic!("{}", case.name) };
        let printed = message.to_bytes();
        for size in [1, 7, printed.len()] {
            let mut framer = StreamFramer::default();
            let mut framed = Vec::new();
            for piece in [&printed[..], &printed[..]].concat().chunks(size) {
                framer.push(piece);
                framed.extend(std::iter::from_fn(|| framer.next(Instant::ZERO)));
            }
            let same =
                framed.iter().filter(|framed| matches!(framed, Framed::Message(read) if *read == message));
            assert_eq!((same.count(), framed.len()), (2, 2), "{} in pieces of {size}", case.name);
        }
    }
}

#[test]
fn what_the_valid_messages_say_is_read_right() {
    let message = |name: &str| {
        let case = all().find(|case| case.name == name).unwrap_or_else(|| panic!("{name}"));
        match parse(case.bytes) {
            Some(Ok(message)) => message,
            other => panic!("{name}: {other:?}"),
        }
    };
    let Message::Request(wsinv) = message("wsinv") else { panic!("request") };
    assert_eq!((wsinv.from_tag(), wsinv.to_tag(), wsinv.cseq().number), ("98asjd8", "1918181833n", 9));
    assert_eq!(wsinv.from().display, "J Rosenberg \\\"");
    assert_eq!(wsinv.headers("via").count(), 3);
    assert_eq!(wsinv.contact().map(|contact| contact.display.as_str()), Some("Quoted string \"\""));
    assert_eq!(wsinv.contact().and_then(|contact| contact.params.get("secondparam")), Some(""));
    assert_eq!(wsinv.header("NewFangledHeader"), Some("newfangled value continued newfangled value"));
    assert_eq!((wsinv.header("subject"), wsinv.header("Max-Forwards")), (Some(""), Some("0068")));

    let Message::Request(esc01) = message("esc01") else { panic!("request") };
    assert_eq!(esc01.uri().user(), "sips:user@example.com");
    assert_eq!(esc01.to().uri.user(), "user");
    assert_eq!(esc01.contact().and_then(|contact| contact.uri.param("lr")), Some(String::new()));
    assert_eq!(esc01.contact().and_then(|contact| contact.uri.param("name")), Some("value%41".to_owned()));

    let Message::Request(escnull) = message("escnull") else { panic!("request") };
    assert_eq!(escnull.to().uri.user(), "null-\0-null");
    assert_eq!(escnull.headers("Contact").count(), 2);

    let Message::Request(esc02) = message("esc02") else { panic!("request") };
    assert_eq!((esc02.method().as_str(), esc02.to().display.as_str()), ("RE%47IST%45R", "%Z%45"));
    assert_eq!((esc02.headers("Contact").count(), esc02.header("C%6Fntact").is_some()), (2, true));

    let Message::Request(dblreq) = message("dblreq") else { panic!("request") };
    assert_eq!(dblreq.call_id(), "dblreq.0ha0isndaksdj99sdfafnl3lk233412");
    assert!(dblreq.body().is_empty());

    let Message::Request(semiuri) = message("semiuri") else { panic!("request") };
    assert_eq!(semiuri.uri().user(), "user;par=u@example.net");
    assert_eq!(semiuri.headers("Accept").count(), 6);

    let Message::Request(longreq) = message("longreq") else { panic!("request") };
    assert_eq!((longreq.headers("Via").count(), longreq.body().len()), (34, 150));

    let Message::Request(mpart01) = message("mpart01") else { panic!("request") };
    assert_eq!(mpart01.body().len(), 553);
    assert!(std::str::from_utf8(mpart01.body()).is_err(), "the bytes of the body are as they came");

    let Message::Response(unreason) = message("unreason") else { panic!("response") };
    assert!(unreason.reason().starts_with("= 2**3 * 5**2"));
    let Message::Response(noreason) = message("noreason") else { panic!("response") };
    assert_eq!((noreason.code(), noreason.reason()), (100, ""));

    for (name, host, port) in [
        ("port-ambiguous", "[2001:db8::10:5070]", None),
        ("port-unambiguous", "[2001:db8::10]", Some(5070)),
        ("ipv6-bug-abnf-3-colons", "[2001:db8::c000:201]", None),
        ("ipv6-correct-abnf-2-colons", "[2001:db8::c000:201]", None),
    ] {
        let Message::Request(request) = message(name) else { panic!("request") };
        assert_eq!((request.uri().host().to_string().as_str(), request.uri().port()), (host, port), "{name}");
    }
}

/// Messages that reach further than the torture ones: a call, told by its peer.
const CALL: [&str; 5] = ["INVITE", "ACK", "INFO", "INVITE", "BYE"];

fn call_message(index: usize, to_tag: &str) -> Vec<u8> {
    let method = CALL[index % CALL.len()];
    let number = if method == "ACK" { index } else { index + 1 };
    format!(
        "{method} sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77:5060;rport;branch=z9hG4bKm{index}\r\n\
         Max-Forwards: 70\r\nRecord-Route: <sip:192.0.2.78;lr>, <sip:192.0.2.79>\r\n\
         From: \"A\" <sip:a@192.0.2.77>;tag=a\r\nTo: <sip:100@192.0.2.1>{to_tag}\r\nCall-ID: m\r\n\
         CSeq: {number} {method}\r\nContact: <sip:a@192.0.2.77:5062>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// A room that answers everything, so that every state is reached.
fn react(endpoint: &mut Endpoint, random: &mut Random, now: Instant, actions: &mut Vec<Action>) {
    for action in std::mem::take(actions) {
        match action {
            Action::Event(Event::Invite { dialog, .. }) => match random.below(4) {
                0 => endpoint.reject(now, dialog, 486, "", &[], actions),
                1 => endpoint.ring(now, dialog, 180, "", None, actions),
                _ => endpoint.answer(now, dialog, &[], None, actions),
            },
            Action::Event(Event::Request { transaction, .. }) => {
                endpoint.respond(now, transaction, 200, "", &[], None, actions);
            }
            Action::Event(Event::NotAcknowledged { dialog } | Event::Acknowledged { dialog, .. })
                if random.below(2) == 0 =>
            {
                endpoint.bye(now, dialog, None, actions);
            }
            _ => {}
        }
    }
}

#[test]
fn a_hundred_thousand_mutations_bring_neither_a_panic_nor_a_leak() {
    let mut random = Random::from_seed(4475);
    let mut endpoint = endpoint(2);
    let mut actions = Vec::new();
    let mut now = Instant::ZERO;
    let mut read = 0;
    let cases: Vec<&Case> = all().collect();
    let mut to_tag = String::new();
    for round in 0..100_000usize {
        let original = match round % 3 {
            0 => call_message(round / 3, &to_tag),
            _ => cases[random.below(cases.len() as u32) as usize].bytes.to_vec(),
        };
        let bytes = if round % 15 == 0 { original } else { mutate(&mut random, original) };
        if let Some(Ok(message)) = parse(&bytes) {
            read += 1;
            let printed = message.to_bytes();
            assert_eq!(parse(&printed), Some(Ok(message)), "{:?}", String::from_utf8_lossy(&bytes));
        }
        let admitted = round % 10 != 9;
        let input = Input::Datagram { listener: ListenerId(0), source: source(), bytes: &bytes, admitted };
        endpoint.handle(now, input, &mut actions);
        react(&mut endpoint, &mut random, now, &mut actions);
        for action in &actions {
            if let Action::SendDatagram { bytes, .. } = action {
                let text = String::from_utf8_lossy(bytes);
                if let Some(tag) = text.split("To: ").nth(1).and_then(|to| to.split(";tag=").nth(1)) {
                    to_tag = format!(";tag={}", tag.split(['\r', ';']).next().unwrap_or_default());
                }
            }
        }
        actions.clear();
        now += Duration::from_millis(u64::from(random.below(100)));
        if endpoint.next_timeout().is_some_and(|due| due <= now) {
            endpoint.handle_timeout(now, &mut actions);
            react(&mut endpoint, &mut random, now, &mut actions);
        }
        if round % 1_000 == 0 {
            let mut framer = StreamFramer::default();
            for piece in bytes.chunks(11) {
                framer.push(piece);
                while framer.next(now).is_some() {}
            }
        }
    }
    assert!(read > 10_000, "{read} were still messages");
    // Calls that ring are the room's to end; all else runs out by itself.
    for _ in 0..400 {
        now += Duration::from_secs(1);
        endpoint.handle_timeout(now, &mut actions);
        for action in std::mem::take(&mut actions) {
            if let Action::Event(Event::NotAcknowledged { dialog }) = action {
                endpoint.bye(now, dialog, None, &mut actions);
            }
        }
    }
    let counts = endpoint.counts();
    assert_eq!((counts.half_open, counts.client_transactions), (0, 0), "{counts:?}");
    assert!(counts.server_transactions <= counts.dialogs, "only ringing INVITEs remain: {counts:?}");
    let counters = endpoint.counters();
    assert!(counters.malformed_answered > 1_000 && counters.requests_in[2] > 100, "{counters:?}");
}
