//! Secure RTP: AES counter mode and HMAC-SHA1 (RFC 3711), in place and without allocation. The ciphers are libraries'; what
//! is here is what the RFC makes of them.
//!
//! What does not authenticate is dropped and counted by whoever asked, and changes nothing: a stranger's packet can
//! neither end a call nor move its replay window.

use super::SequenceNumber;
use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fmt;
use subtle::ConstantTimeEq;

/// Bytes of a master key and of a master salt. RFC 3711 section 8.2.
pub const KEY_LEN: usize = 16;
pub const SALT_LEN: usize = 14;
/// An RTCP packet grows by its index and a tag of 80 bits with either profile (RFC 4568 section 6.2.2).
const RTCP_GROWTH: usize = RTCP_INDEX_LEN + RTCP_TAG_LEN;

const AUTH_KEY_LEN: usize = 20;
const RTCP_INDEX_LEN: usize = 4;
const RTCP_TAG_LEN: usize = 10;
/// RTCP's header up to its sender, which stays readable.
const RTCP_HEADER_LEN: usize = 8;
const RTP_HEADER_LEN: usize = 12;
/// Packets that may come late. RFC 3711 section 3.3.2 asks for 64 at least.
const WINDOW: u64 = 64;
/// Streams of a peer that are told apart: one in most calls, another after a transfer behind its back. The oldest makes
/// room, so that a peer that changes its source with each packet costs nothing.
const STREAMS_MAX: usize = 4;

/// What both sides settled on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Profile {
    /// `AES_CM_128_HMAC_SHA1_80`.
    Tag80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    Tag32,
}

impl Profile {
    /// Of an RTP packet, in bytes.
    const fn tag_len(self) -> usize {
        match self {
            Profile::Tag80 => 10,
            Profile::Tag32 => 4,
        }
    }
}

/// A master key with its salt. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    pub key: [u8; KEY_LEN],
    pub salt: [u8; SALT_LEN],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why a packet is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SrtpError {
    #[error("the packet is too short")]
    TooShort,
    #[error("its authentication tag is wrong")]
    Unauthentic,
    #[error("it came before, or is too old")]
    Replayed,
    #[error("it is not encrypted")]
    Plain,
}

/// What protects what we send: one stream.
pub struct Protect {
    profile: Profile,
    rtp: Keys,
    rtcp: Keys,
    index: Option<u64>,
    next_rtcp: u32,
}

impl Protect {
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        let (rtp, rtcp) = keys(master);
        Protect { profile, rtp, rtcp, index: None, next_rtcp: 0 }
    }

    /// Encrypts the RTP packet that stands in `bytes` from `start` on, and appends its tag.
    pub fn rtp(&mut self, bytes: &mut Vec<u8>, start: usize) {
        let Some(packet) = bytes.get_mut(start..) else { return };
        let Some((sequence, ssrc)) = numbers(packet) else { return };
        let Some(header) = header_len(packet) else { return };
        let index = match self.index {
            None => u64::from(sequence.0),
            Some(highest) => guess(highest, sequence),
        };
        self.index = Some(self.index.map_or(index, |highest| highest.max(index)));
        if let Some(payload) = packet.get_mut(header..) {
            self.rtp.crypt(ssrc, index, payload);
        }
        let tag = self.rtp.tag(packet, (index >> 16) as u32);
        bytes.extend_from_slice(&tag[..self.profile.tag_len()]);
    }

    /// The same with an RTCP packet, which is encrypted always.
    pub fn rtcp(&mut self, bytes: &mut Vec<u8>, start: usize) {
        let Some(packet) = bytes.get_mut(start..).filter(|packet| packet.len() >= RTCP_HEADER_LEN) else {
            return;
        };
        let index = self.next_rtcp;
        // RFC 3711 section 3.4: 31 bits. At a report every five seconds it wraps after three centuries.
        self.next_rtcp = (index + 1) & 0x7FFF_FFFF;
        let ssrc = word(packet, 4);
        if let Some(payload) = packet.get_mut(RTCP_HEADER_LEN..) {
            self.rtcp.crypt(ssrc, u64::from(index), payload);
        }
        let marked = 0x8000_0000 | index;
        let tag = self.rtcp.tag(packet, marked);
        bytes.extend_from_slice(&marked.to_be_bytes());
        bytes.extend_from_slice(&tag[..RTCP_TAG_LEN]);
    }
}

/// What opens what the peer sends.
pub struct Unprotect {
    profile: Profile,
    rtp: Keys,
    rtcp: Keys,
    /// By their sources, the one that was heard last in front.
    streams: Vec<(u32, Window)>,
    rtcp_streams: Vec<(u32, Window)>,
}

impl Unprotect {
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        let (rtp, rtcp) = keys(master);
        let streams = || Vec::with_capacity(STREAMS_MAX + 1);
        Unprotect { profile, rtp, rtcp, streams: streams(), rtcp_streams: streams() }
    }

    /// Decrypts an RTP packet in place, and gives what is left of it.
    pub fn rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], SrtpError> {
        let tag_len = self.profile.tag_len();
        let length = packet.len().checked_sub(tag_len).filter(|length| *length >= RTP_HEADER_LEN);
        let (packet, tag) = packet.split_at_mut(length.ok_or(SrtpError::TooShort)?);
        let (sequence, ssrc) = numbers(packet).ok_or(SrtpError::TooShort)?;
        let header = header_len(packet).ok_or(SrtpError::TooShort)?;
        let known = window_of(&self.streams, ssrc);
        let index = known.map_or(u64::from(sequence.0), |window| guess(window.highest, sequence));
        let window = known.unwrap_or(Window::before(index));
        if window.has(index) {
            return Err(SrtpError::Replayed);
        }
        let expected = self.rtp.tag(packet, (index >> 16) as u32);
        if !is_same(&expected[..tag_len], tag) {
            return Err(SrtpError::Unauthentic);
        }
        note(&mut self.streams, ssrc, window.with(index));
        let (_, payload) = packet.split_at_mut(header.min(packet.len()));
        self.rtp.crypt(ssrc, index, payload);
        Ok(packet)
    }

    /// The same with an RTCP packet.
    pub fn rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], SrtpError> {
        let length = packet.len().checked_sub(RTCP_GROWTH).filter(|length| *length >= RTCP_HEADER_LEN);
        let (packet, trailer) = packet.split_at_mut(length.ok_or(SrtpError::TooShort)?);
        let (marked, tag) = trailer.split_at(RTCP_INDEX_LEN);
        let marked = word(marked, 0);
        if marked & 0x8000_0000 == 0 {
            return Err(SrtpError::Plain);
        }
        let (index, ssrc) = (u64::from(marked & 0x7FFF_FFFF), word(packet, 4));
        let window = window_of(&self.rtcp_streams, ssrc).unwrap_or(Window::before(index));
        if window.has(index) {
            return Err(SrtpError::Replayed);
        }
        if !is_same(&self.rtcp.tag(packet, marked)[..RTCP_TAG_LEN], tag) {
            return Err(SrtpError::Unauthentic);
        }
        note(&mut self.rtcp_streams, ssrc, window.with(index));
        let (_, payload) = packet.split_at_mut(RTCP_HEADER_LEN);
        self.rtcp.crypt(ssrc, index, payload);
        Ok(packet)
    }
}

fn is_same(expected: &[u8], tag: &[u8]) -> bool {
    expected.ct_eq(tag).into()
}

fn window_of(streams: &[(u32, Window)], ssrc: u32) -> Option<Window> {
    streams.iter().find(|(known, _)| *known == ssrc).map(|(_, window)| *window)
}

fn note(streams: &mut Vec<(u32, Window)>, ssrc: u32, window: Window) {
    streams.retain(|(known, _)| *known != ssrc);
    streams.insert(0, (ssrc, window));
    streams.truncate(STREAMS_MAX);
}

/// Which packets of a stream have come. RFC 3711 section 3.3.2.
#[derive(Clone, Copy)]
struct Window {
    highest: u64,
    /// Bit n: the one n before the highest has come.
    seen: u64,
}

impl Window {
    /// Nothing has come; `index` is the first that does.
    fn before(index: u64) -> Self {
        Window { highest: index, seen: 0 }
    }

    /// Whether it came, or is so old that nobody knows.
    fn has(self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => false,
            Some(back) => back >= WINDOW || self.seen >> back & 1 == 1,
        }
    }

    fn with(self, index: u64) -> Self {
        match index.checked_sub(self.highest) {
            Some(ahead) => {
                let seen = if ahead >= WINDOW { 0 } else { self.seen << ahead };
                Window { highest: index, seen: seen | 1 }
            }
            None => Window { seen: self.seen | 1 << (self.highest - index), ..self },
        }
    }
}

/// The 48 bits of which a packet has the lower sixteen: those that are next to the highest. RFC 3711 section 3.3.1.
fn guess(highest: u64, sequence: SequenceNumber) -> u64 {
    let steps = i64::from(sequence.steps_since(SequenceNumber(highest as u16)));
    // Before the first turn there is nothing earlier.
    highest.checked_add_signed(steps).unwrap_or_else(|| u64::from(sequence.0))
}

fn numbers(packet: &[u8]) -> Option<(SequenceNumber, u32)> {
    let header: &[u8; RTP_HEADER_LEN] = packet.first_chunk()?;
    Some((SequenceNumber(u16::from_be_bytes([header[2], header[3]])), word(header, 8)))
}

/// Bytes that stay readable: the fixed part, contributing sources, and an extension.
fn header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut length = RTP_HEADER_LEN + usize::from(first & 0x0F) * 4;
    if first & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + usize::from(u16::from_be_bytes([words[0], words[1]])) * 4;
    }
    (length <= packet.len()).then_some(length)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_be_bytes(*four))
}

/// The keys of a session, for RTP or for RTCP.
struct Keys {
    cipher: [u8; KEY_LEN],
    salt: [u8; SALT_LEN],
    /// Keyed already; each packet begins with a copy.
    mac: Hmac<Sha1>,
}

impl Keys {
    /// Encrypts or decrypts. RFC 3711 section 4.1.1.
    fn crypt(&self, ssrc: u32, index: u64, payload: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..SALT_LEN].copy_from_slice(&self.salt);
        for (byte, with) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= with;
        }
        for (byte, with) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= with;
        }
        Ctr128BE::<Aes128>::new(&self.cipher.into(), &iv.into()).apply_keystream(payload);
    }

    /// Over the packet and what is not sent of its index. RFC 3711 section 4.2.
    fn tag(&self, packet: &[u8], rest: u32) -> [u8; AUTH_KEY_LEN] {
        let mut mac = self.mac.clone();
        mac.update(packet);
        mac.update(&rest.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The keys for RTP and for RTCP. RFC 3711 section 4.3, with a key derivation rate of zero.
fn keys(master: &MasterKey) -> (Keys, Keys) {
    let of = |first: u8| {
        let (mut cipher, mut auth, mut salt) = ([0; KEY_LEN], [0; AUTH_KEY_LEN], [0; SALT_LEN]);
        derive(master, first, &mut cipher);
        derive(master, first + 1, &mut auth);
        derive(master, first + 2, &mut salt);
        // A key of any length is taken.
        let mac = Hmac::new_from_slice(&auth).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Keys { cipher, salt, mac }
    };
    (of(0), of(3))
}

fn derive(master: &MasterKey, label: u8, key: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..SALT_LEN].copy_from_slice(&master.salt);
    iv[7] ^= label;
    Ctr128BE::<Aes128>::new(&master.key.into(), &iv.into()).apply_keystream(key);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn master() -> MasterKey {
        MasterKey {
            key: hex("E1F97A0D3E018BE0D64FA32C06DE4139").try_into().unwrap(),
            salt: hex("0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap(),
        }
    }

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
            derive(&master(), label, &mut key);
            assert_eq!(key, hex(expected), "label {label}");
        }
    }

    /// RFC 3711 appendix B.2: the first and the last blocks of its keystream.
    #[test]
    fn the_keystream_is_that_of_the_rfc() {
        let keys = Keys {
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

    #[test]
    fn what_is_protected_opens_again_and_is_not_readable_between() {
        for (profile, tag_len) in [(Profile::Tag80, 10), (Profile::Tag32, 4)] {
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
            assert_eq!(report.len(), plain.len() + RTCP_GROWTH);
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
        let (mut protect, mut unprotect) = both(Profile::Tag80);
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
        let (mut protect, mut unprotect) = both(Profile::Tag32);
        let mut report = vec![0x80, 201, 0, 1, 1, 2, 3, 4];
        protect.rtcp(&mut report, 0);
        assert!(unprotect.rtcp(&mut report.clone()).is_ok());
        assert_eq!(unprotect.rtcp(&mut report.clone()), Err(SrtpError::Replayed));
        let at = report.len() - RTCP_GROWTH;
        report[at] &= 0x7F;
        assert_eq!(unprotect.rtcp(&mut report), Err(SrtpError::Plain));
        for length in 0..30 {
            assert!(unprotect.rtcp(&mut vec![0x80; length]).is_err());
        }
    }

    #[test]
    fn a_peer_of_many_sources_costs_no_more_than_four() {
        let (mut protect, mut unprotect) = both(Profile::Tag80);
        for ssrc in 0..50u8 {
            let mut bytes = packet(1, b"x");
            bytes[11] = ssrc;
            protect.index = None;
            protect.rtp(&mut bytes, 0);
            assert!(unprotect.rtp(&mut bytes).is_ok());
        }
        assert_eq!(unprotect.streams.len(), STREAMS_MAX);
    }

    #[test]
    fn nothing_shows_a_key() {
        assert_eq!(format!("{:?}", master()), "MasterKey(…)");
    }
}
