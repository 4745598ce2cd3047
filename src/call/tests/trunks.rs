//! Telephones that register and are rung, callers who show who they are, and trunks at work.

use super::*;
use crate::call::trunk::{CallLimits, Login, Ping};
use crate::registrar::Owner;
use crate::sip::digest::{Account, Attempt, Password, Session};
use crate::sip::locate::Destination;
use crate::sip::message::SipUri;

pub const OUT: &str = "600";
const TO_NUMBER: &str = r#"{"schema": "callflow/1", "id": "out", "name": "Out", "entry": "dial", "steps": {
    "dial": {"type": "dial", "name": "Dial", "config": {"target": {"kind": "number", "value": "+15550199"},
     "ringSec": 20}, "on": {"no_response": "bye"}},
    "bye": {"type": "hangup", "name": "Bye", "config": {}}}}"#;

pub fn phone(port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 5], port))
}

pub fn login(name: &str) -> Option<Login> {
    let password = Some(Password::new("secret"));
    Some(Login { username: name.to_owned(), auth_username: name.to_owned(), password, realm: None })
}

/// Alice has no fixed endpoint; a flow calls a number.
pub fn changed(change: impl FnOnce(&mut Snapshot)) -> Input<'static> {
    let mut snapshot = Arc::into_inner(snapshot()).expect("the only one");
    let alice = snapshot.agents.get_mut("alice").unwrap();
    (alice.uri, alice.address, alice.password) = (None, None, Some(Password::new("secret")));
    let (flow, _) = Flow::compile(TO_NUMBER, &Resources::default()).unwrap_or_else(|e| panic!("{e:#?}"));
    let library = Arc::get_mut(&mut snapshot.library).unwrap();
    library.flows.insert("out".to_owned(), LiveFlow::new(Arc::new(flow), 1));
    let answers = |id: &str| Answers::Flow(id.to_owned());
    let numbers = [(OUT, "out"), (DIRECT, "direct"), (GREETED, "greeted")];
    let number = |(number, id): (&str, &str)| Number::new(Pattern::Exact(number.to_owned()), "", answers(id));
    snapshot.numbers = numbers.map(number).into_iter().collect::<Vec<_>>().into();
    change(&mut snapshot);
    Input::Snapshot(Arc::new(snapshot))
}

/// What a client answers to a 401.
pub fn authorization(challenge: &str, user: &str, method: &str, uri: &str) -> String {
    let owner = "test".into();
    let password = Password::new("secret");
    let account = Account { owner, username: user.into(), password, realm: None, hosts: Vec::new() };
    let (mut session, mut attempt) = (Session::new(&account), Attempt::default());
    let values = challenge.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
    let mut random = Random::from_seed(4);
    let answer = session.on_challenge(&account, &mut attempt, false, values, method, uri, &mut random);
    let (name, value) = answer.unwrap();
    format!("{name}: {value}\n")
}

pub fn register(name: &str, port: u16, cseq: u32, more: &str) -> String {
    format!(
        "REGISTER sip:cordboard.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:{port};branch=z9hG4bKr{port}-{cseq};rport\n\
         Max-Forwards: 70\nFrom: <sip:{name}@cordboard.example>;tag=p\nTo: <sip:{name}@cordboard.example>\n\
         Call-ID: reg-{port}\nCSeq: {cseq} REGISTER\nContact: <sip:{name}@10.0.0.5:{port};rinstance=x{port}>\n\
         {more}Content-Length: 0\n\n"
    )
}

impl Bench {
    /// A telephone of Alice registers, behind a NAT.
    pub fn registered(&mut self, port: u16, more: &str) {
        self.registered_as("alice", port, more);
    }

    pub fn registered_as(&mut self, name: &str, port: u16, more: &str) {
        self.receive(phone(port), &register(name, port, 1, more));
        let challenge = only(&self.sent(), "401 REGISTER");
        let line = authorization(&challenge, name, "REGISTER", "sip:cordboard.example");
        self.receive(phone(port), &register(name, port, 2, &format!("{more}{line}")));
        let answer = only(&self.sent(), "200 REGISTER");
        assert!(
            answer.contains(&format!("<sip:{name}@10.0.0.5:{port};rinstance=x{port}>;expires=3600\n")),
            "{answer}"
        );
    }

    /// Requests of that kind that went out since the last look, with where to.
    pub fn sent_to(&mut self, kind: &str) -> Vec<(SocketAddr, String)> {
        let sent = self.take(|action| match action {
            Action::Sip(sip::Action::SendDatagram { destination, bytes, .. }) => {
                Some((*destination, String::from_utf8_lossy(bytes).replace('\r', "")))
            }
            _ => None,
        });
        sent.into_iter().filter(|(_, text)| head(text) == kind).collect()
    }
}

#[test]
fn the_telephones_of_an_agent_ring_together_where_they_registered_from_and_the_first_to_answer_wins() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.registered(5_062, "");
    bench.registered(5_063, "Path: <sip:edge.example;lr>\n");
    bench.receive(caller(), &invite(DIRECT));
    let mut rung = bench.sent_to("INVITE");
    rung.sort_by_key(|(to, _)| to.port());
    let [(first_at, first), (second_at, second)] = rung.as_slice() else { panic!("{rung:?}") };
    assert_eq!((*first_at, *second_at), (phone(5_062), phone(5_063)));
    assert!(first.starts_with("INVITE sip:alice@10.0.0.5:5062;rinstance=x5062 SIP/2.0\n"), "{first}");
    assert_eq!(value(second, "Route"), "<sip:edge.example;lr>");
    bench.receive(phone(5_062), &response(first, 180, ""));
    bench.receive(phone(5_063), &response(second, 180, ""));
    bench.receive(phone(5_063), &response(second, 200, &sdp(phone(5_063).ip())));
    let sent = bench.sent();
    let cancel = only(&sent, "CANCEL");
    assert!(
        cancel.contains("Call completed elsewhere") && value(&cancel, "Call-ID") == value(first, "Call-ID")
    );
    only(&sent, "200 INVITE");
    bench.receive(phone(5_062), &response(&cancel, 200, ""));
    bench.receive(phone(5_062), &response(first, 487, ""));
    assert!(bench.switchboard.index.talking.contains_key("alice"));
    bench.handle(Input::Stop);
    bench.closed(1);
    bench.closed(2);
    assert_eq!(bench.records().len(), 1);
}

#[test]
fn of_a_request_that_is_challenged_nothing_is_kept_and_of_its_answer_a_transaction() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.receive(phone(5_062), &register("alice", 5_062, 1, "Authorization: Digest of=nobody\n"));
    let challenge = only(&bench.sent(), "401 REGISTER");
    assert_eq!(bench.switchboard.counts(), Counts::default());
    let line = authorization(&challenge, "alice", "REGISTER", "sip:cordboard.example");
    // A challenge that another host got is worth nothing.
    bench.receive(SocketAddr::from(([198, 51, 100, 6], 5_062)), &register("alice", 5_062, 2, &line));
    only(&bench.sent(), "401 REGISTER");
    assert_eq!(bench.switchboard.counts(), Counts::default());
    bench.receive(phone(5_062), &register("alice", 5_062, 3, &line));
    only(&bench.sent(), "200 REGISTER");
    assert_eq!(bench.switchboard.counts().sip.server_transactions, 1);
}

#[test]
fn a_dialog_follows_a_telephone_that_registers_from_another_port() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.registered(5_062, "");
    bench.receive(caller(), &invite(DIRECT));
    let [(_, rung)] = &bench.sent_to("INVITE")[..] else { panic!("one telephone") };
    let answer = response(rung, 200, &sdp(phone(0).ip()));
    let answer = answer.replace(&format!("alice@{}", agent()), "alice@10.0.0.5:5062");
    bench.receive(phone(5_062), &answer);
    assert_eq!(bench.sent_to("ACK")[0].0, phone(5_062));
    // Its NAT gives it another port, from which it refreshes its registration.
    let again = |cseq: u32, line: &str| register("alice", 5_062, cseq, line);
    bench.receive(phone(40_000), &again(3, ""));
    let challenge = only(&bench.sent(), "401 REGISTER");
    let line = authorization(&challenge, "alice", "REGISTER", "sip:cordboard.example");
    bench.receive(phone(40_000), &again(4, &line));
    only(&bench.sent(), "200 REGISTER");
    assert_eq!(bench.switchboard.account_figures().bindings, 1);
    bench.handle(Input::Stop);
    let ended = bench.sent_to("BYE");
    let to: Vec<_> = ended.iter().map(|(to, _)| *to).filter(|to| to.ip() == phone(0).ip()).collect();
    assert_eq!(to, [phone(40_000)]);
}

#[test]
fn a_telephone_that_an_operator_removes_is_rung_no_more_and_its_address_is_a_strangers() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.registered(5_062, "");
    let listed = bench.switchboard.registrations(("", 0), Some("alice"), 10);
    let [one] = &listed[..] else { panic!("{listed:?}") };
    let id = one.binding.id();
    assert!(bench.switchboard.has_registration("alice", id));
    bench.handle(Input::Unbind { account: "alice".to_owned(), binding: id });
    assert!(!bench.switchboard.has_registration("alice", id));
    bench.receive(caller(), &invite(DIRECT));
    assert!(bench.sent_to("INVITE").is_empty());
    bench.sent();
    bench.receive(phone(5_062), &request("OPTIONS", "x", 78, Transport::Udp, "", ""));
    assert_eq!(bench.heads(), ["403 OPTIONS"]);
}

#[test]
fn a_busy_telephone_leaves_the_others_ringing_and_a_declined_call_rings_no_more() {
    for (code, heads) in [(486, vec!["ACK"]), (603, vec!["ACK", "CANCEL", "486 INVITE"])] {
        let mut bench = Bench::new();
        bench.handle(changed(|_| {}));
        bench.registered(5_062, "");
        bench.registered(5_063, "");
        bench.receive(caller(), &invite(DIRECT));
        let rung = bench.sent_to("INVITE");
        for (at, text) in &rung {
            bench.receive(*at, &response(text, 100, ""));
        }
        bench.sent();
        bench.receive(rung[0].0, &response(&rung[0].1, code, ""));
        assert_eq!(bench.heads(), heads, "{code}");
    }
}

#[test]
fn the_address_of_a_registered_telephone_may_call_and_subscribe_and_others_may_not() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    let from_phone = |text: String| text.replace("sip:+14155550123@", "sip:alice@");
    bench.receive(phone(5_062), &from_phone(invite(GREETED)));
    assert_eq!(bench.heads(), ["403 INVITE"]);
    bench.registered(5_062, "");
    bench.receive(
        phone(5_062),
        &from_phone(invite(GREETED)).replace("call-1", "call-2").replace("INVITE1", "i2"),
    );
    assert_eq!(bench.heads(), ["100 INVITE", "200 INVITE"]);
    let subscribe = request("SUBSCRIBE", "alice", 9, Transport::Udp, "", "")
        .replace("sip:+14155550123@", "sip:alice@")
        .replace("Max-Forwards", "Event: message-summary\nMax-Forwards");
    bench.receive(phone(5_062), &subscribe);
    let sent = bench.sent();
    assert_eq!(value(&only(&sent, "200 SUBSCRIBE"), "Expires"), "3600");
    let notify = only(&sent, "NOTIFY");
    assert!(notify.contains("Messages-Waiting: no\n"), "{notify}");
    assert_eq!(tag(&notify, "From"), tag(&only(&sent, "200 SUBSCRIBE"), "To"));
    bench.receive(phone(5_062), &response(&notify, 481, ""));
    assert_eq!(bench.switchboard.account_figures().subscriptions, 0);
    bench.pass(3_600_000);
    assert_eq!(bench.switchboard.account_figures().bindings, 0);
    bench.sent();
    bench.receive(phone(5_062), &request("OPTIONS", "x", 77, Transport::Udp, "", ""));
    assert_eq!(bench.heads(), ["403 OPTIONS"]);
}

#[test]
fn the_address_of_a_telephone_that_registered_over_a_stream_is_a_strangers_in_a_datagram() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.handle(Input::StreamOpened {
        connection: CONNECTION,
        listener: TCP,
        peer: phone(5_062),
        names: Arc::default(),
    });
    let over_tcp = |text: String| text.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    bench.receive_stream(&over_tcp(register("alice", 5_062, 1, "")));
    let challenge = only(&bench.sent(), "401 REGISTER");
    let line = authorization(&challenge, "alice", "REGISTER", "sip:cordboard.example");
    bench.receive_stream(&over_tcp(register("alice", 5_062, 2, &line)));
    only(&bench.sent(), "200 REGISTER");
    bench.receive(phone(5_062), &invite(GREETED));
    assert_eq!(bench.heads(), ["403 INVITE"]);
    bench.receive_stream(&over_tcp(invite(GREETED)));
    assert_eq!(bench.heads()[0], "100 INVITE");
}

#[test]
fn a_ping_that_is_refused_says_why_in_a_sentence() {
    let ping = request("OPTIONS", "x", 77, Transport::Udp, "", "");
    let refused = |bench: &mut Bench, why: &str| {
        bench.sent();
        bench.receive(caller(), &ping);
        let answer = only(&bench.sent(), "503 OPTIONS");
        assert_eq!(value(&answer, "Retry-After"), "5");
        assert_eq!(value(&answer, "Warning"), format!("399 cordboard.example \"{why}\""));
    };
    refused(&mut Bench::with_ports(0), "no media port is ready");
    let mut draining = Bench::new();
    draining.handle(Input::Drain);
    refused(&mut draining, "the server is being stopped and takes no new calls");
    let mut bench = Bench::new();
    bench.receive(caller(), &ping.replace("OPTIONS", "PUBLISH"));
    assert!(value(&only(&bench.sent(), "405 PUBLISH"), "Warning").contains("does nothing by that method"));
}

/// The same, of which the first has us register.
pub fn registering() -> Input<'static> {
    changed(|snapshot| {
        two_trunks(snapshot);
        let trunk = &mut snapshot.trunks[1];
        (trunk.login, trunk.register) = (login("100"), Some(Duration::from_secs(600)));
    })
}

/// A call of one who has to show who it is: its n-th INVITE, with that header.
pub fn knocking(n: u32, more: &str) -> String {
    let invite = invite(GREETED).replace("call-1", "call-9").replace("INVITE1", &format!("i{n}"));
    invite.replace("CSeq: 1", &format!("CSeq: {n}")).replace("Max-Forwards", &format!("{more}Max-Forwards"))
}

/// Two trunks that calls go out over.
pub fn two_trunks(snapshot: &mut Snapshot) {
    for (id, host, priority) in [("first", "203.0.113.1", 1), ("second", "203.0.113.2", 2)] {
        let host = SipUri::parse(&format!("sip:{host}")).as_ref().and_then(Destination::of);
        snapshot.trunks.push(Trunk { id: id.to_owned(), host, priority, ..Trunk::default() });
    }
}

pub fn trunk_at(last: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, last], 5_060))
}

#[test]
fn a_call_out_goes_to_the_next_trunk_after_some_codes_and_after_those_of_people_to_none() {
    for (code, goes_on) in [(503, true), (404, true), (486, false), (603, false)] {
        let mut bench = Bench::new();
        bench.handle(changed(two_trunks));
        bench.receive(caller(), &invite(OUT));
        let first = bench.sent_to("INVITE").remove(0);
        assert_eq!(first.0, trunk_at(1));
        bench.receive(first.0, &response(&first.1, code, ""));
        let next: Vec<_> = bench.sent_to("INVITE").iter().map(|(at, _)| *at).collect();
        assert_eq!(next, if goes_on { vec![trunk_at(2)] } else { vec![] }, "{code}");
        let calls: Vec<u32> =
            bench.switchboard.trunks(bench.now.instant).iter().map(|t| t.calls[1]).collect();
        assert_eq!(calls, [0, 0, u32::from(goes_on)]);
    }
}

#[test]
fn a_trunk_that_fails_after_early_media_leaves_a_leg_that_the_next_one_goes_on_with() {
    let mut bench = Bench::new();
    bench.handle(changed(two_trunks));
    bench.receive(caller(), &invite(OUT));
    let first = bench.sent_to("INVITE").remove(0);
    bench.receive(first.0, &response(&first.1, 183, &sdp(first.0.ip())));
    let opened = bench.media();
    assert_eq!(opened, ["open l2 203.0.113.1", "open l1 192.0.2.9", "bridge l1 l2"]);
    bench.receive(first.0, &response(&first.1, 503, ""));
    let second = bench.sent_to("INVITE").remove(0);
    assert_eq!(second.0, trunk_at(2));
    assert_eq!(bench.media(), ["play l1"], "the caller hears that it rings elsewhere");
    bench.receive(second.0, &response(&second.1, 200, &sdp(second.0.ip())));
    let media = bench.media();
    assert!(
        media.contains(&"update l2".to_owned()) && media.contains(&"bridge l1 l2".to_owned()),
        "{media:?}"
    );
    assert!(!media.iter().any(|command| command.starts_with("open l2")), "{media:?}");
    bench.handle(Input::Stop);
    assert!(bench.media().contains(&"close l2".to_owned()), "it is the engine's to close");
}

#[test]
fn a_full_trunk_is_passed_over_out_and_answers_503_in() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        snapshot.trunks[1].limits = CallLimits { calls_out: Some(0), ..CallLimits::default() };
        snapshot.trunks[0].limits = CallLimits { calls_in: Some(1), ..CallLimits::default() };
    }));
    bench.receive(caller(), &invite(OUT));
    let sent = bench.sent_to("INVITE");
    assert_eq!((sent.len(), sent[0].0), (1, trunk_at(2)));
    bench.receive(caller(), &invite(OUT).replace("call-1", "call-2").replace("INVITE1", "i2"));
    let refused = only(&bench.sent(), "503 INVITE");
    assert_eq!(value(&refused, "Retry-After"), "5");
    let trunks = bench.switchboard.trunks(bench.now.instant);
    assert_eq!((trunks[0].refused, trunks[1].refused), ([1, 0], [0, 1]));
    bench.handle(Input::Stop);
    bench.pass(40_000);
    assert_eq!(bench.switchboard.trunks(bench.now.instant)[0].calls, [0, 0]);
}

#[test]
fn a_trunk_that_answers_no_pings_is_passed_over_until_it_does() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        snapshot.trunks[1].ping = Some(Ping { interval: Duration::from_secs(60), threshold: 1 });
    }));
    bench.pass(5_000);
    let ping = bench.sent_to("OPTIONS").remove(0);
    assert_eq!(ping.0, trunk_at(1));
    bench.receive(ping.0, &response(&ping.1, 503, ""));
    let trunk = bench.switchboard.trunks(bench.now.instant).remove(1);
    assert_eq!((trunk.is_up, trunk.why.as_deref()), (false, Some("it answered 503 Some Words")));
    bench.receive(caller(), &invite(OUT));
    assert_eq!(bench.sent_to("INVITE")[0].0, trunk_at(2));
    bench.pass(30_000);
    let ping = bench.sent_to("OPTIONS").remove(0);
    bench.receive(ping.0, &response(&ping.1, 405, ""));
    assert!(bench.switchboard.trunks(bench.now.instant)[1].is_up);
}

#[test]
fn the_last_call_that_came_to_nothing_is_kept_in_words_for_each_trunk_and_way() {
    let mut bench = Bench::new();
    let limited = |snapshot: &mut Snapshot| {
        two_trunks(snapshot);
        snapshot.trunks[2].limits = CallLimits { calls_out: Some(0), ..CallLimits::default() };
    };
    bench.handle(changed(limited));
    let rejects =
        |bench: &Bench, trunk: usize| bench.switchboard.trunks(bench.now.instant).remove(trunk).rejects;
    assert_eq!(rejects(&bench, 1), [None, None]);
    bench.receive(caller(), &invite(OUT));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    bench.pass(100);
    let refusal = with(&response(&text, 403, ""), "Warning: 399 c \"User channel limit exceeded\"");
    bench.receive(at, &refusal);
    let out = |bench: &Bench, trunk| rejects(bench, trunk)[1].clone().unwrap();
    let kept = out(&bench, 1);
    assert_eq!((kept.at, kept.code), (bench.now.instant, Some(403)));
    assert_eq!(kept.text, "403 Some Words (\"User channel limit exceeded\")");
    assert_eq!(out(&bench, 2).text, "it has 0 calls, and takes no more at one time");
    // What people say is none, and what was kept stays over a reload.
    bench.receive(caller(), &invite(OUT).replace("call-1", "call-2").replace("INVITE1", "i2"));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    bench.receive(at, &response(&text, 486, ""));
    bench.handle(changed(|snapshot| {
        limited(snapshot);
        snapshot.trunks[1].ping = Some(Ping { interval: Duration::from_secs(60), threshold: 1 });
    }));
    assert_eq!(out(&bench, 1), kept);
    let unknown = invite("+15559999").replace("call-1", "call-3").replace("INVITE1", "i3");
    bench.receive(caller(), &unknown);
    let refused = rejects(&bench, 0)[0].clone().unwrap();
    assert_eq!((refused.code, refused.text.as_str()), (Some(404), "no Smart Number is +15559999"));
}

#[test]
fn a_trunk_that_nobody_asks_is_not_watched_and_its_last_answered_call_is_known() {
    let mut bench = Bench::new();
    let pinged = |snapshot: &mut Snapshot| {
        two_trunks(snapshot);
        snapshot.trunks[2].ping = Some(Ping { interval: Duration::from_secs(60), threshold: 1 });
    };
    bench.handle(changed(pinged));
    let status = |bench: &Bench, trunk: usize| bench.switchboard.trunks(bench.now.instant).remove(trunk);
    let watched = |bench: &Bench, trunk| (status(bench, trunk).is_up, status(bench, trunk).is_watched);
    assert_eq!([watched(&bench, 1), watched(&bench, 2)], [(true, false), (true, true)]);
    bench.receive(caller(), &invite(OUT));
    let (at, text) = bench.sent_to("INVITE").remove(0);
    assert_eq!(status(&bench, 1).answered, None);
    bench.pass(100);
    bench.receive(at, &response(&text, 200, &sdp(at.ip())));
    assert_eq!(status(&bench, 1).answered, Some(bench.now.instant));
    // That stays when the trunk is set up anew.
    let answered = status(&bench, 1).answered;
    bench.handle(changed(|snapshot| {
        pinged(snapshot);
        snapshot.trunks[1].ping = Some(Ping { interval: Duration::from_secs(60), threshold: 1 });
    }));
    assert_eq!((status(&bench, 1).answered, status(&bench, 1).is_watched), (answered, true));
}

#[test]
fn what_the_last_ping_met_is_kept_with_the_time_that_it_took() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        snapshot.trunks[1].ping = Some(Ping { interval: Duration::from_secs(60), threshold: 9 });
    }));
    let last = |bench: &Bench| bench.switchboard.trunks(bench.now.instant).remove(1).last_ping;
    assert_eq!(last(&bench), None);
    for (wait, code, text) in [(5_000, 200, "200 Some Words"), (60_000, 503, "503 Some Words")] {
        bench.pass(wait);
        let (at, ping) = bench.sent_to("OPTIONS").remove(0);
        let sent = bench.now.instant;
        bench.pass(25);
        bench.receive(at, &response(&ping, code, ""));
        let kept = last(&bench).unwrap();
        assert_eq!((kept.at, kept.text.as_str()), (sent + Duration::from_millis(25), text));
        assert!(kept.took.unwrap() >= Duration::from_millis(25));
    }
    bench.pass(60_000 + 32_000);
    assert_eq!(
        last(&bench).map(|ping| (ping.took, ping.text)),
        Some((None, "it does not answer".to_owned()))
    );
}

#[test]
fn we_register_with_a_trunk_by_digest_and_take_that_back_when_the_server_drains() {
    let mut bench = Bench::new();
    bench.handle(registering());
    bench.pass(1_000);
    let (at, first) = bench.sent_to("REGISTER").remove(0);
    assert_eq!((at, value(&first, "Expires")), (trunk_at(1), "600"));
    assert_eq!(value(&first, "Contact"), "<sip:100@192.0.2.1:5060>");
    let challenge = r#"WWW-Authenticate: Digest realm="c", nonce="n", qop="auth", algorithm=SHA-256"#;
    let with = |text: String, line: &str| text.replace("Contact:", &format!("{line}\nContact:"));
    bench.receive(at, &with(response(&first, 401, ""), challenge));
    let (_, second) = bench.sent_to("REGISTER").remove(0);
    assert_eq!((value(&second, "CSeq"), value(&second, "Call-ID")), ("2 REGISTER", value(&first, "Call-ID")));
    bench.receive(at, &with(response(&second, 200, ""), "Expires: 100"));
    let status = |bench: &Bench| bench.switchboard.trunks(bench.now.instant).remove(1);
    assert_eq!(status(&bench).registration.unwrap().word(), "registered");
    assert_eq!(status(&bench).granted, Some(Duration::from_secs(100)));
    // Its calls come from where we registered, and name us as we did; the number is in To.
    let call = invite(GREETED).replacen(&format!("INVITE sip:{GREETED}@"), "INVITE sip:100@", 1);
    bench.receive(at, &call);
    bench.receive(trunk_at(2), &call.replace("call-1", "call-2").replace("INVITE1", "i2"));
    let heads: Vec<_> = bench.sent().iter().map(|text| head(text)).collect();
    assert_eq!(heads, ["100 INVITE", "200 INVITE", "403 INVITE"]);
    assert_eq!(status(&bench).calls, [1, 0]);
    bench.pass(60_000);
    let (_, refresh) = bench.sent_to("REGISTER").remove(0);
    assert_eq!(value(&refresh, "CSeq"), "3 REGISTER");
    bench.receive(at, &response(&refresh, 200, ""));
    bench.handle(Input::Drain);
    let (_, last) = bench.sent_to("REGISTER").remove(0);
    assert_eq!((value(&last, "Expires"), bench.switchboard.is_leaving()), ("0", true));
    bench.receive(at, &response(&last, 200, ""));
    assert!(!bench.switchboard.is_leaving() && !status(&bench).is_up);
}

#[test]
fn what_a_trunk_answers_to_its_old_login_says_nothing_of_the_new_one() {
    let mut bench = Bench::new();
    let with_login = |name: &str| {
        changed(|snapshot| {
            two_trunks(snapshot);
            let trunk = &mut snapshot.trunks[1];
            (trunk.login, trunk.register) = (login(name), Some(Duration::from_secs(600)));
        })
    };
    bench.handle(with_login("100"));
    bench.pass(1_000);
    let (at, old) = bench.sent_to("REGISTER").remove(0);
    bench.handle(with_login("200"));
    bench.pass(1_000);
    let sent = bench.sent_to("REGISTER");
    let (_, new) = sent.iter().find(|(_, text)| value(text, "From").contains("200@")).unwrap();
    bench.receive(at, &response(&old, 403, ""));
    let word =
        |bench: &Bench| bench.switchboard.trunks(bench.now.instant).remove(1).registration.unwrap().word();
    assert_eq!(word(&bench), "trying");
    bench.receive(at, &response(new, 200, ""));
    assert_eq!(word(&bench), "registered");
}

#[test]
fn a_trunk_without_addresses_is_known_by_its_credentials() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        let trunk =
            Trunk { id: "pbx".to_owned(), login: login("pbx"), authenticate: true, ..Trunk::default() };
        snapshot.trunks.push(trunk);
    }));
    bench.receive(phone(5_070), &knocking(1, ""));
    let challenge = only(&bench.sent(), "401 INVITE");
    let uri = format!("sip:{GREETED}@192.0.2.1");
    let wrong = authorization(&challenge, "pbx", "INVITE", &uri).replace("response=\"", "response=\"0");
    bench.receive(phone(5_070), &knocking(2, &wrong));
    let challenge = only(&bench.sent(), "401 INVITE");
    assert!(bench.records().is_empty(), "a challenge is no call");
    bench.receive(phone(5_070), &knocking(3, &authorization(&challenge, "pbx", "INVITE", &uri)));
    assert_eq!(bench.heads(), ["100 INVITE", "200 INVITE"]);
    assert_eq!(bench.switchboard.trunks(bench.now.instant)[1].calls, [1, 0]);
    let owner = bench.switchboard.snapshot.owned_by(&Owner::Trunk("pbx".to_owned()));
    assert!(owner.is_some());
}

#[test]
fn a_pbx_is_called_by_the_contact_that_it_registered_with_the_number_in_to() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        two_trunks(snapshot);
        let pbx =
            Trunk { id: "pbx".to_owned(), login: login("branch"), dial_registered: true, ..Trunk::default() };
        snapshot.trunks.push(pbx);
    }));
    let rung = |bench: &mut Bench, call: &str| {
        bench.receive(caller(), &invite(OUT).replace("call-1", call).replace("INVITE1", call));
        bench.sent_to("INVITE").remove(0)
    };
    assert_eq!(rung(&mut bench, "call-2").0, trunk_at(1), "it has not registered, so it is passed over");
    bench.registered_as("branch", 5_080, "Path: <sip:edge.example;lr>\n");
    let (at, first) = rung(&mut bench, "call-3");
    assert_eq!(at, phone(5_080));
    assert!(first.starts_with("INVITE sip:branch@10.0.0.5:5080;rinstance=x5080 SIP/2.0\n"), "{first}");
    assert_eq!(value(&first, "To"), "<sip:+15550199@cordboard.example>");
    assert_eq!(value(&first, "Route"), "<sip:edge.example;lr>");
    let challenge = "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\nContact";
    bench.receive(at, &response(&first, 401, "").replace("Contact", challenge));
    let next = bench.sent_to("INVITE").remove(0);
    assert!(next.0 == trunk_at(1) && !next.1.contains("Authorization"), "its challenge gets no password");
}
