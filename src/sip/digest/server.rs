//! Challenging others, and checking what they bring.
//!
//! A nonce says when it was made and for which host, under a key of this run: nothing is kept until it was used with the
//! right password, and then only which of its counts were seen.

use super::challenge::Challenge;
use super::credentials::Credentials;
use super::hash::{Algorithm, Hash, Input, Qop, response};
use super::{Password, is_same};
use crate::clock::{Budget, Instant};
use crate::ids::{Random, hex};
use crate::sip::bans::Network;
use crate::sip::message::SipUri;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// How long a nonce serves. Phones register each minute to each hour: the frequent ones keep theirs, and a captured one is
/// worth little.
const NONCE_TIME_MAX: Duration = Duration::from_secs(300);
/// Nonces whose counts are remembered, some 100 bytes each. Where more are in use, the oldest are made stale, which costs
/// their phones one more request.
const NONCES_MAX: usize = 32 * 1024;
/// Wrong passwords of one host before it has to wait: an office behind one address with a few phones set up wrongly stays
/// below, and 30 guesses a day more find no password. Of IPv6 a host is the network of one line, which has addresses enough for
/// a new one with each guess.
const FAILURES_OF_SOURCE: u64 = 60;
/// Wrong passwords for one name from one host. A phone that is set up wrongly is locked out before its office is.
const FAILURES_OF_NAME: u64 = 10;
/// After so long one more guess is free.
const FAILURE_INTERVAL: Duration = Duration::from_secs(60);
/// Hosts, and names of a host, whose failures are counted. Each has shown that it gets our answers; a botnet with more pays
/// for its history being forgotten with a challenge for each guess.
const FAILED_MAX: usize = 8 * 1024;

/// Who we are to those who have to say who they are.
pub struct Authority {
    realm: String,
    /// Algorithms, the preferred first (RFC 8760 2.4).
    offered: Vec<Hash>,
    opaque: String,
    key: [u8; 32],
    /// Nobody's: what a request for an unknown name is computed with, so that it takes as long.
    decoy: Password,
    last_serial: u64,
    /// Counts that were seen, by nonce.
    used: BTreeMap<Stamp, Window>,
    /// Nonces up to this one are stale: their counts were forgotten.
    floor: Option<Stamp>,
    failures: HashMap<(Network, Box<str>), Budget>,
    counters: Counters,
}

/// What happened since the start. Each field only grows.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counters {
    pub challenged: u64,
    pub proven: u64,
    /// A wrong password or an unknown name.
    pub failed: u64,
    /// Not looked at, with a nonce that was too old or not of this run; or right, with a count that was seen before.
    pub stale: u64,
    /// Not looked at, after too many failures.
    pub locked: u64,
}

/// When a nonce was made, and which it was.
type Stamp = (Instant, u64);

/// A request that is to be checked.
pub struct Claim<'a> {
    pub method: &'a str,
    /// The Request-URI as it came.
    pub uri: &'a SipUri,
    /// The values of Authorization.
    pub values: &'a [&'a str],
    pub source: IpAddr,
    /// The name whose registration it refreshes with what only the telephone that made it knows.
    pub refreshes: Option<&'a str>,
}

/// What a claim is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It comes from one who knows the password of that name.
    Proven { username: String },
    /// 401 with these values of WWW-Authenticate: it brought nothing yet, or has to bring it for another nonce.
    Challenge(Vec<String>),
    /// The same, since what it brought is wrong. The name is as it came.
    Wrong { username: String, fault: Fault, challenges: Vec<String> },
    /// Too many wrong passwords came for that name from that host, or, where `host` says so, from it for many: nothing was
    /// looked at. 403. After the wait one more is.
    Locked { username: String, host: bool, wait: Duration },
}

/// What is wrong with credentials: for the log alone, as it tells which names there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// None are for our realm, in a form that can be read.
    Realm,
    /// Nobody has that name.
    Name,
    Password,
    /// An algorithm or a protection that was not offered, or made for another resource.
    Form,
}

impl Authority {
    pub fn new(realm: &str, offered: Vec<Hash>, random: &mut Random) -> Self {
        let mut key = [0; 32];
        for chunk in key.chunks_mut(8) {
            chunk.copy_from_slice(&random.next_u64().to_le_bytes());
        }
        Authority {
            realm: realm.to_owned(),
            offered,
            opaque: random.token::<16>(),
            key,
            decoy: Password::new(&random.token::<24>()),
            last_serial: 0,
            used: BTreeMap::new(),
            floor: None,
            failures: HashMap::new(),
            counters: Counters::default(),
        }
    }

    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether a value of Authorization answers a challenge of this run to that host, rightly or wrongly.
    pub fn has_challenged(&self, value: &str, source: IpAddr) -> bool {
        Credentials::read(value).is_some_and(|read| self.stamp_of(&read.nonce, source).is_some())
    }

    /// Checks a request. Names that `password_of` does not know fare as wrong passwords do, in the same time.
    pub fn verify<'p>(
        &mut self,
        now: Instant,
        claim: &Claim<'_>,
        password_of: impl Fn(&str) -> Option<&'p Password>,
    ) -> Verdict {
        let mut read: Vec<Credentials> =
            claim.values.iter().filter_map(|value| Credentials::read(value)).collect();
        let Some(at) = read.iter().position(|credentials| credentials.realm == self.realm) else {
            let challenges = self.challenges(now, claim.source, false);
            if claim.values.is_empty() {
                return Verdict::Challenge(challenges);
            }
            let username = read.pop().map(|credentials| credentials.username).unwrap_or_default();
            return Verdict::Wrong { username, fault: Fault::Realm, challenges };
        };
        let credentials = read.swap_remove(at);
        let of_host = self.wait(now, claim.source, "", FAILURES_OF_SOURCE);
        let of_name = self.wait(now, claim.source, &credentials.username, FAILURES_OF_NAME);
        let (host, wait) = (!of_host.is_zero(), of_host.max(of_name));
        // Others guess from the same office, or through the same proxy: whoever was in before stays.
        if !wait.is_zero() && claim.refreshes != Some(&*credentials.username) {
            self.counters.locked += 1;
            return Verdict::Locked { username: credentials.username, host, wait };
        }
        // Whoever has no nonce of ours may have forged its address, and shall lock nobody out. So its password is not looked
        // at: the answer would tell whether it is right, and no number of guesses would be too many.
        let Some(stamp) = self.fresh_stamp_of(now, &credentials.nonce, claim.source) else {
            self.counters.stale += 1;
            return Verdict::Challenge(self.challenges(now, claim.source, true));
        };
        if let Some(fault) = self.fault(claim, &credentials, &password_of) {
            self.counters.failed += 1;
            self.note_failure(now, claim.source, &credentials.username);
            let challenges = self.challenges(now, claim.source, false);
            return Verdict::Wrong { username: credentials.username, fault, challenges };
        }
        let count = credentials.protection.as_ref().map(|protection| protection.nc);
        if !self.use_up(now, stamp, count) {
            self.counters.stale += 1;
            return Verdict::Challenge(self.challenges(now, claim.source, true));
        }
        self.counters.proven += 1;
        Verdict::Proven { username: credentials.username }
    }

    /// Forgets the wrong passwords of a network, for whatever names.
    pub fn forgive(&mut self, network: Network) {
        self.failures.retain(|(of, _), _| *of != network);
    }

    /// What is wrong with an answer; nothing where it is that of one who knows the password, for this request and in a way
    /// that was offered. All of it is looked at whatever is wrong, so that it takes as long.
    fn fault<'p>(
        &self,
        claim: &Claim<'_>,
        credentials: &Credentials,
        password_of: &impl Fn(&str) -> Option<&'p Password>,
    ) -> Option<Fault> {
        let known = password_of(&credentials.username);
        let protection = credentials.protection.as_ref();
        let nc = protection.map(|protection| format!("{:08x}", protection.nc));
        let expected = response(
            &Input {
                algorithm: credentials.algorithm,
                username: &credentials.username,
                realm: &self.realm,
                nonce: &credentials.nonce,
                cnonce: protection.map_or("", |protection| &protection.cnonce),
                nc: nc.as_deref(),
                method: claim.method,
                uri: &credentials.uri,
            },
            known.unwrap_or(&self.decoy),
        );
        let is_password = is_same(&expected, &credentials.response.to_ascii_lowercase());
        let is_offered = self.offered.contains(&credentials.algorithm.hash)
            && !credentials.algorithm.is_session
            && !credentials.has_userhash
            && protection.is_none_or(|protection| protection.qop == Qop::Auth);
        let is_opaque = credentials.opaque.as_deref().is_none_or(|opaque| opaque == self.opaque);
        // One that was made for another resource is somebody else's (RFC 7616 3.4.6).
        let is_for_this = credentials.uri == claim.uri.as_str()
            || SipUri::parse(&credentials.uri).is_some_and(|uri| uri == *claim.uri);
        let is_form = is_offered & is_opaque & is_for_this;
        match (known.is_some(), is_form, is_password) {
            (true, true, true) => None,
            (false, ..) => Some(Fault::Name),
            (true, false, _) => Some(Fault::Form),
            (true, true, false) => Some(Fault::Password),
        }
    }

    /// Notes that a count of a nonce was used. False where it was before, or is too far behind to tell. Without `qop` there is
    /// no count, and the nonce serves once.
    fn use_up(&mut self, now: Instant, stamp: Stamp, count: Option<u32>) -> bool {
        let is_fresh = match self.used.get_mut(&stamp) {
            Some(window) => count.is_some_and(|count| window.take(count)),
            None => {
                let mut window = Window::default();
                // After one without a count none is taken.
                window.take(count.unwrap_or(u32::MAX));
                self.used.insert(stamp, window);
                true
            }
        };
        while let Some((&oldest, _)) = self.used.first_key_value() {
            let is_old = now - oldest.0 > NONCE_TIME_MAX;
            if !is_old && self.used.len() <= NONCES_MAX {
                break;
            }
            self.used.pop_first();
            self.floor = self.floor.max(Some(oldest));
        }
        is_fresh
    }

    fn challenges(&mut self, now: Instant, source: IpAddr, is_stale: bool) -> Vec<String> {
        self.counters.challenged += 1;
        self.last_serial += 1;
        let nonce = self.nonce((now, self.last_serial), source);
        let one = |hash: &Hash| {
            let algorithm = Algorithm { hash: *hash, is_session: false };
            let (realm, nonce) = (self.realm.clone(), nonce.clone());
            let (opaque, qop) = (Some(self.opaque.clone()), vec![Qop::Auth]);
            Challenge { realm, nonce, opaque, is_stale, algorithm, qop }.write()
        };
        self.offered.iter().map(one).collect()
    }

    /// Time, number, and the seal over both and the host they are for.
    fn nonce(&self, (made, serial): Stamp, source: IpAddr) -> String {
        let mut text = format!("{:016x}{serial:016x}", made.as_micros());
        let seal = self.seal(&text, source);
        text.push_str(&seal);
        text
    }

    fn seal(&self, text: &str, source: IpAddr) -> String {
        // A key of any length serves.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(text.as_bytes());
        mac.update(source.to_canonical().to_string().as_bytes());
        let seal = mac.finalize().into_bytes();
        hex(seal.get(..16).unwrap_or_default())
    }

    /// When a nonce of ours for that host was made; none where it is not ours.
    fn stamp_of(&self, nonce: &str, source: IpAddr) -> Option<Stamp> {
        let (text, seal) = nonce.split_at_checked(32)?;
        if seal.is_empty() || !is_same(&self.seal(text, source), seal) {
            return None;
        }
        let (made, serial) = text.split_at_checked(16)?;
        let made = u64::from_str_radix(made, 16).ok()?;
        Some((Instant::from_micros(made), u64::from_str_radix(serial, 16).ok()?))
    }

    /// The same, where it still serves.
    fn fresh_stamp_of(&self, now: Instant, nonce: &str, source: IpAddr) -> Option<Stamp> {
        let stamp = self.stamp_of(nonce, source)?;
        (now - stamp.0 <= NONCE_TIME_MAX && Some(stamp) > self.floor).then_some(stamp)
    }

    /// How long until one more failure for a name, or for whatever name where it is empty, would not be one too many.
    fn wait(&self, now: Instant, source: IpAddr, name: &str, most: u64) -> Duration {
        let budget = self.failures.get(&(Network::of(source), name.into()));
        budget.map_or(Duration::ZERO, |budget| budget.wait(now, burst(most)))
    }

    fn note_failure(&mut self, now: Instant, source: IpAddr, name: &str) {
        if self.failures.len() + 2 > FAILED_MAX {
            self.failures.clear();
        }
        for (name, most) in [("", FAILURES_OF_SOURCE), (name, FAILURES_OF_NAME)] {
            let budget = self.failures.entry((Network::of(source), name.into())).or_default();
            budget.allows(now, FAILURE_INTERVAL, burst(most));
        }
    }
}

/// So many at once, the first of which uses nothing ahead.
fn burst(most: u64) -> Duration {
    FAILURE_INTERVAL * (most - 1) as u32
}

/// Which counts of a nonce were seen: the highest, and which of the 63 below it. Requests that were sent one after the other
/// may come in another order.
#[derive(Clone, Copy, Default, Debug)]
struct Window {
    highest: u32,
    /// Bit 0 is the highest itself.
    seen: u64,
}

impl Window {
    /// Whether this count was not there before, and is not too far behind to tell.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let bit = 1u64.checked_shl(behind).unwrap_or(0);
        let is_new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests;
