//! RTP packets as views into the bytes that came, and headers written in front of payloads. RFC 3550 section 5.

use super::SequenceNumber;
use ::rtp::header::Header;
use webrtc_util::marshal::{Marshal, Unmarshal};

/// Bytes of a header without contributing sources and without an extension.
pub const HEADER_LEN: usize = 12;

const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const CSRC_COUNT: u8 = 0x0F;

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PacketError {
    #[error("{0} bytes are fewer than an RTP header has")]
    TooShort(usize),
    #[error("RTP version {0} is not 2")]
    Version(u8),
    #[error("the list of contributing sources, the extension or the padding is longer than the packet")]
    Overrun,
}

/// What a packet says, with its payload where it lies. Contributing sources and extensions are skipped: nobody
/// here negotiates any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    pub sequence: SequenceNumber,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Allocates nothing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let mut fixed: [u8; HEADER_LEN] = *bytes.first_chunk().ok_or(PacketError::TooShort(bytes.len()))?;
        let first = fixed[0];
        if first >> 6 != 2 {
            return Err(PacketError::Version(first >> 6));
        }
        // The crate is given the fixed part alone: it copies what follows to the heap, and an element of a
        // header extension that is longer than the packet makes it panic.
        fixed[0] &= !(PADDING | EXTENSION | CSRC_COUNT);
        let header = Header::unmarshal(&mut &fixed[..]).map_err(|_| PacketError::Overrun)?;
        Ok(Packet {
            marker: header.marker,
            payload_type: header.payload_type,
            sequence: SequenceNumber(header.sequence_number),
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            payload: payload(bytes, first).ok_or(PacketError::Overrun)?,
        })
    }

    /// Appends the packet to `out`, without contributing sources, extension and padding.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_header(out);
        out.extend_from_slice(self.payload);
    }

    /// Appends the header alone; the caller appends the payload.
    pub fn write_header(&self, out: &mut Vec<u8>) {
        let header = Header {
            version: 2,
            marker: self.marker,
            payload_type: self.payload_type & 0x7F,
            sequence_number: self.sequence.0,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        let start = out.len();
        out.resize(start + HEADER_LEN, 0);
        // It fails only where the buffer is too short, which it is not.
        let _ = header.marshal_to(&mut out[start..]);
    }
}

/// What is left of `bytes` after contributing sources and extension, and before padding.
fn payload(bytes: &[u8], first: u8) -> Option<&[u8]> {
    let mut rest = bytes.get(HEADER_LEN + usize::from(first & CSRC_COUNT) * 4..)?;
    if first & EXTENSION != 0 {
        let words = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
        rest = rest.get(4 + usize::from(words) * 4..)?;
    }
    if first & PADDING != 0 {
        let padding = usize::from(*rest.last()?);
        if padding == 0 {
            return None;
        }
        rest = rest.get(..rest.len().checked_sub(padding)?)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 16] = [0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4];

    #[test]
    fn a_packet_that_is_written_reads_the_same() {
        let packet = Packet::parse(&PLAIN).unwrap();
        assert_eq!(
            packet,
            Packet {
                marker: true,
                payload_type: 0,
                sequence: SequenceNumber(0x1234),
                timestamp: 160,
                ssrc: 0xDEAD_BEEF,
                payload: &[1, 2, 3, 4],
            }
        );
        let mut out = vec![9];
        packet.write(&mut out);
        assert_eq!(out[1..], PLAIN);
    }

    #[test]
    fn sources_extension_and_padding_are_no_payload() {
        let mut bytes = PLAIN[..12].to_vec();
        bytes[0] = 0x80 | PADDING | EXTENSION | 2;
        bytes.extend([0; 8]); // two contributing sources
        bytes.extend([0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0]); // an extension of one word
        bytes.extend([5, 6, 7, 0, 0, 3]); // three bytes of payload, three of padding
        assert_eq!(Packet::parse(&bytes).unwrap().payload, [5, 6, 7]);
    }

    #[test]
    fn what_is_cut_or_of_another_version_is_refused() {
        let with = |first: u8, tail: &[u8]| {
            let mut bytes = PLAIN[..12].to_vec();
            bytes[0] = first;
            bytes.extend(tail);
            bytes
        };
        for (bytes, error) in [
            (vec![], PacketError::TooShort(0)),
            (PLAIN[..11].to_vec(), PacketError::TooShort(11)),
            (with(0x00, &[]), PacketError::Version(0)),
            (with(0x40, &[]), PacketError::Version(1)),
            (with(0xC0, &[]), PacketError::Version(3)),
            (with(0x81, &[0; 3]), PacketError::Overrun),
            (with(0x90, &[0; 3]), PacketError::Overrun),
            (with(0x90, &[0, 0, 0, 1]), PacketError::Overrun),
            (with(0xA0, &[]), PacketError::Overrun),
            (with(0xA0, &[1, 2, 0]), PacketError::Overrun),
            (with(0xA0, &[1, 2, 4]), PacketError::Overrun),
        ] {
            assert_eq!(Packet::parse(&bytes), Err(error), "{bytes:02x?}");
        }
    }

    #[test]
    fn an_extension_element_longer_than_the_packet_is_skipped_without_a_panic() {
        let mut bytes = PLAIN[..12].to_vec();
        bytes[0] = 0x90;
        bytes.extend([0xBE, 0xDE, 0, 1, 0x1F, 0, 0, 0]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload, [0u8; 0]);
    }
}
