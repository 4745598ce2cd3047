//! Copies of SIP messages on their way to a collector: HEP version 3, the EEP of Homer, a datagram for each message.

use crate::call::copies::MessageCopy;
use crate::config::Hep;
use crate::sip::Transport;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What a datagram of UDP holds at the most, over IPv4.
const DATAGRAM_MAX: usize = 65_507;

/// Types of chunks, all of vendor 0 (HEP3 rev 12, section 2.1).
mod chunk {
    pub const FAMILY: u16 = 1;
    pub const PROTOCOL: u16 = 2;
    pub const SOURCE_IPV4: u16 = 3;
    pub const DESTINATION_IPV4: u16 = 4;
    pub const SOURCE_IPV6: u16 = 5;
    pub const DESTINATION_IPV6: u16 = 6;
    pub const SOURCE_PORT: u16 = 7;
    pub const DESTINATION_PORT: u16 = 8;
    pub const SECONDS: u16 = 9;
    pub const MICROSECONDS: u16 = 10;
    pub const KIND: u16 = 11;
    pub const CAPTURE_ID: u16 = 12;
    pub const PASSWORD: u16 = 14;
    pub const PAYLOAD: u16 = 15;
    pub const CORRELATION: u16 = 17;
}

/// The payload is SIP.
const KIND_SIP: u8 = 1;

/// What became of the copies since the start.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct HepFigures {
    pub sent: u64,
    /// The network or our own queue had no room, or a message was too long.
    pub lost: u64,
}

/// The way to the collector.
pub struct Collector {
    socket: UdpSocket,
    settings: Hep,
    figures: HepFigures,
}

impl Collector {
    /// # Errors
    /// Where no socket is to be had, or there is no route to the collector.
    #[expect(clippy::disallowed_methods, reason = "this is net, and the socket is never read")]
    pub fn new(settings: Hep) -> io::Result<Collector> {
        let any = match settings.collector.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(ip) if ip.is_loopback() => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(settings.collector)?;
        socket.set_nonblocking(true)?;
        Ok(Collector { socket, settings, figures: HepFigures::default() })
    }

    /// Sends a copy, or loses it: no call waits for a collector.
    pub fn send(&mut self, copy: &MessageCopy) {
        let sent = encode(copy, &self.settings).is_some_and(|datagram| self.socket.send(&datagram).is_ok());
        let count = if sent { &mut self.figures.sent } else { &mut self.figures.lost };
        *count += 1;
    }

    pub fn figures(&self) -> HepFigures {
        self.figures
    }
}

/// None where it is longer than a datagram may be.
fn encode(copy: &MessageCopy, settings: &Hep) -> Option<Vec<u8>> {
    let passing = &copy.passing;
    let (source, destination) =
        if passing.is_sent { (passing.own, passing.peer) } else { (passing.peer, passing.own) };
    // The numbers of IPPROTO.
    let protocol = if passing.transport == Transport::Udp { 17 } else { 6 };
    let micros = copy.at.as_unix_micros().max(0);
    let mut packet = Packet(Vec::with_capacity(copy.text.len() + 192));
    packet.0.extend_from_slice(b"HEP3\0\0");
    packet.addresses(source, destination);
    packet.chunk(chunk::PROTOCOL, &[protocol]);
    packet.chunk(chunk::SOURCE_PORT, &source.port().to_be_bytes());
    packet.chunk(chunk::DESTINATION_PORT, &destination.port().to_be_bytes());
    packet.chunk(chunk::SECONDS, &((micros / 1_000_000) as u32).to_be_bytes());
    packet.chunk(chunk::MICROSECONDS, &((micros % 1_000_000) as u32).to_be_bytes());
    packet.chunk(chunk::KIND, &[KIND_SIP]);
    packet.chunk(chunk::CAPTURE_ID, &settings.capture_id.to_be_bytes());
    if let Some(password) = &settings.password {
        packet.chunk(chunk::PASSWORD, password.as_bytes());
    }
    // Both sides of a call are found by it, and its record.
    if let Some(call) = copy.call {
        packet.chunk(chunk::CORRELATION, call.to_string().as_bytes());
    }
    packet.chunk(chunk::PAYLOAD, &copy.text);
    packet.finish()
}

struct Packet(Vec<u8>);

impl Packet {
    /// The length counts the six bytes before the value too.
    fn chunk(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 6).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn addresses(&mut self, source: SocketAddr, destination: SocketAddr) {
        // Of AF_INET and AF_INET6.
        match (source.ip().to_canonical(), destination.ip().to_canonical()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.chunk(chunk::FAMILY, &[2]);
                self.chunk(chunk::SOURCE_IPV4, &source.octets());
                self.chunk(chunk::DESTINATION_IPV4, &destination.octets());
            }
            (source, destination) => {
                self.chunk(chunk::FAMILY, &[10]);
                self.chunk(chunk::SOURCE_IPV6, &as_ipv6(source).octets());
                self.chunk(chunk::DESTINATION_IPV6, &as_ipv6(destination).octets());
            }
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let length = self.0.len();
        let written = u16::try_from(length).ok().filter(|_| length <= DATAGRAM_MAX)?;
        self.0.get_mut(4..6)?.copy_from_slice(&written.to_be_bytes());
        Some(self.0)
    }
}

/// An address that we listen on for IPv4 and IPv6 has the other family than a peer's.
fn as_ipv6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv6Addr::UNSPECIFIED,
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::ladder::Passing;
    use crate::clock::Wall;

    fn settings() -> Hep {
        Hep {
            collector: "127.0.0.1:9060".parse().unwrap(),
            capture_id: 2001,
            password: Some("pw".to_owned()),
        }
    }

    fn copy(own: &str, peer: &str, text: &[u8]) -> MessageCopy {
        let (own, peer) = (own.parse().unwrap(), peer.parse().unwrap());
        let passing = Passing { is_sent: true, transport: Transport::Tls, own, peer };
        MessageCopy {
            at: Wall::from_unix_micros(1_795_380_337_000_042),
            passing,
            call: None,
            text: text.to_vec(),
        }
    }

    /// By type, in their order.
    fn chunks(packet: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let two = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
        assert_eq!((&packet[..4], two(4)), (&b"HEP3"[..], packet.len()));
        let (mut at, mut found) = (6, Vec::new());
        while at < packet.len() {
            assert_eq!(two(at), 0, "the vendor");
            found.push((two(at + 2) as u16, packet[at + 6..at + two(at + 4)].to_vec()));
            at += two(at + 4);
        }
        found
    }

    #[test]
    fn a_message_over_tls_has_its_addresses_time_and_text_in_chunks() {
        let packet = encode(&copy("192.0.2.1:5061", "198.51.100.7:40000", b"BYE"), &settings()).unwrap();
        let expected: [(u16, &[u8]); 12] = [
            (chunk::FAMILY, &[2]),
            (chunk::SOURCE_IPV4, &[192, 0, 2, 1]),
            (chunk::DESTINATION_IPV4, &[198, 51, 100, 7]),
            (chunk::PROTOCOL, &[6]),
            (chunk::SOURCE_PORT, &[0x13, 0xc5]),
            (chunk::DESTINATION_PORT, &[0x9c, 0x40]),
            (chunk::SECONDS, &1_795_380_337_u32.to_be_bytes()),
            (chunk::MICROSECONDS, &[0, 0, 0, 42]),
            (chunk::KIND, &[1]),
            (chunk::CAPTURE_ID, &[0, 0, 0x07, 0xd1]),
            (chunk::PASSWORD, b"pw"),
            (chunk::PAYLOAD, b"BYE"),
        ];
        let expected: Vec<_> = expected.iter().map(|(kind, value)| (*kind, value.to_vec())).collect();
        assert_eq!(chunks(&packet), expected);
    }

    #[test]
    fn addresses_of_ipv6_and_of_a_listener_for_both_are_of_ipv6() {
        let family = |own, peer| {
            let found = chunks(&encode(&copy(own, peer, b"BYE"), &settings()).unwrap());
            found.into_iter().take(3).map(|(kind, value)| (kind, value.len())).collect::<Vec<_>>()
        };
        let v6 = [(chunk::FAMILY, 1), (chunk::SOURCE_IPV6, 16), (chunk::DESTINATION_IPV6, 16)];
        assert_eq!(family("[2001:db8::1]:5060", "[2001:db8::2]:5060"), v6);
        assert_eq!(family("[::]:5060", "192.0.2.7:5060"), v6);
        let v4 = [(chunk::FAMILY, 1), (chunk::SOURCE_IPV4, 4), (chunk::DESTINATION_IPV4, 4)];
        assert_eq!(family("192.0.2.1:5060", "[::ffff:192.0.2.7]:5060"), v4);
    }

    #[test]
    fn what_no_datagram_holds_is_lost_and_counted() {
        let mut collector = Collector::new(settings()).unwrap();
        collector.send(&copy("192.0.2.1:5061", "198.51.100.7:40000", &[b'x'; 65_500]));
        assert_eq!(collector.figures(), HepFigures { sent: 0, lost: 1 });
    }
}
