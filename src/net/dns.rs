//! DNS: asks what a [`Locator`] wants to know, bounded in time, with what it learned kept for its TTL.

use crate::config::Dns as DnsConfig;
use crate::ids::Random;
use crate::sip::locate::{Destination, LocateError, Locator, Naptr, Question, Reach, Reply, Srv, Target};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// As long as finding a peer may take in all (contract of `call::Action::Resolve`): a caller hears nothing meanwhile.
const LOCATE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long one name server is waited for, and how often it is asked: two tries fit into the time above.
const SERVER_TIME_MAX: Duration = Duration::from_millis(1_500);
const TRIES: usize = 2;
/// Replies that are kept: those of some hundred trunks, with a dozen records each.
const KEPT: u64 = 4_096;
/// A TTL is believed up to an hour: a carrier that moves must be found again, whatever it said before.
const TTL_MAX: Duration = Duration::from_secs(3_600);
/// And what is not there is asked for again after this: somebody is just setting it up.
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(30);

/// Why a destination has no targets.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotFound {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{host} was not found within {} s", LOCATE_TIME_MAX.as_secs())]
    Late { host: String },
}

/// The way to DNS. Cloning shares it and what it has learned.
#[derive(Clone)]
pub struct Dns(Arc<Inner>);

struct Inner {
    resolver: TokioResolver,
    reach: Reach,
    has_choice: bool,
}

impl Dns {
    /// Asks the servers that are configured, else those of the system. `has_choice`: our address on the way to a target
    /// matters, since several listeners could send there.
    pub fn new(config: &DnsConfig, reach: Reach, has_choice: bool) -> Result<Self, NetError> {
        let by_servers = |servers: &[SocketAddr]| {
            let servers = servers.iter().map(name_server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let mut builder = match config.servers.as_slice() {
            [] => TokioResolver::builder_tokio().unwrap_or_else(|error| {
                // What resolv.conf(5) says for a system that names none.
                tracing::warn!(%error, "the system names no name server: the one on this machine is asked");
                by_servers(&[SocketAddr::from(([127, 0, 0, 1], 53))])
            }),
            servers => by_servers(servers),
        };
        let options = builder.options_mut();
        (options.timeout, options.attempts, options.cache_size) = (SERVER_TIME_MAX, TRIES, KEPT);
        (options.positive_max_ttl, options.negative_max_ttl) = (Some(TTL_MAX), Some(NEGATIVE_TTL_MAX));
        // Names are whole: a search list would have "carrier" asked for in our own domain.
        options.ndots = 0;
        Ok(Dns(Arc::new(Inner { resolver: builder.build()?, reach, has_choice })))
    }

    /// The targets of a destination in their order, or in words why there are none.
    pub async fn locate(&self, destination: Destination, random: Random) -> Result<Vec<Target>, String> {
        self.locate_noting(destination, random, |_, _| {}).await.map_err(|error| error.to_string())
    }

    /// The same, with each question and its reply told.
    pub async fn locate_noting(
        &self,
        destination: Destination,
        random: Random,
        mut note: impl FnMut(&Question, &Reply),
    ) -> Result<Vec<Target>, NotFound> {
        let host = destination.host.to_string();
        let mut locator = Locator::new(destination, self.0.reach.clone(), random);
        let asking = async {
            while !locator.questions().is_empty() {
                let replies = locator.questions().iter().map(|question| self.ask(question));
                let replies = futures_util::future::join_all(replies).await;
                locator.questions().iter().zip(&replies).for_each(|(question, reply)| note(question, reply));
                locator.answer(replies);
            }
            locator.into_targets()
        };
        let mut targets = match tokio::time::timeout(LOCATE_TIME_MAX, asking).await {
            Ok(targets) => targets?,
            Err(_) => return Err(NotFound::Late { host }),
        };
        if self.0.has_choice {
            targets.iter_mut().for_each(|target| target.source = source_towards(target.address));
        }
        Ok(targets)
    }

    async fn ask(&self, question: &Question) -> Reply {
        match question {
            Question::Naptr(name) => self.records(name, RecordType::NAPTR, naptr, Reply::Naptr).await,
            Question::Srv(name) => self.records(name, RecordType::SRV, srv, Reply::Srv).await,
            Question::Addresses(name) => {
                let (v4, v6) = tokio::join!(
                    self.records(name, RecordType::A, address, Reply::Addresses),
                    self.records(name, RecordType::AAAA, address, Reply::Addresses)
                );
                match (v4, v6) {
                    (Reply::Addresses(mut all), Reply::Addresses(more)) => {
                        all.extend(more);
                        Reply::Addresses(all)
                    }
                    (found @ Reply::Addresses(_), _) | (_, found @ Reply::Addresses(_)) => found,
                    (failed @ Reply::Failed(_), _) | (_, failed @ Reply::Failed(_)) => failed,
                    _ => Reply::Nothing,
                }
            }
        }
    }

    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&Record) -> Option<T>,
        reply: impl Fn(Vec<T>) -> Reply,
    ) -> Reply {
        // With its dot a name is whole.
        let whole = format!("{}.", name.trim_end_matches('.'));
        match self.0.resolver.lookup(whole, kind).await {
            Ok(lookup) => {
                let found: Vec<T> = lookup.answers().iter().filter_map(read).collect();
                if found.is_empty() { Reply::Nothing } else { reply(found) }
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                Reply::Nothing
            }
            Err(error) => Reply::Failed(error.to_string()),
        }
    }
}

/// Our address towards a destination, as the kernel's routes have it: nothing is sent for that.
pub fn source_towards(destination: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if destination.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    #[expect(clippy::disallowed_methods, reason = "this is net, and the socket is never read")]
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(destination).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    // TCP where a reply was cut.
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = address.port());
    NameServerConfig::new(address.ip(), true, connections)
}

fn naptr(record: &Record) -> Option<Naptr> {
    let RData::NAPTR(found) = &record.data else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Naptr {
        order: found.order,
        preference: found.preference,
        flags: text(&found.flags),
        service: text(&found.services),
        replacement: found.replacement.to_ascii(),
    })
}

fn srv(record: &Record) -> Option<Srv> {
    let RData::SRV(found) = &record.data else { return None };
    let (priority, weight, port) = (found.priority, found.weight, found.port);
    Some(Srv { priority, weight, port, target: found.target.to_ascii() })
}

fn address(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(ip) => Some(ip.0.into()),
        RData::AAAA(ip) => Some(ip.0.into()),
        _ => None,
    }
}
