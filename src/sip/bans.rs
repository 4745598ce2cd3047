//! Who is not answered for a while: hosts that scan, guess passwords or flood. What was seen and the time come in.
//!
//! Anybody can write any source into a datagram, so a ban says whether what it rests on could have been forged. One that could
//! be shuts nobody out who may show who it is, and no stream; `docs/adr/0011-bans.md` has the rule and its reasons.

use crate::clock::Instant;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Bans at one time, some 200 bytes each. Who forges more sources than that has the oldest bans forgotten, and pays for each
/// with the datagrams that it takes.
const BANS_MAX: usize = 4_096;
/// What the log and the API show of a User-Agent.
const USER_AGENT_MAX: usize = 64;
/// Beginnings of the User-Agent of tools that look for servers to abuse, as they come unless somebody changes them.
pub const SCANNERS: [&str; 9] = [
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sipcli",
    "sip-scan",
    "sipscan",
    "sundayddr",
    "pplsip",
    "VaxSIPUserAgent",
];

/// Whom a ban counts for: an address of IPv4, or the network of 64 bits that one line gets of IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Network(IpAddr);

impl Network {
    /// The one that an address is in.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Network(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into()),
            ip => Network(ip),
        }
    }

    /// Its first address, which stands for it.
    pub fn first(self) -> IpAddr {
        self.0
    }

    /// Bits of an address that name it.
    pub fn prefix(self) -> u8 {
        if self.0.is_ipv4() { 32 } else { 64 }
    }
}

/// `192.0.2.7`, or `2001:db8::/64`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => write!(f, "{ip}/64"),
        }
    }
}

/// What a host is banned for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offence {
    /// Its User-Agent is that of a scanner.
    Scanner,
    /// It brought too many wrong passwords, each with a challenge that it had got from us.
    WrongPasswords,
    /// It sent too much that is no SIP, or that nobody of its address may send.
    Flood,
}

impl Offence {
    pub const ALL: [Offence; 3] = [Offence::Scanner, Offence::WrongPasswords, Offence::Flood];

    /// For logs, metrics and the API.
    pub fn word(self) -> &'static str {
        match self {
            Offence::Scanner => "scanner",
            Offence::WrongPasswords => "wrong_passwords",
            Offence::Flood => "flood",
        }
    }
}

/// A host that is not answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ban {
    pub network: Network,
    pub offence: Offence,
    /// Why, in a sentence.
    pub reason: String,
    pub since: Instant,
    pub until: Instant,
    /// What it is banned for came from its address, and from nobody who only wrote that into a datagram.
    pub is_proven: bool,
    /// Messages and streams that were turned away since.
    pub turned_away: u64,
}

/// How it is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BanPolicy {
    /// For how long; nobody is banned where it is zero.
    pub time: Duration,
    /// Beginnings of the User-Agent of scanners, whatever the case.
    pub scanners: Vec<String>,
}

impl Default for BanPolicy {
    fn default() -> Self {
        // An hour: scanners look again and again, and whoever is banned by mistake is back the same day.
        BanPolicy {
            time: Duration::from_secs(3_600),
            scanners: SCANNERS.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl BanPolicy {
    /// Why whoever has that User-Agent counts as a scanner.
    pub(super) fn scanner(&self, user_agent: &str) -> Option<String> {
        let begins = |name: &String| {
            user_agent.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        self.scanners.iter().any(begins).then(|| {
            let shown: String = user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX).collect();
            format!("its User-Agent is that of a scanner: {shown}")
        })
    }
}

/// All bans.
#[derive(Debug)]
pub struct Bans {
    pub(super) policy: BanPolicy,
    by_network: HashMap<Network, Ban>,
    by_end: BTreeSet<(Instant, Network)>,
    /// Since the start, by [`Offence`].
    totals: [u64; 3],
}

impl Bans {
    pub fn new(policy: BanPolicy) -> Self {
        Bans { policy, by_network: HashMap::new(), by_end: BTreeSet::new(), totals: [0; 3] }
    }

    pub fn len(&self) -> usize {
        self.by_network.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_network.is_empty()
    }

    /// How long one lasts; nobody is banned where it is zero.
    pub fn time(&self) -> Duration {
        self.policy.time
    }

    /// How many were made since the start, by [`Offence`].
    pub fn totals(&self) -> [u64; 3] {
        self.totals
    }

    /// All of them, those that end first in front.
    pub fn list(&self) -> impl Iterator<Item = &Ban> {
        self.by_end.iter().filter_map(|(_, network)| self.by_network.get(network))
    }

    /// That of an address.
    pub fn of(&mut self, ip: IpAddr) -> Option<&mut Ban> {
        if self.by_network.is_empty() {
            return None;
        }
        self.by_network.get_mut(&Network::of(ip))
    }

    /// Bans the network of an address. None where nobody is banned, and where this one is already: a ban does not grow by what
    /// comes in spite of it. Only one that might have rested on forged datagrams is replaced by one that does not.
    pub fn place(
        &mut self,
        now: Instant,
        ip: IpAddr,
        offence: Offence,
        reason: String,
        is_proven: bool,
    ) -> Option<&Ban> {
        let network = Network::of(ip);
        let known = self.by_network.get(&network);
        if self.policy.time.is_zero() || known.is_some_and(|ban| ban.is_proven || !is_proven) {
            return None;
        }
        self.lift(network);
        while self.by_network.len() >= BANS_MAX {
            let Some((_, oldest)) = self.by_end.first().copied() else { break };
            self.lift(oldest);
        }
        if let Some(total) = self.totals.get_mut(offence as usize) {
            *total += 1;
        }
        let until = now + self.policy.time;
        self.by_end.insert((until, network));
        let ban = Ban { network, offence, reason, since: now, until, is_proven, turned_away: 0 };
        Some(self.by_network.entry(network).insert_entry(ban).into_mut())
    }

    /// Ends a ban, and gives it where there was one.
    pub fn lift(&mut self, network: Network) -> Option<Ban> {
        let ban = self.by_network.remove(&network)?;
        self.by_end.remove(&(ban.until, network));
        Some(ban)
    }

    /// The networks that are banned and meant.
    pub fn networks_where(&self, is_meant: impl Fn(Network) -> bool) -> Vec<Network> {
        self.by_network.keys().copied().filter(|network| is_meant(*network)).collect()
    }

    /// When [`Bans::expire`] has something to do.
    pub fn next_end(&self) -> Option<Instant> {
        self.by_end.first().map(|(until, _)| *until)
    }

    /// Ends those whose time is over.
    pub fn expire(&mut self, now: Instant) {
        while let Some((_, network)) = self.by_end.first().copied().filter(|(until, _)| *until <= now) {
            self.lift(network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn bans() -> Bans {
        Bans::new(BanPolicy::default())
    }

    #[test]
    fn a_network_is_an_address_of_ipv4_or_64_bits_of_ipv6() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(Network::of(ip(address)).to_string(), expected);
        }
    }

    #[test]
    fn a_ban_counts_for_its_network_until_its_time_is_over_and_does_not_grow() {
        let mut bans = bans();
        let place = |bans: &mut Bans, seconds: u64, proven| {
            let now = Instant::from_millis(seconds * 1_000);
            bans.place(now, ip("2001:db8::1"), Offence::Flood, "why".into(), proven).is_some()
        };
        assert!(place(&mut bans, 0, false));
        assert!(!place(&mut bans, 60, false));
        assert!(place(&mut bans, 120, true), "what is proven counts for more");
        assert!(!place(&mut bans, 180, true));
        assert!(bans.of(ip("2001:db8::ffff")).is_some() && bans.of(ip("2001:db8:0:1::1")).is_none());
        assert_eq!((bans.len(), bans.totals()), (1, [0, 0, 2]));
        let end = Instant::from_millis(3_720_000);
        assert_eq!(bans.next_end(), Some(end));
        bans.expire(Instant::from_millis(3_719_999));
        assert_eq!(bans.len(), 1);
        bans.expire(end);
        assert!(bans.is_empty() && bans.next_end().is_none() && bans.by_end.is_empty());
    }

    #[test]
    fn a_ban_is_lifted_by_its_network_and_nobody_is_banned_for_no_time() {
        let mut bans = bans();
        bans.place(Instant::ZERO, ip("192.0.2.7"), Offence::Scanner, String::new(), false);
        bans.place(Instant::ZERO, ip("192.0.2.8"), Offence::Scanner, String::new(), false);
        let network = Network::of(ip("192.0.2.7"));
        assert!(bans.lift(network).is_some() && bans.lift(network).is_none());
        assert_eq!(bans.networks_where(|_| true), [Network::of(ip("192.0.2.8"))]);
        assert_eq!(bans.networks_where(|network| network.first() == ip("192.0.2.7")), []);
        bans.lift(Network::of(ip("192.0.2.8")));
        assert!(bans.is_empty() && bans.by_end.is_empty());
        let mut never = Bans::new(BanPolicy { time: Duration::ZERO, ..BanPolicy::default() });
        assert!(never.place(Instant::ZERO, ip("192.0.2.7"), Offence::Flood, String::new(), true).is_none());
        assert!(never.is_empty());
    }

    #[test]
    fn the_list_is_bounded_and_what_would_end_first_makes_room() {
        let mut bans = bans();
        for n in 0..BANS_MAX as u32 + 10 {
            let at = Instant::from_millis(u64::from(n));
            bans.place(at, IpAddr::from(n.to_be_bytes()), Offence::Flood, String::new(), false);
        }
        assert_eq!((bans.len(), bans.by_end.len()), (BANS_MAX, BANS_MAX));
        assert!(bans.of(IpAddr::from(9u32.to_be_bytes())).is_none());
        assert!(bans.of(IpAddr::from(10u32.to_be_bytes())).is_some());
        assert_eq!(bans.list().next().unwrap().since, Instant::from_millis(10));
    }

    #[test]
    fn scanners_are_known_by_how_their_user_agent_begins() {
        let policy = BanPolicy::default();
        for (user_agent, is_scanner) in [
            ("friendly-scanner", true),
            ("SIPcli/v1.8", true),
            ("VaxSIPUserAgent/3.5\u{7}", true),
            ("Grandstream HT801", false),
            ("my sipcli", false),
            ("sip", false),
            ("sipcl\u{e4}", false),
            ("", false),
        ] {
            let why = policy.scanner(user_agent);
            assert_eq!(why.is_some(), is_scanner, "{user_agent:?}");
            assert!(why.is_none_or(|why| !why.contains('\u{7}')));
        }
    }
}
