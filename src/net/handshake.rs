//! Handshakes of TLS and WebSocket: bounded in time and number, and told in words where they fail.

use super::tls::{Tls, TlsError, in_words};
use crate::clock::{Budget, SystemClock};
use crate::sip::bans::Network;
use crate::sip::{ListenerId, TlsPeer};
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use webpki::EndEntityCert;

/// A handshake takes two round trips: a satellite link needs two seconds; who needs longer holds a place on purpose.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Handshakes at once, of all peers: some milliseconds of a core each, so more only make all of them late.
const HANDSHAKES_MAX: usize = 512;
/// Of one source, of IPv6 a line: a PBX that comes back opens a handful, an office behind one address has some dozens of phones
/// that do.
const HANDSHAKES_PER_SOURCE_MAX: usize = 64;
/// Host names of a certificate that are looked at: those of providers name some dozens of hosts.
const NAMES_MAX: usize = 100;
/// One failure a second is told of, so that an operator sees whose handshakes fail and a scanner fills no log; ten at once.
const TOLD_INTERVAL: Duration = Duration::from_secs(1);
const TOLD_BURST: Duration = Duration::from_secs(10);

/// What happened since the start. Each only grows.
#[derive(Default)]
pub struct Figures {
    pub done: AtomicU64,
    pub failed: AtomicU64,
    /// Connections that were closed at once, since as many handshakes were under way as may be.
    pub turned_away: AtomicU64,
}

/// All handshakes of the process.
pub struct Handshakes {
    pub tls: Tls,
    pub figures: Arc<Figures>,
    under_way: Mutex<HashMap<Network, usize>>,
    told: Mutex<Budget>,
    clock: SystemClock,
}

/// A place among those under way; given back when it is dropped.
pub struct Place(Arc<Handshakes>, Network);

impl Handshakes {
    pub fn new(tls: Tls, clock: SystemClock) -> Arc<Self> {
        let (figures, under_way, told) = (Arc::default(), Mutex::default(), Mutex::default());
        Arc::new(Handshakes { tls, figures, under_way, told, clock })
    }

    /// A place for a handshake with a peer that has connected; none where there are too many already.
    pub fn enter(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = under_way.values().sum();
        let source = Network::of(peer.ip());
        let of_source = under_way.entry(source).or_insert(0);
        if total >= HANDSHAKES_MAX || *of_source >= HANDSHAKES_PER_SOURCE_MAX {
            let is_empty = *of_source == 0;
            if is_empty {
                under_way.remove(&source);
            }
            drop(under_way);
            self.figures.turned_away.fetch_add(1, Ordering::Relaxed);
            self.tell(peer, "too many handshakes at once: closed without one");
            return None;
        }
        *of_source += 1;
        Some(Place(self.clone(), source))
    }

    /// TLS as the server. What failed has been said.
    pub async fn accept(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        listener: ListenerId,
    ) -> Option<server::TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.tls.server(listener)?);
        self.within(peer, async { acceptor.accept(stream).await.map_err(|e| in_words(&e, false)) }).await
    }

    /// TLS as the client, with the host that was dialled as the name to be shown and checked (RFC 5922 7.2).
    pub async fn connect(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        peer: &TlsPeer,
    ) -> Option<client::TlsStream<TcpStream>> {
        let handshake = async {
            let config =
                self.tls.client(peer.settings.as_deref()).map_err(|error: TlsError| error.to_string())?;
            let name = ServerName::try_from(peer.name.trim_end_matches('.').to_owned())
                .map_err(|_| format!("\"{}\" is no name that a certificate can have", peer.name))?;
            TlsConnector::from(config).connect(name, stream).await.map_err(|e| in_words(&e, true))
        };
        self.within(address, handshake).await
    }

    /// Waits for a handshake for its time; what failed is counted and said.
    pub async fn within<T>(
        &self,
        peer: SocketAddr,
        handshake: impl Future<Output = Result<T, String>>,
    ) -> Option<T> {
        let error = match tokio::time::timeout(HANDSHAKE_TIME_MAX, handshake).await {
            Ok(Ok(done)) => {
                self.figures.done.fetch_add(1, Ordering::Relaxed);
                return Some(done);
            }
            Ok(Err(error)) => error,
            Err(_) => {
                format!("the peer did not finish its handshake within {} s", HANDSHAKE_TIME_MAX.as_secs())
            }
        };
        self.figures.failed.fetch_add(1, Ordering::Relaxed);
        self.tell(peer, &error);
        None
    }

    fn tell(&self, peer: SocketAddr, what: &str) {
        let now = self.clock.instant();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.allows(now, TOLD_INTERVAL, TOLD_BURST) {
            tracing::info!(%peer, "no connection: {what}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.1);
            }
        }
    }
}

/// The host names of the certificate that a client has shown (RFC 5922 7.1), in small letters. Whatever it shows was checked:
/// without authorities of ours none is asked for.
pub fn client_names(stream: &server::TlsStream<TcpStream>) -> Arc<[String]> {
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let Some(certificate) = shown.and_then(|shown| EndEntityCert::try_from(shown).ok()) else {
        return Arc::default();
    };
    certificate.valid_dns_names().take(NAMES_MAX).map(str::to_ascii_lowercase).collect()
}

/// Opens TCP from an address of ours where one is named.
pub async fn open(from: SocketAddr, destination: SocketAddr) -> io::Result<TcpStream> {
    let socket = match destination {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    if from.is_ipv4() == destination.is_ipv4() && !from.ip().is_unspecified() {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    socket.connect(destination).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls as TlsConfig;

    #[test]
    fn one_line_takes_not_all_handshakes_with_whatever_addresses_it_has() {
        let clock = SystemClock::start();
        let handshakes = Handshakes::new(Tls::load(&TlsConfig::default(), &[], clock).unwrap(), clock);
        let enter = |address: &str| handshakes.enter(SocketAddr::new(address.parse().unwrap(), 40_000));
        let places: Vec<Place> =
            (0..HANDSHAKES_MAX).filter_map(|n| enter(&format!("2001:db8::{n:x}"))).collect();
        assert_eq!(places.len(), HANDSHAKES_PER_SOURCE_MAX);
        assert!(enter("2001:db8:0:1::1").is_some());
        drop(places);
        assert!(handshakes.under_way.lock().unwrap().is_empty());
    }
}
