//! Messages of STUN (RFC 8489): header, attributes, the mapped address, the checksum. What is asked and answered with them
//! say those who use it: `sip::stun` for telephones that keep their NAT open, `rtp::stun` for the checks of ICE.

use crc::{CRC_32_ISO_HDLC, Crc};
use std::net::{IpAddr, SocketAddr};

pub const HEADER_LEN: usize = 20;
/// RFC 8489 section 5.
pub const COOKIE: u32 = 0x2112_A442;
pub const BINDING_REQUEST: u16 = 0x0001;
pub const BINDING_SUCCESS: u16 = 0x0101;
pub const BINDING_ERROR: u16 = 0x0111;
pub const ERROR_CODE: u16 = 0x0009;
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub const FINGERPRINT: u16 = 0x8028;
/// Attributes below this must be understood by whoever reads them (section 14).
pub const OPTIONAL_FROM: u16 = 0x8000;
/// What a fingerprint is mixed with, so that it is no CRC of another protocol (section 14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554E;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What names a request and its answer.
pub type Transaction = [u8; 12];

/// A message whose header is right and counts what follows.
pub struct Received<'a> {
    pub kind: u16,
    pub transaction: Transaction,
    datagram: &'a [u8],
    body: &'a [u8],
}

/// Bytes that are no attribute, or do not all lie within the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

pub struct Attribute<'a> {
    pub kind: u16,
    pub value: &'a [u8],
    /// The message up to it, which checksums are made of.
    pub before: &'a [u8],
}

impl Attribute<'_> {
    /// Whether this FINGERPRINT is that of its message.
    pub fn is_right_fingerprint(&self) -> bool {
        self.value == fingerprint(self.before).to_be_bytes()
    }
}

impl<'a> Received<'a> {
    /// None where it is no message, or not a whole one.
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let (header, body) = datagram.split_first_chunk::<HEADER_LEN>()?;
        let [k0, k1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *header;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let is_whole = length == body.len() && length.is_multiple_of(4);
        let is_message = u32::from_be_bytes([c0, c1, c2, c3]) == COOKIE && is_whole;
        is_message.then_some(Received { kind: u16::from_be_bytes([k0, k1]), transaction, datagram, body })
    }

    /// Its attributes, up to the first that does not fit.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'a>, Malformed>> + use<'a> {
        let (datagram, body) = (self.datagram, self.body);
        let mut at = 0;
        std::iter::from_fn(move || {
            let begins = at;
            let rest = body.get(begins..).filter(|rest| !rest.is_empty())?;
            let Some(([k0, k1, l0, l1], rest)) = rest.split_first_chunk::<4>() else {
                at = body.len();
                return Some(Err(Malformed));
            };
            let length = usize::from(u16::from_be_bytes([*l0, *l1]));
            at = begins + 4 + length.next_multiple_of(4);
            let before = datagram.get(..HEADER_LEN + begins).unwrap_or_default();
            let attribute = |value| Attribute { kind: u16::from_be_bytes([*k0, *k1]), value, before };
            Some(rest.get(..length).map(attribute).ok_or(Malformed))
        })
    }
}

/// A message that is written at the end of a buffer.
pub struct Message {
    start: usize,
}

impl Message {
    pub fn begin(bytes: &mut Vec<u8>, kind: u16, transaction: Transaction) -> Self {
        let start = bytes.len();
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction);
        Message { start }
    }

    /// What is written of it so far.
    pub fn written<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..).unwrap_or_default()
    }

    pub fn attribute(&self, bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        bytes.extend_from_slice(value);
        let padding = value.len().next_multiple_of(4) - value.len();
        bytes.extend_from_slice(&[0; 3][..padding]);
        self.set_length(bytes, 0);
    }

    /// XOR-MAPPED-ADDRESS (section 14.2).
    pub fn mapped_address(&self, bytes: &mut Vec<u8>, transaction: Transaction, source: SocketAddr) {
        let mut value = [0; 20];
        let port = source.port() ^ (COOKIE >> 16) as u16;
        value[2..4].copy_from_slice(&port.to_be_bytes());
        let mask = COOKIE.to_be_bytes().into_iter().chain(transaction);
        let mix = |address: &[u8]| {
            let places = value[4..].iter_mut().zip(address).zip(mask);
            places.for_each(|((place, byte), with)| *place = byte ^ with);
            4 + address.len()
        };
        let (family, length) = match source.ip().to_canonical() {
            IpAddr::V4(ip) => (1, mix(&ip.octets())),
            IpAddr::V6(ip) => (2, mix(&ip.octets())),
        };
        value[1] = family;
        self.attribute(bytes, XOR_MAPPED_ADDRESS, &value[..length]);
    }

    /// FINGERPRINT, the last attribute (section 14.7).
    pub fn fingerprint(&self, bytes: &mut Vec<u8>) {
        self.set_length(bytes, 8);
        let fingerprint = fingerprint(self.written(bytes));
        self.attribute(bytes, FINGERPRINT, &fingerprint.to_be_bytes());
    }

    /// The header's length: what was written, and `more` bytes.
    fn set_length(&self, bytes: &mut [u8], more: usize) {
        let length = (bytes.len() - self.start - HEADER_LEN + more) as u16;
        if let Some(place) = bytes.get_mut(self.start + 2..self.start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// Over a message up to this attribute. Its header counts all of the message.
pub fn fingerprint(before: &[u8]) -> u32 {
    CRC.checksum(before) ^ FINGERPRINT_MASK
}
