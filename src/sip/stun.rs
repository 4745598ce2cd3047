//! STUN (RFC 8489) as far as telephones need it to keep their NAT open over UDP and to learn that it has given them another
//! port (RFC 5626 4.4.2 and 8): Binding requests on the port of SIP, without credentials.

use crate::stun::{
    Attribute, BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, COOKIE, ERROR_CODE, FINGERPRINT, HEADER_LEN,
    Message, OPTIONAL_FROM, Received, UNKNOWN_ATTRIBUTES,
};
use std::net::SocketAddr;

/// Attributes that were not understood and are named in the answer. A request of this usage has none at all.
const UNKNOWN_MAX: usize = 4;

/// Whether a datagram is STUN and no SIP, by its first byte and the cookie (RFC 5626 section 8).
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_LEN
        && bytes.first().is_some_and(|first| *first < 2)
        && bytes.get(4..8) == Some(&COOKIE.to_be_bytes()[..])
}

/// The answer to a well-formed Binding request: where it came from, or which of its attributes is not known here. None for
/// all else.
pub fn answer(request: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let request = Received::read(request).filter(|request| request.kind == BINDING_REQUEST)?;
    let Attributes { unknown, has_fingerprint } = read(&request)?;
    let kind = if unknown.is_empty() { BINDING_SUCCESS } else { BINDING_ERROR };
    let mut reply = Vec::with_capacity(HEADER_LEN + 32);
    let message = Message::begin(&mut reply, kind, request.transaction);
    if unknown.is_empty() {
        message.mapped_address(&mut reply, request.transaction, source);
    } else {
        // 420 without a phrase, and what was not understood (sections 6.3.1, 14.8, 14.13).
        message.attribute(&mut reply, ERROR_CODE, &[0, 0, 4, 20]);
        let named: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        message.attribute(&mut reply, UNKNOWN_ATTRIBUTES, &named);
    }
    if has_fingerprint {
        message.fingerprint(&mut reply);
    }
    Some(reply)
}

/// What is of interest of the attributes of a request.
struct Attributes {
    /// Those that it wants understood.
    unknown: Vec<u16>,
    has_fingerprint: bool,
}

/// None where an attribute does not fit, or the checksum is wrong.
fn read(request: &Received<'_>) -> Option<Attributes> {
    let mut attributes = Attributes { unknown: Vec::new(), has_fingerprint: false };
    for attribute in request.attributes() {
        let attribute: Attribute<'_> = attribute.ok()?;
        if attributes.has_fingerprint {
            // FINGERPRINT is the last one (section 14.7).
            return None;
        }
        if attribute.kind == FINGERPRINT {
            attributes.has_fingerprint = attribute.is_right_fingerprint().then_some(true)?;
        } else if attribute.kind < OPTIONAL_FROM && attributes.unknown.len() < UNKNOWN_MAX {
            attributes.unknown.push(attribute.kind);
        }
    }
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Random;
    use crate::stun::fingerprint;

    fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        bytes.get(at..at + 2).and_then(|two| Some(u16::from_be_bytes(two.try_into().ok()?)))
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..at + 4).and_then(|four| Some(u32::from_be_bytes(four.try_into().ok()?)))
    }

    /// Without FINGERPRINT, whatever the length says.
    fn request(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((attributes.len() as u16).to_be_bytes());
        bytes.extend(COOKIE.to_be_bytes());
        // The transaction of RFC 5769.
        bytes.extend([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);
        bytes.extend(attributes);
        bytes
    }

    fn with_fingerprint(mut bytes: Vec<u8>) -> Vec<u8> {
        let length = u16_at(&bytes, 2).unwrap() + 8;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let value = fingerprint(&bytes);
        bytes.extend([0x80, 0x28, 0, 4]);
        bytes.extend(value.to_be_bytes());
        bytes
    }

    fn from(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_answer_has_the_address_as_in_the_vectors_of_rfc_5769() {
        // Sections 2.2 and 2.3: the values of XOR-MAPPED-ADDRESS for this transaction.
        let v4 = answer(&request(BINDING_REQUEST, &[]), from("192.0.2.1:32853")).unwrap();
        assert_eq!(v4.len(), 32);
        assert_eq!(v4[..4], [0x01, 0x01, 0x00, 0x0c]);
        assert_eq!(v4[4..20], request(BINDING_REQUEST, &[])[4..20]);
        assert_eq!(v4[20..], [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let v6 = answer(&request(BINDING_REQUEST, &[]), from("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
            .unwrap();
        assert_eq!(
            v6[20..],
            [
                0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1,
                0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
        let mapped = answer(&request(BINDING_REQUEST, &[]), from("[::ffff:192.0.2.1]:32853")).unwrap();
        assert_eq!(mapped, v4, "of a socket for both families");
    }

    #[test]
    fn who_adds_a_checksum_gets_one_and_a_wrong_one_gets_nothing() {
        let asked = with_fingerprint(request(BINDING_REQUEST, &[]));
        let said = answer(&asked, from("192.0.2.1:32853")).unwrap();
        assert_eq!(said.len(), 40);
        assert_eq!(u16_at(&said, 2), Some(20));
        assert_eq!(u32_at(&said, 36), Some(fingerprint(&said[..32])));
        let mut wrong = asked.clone();
        wrong[27] ^= 1;
        assert_eq!(answer(&wrong, from("192.0.2.1:1")), None);
        let mut not_last = asked;
        not_last.extend([0x80, 0x22, 0, 0]);
        not_last[3] += 4;
        assert_eq!(answer(&not_last, from("192.0.2.1:1")), None);
    }

    #[test]
    fn the_request_of_rfc_5769_has_the_right_checksum_and_wants_more_than_is_known_here() {
        let text = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
                    80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249\
                    c1b571a280280004e57a3bcf";
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        let asked: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
        let said = answer(&asked, from("192.0.2.1:32853")).unwrap();
        assert_eq!((u16_at(&said, 0), u16_at(&said, 30)), (Some(BINDING_ERROR), Some(6)));
        assert_eq!(said[32..38], [0, 0x24, 0, 6, 0, 8]);
    }

    #[test]
    fn what_has_to_be_understood_and_is_not_is_named_and_what_need_not_be_is_passed_over() {
        // SOFTWARE with padding.
        let software = [0x80, 0x22, 0, 5, b'p', b'h', b'o', b'n', b'e', 0, 0, 0];
        let said = answer(&request(BINDING_REQUEST, &software), from("192.0.2.1:32853")).unwrap();
        assert_eq!((said[0], said.len()), (1, 32));
        // CHANGE-REQUEST of RFC 3489: nobody shall be sent anything from another port.
        let change = [0, 3, 0, 4, 0, 0, 0, 6];
        let said = answer(&request(BINDING_REQUEST, &change), from("192.0.2.1:32853")).unwrap();
        assert_eq!(said[..4], [0x01, 0x11, 0x00, 0x10]);
        assert_eq!(said[20..], [0, 9, 0, 4, 0, 0, 4, 20, 0, 10, 0, 2, 0, 3, 0, 0]);
        let many: Vec<u8> = (0..100u8).flat_map(|n| [0x70, n, 0, 0]).collect();
        let said = answer(&request(BINDING_REQUEST, &many), from("192.0.2.1:32853")).unwrap();
        assert_eq!(said.len(), 40);
    }

    #[test]
    fn all_else_is_answered_with_nothing() {
        let good = request(BINDING_REQUEST, &[]);
        for (what, bytes) in [
            ("an indication", request(0x0011, &[])),
            ("a response", request(BINDING_SUCCESS, &[])),
            ("another method", request(0x0003, &[])),
            ("SIP", b"OPTIONS sip:x SIP/2.0\r\n".to_vec()),
            ("no cookie", [&good[..4], &[0; 16]].concat()),
            ("cut off", good[..19].to_vec()),
            ("longer than it says", [&good[..], &[0; 4]].concat()),
            ("an attribute that does not fit", request(BINDING_REQUEST, &[0x80, 0x22, 0, 9, 0, 0, 0, 0])),
            ("no multiple of four", request(BINDING_REQUEST, &[0x80, 0x22, 0])),
        ] {
            assert_eq!(answer(&bytes, from("192.0.2.1:1")), None, "{what}");
        }
        assert!(is_stun(&good) && !is_stun(b"\r\n\r\n") && !is_stun(&[]));
    }

    #[test]
    fn whatever_comes_it_is_read_to_the_end_and_the_answer_stays_small() {
        let mut random = Random::from_seed(8_489);
        for _ in 0..100_000 {
            let length = random.below(60) as usize;
            let attributes: Vec<u8> = (0..length).map(|_| random.below(256) as u8 & 0x83).collect();
            if let Some(said) = answer(&request(BINDING_REQUEST, &attributes), from("192.0.2.1:1")) {
                assert!(said.len() <= 48, "{}", said.len());
            }
        }
    }
}
