use super::*;
use crate::sip::digest::credentials::Protection;

const REALM: &str = "cordboard.example";
const URI: &str = "sip:cordboard.example";

struct Bench {
    authority: Authority,
    now: Instant,
    source: IpAddr,
    password: Password,
}

/// What becomes of a claim, in a word.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Proven { .. } => "proven",
        Verdict::Locked { host: false, .. } => "locked",
        Verdict::Locked { host: true, .. } => "host locked",
        Verdict::Wrong { .. } => "wrong",
        Verdict::Challenge(values) if values[0].contains("stale=true") => "stale",
        Verdict::Challenge(_) => "challenge",
    }
}

impl Bench {
    fn new() -> Self {
        Bench {
            authority: Authority::new(REALM, vec![Hash::Sha256, Hash::Md5], &mut Random::from_seed(1)),
            now: Instant::from_millis(5_000),
            source: "192.0.2.7".parse().unwrap(),
            password: Password::new("secret"),
        }
    }

    fn verify(&mut self, value: Option<&str>) -> Verdict {
        let uri = SipUri::parse(URI).unwrap();
        let values: Vec<&str> = value.into_iter().collect();
        let claim =
            Claim { method: "REGISTER", uri: &uri, values: &values, source: self.source, refreshes: None };
        let password = &self.password;
        self.authority.verify(self.now, &claim, |name| (name == "bob").then_some(password))
    }

    /// The challenges of a first request, MD5's last.
    fn challenge(&mut self) -> Challenge {
        let Verdict::Challenge(values) = self.verify(None) else { panic!("a challenge") };
        let read: Vec<_> = values.iter().flat_map(|value| Challenge::read_all(value)).collect();
        assert_eq!(read.iter().map(|c| c.algorithm.as_str()).collect::<Vec<_>>(), ["SHA-256", "MD5"]);
        read.into_iter().last().unwrap()
    }
}

/// The answer of a peer to a challenge.
fn answer(
    challenge: &Challenge,
    nc: Option<u32>,
    password: &str,
    change: impl Fn(&mut Credentials),
) -> String {
    let mut credentials = Credentials {
        username: "bob".into(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: URI.into(),
        response: String::new(),
        algorithm: challenge.algorithm,
        opaque: challenge.opaque.clone(),
        protection: nc.map(|nc| Protection { qop: Qop::Auth, nc, cnonce: "c".into() }),
        has_userhash: false,
    };
    change(&mut credentials);
    let nc = nc.map(|nc| format!("{nc:08x}"));
    let input = Input {
        algorithm: credentials.algorithm,
        username: &credentials.username,
        realm: &credentials.realm,
        nonce: &credentials.nonce,
        cnonce: if nc.is_some() { "c" } else { "" },
        nc: nc.as_deref(),
        method: "REGISTER",
        uri: &credentials.uri,
    };
    credentials.response = response(&input, &Password::new(password)).to_uppercase();
    credentials.write()
}

#[test]
fn the_right_password_is_proven_and_each_count_once() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    for (nc, expected) in [
        (1, "proven"),
        (1, "stale"),
        (3, "proven"),
        (2, "proven"),
        (2, "stale"),
        (100, "proven"),
        (30, "stale"),
    ] {
        let verdict = bench.verify(Some(&answer(&challenge, Some(nc), "secret", |_| {})));
        assert_eq!(word(&verdict), expected, "nc {nc}");
    }
    let sha = Algorithm { hash: Hash::Sha256, is_session: false };
    let again = answer(&challenge, Some(101), "secret", |c| c.algorithm = sha);
    assert_eq!(bench.verify(Some(&again)), Verdict::Proven { username: "bob".into() });
}

#[test]
fn without_qop_a_nonce_serves_once() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    let first = answer(&challenge, None, "secret", |_| {});
    assert_eq!(word(&bench.verify(Some(&first))), "proven");
    assert_eq!(word(&bench.verify(Some(&first))), "stale");
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "stale");
}

#[test]
fn what_is_wrong_in_any_way_gets_the_same_answer_as_an_unknown_name() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    type Change<'a> = (Fault, &'a dyn Fn(&mut Credentials));
    let wrong: [Change<'_>; 6] = [
        (Fault::Name, &|c| c.username = "carol".into()),
        (Fault::Form, &|c| c.uri = "sip:elsewhere.example".into()),
        (Fault::Form, &|c| c.opaque = Some("x".into())),
        (Fault::Form, &|c| c.algorithm = Algorithm { hash: Hash::Md5, is_session: true }),
        (Fault::Form, &|c| c.protection.as_mut().unwrap().qop = Qop::AuthInt),
        (Fault::Realm, &|c| c.realm = "other".into()),
    ];
    let fault_of = |verdict: Verdict| match verdict {
        Verdict::Wrong { fault, challenges, .. } if challenges.len() == 2 => fault,
        other => panic!("{other:?}"),
    };
    for (fault, change) in wrong {
        let verdict = bench.verify(Some(&answer(&challenge, Some(1), "secret", change)));
        assert_eq!(fault_of(verdict), fault);
    }
    let guess = answer(&challenge, Some(1), "guess", |_| {});
    assert_eq!(fault_of(bench.verify(Some(&guess))), Fault::Password);
    assert_eq!(fault_of(bench.verify(Some("Digest garbage"))), Fault::Realm);
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
}

#[test]
fn a_uri_that_is_the_same_in_other_words_is_taken() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    let value = answer(&challenge, Some(1), "secret", |c| c.uri = "sip:CORDBOARD.example".into());
    assert_eq!(word(&bench.verify(Some(&value))), "proven");
}

#[test]
fn an_old_a_foreign_and_a_strangers_nonce_are_stale_whatever_the_password() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    bench.now += NONCE_TIME_MAX;
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
    bench.now += Duration::from_millis(1);
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(2), "secret", |_| {})))), "stale");
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(2), "guess", |_| {})))), "stale");
    let challenge = bench.challenge();
    let foreign = |c: &mut Credentials| c.nonce = "of another run".into();
    for password in ["secret", "guess"] {
        assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), password, foreign)))), "stale");
    }
    bench.source = "192.0.2.8".parse().unwrap();
    for password in ["secret", "guess"] {
        assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), password, |_| {})))), "stale");
    }
}

#[test]
fn many_wrong_passwords_lock_the_name_of_a_host_then_the_host_and_no_first_401_does() {
    let mut bench = Bench::new();
    for _ in 0..500 {
        assert_eq!(word(&bench.verify(None)), "challenge");
    }
    let challenge = bench.challenge();
    let guess = answer(&challenge, Some(1), "guess", |_| {});
    let tried = (0..100).take_while(|_| word(&bench.verify(Some(&guess))) == "wrong").count();
    assert_eq!(tried, FAILURES_OF_NAME as usize);
    let right = answer(&challenge, Some(2), "secret", |_| {});
    assert_eq!(word(&bench.verify(Some(&right))), "locked");
    let others = (0..1_000).take_while(|n| {
        let value = answer(&challenge, Some(1), "guess", |c| c.username = format!("u{n}"));
        word(&bench.verify(Some(&value))) == "wrong"
    });
    assert_eq!(others.count(), (FAILURES_OF_SOURCE - FAILURES_OF_NAME) as usize);
    bench.source = "192.0.2.8".parse().unwrap();
    let challenge = bench.challenge();
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
    bench.source = "192.0.2.7".parse().unwrap();
    bench.now += FAILURE_INTERVAL * 2;
    let challenge = bench.challenge();
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
}

#[test]
fn a_network_that_is_forgiven_begins_anew_and_others_do_not() {
    let mut bench = Bench::new();
    let lock = |bench: &mut Bench, source: &str| {
        bench.source = source.parse().unwrap();
        let challenge = bench.challenge();
        let guess = answer(&challenge, Some(1), "guess", |_| {});
        (0..100).take_while(|_| word(&bench.verify(Some(&guess))) == "wrong").count()
    };
    assert_eq!((lock(&mut bench, "2001:db8::7"), lock(&mut bench, "192.0.2.8")), (10, 10));
    bench.authority.forgive(Network::of("2001:db8::1".parse().unwrap()));
    assert_eq!((lock(&mut bench, "2001:db8::7"), lock(&mut bench, "192.0.2.8")), (10, 0));
}

#[test]
fn guesses_without_a_nonce_of_ours_lock_nobody_out_and_learn_nothing() {
    let mut bench = Bench::new();
    let challenge = bench.challenge();
    for password in ["guess", "secret"] {
        for _ in 0..500 {
            let forged = answer(&challenge, Some(1), password, |c| c.nonce = "forged".into());
            assert_eq!(word(&bench.verify(Some(&forged))), "stale", "{password}");
        }
    }
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
}

#[test]
fn whoever_guesses_from_ever_new_addresses_of_one_line_is_locked_out() {
    let mut bench = Bench::new();
    let tried = (0..1_000u16).take_while(|n| {
        bench.source = format!("2001:db8::{n:x}").parse().unwrap();
        let challenge = bench.challenge();
        let guess = answer(&challenge, Some(1), "guess", |c| c.username = format!("u{n}"));
        word(&bench.verify(Some(&guess))) == "wrong"
    });
    assert_eq!(tried.count(), FAILURES_OF_SOURCE as usize);
    bench.source = "2001:db8:0:1::1".parse().unwrap();
    let challenge = bench.challenge();
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
}

#[test]
fn a_nonce_that_is_too_old_locks_nobody_out() {
    let mut bench = Bench::new();
    let old = bench.challenge();
    bench.now += NONCE_TIME_MAX + Duration::from_millis(1);
    for _ in 0..500 {
        assert_eq!(word(&bench.verify(Some(&answer(&old, Some(1), "guess", |_| {})))), "stale");
    }
    let challenge = bench.challenge();
    assert_eq!(word(&bench.verify(Some(&answer(&challenge, Some(1), "secret", |_| {})))), "proven");
}

#[test]
fn the_counts_of_nonces_are_bounded_and_what_is_forgotten_is_stale() {
    let mut bench = Bench::new();
    let first = bench.challenge();
    assert_eq!(word(&bench.verify(Some(&answer(&first, Some(1), "secret", |_| {})))), "proven");
    for n in 0..NONCES_MAX as u64 {
        bench.authority.use_up(bench.now, (bench.now, 10 + n), Some(1));
    }
    assert_eq!(bench.authority.used.len(), NONCES_MAX);
    assert_eq!(word(&bench.verify(Some(&answer(&first, Some(2), "secret", |_| {})))), "stale");
}
