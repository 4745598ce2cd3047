//! Answering those who challenge us: only for the realm that the account is for, with the strongest algorithm they offer.

use super::Password;
use super::challenge::Challenge;
use super::credentials::{Credentials, Protection};
use super::hash::{Input, Qop, response};
use crate::ids::Random;
use ipnet::IpNet;
use std::fmt;

/// Requests that one request of ours may become: with a kept nonce, with a new one, and once more where that was stale at
/// once. A peer that calls each nonce stale gets no fourth.
const TRIES_MAX: u8 = 3;

/// An account with a peer.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is, such as the id of a trunk: what is learned of the peer is kept under that name.
    pub owner: Box<str>,
    pub username: Box<str>,
    pub password: Password,
    /// The realm that it is for. Where none is given, it is the first that the peer names, until it is changed: a challenge of
    /// whoever sits behind the peer is not answered then.
    pub realm: Option<Box<str>>,
    /// Where the peer is beside the host that it is dialled at.
    pub hosts: Vec<IpNet>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account of {:?}", self.owner)
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    #[error("the peer's challenge is for another realm than the account's")]
    OtherRealm,
    #[error("the peer offers no digest that this server can answer")]
    NothingAnswerable,
    #[error("credentials rejected: the peer refused the user name or the password")]
    Rejected,
}

/// What is known of a peer that challenges: its last challenge, and how often it was answered.
#[derive(Debug)]
pub struct Session {
    realm: Option<Box<str>>,
    last: Option<Answering>,
}

#[derive(Debug)]
struct Answering {
    challenge: Challenge,
    /// Whether a proxy asked, so that the answer has the name of its header.
    by_proxy: bool,
    /// The same for all answers to one nonce: `-sess` wants that (RFC 7616 3.4.2).
    cnonce: String,
    count: u32,
}

/// How far one request of ours has come.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    tries: u8,
    /// What it was last sent with.
    sent: Option<Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    nonce: String,
    /// The nonce came in answer to this very request, and was not kept from one before.
    is_fresh: bool,
    by_proxy: bool,
}

impl Session {
    pub fn new(account: &Account) -> Self {
        Session { realm: account.realm.clone(), last: None }
    }

    /// The realm, as it was given or learned.
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Credentials for a request by what is known already: name and value of a header. None before the first challenge.
    pub fn authorize(
        &mut self,
        account: &Account,
        attempt: &mut Attempt,
        method: &str,
        uri: &str,
    ) -> Option<(&'static str, String)> {
        self.answer(account, attempt, method, uri, false)
    }

    /// Takes a 401 or 407 in: `values` are those of WWW-Authenticate (`by_proxy` false) or Proxy-Authenticate. Where it may
    /// be answered, gives the header of the request that is sent next.
    #[expect(clippy::too_many_arguments, reason = "the parts of a challenge and of a request")]
    pub fn on_challenge<'v>(
        &mut self,
        account: &Account,
        attempt: &mut Attempt,
        by_proxy: bool,
        values: impl Iterator<Item = &'v str>,
        method: &str,
        uri: &str,
        random: &mut Random,
    ) -> Result<(&'static str, String), Rejection> {
        let all: Vec<Challenge> = values.flat_map(Challenge::read_all).collect();
        let answerable: Vec<Challenge> = all.into_iter().filter(Challenge::is_answerable).collect();
        if answerable.is_empty() {
            return Err(Rejection::NothingAnswerable);
        }
        let realm = self.realm.clone().unwrap_or_else(|| answerable[0].realm.as_str().into());
        // The first of the strongest: the peer's order is its preference.
        let ours = answerable.into_iter().filter(|challenge| *challenge.realm == *realm);
        let best =
            ours.reduce(|best, other| if other.algorithm.hash > best.algorithm.hash { other } else { best });
        let challenge = best.ok_or(Rejection::OtherRealm)?;
        let is_refused = match &attempt.sent {
            None => false,
            // A peer that is registrar and proxy may have one nonce for both (kamailio has one a second), and has not looked at
            // what was said in the other header.
            Some(sent) if !sent.is_fresh && sent.by_proxy != by_proxy => false,
            // A kept nonce may have aged, and not every registrar says `stale`.
            Some(Sent { nonce, is_fresh: false, .. }) => *nonce == challenge.nonce && !challenge.is_stale,
            Some(Sent { nonce, .. }) => *nonce == challenge.nonce || !challenge.is_stale,
        };
        if is_refused || attempt.tries >= TRIES_MAX {
            self.last = None;
            return Err(Rejection::Rejected);
        }
        self.realm = Some(realm);
        // The count of a nonce rises whatever header it is answered in (RFC 7616 section 3.4).
        let known = self.last.take().filter(|last| last.challenge.nonce == challenge.nonce);
        let (cnonce, count) = match known {
            Some(last) => (last.cnonce, last.count),
            None => (random.token::<16>(), 0),
        };
        self.last = Some(Answering { challenge, by_proxy, cnonce, count });
        self.answer(account, attempt, method, uri, true).ok_or(Rejection::NothingAnswerable)
    }

    fn answer(
        &mut self,
        account: &Account,
        attempt: &mut Attempt,
        method: &str,
        uri: &str,
        is_fresh: bool,
    ) -> Option<(&'static str, String)> {
        let Answering { challenge, by_proxy, cnonce, count } = self.last.as_mut()?;
        *count = count.checked_add(1)?;
        let protection = challenge.qop.contains(&Qop::Auth).then(|| Protection {
            qop: Qop::Auth,
            nc: *count,
            cnonce: cnonce.clone(),
        });
        let nc = protection.as_ref().map(|protection| format!("{:08x}", protection.nc));
        let input = Input {
            algorithm: challenge.algorithm,
            username: &account.username,
            realm: &challenge.realm,
            nonce: &challenge.nonce,
            cnonce,
            nc: nc.as_deref(),
            method,
            uri,
        };
        let credentials = Credentials {
            username: account.username.to_string(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: uri.to_owned(),
            response: response(&input, &account.password),
            algorithm: challenge.algorithm,
            opaque: challenge.opaque.clone(),
            protection,
            has_userhash: false,
        };
        attempt.tries += 1;
        attempt.sent = Some(Sent { nonce: challenge.nonce.clone(), is_fresh, by_proxy: *by_proxy });
        let header = if *by_proxy { "Proxy-Authorization" } else { "Authorization" };
        // Without a count a nonce serves once, as far as we know.
        if nc.is_none() {
            self.last = None;
        }
        Some((header, credentials.write()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(realm: Option<&str>) -> Account {
        Account {
            owner: "carrier".into(),
            username: "bob".into(),
            password: Password::new("secret"),
            realm: realm.map(Box::from),
            hosts: Vec::new(),
        }
    }

    struct Bench {
        account: Account,
        session: Session,
        attempt: Attempt,
        random: Random,
    }

    impl Bench {
        fn new(realm: Option<&str>) -> Self {
            let account = account(realm);
            let session = Session::new(&account);
            Bench { account, session, attempt: Attempt::default(), random: Random::from_seed(1) }
        }

        /// What is sent in answer to a challenge.
        fn challenged(&mut self, values: &[&str]) -> Result<Credentials, Rejection> {
            self.challenged_by(false, values)
        }

        fn challenged_by(&mut self, proxy: bool, values: &[&str]) -> Result<Credentials, Rejection> {
            let values = values.iter().copied();
            let (session, attempt) = (&mut self.session, &mut self.attempt);
            let answer = session.on_challenge(
                &self.account,
                attempt,
                proxy,
                values,
                "REGISTER",
                "sip:x",
                &mut self.random,
            );
            answer.map(|(_, value)| Credentials::read(&value).unwrap())
        }

        /// A new request: whether it has credentials at once.
        fn next(&mut self) -> Option<Credentials> {
            self.attempt = Attempt::default();
            let sent = self.session.authorize(&self.account, &mut self.attempt, "REGISTER", "sip:x");
            sent.map(|(_, value)| Credentials::read(&value).unwrap())
        }
    }

    fn digest(nonce: &str, more: &str) -> String {
        format!(r#"Digest realm="r", nonce="{nonce}"{more}"#)
    }

    #[test]
    fn the_strongest_algorithm_is_answered_and_the_nonce_used_again_with_rising_counts() {
        let mut bench = Bench::new(None);
        assert_eq!(bench.next(), None);
        let values = [
            digest("m", r#", qop="auth""#),
            digest("s", r#", qop="auth", algorithm=SHA-512-256, opaque="o""#),
            digest("t", r#", qop="auth", algorithm=SHA-256"#),
        ];
        let first = bench.challenged(&values.each_ref().map(String::as_str)).unwrap();
        assert_eq!((first.nonce.as_str(), first.algorithm.as_str()), ("s", "SHA-512-256"));
        let first_protection = first.protection.unwrap();
        assert_eq!((first_protection.nc, first.opaque.as_deref()), (1, Some("o")));
        let second = bench.next().and_then(|credentials| credentials.protection).unwrap();
        assert_eq!((second.nc, &second.cnonce), (2, &first_protection.cnonce));
    }

    #[test]
    fn an_aged_nonce_is_renewed_whether_the_registrar_says_stale_or_not() {
        for more in [", stale=true", ""] {
            let mut bench = Bench::new(None);
            let more = format!(", qop=\"auth\"{more}");
            bench.challenged(&[&digest("1", &more)]).unwrap();
            assert!(bench.next().is_some());
            let renewed = bench.challenged(&[&digest("2", &more)]).unwrap();
            assert_eq!((renewed.nonce.as_str(), renewed.protection.map(|p| p.nc)), ("2", Some(1)));
        }
    }

    #[test]
    fn a_proxy_that_asks_with_the_nonce_of_its_registrar_is_answered_with_the_next_count() {
        let mut bench = Bench::new(None);
        let challenge = digest("1", ", qop=\"auth\"");
        bench.challenged(&[&challenge]).unwrap();
        let kept = bench.next().and_then(|credentials| credentials.protection).unwrap();
        let asked = bench.challenged_by(true, &[&challenge]).unwrap().protection.unwrap();
        assert_eq!((kept.nc, asked.nc, &asked.cnonce), (2, 3, &kept.cnonce));
        assert_eq!(bench.challenged_by(true, &[&challenge]), Err(Rejection::Rejected));
    }

    #[test]
    fn a_second_refusal_means_that_the_credentials_are_wrong() {
        for (second, expected) in [
            (digest("1", ""), Err(Rejection::Rejected)),
            (digest("2", ""), Err(Rejection::Rejected)),
            (digest("1", ", stale=true"), Err(Rejection::Rejected)),
            (digest("2", ", stale=true"), Ok(())),
        ] {
            let mut bench = Bench::new(None);
            bench.challenged(&[&digest("1", "")]).unwrap();
            assert_eq!(bench.challenged(&[&second]).map(|_| ()), expected, "{second}");
        }
        let mut bench = Bench::new(None);
        let stale =
            (1..10).take_while(|n| bench.challenged(&[&digest(&n.to_string(), ", stale=true")]).is_ok());
        assert_eq!(stale.count(), usize::from(TRIES_MAX));
    }

    #[test]
    fn no_other_realm_gets_an_answer_neither_than_the_given_nor_than_the_first() {
        let mut bench = Bench::new(Some("r"));
        let other = r#"Digest realm="callee", nonce="n""#;
        assert_eq!(bench.challenged(&[other]), Err(Rejection::OtherRealm));
        assert!(bench.challenged(&[other, &digest("1", "")]).is_ok_and(|c| c.realm == "r"));
        let mut bench = Bench::new(None);
        assert!(bench.challenged(&[&digest("1", "")]).is_ok());
        assert_eq!(bench.session.realm(), Some("r"));
        bench.attempt = Attempt::default();
        assert_eq!(bench.challenged(&[other]), Err(Rejection::OtherRealm));
    }

    #[test]
    fn what_cannot_be_answered_is_said_and_rfc_2069_is_answered_without_count() {
        let mut bench = Bench::new(None);
        for value in [r#"Basic realm="r""#, r#"Digest realm="r", nonce="n", qop="auth-int""#, ""] {
            assert_eq!(bench.challenged(&[value]), Err(Rejection::NothingAnswerable), "{value}");
        }
        let answer = bench.challenged(&[&digest("1", "")]).unwrap();
        assert_eq!(answer.protection, None);
        assert_eq!(bench.next(), None, "a nonce without count is not used twice");
    }
}
