use super::cipher::derive;
use super::*;
use hmac::{Hmac, KeyInit};
use ring::aead::{AES_128_GCM, LessSafeKey, UnboundKey};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn master() -> MasterKey {
    MasterKey::new(&hex("E1F97A0D3E018BE0D64FA32C06DE4139"), &hex("0EC675AD498AFEEBB6960B3AABE6"))
}

const ALL: [(Profile, usize, usize); 4] =
    [(Profile::Tag80, 10, 14), (Profile::Tag32, 4, 14), (Profile::Gcm128, 16, 20), (Profile::Gcm256, 16, 20)];

fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, 0];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0, 0, 0, 160, 0xCA, 0xFE, 0xBA, 0xBE]);
    bytes.extend(payload);
    bytes
}

fn both(profile: Profile) -> (Protect, Unprotect) {
    (Protect::new(profile, &master()), Unprotect::new(profile, &master()))
}

fn protected(protect: &mut Protect, sequence: u16) -> Vec<u8> {
    let mut bytes = packet(sequence, b"a payload of some length");
    protect.rtp(&mut bytes, 0);
    bytes
}

/// RFC 3711 appendix B.3.
#[test]
fn session_keys_are_those_of_the_rfc() {
    for (label, expected) in [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
        (1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
    ] {
        let mut key = vec![0; expected.len() / 2];
        derive(Profile::Tag80, &master(), label, &mut key);
        assert_eq!(key, hex(expected), "label {label}");
    }
}

/// RFC 3711 appendix B.2: the first and the last blocks of its keystream.
#[test]
fn the_keystream_is_that_of_the_rfc() {
    let keys = Keys::CounterMode {
        cipher: hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap(),
        salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap(),
        mac: Hmac::new_from_slice(b"").unwrap(),
    };
    let mut stream = vec![0; 0xFF02 * 16];
    keys.crypt(0, 0, &mut stream);
    assert_eq!(
        stream[..48],
        hex(
            "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"
        )
    );
    assert_eq!(
        stream[0xFEFF * 16..0xFF02 * 16],
        hex(
            "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44"
        )
    );
}

/// RFC 7714 section 16.1.1.
#[test]
fn a_packet_of_gcm_is_that_of_the_rfc() {
    let key =
        LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &hex("000102030405060708090A0B0C0D0E0F")).unwrap());
    let keys = Keys::Gcm { key: Some(Box::new(key)), salt: *b"Quid pro quo" };
    let header = hex("8040F17B8041F8D35501A0B2");
    let mut payload = b"Gallia est omnis divisa in partes tres".to_vec();
    let tag = keys.seal_rtp(0x5501_A0B2, 0xF17B, &header, &mut payload);
    assert_eq!(payload, hex("F24DE3A3FB34DE6CACBA861C9D7E4BCABE633BD50D294E6F42A5F47A51C7D19B36DE3ADF8833"));
    assert_eq!(tag[..16], hex("899D7F27BEB16A9152CF765EE4390CCE"));
}

#[test]
fn what_is_protected_opens_again_and_is_not_readable_between() {
    for (profile, tag_len, rtcp_growth) in ALL {
        let (mut protect, mut unprotect) = both(profile);
        for sequence in [65_533, 65_534, 65_535, 0, 1, 2] {
            let plain = packet(sequence, b"a payload of some length");
            let mut bytes = protected(&mut protect, sequence);
            assert_eq!(bytes.len(), plain.len() + tag_len);
            assert_eq!(bytes[..12], plain[..12], "the header stays readable");
            assert_ne!(bytes[12..plain.len()], plain[12..]);
            assert_eq!(unprotect.rtp(&mut bytes).unwrap(), plain, "{profile:?} {sequence}");
        }
        let mut report = vec![0x80, 200, 0, 6, 0xCA, 0xFE, 0xBA, 0xBE];
        report.extend([7; 20]);
        let plain = report.clone();
        protect.rtcp(&mut report, 0);
        assert_eq!(report.len(), plain.len() + rtcp_growth);
        assert_eq!(unprotect.rtcp(&mut report).unwrap(), plain);
    }
}

#[test]
fn contributing_sources_and_an_extension_stay_readable() {
    let (mut protect, mut unprotect) = both(Profile::Tag80);
    let mut bytes = packet(7, &[]);
    bytes[0] = 0x91;
    bytes.extend([1, 2, 3, 4, 0xBE, 0xDE, 0, 1, 9, 9, 9, 9]);
    bytes.extend(b"payload");
    let plain = bytes.clone();
    protect.rtp(&mut bytes, 0);
    assert_eq!(bytes[..24], plain[..24]);
    assert_ne!(bytes[24..31], plain[24..]);
    assert_eq!(unprotect.rtp(&mut bytes).unwrap(), plain);
}

#[test]
fn packets_out_of_order_are_taken_once_and_old_ones_not_at_all() {
    let (mut protect, mut unprotect) = both(Profile::Tag80);
    let mut sent: Vec<Vec<u8>> =
        (0..=99).map(|n| protected(&mut protect, 65_500u16.wrapping_add(n))).collect();
    for at in [0, 2, 1, 90, 40, 99] {
        assert!(unprotect.rtp(&mut sent[at].clone()).is_ok(), "{at}");
        assert_eq!(unprotect.rtp(&mut sent[at].clone()), Err(SrtpError::Replayed), "{at}");
    }
    assert_eq!(unprotect.rtp(&mut sent[35]), Err(SrtpError::Replayed), "64 before the highest");
    assert!(unprotect.rtp(&mut sent[36]).is_ok());
}

#[test]
fn a_forged_packet_is_dropped_and_moves_nothing() {
    for (profile, _, _) in ALL {
        forge(profile);
    }
}

fn forge(profile: Profile) {
    let (mut protect, mut unprotect) = both(profile);
    let (first, second) = (protected(&mut protect, 1), protected(&mut protect, 2));
    assert!(unprotect.rtp(&mut first.clone()).is_ok());
    for at in 0..second.len() {
        let mut forged = second.clone();
        forged[at] ^= 0x40;
        assert!(unprotect.rtp(&mut forged).is_err(), "byte {at}");
    }
    let mut far = second.clone();
    far[2] = 0x70;
    assert_eq!(unprotect.rtp(&mut far), Err(SrtpError::Unauthentic));
    assert_eq!(unprotect.rtp(&mut second.clone()).unwrap().len(), 36, "the window has not moved");
    for length in 0..second.len() {
        assert!(unprotect.rtp(&mut second.clone()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn an_rtcp_packet_is_taken_once_and_a_plain_one_never() {
    for (profile, _, growth) in ALL {
        let (mut protect, mut unprotect) = both(profile);
        let mut report = vec![0x80, 201, 0, 1, 1, 2, 3, 4];
        protect.rtcp(&mut report, 0);
        assert!(unprotect.rtcp(&mut report.clone()).is_ok());
        assert_eq!(unprotect.rtcp(&mut report.clone()), Err(SrtpError::Replayed));
        // The index stands before a tag of HMAC, and behind one of GCM.
        let back = if growth == 14 { growth } else { RTCP_INDEX_LEN };
        let at = report.len() - back;
        report[at] &= 0x7F;
        assert_eq!(unprotect.rtcp(&mut report), Err(SrtpError::Plain));
        for length in 0..32 {
            assert!(unprotect.rtcp(&mut vec![0x80; length]).is_err());
        }
    }
}

#[test]
fn a_peer_of_many_sources_costs_no_more_than_four() {
    let (mut protect, mut unprotect) = both(Profile::Tag80);
    for ssrc in 0..50u8 {
        let mut bytes = packet(1, b"x");
        bytes[11] = ssrc;
        protect.sent = None;
        protect.rtp(&mut bytes, 0);
        assert!(unprotect.rtp(&mut bytes).is_ok());
    }
    assert_eq!(unprotect.streams.len(), STREAMS_MAX);
}

#[test]
fn nothing_shows_a_key() {
    assert_eq!(format!("{:?}", master()), "MasterKey(…)");
}
