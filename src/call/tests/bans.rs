//! Who is banned, and who never is.

use super::trunks::{authorization, changed, phone, register};
use super::*;
use crate::sip::bans::Offence;

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 9], 5060))
}

/// More than the mistakes that a stranger may make.
fn flood(bench: &mut Bench, source: SocketAddr) {
    for _ in 0..300 {
        bench.receive(source, "no SIP at all");
    }
}

fn banned(bench: &Bench) -> Vec<(String, Offence, bool)> {
    let bans = bench.switchboard.bans().into_iter();
    bans.map(|ban| (ban.network.to_string(), ban.offence, ban.is_proven)).collect()
}

#[test]
fn a_stranger_who_floods_is_banned_until_an_operator_says_otherwise() {
    let mut bench = Bench::new();
    flood(&mut bench, stranger());
    assert_eq!(banned(&bench), [("203.0.113.9".to_owned(), Offence::Flood, false)]);
    assert_eq!(bench.switchboard.bans()[0].turned_away, 99);
    bench.receive(stranger(), &request("OPTIONS", "x", 1, Transport::Udp, "", ""));
    assert_eq!(bench.heads(), [""; 0]);
    let lifted = bench.switchboard.lift_ban(stranger().ip()).unwrap();
    assert!(lifted.reason.starts_with("it sent more than 200 messages at once"), "{}", lifted.reason);
    assert_eq!(bench.switchboard.lift_ban(stranger().ip()), None);
    bench.receive(stranger(), &request("OPTIONS", "x", 2, Transport::Udp, "", ""));
    assert_eq!(bench.heads(), ["403 OPTIONS"]);
    assert_eq!(
        (bench.switchboard.ban_figures().active, bench.switchboard.ban_figures().made),
        (0, [0, 0, 1])
    );
}

#[test]
fn a_ban_that_rests_on_datagrams_is_not_proven_by_what_its_host_then_sends_over_a_stream() {
    let mut bench = Bench::new();
    flood(&mut bench, stranger());
    bench.handle(Input::StreamOpened {
        connection: CONNECTION,
        listener: TCP,
        peer: stranger(),
        names: Arc::default(),
    });
    bench.receive_stream(&request("OPTIONS", "x", 1, Transport::Tcp, "", ""));
    assert_eq!(banned(&bench), [("203.0.113.9".to_owned(), Offence::Flood, false)]);
    // What comes over a stream counts for itself.
    for n in 2..300 {
        bench.receive_stream(&request("OPTIONS", "x", n, Transport::Tcp, "", ""));
    }
    assert_eq!(banned(&bench), [("203.0.113.9".to_owned(), Offence::Flood, true)]);
}

#[test]
fn nobody_who_is_set_up_or_registered_or_allowed_is_ever_banned() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.registered(5_062, "");
    let telephone_of_the_same_office = SocketAddr::from((phone(0).ip(), 40_000));
    let allowed = SocketAddr::from(([203, 0, 113, 70], 5060));
    for source in [caller(), telephone_of_the_same_office, allowed] {
        flood(&mut bench, source);
        assert_eq!(banned(&bench), [], "{source}");
    }
    // A fixed agent, whose host may send from one port alone.
    let mut bench = Bench::new();
    let at = SocketAddr::from(([198, 51, 100, 20], 5071));
    bench.handle(changed(|snapshot| snapshot.agents.get_mut("alice").unwrap().address = Some(at)));
    flood(&mut bench, SocketAddr::from((at.ip(), 6000)));
    assert_eq!(banned(&bench), []);
}

#[test]
fn a_stranger_who_becomes_a_trunk_is_answered_at_once() {
    let mut bench = Bench::new();
    flood(&mut bench, stranger());
    bench.handle(changed(|snapshot| {
        let sources = vec!["203.0.113.8/30".parse().unwrap()];
        snapshot.trunks.push(Trunk { id: "new".to_owned(), sources, ..Trunk::default() });
    }));
    assert_eq!(banned(&bench), []);
    bench.receive(stranger(), &request("OPTIONS", "x", 1, Transport::Udp, "", ""));
    assert_eq!(bench.heads(), ["200 OPTIONS"]);
}

#[test]
fn a_telephone_registers_from_an_address_that_somebody_has_forged_and_ends_the_ban() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    flood(&mut bench, SocketAddr::from((phone(0).ip(), 9)));
    assert_eq!(banned(&bench), [(phone(0).ip().to_string(), Offence::Flood, false)]);
    bench.registered(5_062, "");
    assert_eq!(banned(&bench), []);
}

#[test]
fn no_challenge_bans_whether_it_is_answered_or_not_and_many_wrong_passwords_do() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    for cseq in 1..500 {
        bench.receive(phone(5_062), &register("alice", 5_062, cseq, ""));
    }
    let sent = bench.sent();
    assert_eq!((sent.len(), banned(&bench)), (499, vec![]));
    let mut guesses = 0;
    while banned(&bench).is_empty() {
        guesses += 1;
        let name = format!("user{}", guesses % 10);
        let line = authorization(&sent[0], &name, "REGISTER", "sip:cordboard.example");
        bench.receive(phone(5_062), &register("alice", 5_062, 1_000 + guesses, &line));
        assert!(guesses <= 61, "as many as a host may guess, and one more");
    }
    assert_eq!(guesses, 61);
    assert_eq!(banned(&bench), [(phone(0).ip().to_string(), Offence::WrongPasswords, true)]);
    bench.sent();
    // What it is banned for is proven: it is not heard at all, whatever it sends.
    bench.receive(phone(5_062), &register("alice", 5_062, 2_000, ""));
    assert_eq!(bench.heads(), [""; 0]);
    bench.pass(3_600_000);
    assert_eq!(banned(&bench), []);
    bench.receive(phone(5_062), &register("alice", 5_062, 2_001, ""));
    assert_eq!(bench.heads(), ["401 REGISTER"]);
}

/// Alice's password is mistyped, and then so many names are tried that the host is banned.
fn banned_for_wrong_passwords(bench: &mut Bench) {
    bench.receive(phone(5_062), &register("alice", 5_062, 1, ""));
    let challenge = only(&bench.sent(), "401 REGISTER");
    for n in 0..61 {
        let name = if n < 10 { "alice".to_owned() } else { format!("user{}", n % 10) };
        let right = authorization(&challenge, &name, "REGISTER", "sip:cordboard.example");
        let wrong = right.replace("response=\"", "response=\"0");
        bench.receive(phone(5_062), &register("alice", 5_062, 1_000 + n, &wrong));
    }
    assert_eq!(banned(bench), [(phone(0).ip().to_string(), Offence::WrongPasswords, true)]);
    bench.sent();
}

#[test]
fn a_host_whose_ban_an_operator_lifts_begins_anew_with_its_wrong_passwords() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    banned_for_wrong_passwords(&mut bench);
    assert!(bench.switchboard.lift_ban(phone(0).ip()).is_some());
    bench.registered(5_063, "");
    assert_eq!(banned(&bench), []);
}

#[test]
fn a_host_that_is_set_up_while_it_is_banned_begins_anew_with_its_wrong_passwords() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    banned_for_wrong_passwords(&mut bench);
    bench.handle(changed(|snapshot| {
        let desk = Agent { address: Some(phone(9)), ..snapshot.agents["alice"].clone() };
        snapshot.agents.insert("desk".to_owned(), desk);
    }));
    assert_eq!(banned(&bench), []);
    bench.registered(5_063, "");
}

#[test]
fn lifting_a_ban_that_is_none_frees_the_names_that_are_locked_out_there() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.receive(phone(5_062), &register("alice", 5_062, 1, ""));
    let challenge = only(&bench.sent(), "401 REGISTER");
    let right = authorization(&challenge, "alice", "REGISTER", "sip:cordboard.example");
    for n in 0..11 {
        let wrong = right.replace("response=\"", "response=\"0");
        bench.receive(phone(5_062), &register("alice", 5_062, 1_000 + n, &wrong));
    }
    only(&bench.sent(), "403 REGISTER");
    assert_eq!(bench.switchboard.lift_ban(phone(0).ip()), None);
    bench.registered(5_063, "");
}

#[test]
fn wrong_passwords_from_an_office_where_a_telephone_is_registered_ban_nobody() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    bench.registered(5_062, "");
    bench.receive(phone(7_000), &register("alice", 7_000, 1, ""));
    let challenge = only(&bench.sent(), "401 REGISTER");
    for n in 0..100 {
        let line = authorization(&challenge, &format!("user{}", n % 10), "REGISTER", "sip:cordboard.example");
        bench.receive(phone(7_000), &register("alice", 7_000, 2 + n, &line));
    }
    assert_eq!(banned(&bench), []);
    assert!(bench.heads().contains(&"403 REGISTER".to_owned()), "they are locked out");
}

#[test]
fn a_telephone_that_is_registered_refreshes_whoever_guesses_from_its_host_or_through_its_proxy() {
    for path in ["", "Path: <sip:proxy.example;lr>\n"] {
        let mut bench = Bench::new();
        bench.handle(changed(|_| {}));
        bench.registered(5_062, path);
        let by = |port, cseq, line: &str| register("alice", port, cseq, &format!("{path}{line}"));
        bench.receive(phone(7_000), &by(7_000, 1, ""));
        let challenge = only(&bench.sent(), "401 REGISTER");
        for n in 0..100 {
            let name = if n % 10 == 0 { "alice".to_owned() } else { format!("user{}", n % 10) };
            // For another resource, which is as wrong as another password.
            let line = authorization(&challenge, &name, "REGISTER", "sip:elsewhere.example");
            bench.receive(phone(7_000), &by(7_000, 2 + n, &line));
        }
        assert_eq!(banned(&bench), [], "{path}");
        bench.sent();
        let line = authorization(&challenge, "alice", "REGISTER", "sip:cordboard.example");
        bench.receive(phone(7_000), &by(7_000, 200, &line));
        bench.receive(phone(5_062), &by(5_062, 3, &line));
        assert_eq!(bench.heads(), ["403 REGISTER", "200 REGISTER"], "{path}");
    }
}
