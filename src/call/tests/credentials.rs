//! What whoever brings wrong credentials is told, and what the log says of it.

use super::trunks::{authorization, changed, knocking, login, phone, register};
use super::*;

const URI: &str = "sip:cordboard.example";

/// Alice, and a PBX that registers as `branch`.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        let pbx =
            Trunk { id: "pbx".to_owned(), login: login("branch"), authenticate: true, ..Trunk::default() };
        snapshot.trunks.push(pbx);
    }));
    bench
}

fn challenge(bench: &mut Bench) -> String {
    bench.receive(phone(5_062), &register("alice", 5_062, 1, ""));
    only(&bench.sent(), "401 REGISTER")
}

/// Credentials for a name whose password is another.
fn wrong(challenge: &str, name: &str) -> String {
    authorization(challenge, name, "REGISTER", URI).replace("response=\"", "response=\"0")
}

fn refused(bench: &Bench) -> u64 {
    bench.switchboard.account_figures().registrar.refused
}

/// Nothing of a log may help whoever reads it to get in.
fn assert_no_secrets(line: &str, challenge: &str) {
    let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    for secret in [nonce, "secret", "response"] {
        assert!(!line.contains(secret), "{line}");
    }
}

#[test]
fn wrong_credentials_are_told_in_the_same_words_whose_ever_they_are_and_the_log_has_the_account() {
    let mut bench = bench();
    let challenge = challenge(&mut bench);
    assert!(!challenge.contains("Warning"), "a first challenge is no refusal");
    assert_eq!(refused(&bench), 0);
    let mut told = Vec::new();
    for (cseq, name, reason) in [
        (2, "alice", "the password is not that of the agent \"alice\""),
        (3, "branch", "the password is not that of the trunk \"pbx\""),
        (4, "nobody", "no agent and no trunk has an account of that name"),
        (5, "+14155550123", "no agent and no trunk has an account of that name"),
    ] {
        let text = register("alice", 5_062, cseq, &wrong(&challenge, name));
        let lines = log::of(|| bench.receive(phone(5_062), &text));
        told.push(value(&only(&bench.sent(), "401 REGISTER"), "Warning").to_owned());
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let shown = if name.starts_with('+') { "…0123" } else { name };
        let quoted = reason.replace('"', "\\\"");
        for part in
            ["source=198.51.100.5:5062", "REGISTER", &format!("account={shown}"), "status=401", "remedy="]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(line.contains(reason) || line.contains(&quoted), "{line}");
        assert_no_secrets(line, &challenge);
    }
    assert_eq!(told[0], "399 cordboard.example \"the user name or the password is wrong\"");
    told.dedup();
    assert_eq!((told.len(), refused(&bench)), (1, 4));
}

#[test]
fn credentials_of_another_realm_leave_a_trace_and_those_without_a_challenge_of_ours_are_not_looked_at() {
    let mut bench = bench();
    let challenge = challenge(&mut bench);
    let of_realm = wrong(&challenge, "alice").replace("realm=\"cordboard.example\"", "realm=\"asterisk\"");
    let elsewhere = SocketAddr::from(([198, 51, 100, 6], 5_062));
    for (cseq, source, line, told) in [
        (3, phone(5_062), of_realm, "the credentials are none for the realm cordboard.example"),
        (
            4,
            elsewhere,
            "Authorization: Digest of=nobody\n".to_owned(),
            "the credentials are none for the realm cordboard.example",
        ),
    ] {
        let lines = log::of(|| bench.receive(source, &register("alice", 5_062, cseq, &line)));
        let warning = value(&only(&bench.sent(), "401 REGISTER"), "Warning").to_owned();
        assert_eq!(warning, format!("399 cordboard.example \"{told}\""));
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
    assert_eq!(refused(&bench), 2);
    // A nonce of another host tells nobody whether the password is right.
    let lines =
        log::of(|| bench.receive(elsewhere, &register("alice", 5_062, 2, &wrong(&challenge, "alice"))));
    assert!(!only(&bench.sent(), "401 REGISTER").contains("Warning"));
    assert_eq!((lines.len(), refused(&bench)), (0, 2));
    // A nonce that is too old is no mistake of anybody's.
    let right = authorization(&challenge, "alice", "REGISTER", URI);
    bench.pass(301_000);
    let lines = log::of(|| bench.receive(phone(5_062), &register("alice", 5_062, 5, &right)));
    assert!(!only(&bench.sent(), "401 REGISTER").contains("Warning"));
    assert_eq!((lines.len(), refused(&bench)), (0, 2));
}

#[test]
fn a_lock_out_says_for_how_long_and_the_log_of_which_account() {
    let mut bench = bench();
    let challenge = challenge(&mut bench);
    let right = authorization(&challenge, "alice", "REGISTER", URI);
    for n in 0..10 {
        bench.receive(phone(5_062), &register("alice", 5_062, 2 + n, &wrong(&challenge, "alice")));
    }
    bench.pass(20_000);
    bench.sent();
    let lines = log::of(|| bench.receive(phone(5_062), &register("alice", 5_062, 20, &right)));
    let answer = only(&bench.sent(), "403 REGISTER");
    assert_eq!(value(&answer, "Retry-After"), "40");
    assert!(value(&answer, "Warning").contains("too many wrong passwords for that user name"), "{answer}");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["account=alice", "status=403", "remedy="] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_no_secrets(line, &challenge);
    assert_eq!(refused(&bench), 11);
    bench.pass(40_000);
    bench.receive(phone(5_062), &register("alice", 5_062, 21, &right));
    only(&bench.sent(), "200 REGISTER");
}

#[test]
fn a_host_that_is_banned_now_is_told_to_come_back_when_the_ban_ends() {
    let mut bench = bench();
    let challenge = challenge(&mut bench);
    for n in 0..60 {
        let name = format!("user{}", n % 10);
        bench.receive(phone(5_062), &register("alice", 5_062, 2 + n, &wrong(&challenge, &name)));
    }
    bench.sent();
    bench.receive(phone(5_062), &register("alice", 5_062, 100, &wrong(&challenge, "alice")));
    let answer = only(&bench.sent(), "403 REGISTER");
    assert_eq!(value(&answer, "Retry-After"), "3600");
    assert!(value(&answer, "Warning").contains("too many wrong passwords from that address"), "{answer}");
}

#[test]
fn a_flood_of_wrong_passwords_fills_no_log() {
    let mut bench = bench();
    let challenge = challenge(&mut bench);
    let lines = log::of(|| {
        for n in 0..50 {
            let name = format!("user{}", n % 10);
            bench.receive(phone(5_062), &register("alice", 5_062, 2 + n, &wrong(&challenge, &name)));
        }
    });
    assert!((1..=11).contains(&lines.len()), "{}", lines.len());
}

#[test]
fn a_call_with_wrong_credentials_is_told_so_and_logged_with_the_account() {
    let mut bench = bench();
    bench.receive(phone(5_070), &knocking(1, ""));
    let challenge = only(&bench.sent(), "401 INVITE");
    assert!(!challenge.contains("Warning"));
    let uri = format!("sip:{GREETED}@192.0.2.1");
    let right = authorization(&challenge, "branch", "INVITE", &uri);
    let lines = log::of(|| {
        bench.receive(phone(5_070), &knocking(2, &right.replace("response=\"", "response=\"0")));
    });
    let answer = only(&bench.sent(), "401 INVITE");
    assert!(value(&answer, "Warning").contains("the user name or the password is wrong"), "{answer}");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["INVITE", "account=branch", "status=401", "remedy="] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_no_secrets(line, &challenge);
    assert_eq!(refused(&bench), 0, "it is no registration");
}

#[test]
fn a_trunk_that_shows_the_credentials_of_another_is_told_so() {
    let mut bench = Bench::new();
    bench.handle(changed(|snapshot| {
        (snapshot.trunks[0].login, snapshot.trunks[0].authenticate) = (login("carrier"), true);
    }));
    bench.receive(caller(), &invite(GREETED));
    let challenge = only(&bench.sent(), "401 INVITE");
    let line = authorization(&challenge, "alice", "INVITE", &format!("sip:{GREETED}@192.0.2.1"));
    let again = invite(GREETED).replace("INVITE1", "i2").replace("CSeq: 1", "CSeq: 2");
    let lines = log::of(|| {
        bench.receive(caller(), &again.replace("Max-Forwards", &format!("{line}Max-Forwards")));
    });
    let answer = only(&bench.sent(), "403 INVITE");
    assert!(value(&answer, "Warning").contains("credentials of another"), "{answer}");
    assert_eq!(value(&answer, "Reason"), "Q.850;cause=21");
    assert!(lines.iter().any(|line| line.contains("account=alice")), "{lines:?}");
}

#[test]
fn a_registration_that_is_refused_for_what_it_asks_says_why() {
    let mut bench = bench();
    for (name, change, code, why) in [
        (
            "alice",
            ("Contact: ", "Expires: 5\nContact: "),
            423,
            "a registration of 5 s is too short: 60 s or more",
        ),
        (
            "branch",
            ("Max-Forwards", "Max-Forwards"),
            403,
            "the credentials are not those of the address in To",
        ),
        ("alice", ("Contact: ", "Contact: *\nContact: "), 400, "a Contact of * stands alone"),
        ("alice", ("x5062>", "x5062>;q=7"), 400, "a Contact cannot be read"),
    ] {
        let challenge = challenge(&mut bench);
        let before = refused(&bench);
        let line = authorization(&challenge, name, "REGISTER", URI);
        let text = register("alice", 5_062, 2, &line).replace(change.0, change.1);
        let lines = log::of(|| bench.receive(phone(5_062), &text));
        let answer = only(&bench.sent(), &format!("{code} REGISTER"));
        assert!(value(&answer, "Warning").contains(why), "{answer}");
        let is_said = |line: &String| line.contains(why) && line.contains(&format!("account={name}"));
        assert!(lines.iter().any(is_said), "{lines:?}");
        assert_eq!(refused(&bench), before + 1);
        bench.pass(40_000);
    }
}
