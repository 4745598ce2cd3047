//! The headers of a leg's packets, for whoever asked for them: never what was said or pressed.
//!
//! Room for all of them is made beforehand, elsewhere; a packet that is noted costs a copy of some bytes, and a leg that is
//! not captured nothing.

use super::Channel;
use crate::clock::Instant;
use crate::rtp::packet::HEADER_LEN;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a capture runs: enough for "say something, and now the other side".
pub const CAPTURE_TIME: Duration = Duration::from_secs(120);
/// Packets of one leg: 100 a second, both ways together, for the whole time, RTCP, and a quarter more. 1.4 MB.
pub const CAPTURE_PACKETS_MAX: usize = 15_000;
/// A sender report with one block (RFC 3550 section 6.4.1), the longest that is kept of a packet.
const HEADER_BYTES_MAX: usize = 52;

/// What is kept of a packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Header {
    pub at: Instant,
    pub is_sent: bool,
    pub channel: Channel,
    pub peer: SocketAddr,
    /// How long the packet was.
    pub packet_bytes: u16,
    kept: u8,
    bytes: [u8; HEADER_BYTES_MAX],
}

impl Header {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.kept)).unwrap_or_default()
    }
}

/// The packets of one leg.
#[derive(Clone, PartialEq, Debug)]
pub struct Capture {
    pub headers: Vec<Header>,
    pub until: Instant,
    /// Packets that there was no room for.
    pub left_out: u32,
}

impl Capture {
    /// With its room. Not for a thread that carries packets.
    pub fn until(until: Instant) -> Self {
        Capture { headers: Vec::with_capacity(CAPTURE_PACKETS_MAX), until, left_out: 0 }
    }

    pub fn note(&mut self, at: Instant, is_sent: bool, channel: Channel, peer: SocketAddr, packet: &[u8]) {
        if at >= self.until {
            return;
        }
        if self.headers.len() >= self.headers.capacity() {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let kept = match channel {
            Channel::Rtp => packet.len().min(HEADER_LEN),
            Channel::Rtcp => report_length(packet),
        };
        let mut bytes = [0; HEADER_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(packet.iter().take(kept)) {
            *to = *from;
        }
        let packet_bytes = u16::try_from(packet.len()).unwrap_or(u16::MAX);
        self.headers.push(Header { at, is_sent, channel, peer, packet_bytes, kept: kept as u8, bytes });
    }
}

/// Of a compound packet the report that it begins with; of anything else the first word alone.
fn report_length(packet: &[u8]) -> usize {
    let length = match packet {
        [_, 200 | 201, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])) * 4,
        _ => 4,
    };
    length.min(packet.len()).min(HEADER_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_are_kept_and_no_more_than_there_is_room_for() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 4_000));
        let report = {
            let mut bytes = vec![0x81, 200, 0, 12];
            bytes.extend([7; 48]);
            bytes.extend([0x81, 202, 0, 2, 1, 1, 1, 1, 1, 4, b'n', b'a']);
            bytes
        };
        let mut capture = Capture::until(Instant::from_millis(1_000));
        for (channel, packet, kept) in [
            (Channel::Rtp, vec![0x80; 172], 12),
            (Channel::Rtp, vec![0x80, 101], 2),
            (Channel::Rtcp, report, 52),
            (Channel::Rtcp, vec![0x80, 201, 0, 1, 9, 9, 9, 9, 0x80, 204, 0, 1, 5, 5, 5, 5], 8),
            (Channel::Rtcp, vec![0x80, 204, 0, 1, 5, 5, 5, 5], 4),
        ] {
            capture.note(Instant::ZERO, false, channel, peer, &packet);
            let header = capture.headers.last().unwrap();
            assert_eq!(header.bytes(), &packet[..kept]);
            assert_eq!(usize::from(header.packet_bytes), packet.len());
        }
        let room = capture.headers.capacity();
        (0..2 * room).for_each(|_| capture.note(Instant::ZERO, true, Channel::Rtp, peer, &[0x80; 12]));
        assert_eq!((capture.headers.len(), capture.left_out as usize), (room, room + 5));
        capture.note(Instant::from_millis(1_000), true, Channel::Rtp, peer, &[0x80; 12]);
        assert_eq!(capture.left_out as usize, room + 5, "its time is over");
    }
}
