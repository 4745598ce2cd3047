//! Finding peers (RFC 3263): which look-ups a destination needs, and in which order what they yield is tried.
//!
//! [`Locator`] says what to ask and makes targets of the replies; the shell asks (`net::dns`). [`FailOver`] walks through
//! the targets for one request, and [`Blocked`] remembers which of them do not answer. INVITE, REGISTER and OPTIONS go
//! the same way.

mod blocked;

pub use blocked::{BlockReason, Blocked, FailOver};

use super::message::{Host, Scheme, SipUri};
use super::{TlsPeer, Transport};
use crate::ids::Random;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Hosts of SRV records that are looked up: carriers have two to six, and each costs two questions.
const HOSTS_MAX: usize = 16;
/// Targets that are kept: with half a minute for each, more are never reached.
const TARGETS_MAX: usize = 16;
/// NAPTR and SRV records that are read of one reply: as many as fit into a message of 4 KB.
const RECORDS_MAX: usize = 64;

/// Where requests are to go, as a URI or the host of a trunk names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    /// A name or an address; never none.
    pub host: Host,
    /// None: what DNS says, or the transport's own.
    pub port: Option<u16>,
    /// None: what DNS says, or UDP, and TLS for `sips:`.
    pub transport: Option<Transport>,
    /// A `sips:` URI: nothing but TLS will do (RFC 3261 26.2.2).
    pub sips: bool,
    /// The settings that TLS goes by there, by their name; none are those of `[tls]`.
    pub tls_client: Option<Box<str>>,
}

impl Destination {
    /// Where a URI is sent to. None where it is no SIP URI, names a transport that we do not have, or one that only the
    /// peer can open (WebSocket).
    pub fn of(uri: &SipUri) -> Option<Self> {
        let sips = match uri.scheme() {
            Scheme::Sip => false,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other => return None,
        };
        let transport = match uri.transport() {
            None => None,
            Some(name) => {
                let named = Transport::from_name(&name).filter(|transport| !transport.is_websocket())?;
                Some(if sips { named.secured()? } else { named })
            }
        };
        Some(Destination { host: uri.host().clone(), port: uri.port(), transport, sips, tls_client: None })
    }

    /// The one target of a numeric host, which takes no look-up (RFC 3263 4.1, 4.2).
    pub fn numeric(&self) -> Option<Target> {
        let transport = self.transport.unwrap_or(self.default_transport());
        let address = SocketAddr::new(self.host.ip()?, self.port.unwrap_or(transport.default_port()));
        Some(self.target(transport, address))
    }

    fn default_transport(&self) -> Transport {
        if self.sips { Transport::Tls } else { Transport::Udp }
    }

    fn target(&self, transport: Transport, address: SocketAddr) -> Target {
        let name = self.host.to_string();
        let name = name.trim_matches(['[', ']']).into();
        let tls =
            transport.is_secure().then(|| Arc::new(TlsPeer { name, settings: self.tls_client.clone() }));
        Target { transport, address, tls, source: None }
    }
}

/// One address to try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub transport: Transport,
    pub address: SocketAddr,
    /// Whom to expect there over TLS: the host that was dialled, not what DNS made of it (RFC 5922 7.2).
    pub tls: Option<Arc<TlsPeer>>,
    /// Our address on the way there, where somebody has looked.
    pub source: Option<IpAddr>,
}

/// What we can send by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// Transports, in our order of preference, each with whether it is IPv4's.
    pub ways: Vec<(Transport, bool)>,
}

impl Reach {
    fn has(&self, transport: Transport) -> bool {
        self.ways.iter().any(|(way, _)| *way == transport)
    }

    fn reaches(&self, transport: Transport, ip: IpAddr) -> bool {
        self.ways.contains(&(transport, ip.is_ipv4()))
    }

    fn transports(&self, sips: bool) -> Vec<Transport> {
        let order = [Transport::Udp, Transport::Tcp, Transport::Tls];
        order.into_iter().filter(|t| self.has(*t) && (t.is_secure() || !sips)).collect()
    }
}

/// A question for DNS.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Question {
    /// RFC 3403.
    Naptr(String),
    /// RFC 2782.
    Srv(String),
    /// A and AAAA.
    Addresses(String),
}

/// The reply to a [`Question`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Naptr(Vec<Naptr>),
    Srv(Vec<Srv>),
    Addresses(Vec<IpAddr>),
    /// There is no such name, or nothing of that kind under it.
    Nothing,
    /// No reply, or one that says that the server is at fault: words for the log.
    Failed(String),
}

/// A NAPTR record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    pub order: u16,
    pub preference: u16,
    pub flags: String,
    pub service: String,
    pub replacement: String,
}

/// An SRV record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: String,
}

/// Why there is no target.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LocateError {
    #[error("{host} has no address")]
    NoAddress { host: String },
    #[error("{host} cannot be looked up: {reason}")]
    LookUpFailed { host: String, reason: String },
    #[error("{host} has addresses only that no listener of ours can send to ({transports})")]
    OutOfReach { host: String, transports: String },
    #[error("{host} says that it takes no SIP (its SRV record is a dot)")]
    NotOffered { host: String },
}

/// The way from a destination to its targets: ask [`Locator::questions`], give the replies, until there are none.
pub struct Locator {
    destination: Destination,
    reach: Reach,
    random: Random,
    stage: Stage,
}

enum Stage {
    Naptr(Vec<Question>),
    /// The transport of each question, in our order or that of the NAPTR records.
    Services(Vec<Question>, Vec<Transport>),
    Hosts(Vec<Question>, Vec<Candidate>),
    Done(Result<Vec<Target>, LocateError>),
}

/// A host that may be tried, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Candidate {
    transport: Transport,
    host: String,
    port: u16,
}

impl Locator {
    /// Begins. `random` chooses among SRV records of equal priority.
    pub fn new(destination: Destination, reach: Reach, random: Random) -> Self {
        let mut locator = Locator { destination, reach, random, stage: Stage::Done(Ok(Vec::new())) };
        locator.stage = locator.first_stage();
        locator
    }

    /// What to ask now, all at once; nothing more where it is empty.
    pub fn questions(&self) -> &[Question] {
        match &self.stage {
            Stage::Naptr(questions) | Stage::Services(questions, _) | Stage::Hosts(questions, _) => questions,
            Stage::Done(_) => &[],
        }
    }

    /// Takes the replies, in the order of the questions; what is missing counts as nothing found.
    pub fn answer(&mut self, replies: Vec<Reply>) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done(Ok(Vec::new()))) {
            Stage::Naptr(_) => self.services_of(replies.into_iter().next()),
            Stage::Services(_, transports) => self.hosts_of(&transports, replies),
            Stage::Hosts(questions, candidates) => Stage::Done(self.targets(questions, &candidates, replies)),
            done @ Stage::Done(_) => done,
        };
    }

    /// The targets in the order in which they are to be tried: at least one. Empty questions come first.
    pub fn into_targets(self) -> Result<Vec<Target>, LocateError> {
        let host = self.name();
        match self.stage {
            Stage::Done(result) => result,
            _ => {
                Err(LocateError::LookUpFailed { host, reason: "it was not looked up to the end".to_owned() })
            }
        }
    }

    fn name(&self) -> String {
        self.destination.host.to_string()
    }

    /// RFC 3263 4.1: numeric hosts, ports and transports that are named leave less to ask.
    fn first_stage(&self) -> Stage {
        let Destination { port, transport, .. } = &self.destination;
        if let Some(target) = self.destination.numeric() {
            return Stage::Done(self.within_reach(vec![target]));
        }
        let name = self.name();
        match (transport, port) {
            (_, Some(port)) => {
                let transport = transport.unwrap_or(self.destination.default_transport());
                self.hosts_stage(vec![Candidate { transport, host: name, port: *port }])
            }
            (Some(transport), None) => self.services_stage(vec![*transport]),
            (None, None) => Stage::Naptr(vec![Question::Naptr(name)]),
        }
    }

    /// Which SRV names follow from the NAPTR records: those of services that we have, the preferred ones first.
    fn services_of(&self, reply: Option<Reply>) -> Stage {
        let mut records = match reply {
            Some(Reply::Naptr(records)) => records,
            _ => Vec::new(),
        };
        records.truncate(RECORDS_MAX);
        records.sort_by_key(|record| (record.order, record.preference));
        let mut found: Vec<(String, Transport)> = Vec::new();
        for record in records.iter().filter(|record| record.flags.eq_ignore_ascii_case("s")) {
            let transport = match record.service.to_ascii_uppercase().as_str() {
                "SIP+D2U" => Transport::Udp,
                "SIP+D2T" => Transport::Tcp,
                "SIPS+D2T" => Transport::Tls,
                _ => continue,
            };
            let fits = self.reach.has(transport) && (transport.is_secure() || !self.destination.sips);
            let service = (bare(&record.replacement), transport);
            if fits && !service.0.is_empty() && !found.contains(&service) && found.len() < HOSTS_MAX {
                found.push(service);
            }
        }
        if found.is_empty() {
            return self.services_stage(self.reach.transports(self.destination.sips));
        }
        let (names, transports): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        Stage::Services(names.into_iter().map(Question::Srv).collect(), transports)
    }

    fn services_stage(&self, transports: Vec<Transport>) -> Stage {
        let name = self.name();
        let questions =
            transports.iter().map(|transport| Question::Srv(format!("{}{name}", prefix(*transport))));
        Stage::Services(questions.collect(), transports)
    }

    /// Which hosts follow from the SRV records; the destination itself where there are none (RFC 3263 4.2).
    fn hosts_of(&mut self, transports: &[Transport], replies: Vec<Reply>) -> Stage {
        let (mut candidates, mut declined) = (Vec::new(), false);
        for (transport, reply) in transports.iter().zip(replies) {
            let Reply::Srv(mut records) = reply else { continue };
            records.truncate(RECORDS_MAX);
            for Srv { port, target, .. } in in_order(records, &mut self.random) {
                let host = bare(&target);
                // RFC 2782: a dot says that the service is decidedly not offered.
                declined |= host.is_empty();
                if !host.is_empty() && port != 0 {
                    candidates.push(Candidate { transport: *transport, host, port });
                }
            }
        }
        if candidates.is_empty() && declined {
            return Stage::Done(Err(LocateError::NotOffered { host: self.name() }));
        }
        if candidates.is_empty() {
            let transport = self.destination.transport.unwrap_or(self.destination.default_transport());
            candidates.push(Candidate { transport, host: self.name(), port: transport.default_port() });
        }
        self.hosts_stage(candidates)
    }

    fn hosts_stage(&self, candidates: Vec<Candidate>) -> Stage {
        let mut names: Vec<&str> = Vec::new();
        for candidate in &candidates {
            // An SRV record may not name an address, and some do.
            let is_numeric = candidate.host.parse::<IpAddr>().is_ok();
            if !is_numeric && !names.contains(&candidate.host.as_str()) && names.len() < HOSTS_MAX {
                names.push(&candidate.host);
            }
        }
        let questions: Vec<Question> = names.into_iter().map(|n| Question::Addresses(n.to_owned())).collect();
        match questions.is_empty() {
            true => Stage::Done(self.targets(Vec::new(), &candidates, Vec::new())),
            false => Stage::Hosts(questions, candidates),
        }
    }

    fn targets(
        &self,
        questions: Vec<Question>,
        candidates: &[Candidate],
        replies: Vec<Reply>,
    ) -> Result<Vec<Target>, LocateError> {
        let (mut addresses, mut failure) = (HashMap::new(), None);
        for (question, reply) in questions.into_iter().zip(replies) {
            match (question, reply) {
                (Question::Addresses(name), Reply::Addresses(found)) => {
                    addresses.insert(name, found);
                }
                (_, Reply::Failed(reason)) => failure = Some(reason),
                _ => {}
            }
        }
        let mut targets = Vec::new();
        for Candidate { transport, host, port } in candidates {
            let mut ips = addresses.get(host).cloned().unwrap_or_default();
            ips.extend(host.parse::<IpAddr>());
            // IPv4 first: what is broken of IPv6 on the way there shows as silence alone.
            ips.sort_by_key(IpAddr::is_ipv6);
            for ip in ips {
                let target = self.destination.target(*transport, SocketAddr::new(ip, *port));
                if !targets.contains(&target) && targets.len() < TARGETS_MAX {
                    targets.push(target);
                }
            }
        }
        match (targets.is_empty(), failure) {
            (true, Some(reason)) => Err(LocateError::LookUpFailed { host: self.name(), reason }),
            (true, None) => Err(LocateError::NoAddress { host: self.name() }),
            (false, _) => self.within_reach(targets),
        }
    }

    fn within_reach(&self, mut targets: Vec<Target>) -> Result<Vec<Target>, LocateError> {
        let mut names: Vec<&str> = targets.iter().map(|target| target.transport.name()).collect();
        names.dedup();
        let transports = names.join(", ");
        targets.retain(|target| self.reach.reaches(target.transport, target.address.ip()));
        match targets.is_empty() {
            true => Err(LocateError::OutOfReach { host: self.name(), transports }),
            false => Ok(targets),
        }
    }
}

/// Of the SRV names of a transport (RFC 3263 4.1).
fn prefix(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "_sip._tcp.",
        Transport::Tls => "_sips._tcp.",
        Transport::Udp | Transport::Ws | Transport::Wss => "_sip._udp.",
    }
}

/// A name without the dot at its end, lower case; nothing of the root.
fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// SRV records in the order in which they are to be tried: by priority, and among equals drawn by weight, each draw
/// taking one out (RFC 2782, "Weight").
fn in_order(mut records: Vec<Srv>, random: &mut Random) -> Vec<Srv> {
    // Records without weight stand first in a draw, so that they have a small chance.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let equals = records.iter().take_while(|record| record.priority == priority).count();
        let sum: u32 = records.iter().take(equals).map(|record| u32::from(record.weight)).sum();
        let drawn = random.below(sum + 1);
        let mut running = 0;
        let chosen = records.iter().take(equals).position(|record| {
            running += u32::from(record.weight);
            running >= drawn
        });
        ordered.push(records.remove(chosen.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests;
