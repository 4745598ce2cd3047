//! Binds pairs of media ports ahead of calls, away from the threads that carry them.

use crate::call::ports::Port;
use crate::ids::PortId;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A second of G.711 at 50 packets/s with headers, in the kernel's accounting (a small packet counts as 768 bytes):
/// a thread that was held up for so long loses nothing.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// Expedited forwarding (RFC 3246) in the upper six bits.
const TYPE_OF_SERVICE: u32 = 46 << 2;

/// A bound pair.
pub struct Pair {
    pub port: Port,
    /// Both sockets carry IPv4 too, whose addresses they have as IPv6 ones (RFC 4291 2.5.5.2).
    is_dual: bool,
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl Pair {
    /// An address as the sockets of this pair take it.
    pub fn destination(&self, address: SocketAddr) -> SocketAddr {
        match address {
            SocketAddr::V4(v4) if self.is_dual => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
            other => other,
        }
    }
}

/// Hands out the ports of the configured range, each once.
pub struct Binder {
    address: IpAddr,
    next: Mutex<Cursor>,
    skipped: AtomicU64,
}

struct Cursor {
    even: u32,
    last: u32,
    next_id: u64,
}

impl Binder {
    /// `range`: first and last port. Even ones carry RTP, the odd one after each RTCP.
    pub fn new(address: IpAddr, range: (u16, u16)) -> Self {
        let even = u32::from(range.0).next_multiple_of(2);
        Binder {
            address,
            next: Mutex::new(Cursor { even, last: u32::from(range.1), next_id: 0 }),
            skipped: AtomicU64::new(0),
        }
    }

    /// Pairs in a range.
    pub fn pairs(range: (u16, u16)) -> usize {
        let even = u32::from(range.0).next_multiple_of(2);
        (u32::from(range.1) + 1).saturating_sub(even) as usize / 2
    }

    /// Binds up to `count` pairs; fewer where the range ends. Ports that other programs hold are skipped and counted.
    pub fn bind(&self, count: usize) -> Vec<Pair> {
        let mut pairs = Vec::with_capacity(count);
        while pairs.len() < count {
            let Some((number, id)) = self.take() else { break };
            match self.bind_pair(number, id) {
                Ok(pair) => pairs.push(pair),
                Err(error) => {
                    tracing::debug!(number, %error, "a media port is held by another program and skipped");
                    self.skipped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        pairs
    }

    /// Whether at least one pair of the range can be bound now; else the last reason why not.
    pub fn probe(&self) -> std::io::Result<()> {
        let (first, last) = {
            let cursor = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (cursor.even, cursor.last)
        };
        let mut reason = std::io::Error::other("the range has no pair of ports");
        for number in (first..last).step_by(2).filter_map(|number| u16::try_from(number).ok()) {
            match self.bind_pair(number, PortId(0)) {
                Ok(_) => return Ok(()),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    /// Pairs that could not be bound.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<(u16, PortId)> {
        let mut cursor = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cursor.even + 1 > cursor.last {
            return None;
        }
        let number = u16::try_from(cursor.even).ok()?;
        let id = PortId(cursor.next_id);
        cursor.even += 2;
        cursor.next_id += 1;
        Some((number, id))
    }

    fn bind_pair(&self, number: u16, id: PortId) -> std::io::Result<Pair> {
        let is_dual = self.address == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let socket = |number| bound(SocketAddr::new(self.address, number), RECEIVE_BUFFER, !is_dual);
        let (rtp, rtcp) = (socket(number)?, socket(number + 1)?);
        Ok(Pair { port: Port { id, number }, is_dual, rtp, rtcp })
    }
}

/// A bound socket of one address family that never waits.
pub fn udp_socket(address: SocketAddr, receive_buffer: usize) -> std::io::Result<UdpSocket> {
    bound(address, receive_buffer, true)
}

fn bound(address: SocketAddr, receive_buffer: usize, one_family: bool) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // A wish: the kernel may give less.
    let _ = socket.set_recv_buffer_size(receive_buffer);
    if address.is_ipv4() {
        let _ = socket.set_tos_v4(TYPE_OF_SERVICE);
    } else {
        let _ = socket.set_tclass_v6(TYPE_OF_SERVICE);
        socket.set_only_v6(one_family)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_on_all_ipv6_addresses_carries_ipv4_too() {
        let pair = Binder::new("::".parse().unwrap(), (20_000, 39_999)).bind(1).remove(0);
        let peer = udp_socket("127.0.0.1:0".parse().unwrap(), RECEIVE_BUFFER).unwrap();
        peer.set_nonblocking(false).unwrap();
        let to = pair.destination(peer.local_addr().unwrap());
        pair.rtp.send_to(b"media", to).unwrap();
        let mut buffer = [0; 9];
        let (length, source) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((length, source.port()), (5, pair.port.number));
    }

    #[test]
    fn a_range_in_which_nothing_can_be_bound_is_told_with_the_reason() {
        let foreign = Binder::new("192.0.2.1".parse().unwrap(), (20_000, 20_009));
        assert_eq!(foreign.probe().unwrap_err().kind(), std::io::ErrorKind::AddrNotAvailable);
        let loopback = Binder::new("127.0.0.1".parse().unwrap(), (20_000, 29_999));
        assert!(loopback.probe().is_ok());
        assert_eq!(loopback.bind(1).len(), 1, "nothing was taken");
    }
}
