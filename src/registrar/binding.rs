//! One place where an account is reached, and the table of them all.

use crate::clock::Instant;
use crate::sip::bans::Network;
use crate::sip::{NameAddr, Peer, Transport};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::ops::Bound;
use std::time::Duration;

/// Characters of a User-Agent that are kept: name, version and model.
const USER_AGENT_CHARS_MAX: usize = 100;

/// Where an account is reached.
#[derive(Clone, Debug)]
pub struct Binding {
    /// As it came, with every parameter that the telephone wrote: some know themselves by one (`rinstance`).
    pub contact: NameAddr,
    /// In thousandths: the more, the rather.
    pub q: u16,
    /// Values of Path, which requests to it take as Route (RFC 3327).
    pub path: Vec<Box<str>>,
    /// Where its REGISTER came from: requests go there, whatever address the telephone behind a NAT believes to have.
    pub peer: Peer,
    pub expires: Instant,
    /// What the telephone says that it is; may be empty.
    pub user_agent: Box<str>,
    call_id: Box<str>,
    cseq: u32,
    instance: Option<Box<str>>,
    reg_id: Option<u32>,
    /// Which it is among all, rising.
    number: u64,
}

impl Binding {
    pub(super) fn new(
        now: Instant,
        contact: NameAddr,
        expires: Duration,
        path: Vec<Box<str>>,
        peer: Peer,
        user_agent: &str,
        (call_id, cseq): (&str, u32),
    ) -> Self {
        let instance = contact.params.get_plain("+sip.instance").map(String::into_boxed_str);
        let reg_id = contact.params.get("reg-id").and_then(|text| text.parse().ok());
        Binding {
            q: contact.params.get("q").and_then(thousandths).unwrap_or(1_000),
            contact,
            path,
            peer,
            expires: now + expires,
            user_agent: user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect(),
            call_id: call_id.into(),
            cseq,
            // RFC 5626 6: without both there is no flow.
            reg_id: reg_id.filter(|_| instance.is_some()),
            instance,
            number: 0,
        }
    }

    /// Names it among those of its account, over all refreshes.
    pub fn id(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.contact.uri.as_str(), &self.instance, self.reg_id).hash(&mut hasher);
        hasher.finish()
    }

    /// The telephone (`+sip.instance`), and which of its ways this is (`reg-id`, RFC 5626).
    pub fn flow(&self) -> (Option<&str>, Option<u32>) {
        (self.instance.as_deref(), self.reg_id)
    }

    /// Its place among all of its account.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// It is a flow of RFC 5626.
    pub(super) fn is_flow(&self) -> bool {
        self.reg_id.is_some()
    }

    /// It is the same place as that of a Contact: the same flow of the same telephone, else the same URI.
    pub(super) fn is_at(&self, contact: &NameAddr) -> bool {
        let instance = contact.params.get_plain("+sip.instance");
        let reg_id: Option<u32> = contact.params.get("reg-id").and_then(|text| text.parse().ok());
        match (&self.instance, &instance) {
            (Some(own), Some(other)) if self.reg_id == reg_id => **own == **other,
            (Some(_), Some(_)) if self.reg_id.is_some() || reg_id.is_some() => false,
            _ => self.contact.uri == contact.uri,
        }
    }

    /// It was made by a later request of the same registration than the one with that Call-ID and number.
    pub(super) fn is_after(&self, (call_id, cseq): (&str, u32)) -> bool {
        *self.call_id == *call_id && self.cseq >= cseq
    }

    /// Whoever names that Call-ID at that host is the telephone that made it: nobody else has seen it, but for the proxies on
    /// the way.
    pub(super) fn is_refreshed_by(&self, call_id: &str, peer: Peer) -> bool {
        *self.call_id == *call_id && self.peer.address.ip() == peer.address.ip()
    }

    /// The telephone at that address has begun its registration anew, as after a restart, and nobody answers to this one. Who
    /// says that it is another telephone is none: a proxy that tells no Path lends its address to all behind it.
    pub(super) fn is_left_behind_at(&self, peer: Peer, call_id: &str, contact: &NameAddr) -> bool {
        let instance = contact.params.get_plain("+sip.instance");
        let is_another = self.instance.as_deref().zip(instance).is_some_and(|(own, other)| *own != *other);
        self.peer.address == peer.address && self.path.is_empty() && *self.call_id != *call_id && !is_another
    }

    /// Its telephone was reached directly, and by another way than that one.
    pub(super) fn was_elsewhere(&self, peer: Peer) -> bool {
        self.path.is_empty() && self.peer != peer
    }

    /// As a Contact of a 200, with the seconds that are left.
    pub(super) fn written(&self, now: Instant) -> String {
        let mut contact = self.contact.clone();
        let left = (self.expires - now).as_secs().to_string();
        contact.params.set("expires", Some(&left));
        contact.to_string()
    }
}

/// `q` of RFC 3261 25.1: 0 to 1 with three digits at the most.
pub(super) fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" | "" => Some(rest),
        "1" if rest == 0 => Some(1_000),
        _ => None,
    }
}

/// Where requests come from, and how: anybody can write the address of a telephone that came over a stream into a datagram.
type Source = (Transport, SocketAddr);

/// All bindings, by account, by when they expire and by where they came from.
#[derive(Default)]
pub(super) struct Table {
    by_name: BTreeMap<Box<str>, Vec<Binding>>,
    by_expiry: BTreeMap<(Instant, u64), Box<str>>,
    by_source: HashMap<Source, Vec<Box<str>>>,
    /// How many bindings came from a network, also through a proxy there.
    by_network: HashMap<Network, usize>,
    last_number: u64,
}

impl Table {
    pub fn len(&self) -> usize {
        self.by_expiry.len()
    }

    pub fn next_expiry(&self) -> Option<Instant> {
        self.by_expiry.first_key_value().map(|((at, _), _)| *at)
    }

    /// All by the names of their accounts, of those the oldest first, from the one behind that place on.
    pub fn behind(&self, name: &str, number: u64) -> impl Iterator<Item = (&str, &Binding)> {
        let from = (Bound::Included(name), Bound::Unbounded);
        let all = self.by_name.range::<str, _>(from).flat_map(|(of, bindings)| {
            let mut bindings: Vec<(&str, &Binding)> = bindings.iter().map(|one| (&**of, one)).collect();
            bindings.sort_by_key(|(_, binding)| binding.number);
            bindings
        });
        all.filter(move |(of, binding)| *of != name || binding.number > number)
    }

    /// The most preferred first, of those the latest.
    pub fn of(&self, name: &str) -> Vec<&Binding> {
        let mut bindings: Vec<&Binding> = self.by_name.get(name).into_iter().flatten().collect();
        bindings.sort_by_key(|binding| (std::cmp::Reverse(binding.q), std::cmp::Reverse(binding.number)));
        bindings
    }

    pub fn name_at(&self, (transport, address): Source, user: &str) -> Option<&str> {
        let names = self.by_source.get(&(transport, canonical(address)))?;
        names.iter().find(|name| ***name == *user).or_else(|| names.first()).map(|name| &**name)
    }

    /// All accounts that have registered from there.
    pub fn names_at(&self, (transport, address): Source) -> Vec<Box<str>> {
        self.by_source.get(&(transport, canonical(address))).cloned().unwrap_or_default()
    }

    /// Whether anybody has registered from there.
    pub fn is_in_use(&self, network: Network) -> bool {
        self.by_network.contains_key(&network)
    }

    pub fn add(&mut self, name: &str, mut binding: Binding) {
        self.last_number += 1;
        binding.number = self.last_number;
        self.by_expiry.insert((binding.expires, binding.number), name.into());
        if let Some(source) = source_of(&binding) {
            self.by_source.entry(source).or_default().push(name.into());
        }
        *self.by_network.entry(network_of(&binding)).or_default() += 1;
        self.by_name.entry(name.into()).or_default().push(binding);
    }

    pub fn remove_all(&mut self, name: &str) -> Vec<Binding> {
        self.remove_where(name, |_| true)
    }

    pub fn remove_where(&mut self, name: &str, is_meant: impl Fn(&Binding) -> bool) -> Vec<Binding> {
        let Some(bindings) = self.by_name.get_mut(name) else { return Vec::new() };
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(bindings).into_iter().partition(is_meant);
        *bindings = kept;
        if bindings.is_empty() {
            self.by_name.remove(name);
        }
        for binding in &gone {
            self.by_expiry.remove(&(binding.expires, binding.number));
            let network = network_of(binding);
            if let Some(count) = self.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.by_network.remove(&network);
                }
            }
            let Some(source) = source_of(binding) else { continue };
            let Some(names) = self.by_source.get_mut(&source) else { continue };
            if let Some(at) = names.iter().position(|other| **other == *name) {
                names.remove(at);
            }
            if names.is_empty() {
                self.by_source.remove(&source);
            }
        }
        gone
    }

    /// Drops those that would expire first where an account has more, and says how many that were.
    pub fn keep_at_most(&mut self, name: &str, most: usize) -> usize {
        let Some(bindings) = self.by_name.get(name).filter(|bindings| bindings.len() > most) else {
            return 0;
        };
        let mut times: Vec<_> = bindings.iter().map(|binding| (binding.expires, binding.number)).collect();
        times.sort_unstable();
        let surplus = &times[..times.len() - most];
        self.remove_where(name, |binding| surplus.contains(&(binding.expires, binding.number))).len()
    }

    pub fn expire(&mut self, now: Instant) -> Vec<Binding> {
        let mut expired = Vec::new();
        while let Some((&key, name)) = self.by_expiry.first_key_value().filter(|((at, _), _)| *at <= now) {
            let name = name.clone();
            expired.extend(self.remove_where(&name, |binding| (binding.expires, binding.number) == key));
            self.by_expiry.remove(&key);
        }
        expired
    }
}

/// Where the telephone's own requests come from. Behind a proxy (Path) that is not known: the proxy sends those of others too.
fn source_of(binding: &Binding) -> Option<Source> {
    let Peer { transport, address, .. } = binding.peer;
    binding.path.is_empty().then(|| (transport, canonical(address)))
}

fn network_of(binding: &Binding) -> Network {
    Network::of(binding.peer.address.ip())
}

/// An IPv4 address that came mapped into IPv6 is the same address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
