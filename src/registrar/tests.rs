//! Ladders of telephones that register, under virtual time.

use super::*;
use crate::sip::message::{Message, parse_datagram};
use crate::sip::{ListenerId, Transport};

struct Bench {
    registrar: Registrar,
    now: Instant,
    peer: Peer,
    nonce: String,
    count: u32,
}

fn peer(port: u16) -> Peer {
    let address = SocketAddr::from(([192, 0, 2, 7], port));
    Peer { listener: ListenerId(0), transport: Transport::Udp, address, connection: None }
}

fn request(text: &str) -> Request {
    match parse_datagram(text.replace('\n', "\r\n").as_bytes()) {
        Some(Ok(Message::Request(request))) => request,
        other => panic!("{other:?}\n{text}"),
    }
}

fn account(owner: Owner) -> Account {
    Account { owner, password: Password::new("secret") }
}

/// What a client answers to a challenge with MD5 alone.
fn credentials(challenge: &str, user: &str, count: u32) -> String {
    use crate::sip::digest::{Account, Attempt, Session};
    let account = Account {
        owner: "x".into(),
        username: user.into(),
        password: Password::new("secret"),
        realm: None,
        hosts: Vec::new(),
    };
    let (mut session, mut attempt) = (Session::new(&account), Attempt::default());
    let mut random = Random::from_seed(5);
    let uri = "sip:cordboard.example";
    let values = [challenge].into_iter();
    let first = session.on_challenge(&account, &mut attempt, false, values, "REGISTER", uri, &mut random);
    let mut last = first.unwrap().1;
    for _ in 1..count {
        last = session.authorize(&account, &mut Attempt::default(), "REGISTER", uri).unwrap().1;
    }
    last
}

impl Bench {
    fn new() -> Self {
        let mut registrar = Registrar::new(
            "cordboard.example",
            vec![Hash::Sha256, Hash::Md5],
            Limits::default(),
            &mut Random::from_seed(1),
        );
        registrar.set_accounts(HashMap::from([
            ("bob".to_owned(), account(Owner::Agent("bob".into()))),
            ("pbx".to_owned(), account(Owner::Trunk("branch".into()))),
        ]));
        let now = Instant::from_millis(10_000);
        Bench { registrar, now, peer: peer(5060), nonce: String::new(), count: 0 }
    }

    /// A REGISTER with the right credentials; `more` are its further header lines.
    fn register_as(&mut self, user: &str, call_id: &str, cseq: u32, more: &str) -> Answer {
        let text = |authorization: &str| {
            format!(
                "REGISTER sip:cordboard.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK{cseq}\n\
                 Max-Forwards: 70\nFrom: <sip:{user}@cordboard.example>;tag=f\nTo: <sip:{user}@cordboard.example>\n\
                 Call-ID: {call_id}\nCSeq: {cseq} REGISTER\n{more}{authorization}Content-Length: 0\n\n"
            )
        };
        if self.nonce.is_empty() {
            let answer = self.registrar.register(self.now, &request(&text("")), self.peer);
            assert_eq!(answer.code, 401);
            self.nonce = answer.headers.last().unwrap().1.clone();
        }
        self.count += 1;
        let line = format!("Authorization: {}\n", credentials(&self.nonce, user, self.count));
        self.registrar.register(self.now, &request(&text(&line)), self.peer)
    }

    fn register(&mut self, cseq: u32, more: &str) -> Answer {
        self.register_as("bob", "call-1", cseq, more)
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.registrar.handle_timeout(self.now);
        self.nonce.clear();
        self.count = 0;
    }

    fn at_port(&mut self, port: u16) -> &mut Self {
        self.peer = peer(port);
        self
    }

    fn uris(&self) -> Vec<&str> {
        self.registrar.bindings_of("bob").iter().map(|binding| binding.contact.uri.as_str()).collect()
    }
}

fn contacts(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "Contact").map(|(_, value)| value.as_str()).collect()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_contact_comes_back_with_all_its_parameters_and_the_time_that_is_left() {
    let mut bench = Bench::new();
    let contact =
        "Contact: \"Bob\" <sip:bob@10.0.0.7:5060;rinstance=ab;x=y>;q=0.7;+u.z=\"1\"\nExpires: 120\n";
    let answer = bench.register(1, contact);
    assert_eq!(answer.code, 200);
    let expected = "\"Bob\" <sip:bob@10.0.0.7:5060;rinstance=ab;x=y>;q=0.7;+u.z=\"1\";expires=120";
    assert_eq!(contacts(&answer), [expected]);
    bench.pass(20);
    assert_eq!(contacts(&bench.register(2, "")), [expected.replace("=120", "=100")], "a query");
    let binding = bench.registrar.bindings_of("bob")[0];
    assert_eq!((binding.q, binding.peer), (700, peer(5060)));
    assert_eq!(bench.registrar.owner_at(peer(5060), "bob"), Some(("bob", &Owner::Agent("bob".into()))));
    bench.pass(100);
    assert_eq!((bench.uris().len(), bench.registrar.next_timeout()), (0, None));
    assert!(!bench.registrar.knows(peer(5060).transport, peer(5060).address));
}

#[test]
fn times_are_held_within_what_the_registrar_gives() {
    for (more, code, contact) in [
        ("Contact: <sip:bob@h>;expires=59\n", 423, None),
        ("Contact: <sip:bob@h>;expires=60\n", 200, Some("<sip:bob@h>;expires=60")),
        ("Contact: <sip:bob@h>;expires=99999999999\n", 200, Some("<sip:bob@h>;expires=3600")),
        ("Contact: <sip:bob@h>\n", 200, Some("<sip:bob@h>;expires=3600")),
        ("Contact: <sip:bob@h>;expires=x\nExpires: 70\n", 200, Some("<sip:bob@h>;expires=70")),
        ("Contact: <sip:bob@h>;q=2\n", 400, None),
        ("Contact: *\n", 400, None),
        ("Contact: *, <sip:bob@h>\nExpires: 0\n", 400, None),
        ("Contact: *\nExpires: 60\n", 400, None),
        ("Contact: *\nExpires: 0\n", 200, None),
    ] {
        let mut bench = Bench::new();
        let answer = bench.register(1, more);
        assert_eq!((answer.code, contacts(&answer).first().copied()), (code, contact), "{more}");
        let least = (code == 423).then_some("60");
        assert_eq!(header(&answer, "Min-Expires"), least);
    }
}

#[test]
fn contacts_are_replaced_removed_one_by_one_and_all_at_once() {
    let mut bench = Bench::new();
    bench.register(1, "Contact: <sip:bob@a>;q=0.1, <sip:bob@b>;q=0.9\n");
    assert_eq!(bench.uris(), ["sip:bob@b", "sip:bob@a"]);
    bench.register(2, "Contact: <sip:bob@a>;q=1.0\n");
    assert_eq!(bench.uris(), ["sip:bob@a", "sip:bob@b"]);
    bench.register(3, "Contact: <sip:bob@b>;expires=0\n");
    assert_eq!(bench.uris(), ["sip:bob@a"]);
    bench.register(4, "Contact: <sip:bob@c>\n");
    bench.register(5, "Contact: *\nExpires: 0\n");
    assert_eq!((bench.uris().len(), bench.registrar.bindings()), (0, 0));
    assert_eq!(bench.registrar.counters().removed, 3);
}

#[test]
fn a_request_that_was_overtaken_changes_nothing() {
    let mut bench = Bench::new();
    bench.register(5, "Contact: <sip:bob@a>\n");
    for (cseq, more) in [
        (5, "Contact: <sip:bob@a>;expires=0\n"),
        (4, "Contact: <sip:bob@b>, <sip:bob@a>\n"),
        (4, "Contact: *\nExpires: 0\n"),
    ] {
        assert_eq!(bench.register(cseq, more).code, 500, "{more}");
        assert_eq!(bench.uris(), ["sip:bob@a"]);
    }
    assert_eq!(bench.register_as("bob", "call-2", 1, "Contact: *\nExpires: 0\n").code, 200);
}

#[test]
fn a_new_flow_of_the_same_telephone_replaces_the_old_and_another_flow_stands_beside_it() {
    let mut bench = Bench::new();
    let contact = |host: &str, id: u32| {
        format!("Contact: <sip:bob@{host}>;+sip.instance=\"<urn:uuid:1>\";reg-id={id}\n")
    };
    let answer = bench.register(1, &contact("a", 1));
    assert_eq!(header(&answer, "Require"), Some("outbound"));
    bench.at_port(5061).register_as("bob", "call-2", 1, &contact("b", 1));
    assert_eq!(bench.uris(), ["sip:bob@b"]);
    bench.at_port(5062).register_as("bob", "call-3", 1, &contact("c", 2));
    assert_eq!(bench.uris(), ["sip:bob@c", "sip:bob@b"]);
    assert!(!bench.registrar.knows(peer(5060).transport, peer(5060).address));
}

#[test]
fn a_telephone_that_restarts_at_its_address_leaves_no_second_binding() {
    let mut bench = Bench::new();
    bench.register(1, "Contact: <sip:bob@h;rinstance=1>\n");
    bench.register_as("bob", "call-2", 1, "Contact: <sip:bob@h;rinstance=2>\n");
    assert_eq!(bench.uris(), ["sip:bob@h;rinstance=2"]);
}

#[test]
fn a_telephone_whose_stream_is_gone_is_rung_there_no_more() {
    let mut bench = Bench::new();
    bench.peer = Peer { transport: Transport::Tcp, connection: Some(ConnectionId(7)), ..peer(5060) };
    let answer = bench.register(1, "Contact: <sip:bob@h>\n");
    assert_eq!(answer.admits, Some(true));
    let Peer { transport, address, .. } = bench.peer;
    bench.registrar.stream_closed(transport, address, ConnectionId(8));
    assert_eq!(bench.uris(), ["sip:bob@h"]);
    bench.registrar.stream_closed(transport, address, ConnectionId(7));
    assert_eq!((bench.uris().len(), bench.registrar.knows(transport, address)), (0, false));
}

#[test]
fn the_path_is_kept_and_returned_and_its_proxy_is_nobodys_telephone() {
    let mut bench = Bench::new();
    let answer =
        bench.register(1, "Path: <sip:edge.example;lr>, <sip:b;lr>\nSupported: path\nContact: <sip:bob@h>\n");
    assert_eq!(header(&answer, "Path"), Some("<sip:edge.example;lr>"));
    assert_eq!(bench.registrar.bindings_of("bob")[0].path.len(), 2);
    assert!(!bench.registrar.knows(peer(5060).transport, peer(5060).address));
}

#[test]
fn accounts_and_all_together_have_limits() {
    let mut bench = Bench::new();
    for n in 0..12 {
        bench.at_port(6_000 + n).register_as(
            "bob",
            &format!("call-{n}"),
            1,
            &format!("Contact: <sip:bob@h{n}>\n"),
        );
        bench.now += Duration::from_secs(1);
    }
    assert_eq!((bench.uris().len(), bench.registrar.counters().displaced), (10, 2));
    assert_eq!(bench.uris()[9], "sip:bob@h2");
    bench.registrar.limits.bindings_max = 10;
    let answer = bench.register_as("pbx", "call-p", 1, "Contact: <sip:pbx@h>\n");
    assert_eq!((answer.code, header(&answer, "Retry-After")), (503, Some("60")));
}

#[test]
fn nobody_registers_for_another_and_other_accounts_lose_their_bindings() {
    let mut bench = Bench::new();
    let text = |value: &str| {
        format!(
            "REGISTER sip:cordboard.example SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <sip:bob@x>;tag=f\n\
             To: <sip:pbx@x>\nCall-ID: c\nCSeq: 1 REGISTER\nMax-Forwards: 70\n{value}Contact: <sip:bob@h>\n\n"
        )
    };
    let answer = bench.registrar.register(bench.now, &request(&text("")), bench.peer);
    let value = format!("Authorization: {}\n", credentials(&answer.headers[1].1, "bob", 1));
    let answer = bench.registrar.register(bench.now, &request(&text(&value)), bench.peer);
    assert_eq!((answer.code, answer.reason), (403, "That Is Another's Address"));
    bench.register(1, "Contact: <sip:bob@h>\n");
    let other = Account { password: Password::new("new"), ..account(Owner::Agent("bob".into())) };
    bench.registrar.set_accounts(HashMap::from([("bob".to_owned(), other)]));
    assert_eq!(bench.registrar.bindings(), 0);
}

fn subscribe(cseq: u32, to_tag: &str, more: &str) -> Request {
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    request(&format!(
        "SUBSCRIBE sip:bob@cordboard.example SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKs{cseq}\nMax-Forwards: 70\n\
         From: <sip:bob@cordboard.example>;tag=f\nTo: <sip:bob@cordboard.example>{tag}\nCall-ID: s\n\
         CSeq: {cseq} SUBSCRIBE\nContact: <sip:bob@10.0.0.7>\n{more}Content-Length: 0\n\n"
    ))
}

#[test]
fn a_telephone_that_subscribes_hears_at_once_that_there_are_no_messages_and_later_that_there_are() {
    let (mut waiting, now) = (Waiting::default(), Instant::from_millis(1_000));
    let event = "Event: message-summary\nExpires: 300\n";
    let answer = waiting.subscribe(now, "bob", &subscribe(1, "", event), peer(5060), "ours");
    assert_eq!((answer.code, answer.headers), (200, vec![("Expires".to_owned(), "300".to_owned())]));
    let notify = answer.notify.unwrap();
    assert_eq!(notify.headers[1].1, "active;expires=300");
    assert!(notify.body.starts_with("Messages-Waiting: no\r\n"), "{}", notify.body);
    assert_eq!((notify.from.tag(), notify.to.tag(), notify.cseq), (Some("ours"), Some("f"), 1));
    let told = waiting.set(now, "bob", Messages { new: 2, old: 1 });
    assert!(told[0].body.contains("Messages-Waiting: yes\r\n") && told[0].body.contains("2/1"));
    let again = waiting.subscribe(now, "bob", &subscribe(2, "ours", event), peer(5061), "unused");
    assert_eq!((again.code, again.notify.map(|n| (n.cseq, n.peer))), (200, Some((3, peer(5061)))));
    assert_eq!(waiting.subscribe(now, "bob", &subscribe(2, "ours", event), peer(5061), "u").code, 500);
    let ended = waiting.handle_timeout(now + Duration::from_secs(300));
    assert_eq!(ended[0].headers[1].1, "terminated;reason=timeout");
    assert!(waiting.is_empty() && waiting.next_timeout().is_none());
}

#[test]
fn subscriptions_are_refused_where_they_are_for_something_else_too_short_too_many_or_unknown() {
    let (mut waiting, now) = (Waiting::default(), Instant::ZERO);
    for (to_tag, more, code) in [
        ("", "Event: presence\n", 489),
        ("", "", 489),
        ("", "Event: message-summary\nExpires: 5\n", 423),
        ("other", "Event: message-summary\n", 481),
        ("", "Event: message-summary;x=y\nExpires: 0\n", 200),
    ] {
        let answer = waiting.subscribe(now, "bob", &subscribe(1, to_tag, more), peer(1), "t");
        assert_eq!(answer.code, code, "{more}");
        assert!(waiting.is_empty());
    }
    for n in 0..OF_ACCOUNT {
        let answer = waiting.subscribe(
            now,
            "bob",
            &subscribe(1, "", "Event: message-summary\n"),
            peer(1),
            &n.to_string(),
        );
        assert_eq!(answer.code, 200);
    }
    let answer =
        waiting.subscribe(now, "bob", &subscribe(1, "", "Event: message-summary\n"), peer(1), "more");
    assert_eq!(answer.code, 503);
}

/// Of one account.
const OF_ACCOUNT: usize = 10;

#[test]
fn what_is_registered_is_listed_by_account_a_page_at_a_time_and_one_of_it_can_be_removed() {
    let mut bench = Bench::new();
    let agent = "User-Agent: Desk 1.0\u{7}\n";
    bench.register(
        1,
        &format!("{agent}Contact: <sip:bob@a>;+sip.instance=\"<urn:x>\";reg-id=2, <sip:bob@b>\n"),
    );
    bench.nonce.clear();
    bench.count = 0;
    bench.at_port(5070).register_as("pbx", "call-9", 1, "Contact: <sip:pbx@c>\n");
    let list = |bench: &Bench, behind: (&str, u64), account: Option<&str>, limit| -> Vec<Listed> {
        bench.registrar.list(behind, account, limit)
    };
    let uris = |listed: &[Listed]| -> Vec<String> {
        listed.iter().map(|one| format!("{} {}", one.account, one.binding.contact.uri.as_str())).collect()
    };
    let all = list(&bench, ("", 0), None, 10);
    assert_eq!(uris(&all), ["bob sip:bob@a", "bob sip:bob@b", "pbx sip:pbx@c"]);
    assert_eq!(all[2].owner, Owner::Trunk("branch".into()));
    assert_eq!(
        (&*all[0].binding.user_agent, all[0].binding.flow()),
        ("Desk 1.0", (Some("<urn:x>"), Some(2)))
    );
    // Page by page, and of one account alone.
    let mut behind = (String::new(), 0);
    for one in &all {
        let page = list(&bench, (&behind.0, behind.1), None, 1);
        assert_eq!(uris(&page), uris(std::slice::from_ref(one)));
        behind = (page[0].account.clone(), page[0].binding.number());
    }
    assert!(list(&bench, (&behind.0, behind.1), None, 1).is_empty());
    assert_eq!(uris(&list(&bench, ("", 0), Some("bob"), 10)), uris(&all[..2]));
    assert_eq!(uris(&list(&bench, ("", 0), Some("pbx"), 10)), uris(&all[2..]));
    assert!(list(&bench, ("", 0), Some("carol"), 10).is_empty());
    // A refresh changes nothing about its id.
    bench.nonce.clear();
    bench.count = 0;
    let ids: Vec<u64> = all.iter().map(|one| one.binding.id()).collect();
    bench.at_port(5060).register(2, "Contact: <sip:bob@b>\n");
    assert!(bench.registrar.has("bob", ids[1]) && !bench.registrar.has("pbx", ids[1]));
    assert!(bench.registrar.remove("bob", ids[1]).is_empty());
    assert_eq!((bench.uris(), bench.registrar.counters().removed), (vec!["sip:bob@a"], 1));
    assert!(bench.registrar.remove("bob", ids[1]).is_empty() && bench.registrar.bindings() == 2);
}

#[test]
fn two_telephones_behind_one_proxy_that_tells_no_path_are_both_rung() {
    let mut bench = Bench::new();
    let contact =
        |host: &str| format!("Contact: <sip:bob@192.0.2.7;to={host}>;+sip.instance=\"<urn:uuid:{host}>\"\n");
    bench.register(1, &contact("desk"));
    bench.register_as("bob", "call-2", 1, &contact("soft"));
    assert_eq!(bench.uris(), ["sip:bob@192.0.2.7;to=soft", "sip:bob@192.0.2.7;to=desk"]);
}
