//! A file of captured packets, as tcpdump and Wireshark read it: the classic format of libpcap, with bare IP packets
//! (LINKTYPE_RAW). All is written as UDP; a SIP message that went over TCP too, as it has no packet of its own.

use std::net::{IpAddr, SocketAddr};

/// Microseconds, in the byte order of a big-endian machine.
const MAGIC: u32 = 0xA1B2_C3D4;
/// The packet begins with its IP header.
const LINKTYPE_RAW: u32 = 101;
/// The longest that an IP packet says of itself.
const IP_BYTES_MAX: usize = 65_535;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// A packet, or its beginning.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Microseconds since 1970.
    pub at: i64,
    pub from: SocketAddr,
    pub to: SocketAddr,
    /// What is there of its payload.
    pub payload: &'a [u8],
    /// How long its payload was.
    pub payload_bytes: usize,
}

/// The file's first bytes.
pub fn header() -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    out.extend(MAGIC.to_be_bytes());
    out.extend(2u16.to_be_bytes());
    out.extend(4u16.to_be_bytes());
    // Time zone and accuracy, which nobody sets.
    out.extend([0; 8]);
    out.extend((IP_BYTES_MAX as u32).to_be_bytes());
    out.extend(LINKTYPE_RAW.to_be_bytes());
    out
}

/// Appends a packet.
pub fn write(out: &mut Vec<u8>, packet: &Packet<'_>) {
    let is_ipv4 = packet.from.ip().to_canonical().is_ipv4() && packet.to.ip().to_canonical().is_ipv4();
    let ip_header = if is_ipv4 { IPV4_HEADER } else { IPV6_HEADER };
    let room = IP_BYTES_MAX - ip_header - UDP_HEADER;
    let payload = packet.payload.get(..room).unwrap_or(packet.payload);
    let whole = packet.payload_bytes.max(payload.len()).min(room);
    let at = packet.at.max(0);
    out.extend(((at / 1_000_000) as u32).to_be_bytes());
    out.extend(((at % 1_000_000) as u32).to_be_bytes());
    out.extend(((ip_header + UDP_HEADER + payload.len()) as u32).to_be_bytes());
    out.extend(((ip_header + UDP_HEADER + whole) as u32).to_be_bytes());
    let udp_bytes = (UDP_HEADER + whole) as u16;
    match (packet.from.ip().to_canonical(), packet.to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let start = out.len();
            out.extend([0x45, 0]);
            out.extend((IPV4_HEADER as u16 + udp_bytes).to_be_bytes());
            out.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
            out.extend(from.octets());
            out.extend(to.octets());
            let sum = checksum(out.get(start..).unwrap_or_default());
            if let Some(place) = out.get_mut(start + 10..start + 12) {
                place.copy_from_slice(&sum.to_be_bytes());
            }
        }
        (from, to) => {
            out.extend([0x60, 0, 0, 0]);
            out.extend(udp_bytes.to_be_bytes());
            out.extend([UDP, 64]);
            out.extend(ipv6(from));
            out.extend(ipv6(to));
        }
    }
    out.extend(packet.from.port().to_be_bytes());
    out.extend(packet.to.port().to_be_bytes());
    out.extend(udp_bytes.to_be_bytes());
    // No sum: the whole payload is not there to be summed up (RFC 768).
    out.extend([0, 0]);
    out.extend(payload);
}

fn ipv6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(pair.first().copied().unwrap_or(0)) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    !(((folded & 0xFFFF) + (folded >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file back: time, captured and original length, addresses, payload.
    fn read(mut file: &[u8]) -> Vec<(i64, usize, String, Vec<u8>)> {
        let word = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let half = |bytes: &[u8], at: usize| u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap());
        assert_eq!((word(file, 0), half(file, 4), half(file, 6), word(file, 20)), (MAGIC, 2, 4, 101));
        file = &file[24..];
        let mut packets = Vec::new();
        while !file.is_empty() {
            let at = i64::from(word(file, 0)) * 1_000_000 + i64::from(word(file, 4));
            let (kept, whole) = (word(file, 8) as usize, word(file, 12) as usize);
            let packet = &file[16..16 + kept];
            let (header, addresses) = if packet[0] == 0x45 {
                assert_eq!(checksum(&packet[..20]), 0, "the sum of a header with its sum is none");
                assert_eq!(usize::from(half(packet, 2)), whole);
                (
                    20,
                    [&packet[12..16], &packet[16..20]]
                        .map(|ip| IpAddr::from(<[u8; 4]>::try_from(ip).unwrap())),
                )
            } else {
                assert_eq!(usize::from(half(packet, 4)) + 40, whole);
                (
                    40,
                    [&packet[8..24], &packet[24..40]]
                        .map(|ip| IpAddr::from(<[u8; 16]>::try_from(ip).unwrap())),
                )
            };
            assert_eq!(usize::from(half(packet, header + 4)) + header, whole);
            let ports = [half(packet, header), half(packet, header + 2)];
            let [from, to] = [0, 1].map(|end| SocketAddr::new(addresses[end], ports[end]));
            packets.push((at, whole, format!("{from} > {to}"), packet[header + 8..].to_vec()));
            file = &file[16 + kept..];
        }
        packets
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let long = vec![b'x'; 70_000];
        let mut file = header();
        let packet = |at, from: &str, to: &str, payload, payload_bytes| Packet {
            at,
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            payload,
            payload_bytes,
        };
        write(&mut file, &packet(1_795_380_337_000_001, "192.0.2.1:5060", "192.0.2.9:5062", b"INVITE", 6));
        write(
            &mut file,
            &packet(1_795_380_337_020_000, "192.0.2.1:20000", "192.0.2.9:4000", &[0x80; 12], 172),
        );
        write(&mut file, &packet(3, "[2001:db8::1]:1", "[2001:db8::2]:2", b"y", 1));
        write(&mut file, &packet(4, "[::ffff:192.0.2.1]:1", "192.0.2.2:2", &long, long.len()));
        let packets = read(&file);
        let shown =
            packets.iter().map(|(at, whole, ends, payload)| (*at, *whole, ends.as_str(), payload.len()));
        let shown: Vec<_> = shown.collect();
        assert_eq!(
            shown,
            [
                (1_795_380_337_000_001, 34, "192.0.2.1:5060 > 192.0.2.9:5062", 6),
                (1_795_380_337_020_000, 200, "192.0.2.1:20000 > 192.0.2.9:4000", 12),
                (3, 49, "[2001:db8::1]:1 > [2001:db8::2]:2", 1),
                (4, 65_535, "192.0.2.1:1 > 192.0.2.2:2", 65_507),
            ]
        );
        assert_eq!(packets[0].3, b"INVITE");
    }
}
