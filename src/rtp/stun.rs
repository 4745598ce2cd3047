//! Connectivity checks: the STUN binding request (RFC 8489) with what ICE says in it (RFC 8445 section 7.1), read by a side
//! that only answers (ICE-lite). Bytes and numbers, no sockets.

pub use crate::stun::Transaction;
use crate::stun::{
    Attribute, BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, ERROR_CODE, FINGERPRINT, HEADER_LEN, Message,
    OPTIONAL_FROM, Received, UNKNOWN_ATTRIBUTES,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::net::SocketAddr;
use std::str;
use subtle::ConstantTimeEq;

/// More attributes than any check has; browsers send eight.
const ATTRIBUTES_MAX: usize = 32;
const INTEGRITY_LEN: usize = 20;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;

/// A request whose sender knows our password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    pub transaction: Transaction,
    /// The pair that it came by is the one to use.
    pub use_candidate: bool,
    /// The sender takes us for the side that chooses, which a lite agent never is (RFC 8445 section 6.1.1).
    pub is_controlled: bool,
    pub priority: u32,
    /// An attribute that must be understood, and is not.
    pub unknown: Option<u16>,
}

/// Why a datagram is no such request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StunError {
    #[error("it is no STUN message, or a mutilated one")]
    Malformed,
    #[error("it is not a binding request")]
    NoRequest,
    #[error("its user name or its integrity is wrong")]
    Unauthentic,
}

/// Whether a datagram on a media socket is one of STUN. RFC 7983 section 7.
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// Reads a request to the user `ours`, of the user `theirs`, both names of this call alone, made with our password.
pub fn read_request(datagram: &[u8], ours: &str, theirs: &str, password: &str) -> Result<Request, StunError> {
    let received = Received::read(datagram).ok_or(StunError::Malformed)?;
    if received.kind != BINDING_REQUEST {
        return Err(StunError::NoRequest);
    }
    let transaction = received.transaction;
    let mut request =
        Request { transaction, use_candidate: false, is_controlled: false, priority: 0, unknown: None };
    let (mut is_addressed, mut is_authentic) = (false, false);
    for (count, attribute) in received.attributes().enumerate() {
        let attribute: Attribute<'_> = attribute.map_err(|_| StunError::Malformed)?;
        let value = attribute.value;
        if count >= ATTRIBUTES_MAX {
            return Err(StunError::Malformed);
        }
        match attribute.kind {
            FINGERPRINT if attribute.is_right_fingerprint() => {}
            FINGERPRINT => return Err(StunError::Malformed),
            // What stands behind the integrity is not covered by it (section 14.5).
            _ if is_authentic => {}
            MESSAGE_INTEGRITY => {
                let expected = integrity(attribute.before, password);
                if !bool::from(expected.ct_eq(value)) {
                    return Err(StunError::Unauthentic);
                }
                is_authentic = true;
            }
            USERNAME => {
                let name = str::from_utf8(value).ok().and_then(|name| name.split_once(':'));
                is_addressed = name == Some((ours, theirs));
            }
            PRIORITY => {
                let number = value.try_into().map_err(|_| StunError::Malformed)?;
                request.priority = u32::from_be_bytes(number);
            }
            USE_CANDIDATE => request.use_candidate = true,
            ICE_CONTROLLED => request.is_controlled = true,
            MESSAGE_INTEGRITY_SHA256 => {}
            kind if kind < OPTIONAL_FROM => request.unknown = Some(kind),
            _ => {}
        }
    }
    if is_addressed && is_authentic { Ok(request) } else { Err(StunError::Unauthentic) }
}

/// Appends a request as a browser makes it.
#[cfg(test)]
pub fn write_request(bytes: &mut Vec<u8>, request: &Request, names: [&str; 2], password: &str) {
    const ICE_CONTROLLING: u16 = 0x802A;
    let message = Message::begin(bytes, BINDING_REQUEST, request.transaction);
    message.attribute(bytes, USERNAME, names.join(":").as_bytes());
    message.attribute(bytes, PRIORITY, &request.priority.to_be_bytes());
    message.attribute(bytes, if request.is_controlled { ICE_CONTROLLED } else { ICE_CONTROLLING }, &[7; 8]);
    if request.use_candidate {
        message.attribute(bytes, USE_CANDIDATE, &[]);
    }
    if let Some(kind) = request.unknown {
        message.attribute(bytes, kind, &[1, 2, 3]);
    }
    end(&message, bytes, password);
}

/// Appends the answer: where the request came from, as we see it.
pub fn write_success(bytes: &mut Vec<u8>, transaction: Transaction, source: SocketAddr, password: &str) {
    let message = Message::begin(bytes, BINDING_SUCCESS, transaction);
    message.mapped_address(bytes, transaction, source);
    end(&message, bytes, password);
}

/// Appends that both sides think that the other one chooses the pair (RFC 8445 section 7.3.1.1).
pub fn write_role_conflict(bytes: &mut Vec<u8>, transaction: Transaction, password: &str) {
    let message = Message::begin(bytes, BINDING_ERROR, transaction);
    message.attribute(bytes, ERROR_CODE, b"\0\0\x04\x57Role Conflict");
    end(&message, bytes, password);
}

/// Appends that an attribute is not known (RFC 8489 section 6.3.1).
pub fn write_unknown_attribute(bytes: &mut Vec<u8>, transaction: Transaction, kind: u16, password: &str) {
    let message = Message::begin(bytes, BINDING_ERROR, transaction);
    message.attribute(bytes, ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
    message.attribute(bytes, UNKNOWN_ATTRIBUTES, &kind.to_be_bytes());
    end(&message, bytes, password);
}

/// What both sides' messages end with.
fn end(message: &Message, bytes: &mut Vec<u8>, password: &str) {
    let integrity = integrity(message.written(bytes), password);
    message.attribute(bytes, MESSAGE_INTEGRITY, &integrity);
    message.fingerprint(bytes);
}

/// Over a message up to this attribute, whose header counts it already (section 14.5).
fn integrity(before: &[u8], password: &str) -> [u8; INTEGRITY_LEN] {
    // A key of any length is taken.
    let mut mac = Hmac::<Sha1>::new_from_slice(password.as_bytes())
        .unwrap_or_else(|_| Hmac::<Sha1>::new(&Default::default()));
    let length = (before.len() + 4 + INTEGRITY_LEN).saturating_sub(HEADER_LEN) as u16;
    let (first, rest) = before.split_at(before.len().min(2));
    mac.update(first);
    mac.update(&length.to_be_bytes());
    mac.update(rest.get(2..).unwrap_or_default());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::fingerprint;

    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    fn hex(text: &str) -> Vec<u8> {
        let text: String = text.split_whitespace().collect();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// The request of RFC 5769 section 2.1.
    fn sample() -> Vec<u8> {
        hex("000100582112a442b7e7a701bc34d686fa87dfae
             802200105354554e207465737420636c69656e74
             002400046e0001ff 80290008932ff9b151263b36
             000600096576746a3a68367659202020
             000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
             80280004e57a3bcf")
    }

    fn read(datagram: &[u8]) -> Result<Request, StunError> {
        read_request(datagram, "evtj", "h6vY", PASSWORD)
    }

    #[test]
    fn the_request_of_the_rfc_is_read() {
        let request = read(&sample()).unwrap();
        assert_eq!((request.priority, request.is_controlled), (0x6E00_01FF, true));
        assert!(!request.use_candidate && request.unknown.is_none() && is_stun(&sample()));
    }

    #[test]
    fn another_name_another_password_or_a_changed_byte_is_refused() {
        let of = |ours, theirs, password| read_request(&sample(), ours, theirs, password);
        assert_eq!(of("evtj", "h6vX", PASSWORD), Err(StunError::Unauthentic));
        assert_eq!(of("evtk", "h6vY", PASSWORD), Err(StunError::Unauthentic));
        assert_eq!(of("evtj", "h6vY", "another"), Err(StunError::Unauthentic));
        // The last eight are the CRC, which whoever names it otherwise leaves out.
        for at in 0..sample().len() - 8 {
            let mut changed = sample();
            changed[at] ^= 0x10;
            assert!(read(&changed).is_err(), "byte {at}");
            assert!(read(&sample()[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn what_stands_behind_the_integrity_says_nothing() {
        let mut bytes = sample();
        bytes.truncate(bytes.len() - 8);
        bytes.extend(hex("00250000"));
        let length = (bytes.len() - HEADER_LEN) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        assert!(!read(&bytes).unwrap().use_candidate);
    }

    /// The answers of RFC 5769 sections 2.2 and 2.3, but for the name of the software.
    #[test]
    fn an_answer_names_the_source_and_is_signed() {
        let transaction = hex("b7e7a701bc34d686fa87dfae").try_into().unwrap();
        for (source, mapped) in [
            ("192.0.2.1:32853", "002000080001a147e112a643"),
            (
                "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
                "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
            ),
        ] {
            let mut bytes = vec![9];
            write_success(&mut bytes, transaction, source.parse().unwrap(), PASSWORD);
            let message = &bytes[1..];
            assert_eq!(message[HEADER_LEN..HEADER_LEN + mapped.len() / 2], hex(mapped));
            assert_signed(message);
        }
    }

    #[test]
    fn errors_are_signed_and_name_what_is_wrong() {
        let mut bytes = Vec::new();
        write_role_conflict(&mut bytes, [1; 12], PASSWORD);
        assert_signed(&bytes);
        assert_eq!(bytes[24..28], [0, 0, 4, 87]);
        bytes.clear();
        write_unknown_attribute(&mut bytes, [1; 12], 0x0042, PASSWORD);
        assert_signed(&bytes);
        assert!(bytes.windows(6).any(|six| six == [0, 0x0A, 0, 2, 0, 0x42]));
    }

    fn assert_signed(message: &[u8]) {
        let (signed, tail) = message.split_at(message.len() - 8 - 24);
        assert_eq!(tail[..4], [0, 8, 0, 20]);
        assert_eq!(tail[4..24], integrity(signed, PASSWORD));
        let print = fingerprint(&message[..message.len() - 8]);
        assert_eq!(tail[28..], print.to_be_bytes());
        assert_eq!(usize::from(u16::from_be_bytes([message[2], message[3]])), message.len() - HEADER_LEN);
    }

    #[test]
    fn bytes_of_any_kind_do_not_panic() {
        let mut random = crate::ids::Random::from_seed(5);
        for _ in 0..20_000 {
            let mut bytes = sample();
            for _ in 0..=random.below(6) {
                let at = random.below(bytes.len() as u32) as usize;
                bytes[at] = random.next_u32() as u8;
            }
            bytes.truncate(random.below(120) as usize);
            let _ = read(&bytes);
        }
    }
}
