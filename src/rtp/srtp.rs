//! Secure RTP: AES counter mode and HMAC-SHA1 (RFC 3711), and AES-GCM (RFC 7714), in place and without allocation. The
//! ciphers are libraries'; what is here is what the RFCs make of them.
//!
//! What does not authenticate is dropped and counted by whoever asked, and changes nothing: a stranger's packet can
//! neither end a call nor move its replay window.

use super::SequenceNumber;
mod cipher;

use cipher::{Keys, keys};
use std::fmt;

/// Bytes of the longest master key and of the longest master salt.
pub const KEY_MAX: usize = 32;
pub const SALT_MAX: usize = 14;

const RTCP_INDEX_LEN: usize = 4;
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
    /// `AEAD_AES_128_GCM`.
    Gcm128,
    /// `AEAD_AES_256_GCM`.
    Gcm256,
}

impl Profile {
    /// Bytes of a master key. RFC 3711 section 8.2, RFC 7714 section 12.
    pub const fn key_len(self) -> usize {
        match self {
            Profile::Tag80 | Profile::Tag32 | Profile::Gcm128 => 16,
            Profile::Gcm256 => 32,
        }
    }

    /// Bytes of a master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            Profile::Tag80 | Profile::Tag32 => 14,
            Profile::Gcm128 | Profile::Gcm256 => 12,
        }
    }

    /// Of an RTP packet, in bytes.
    const fn tag_len(self) -> usize {
        match self {
            Profile::Tag80 => 10,
            Profile::Tag32 => 4,
            Profile::Gcm128 | Profile::Gcm256 => 16,
        }
    }

    /// Of an RTCP packet: 80 bits with either profile of HMAC-SHA1 (RFC 4568 section 6.2.2).
    const fn rtcp_tag_len(self) -> usize {
        match self {
            Profile::Tag80 | Profile::Tag32 => 10,
            Profile::Gcm128 | Profile::Gcm256 => 16,
        }
    }
}

/// A master key with its salt. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    key: [u8; KEY_MAX],
    salt: [u8; SALT_MAX],
}

impl MasterKey {
    /// Of as many bytes as the profile wants that it is used with: what is missing is zero, what is above the longest is
    /// not looked at.
    pub fn new(key: &[u8], salt: &[u8]) -> Self {
        let mut master = MasterKey { key: [0; KEY_MAX], salt: [0; SALT_MAX] };
        master.key.iter_mut().zip(key).for_each(|(byte, of)| *byte = *of);
        master.salt.iter_mut().zip(salt).for_each(|(byte, of)| *byte = *of);
        master
    }
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
    /// Which packets have gone out.
    sent: Option<Window>,
    next_rtcp: u32,
}

impl Protect {
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        let (rtp, rtcp) = keys(profile, master);
        Protect { profile, rtp, rtcp, sent: None, next_rtcp: 0 }
    }

    /// Whether a packet of that number has gone out, or may have: another one under it would use its key stream twice, and
    /// who has both reads both (RFC 3711 section 9.1).
    pub fn has_sent(&self, sequence: SequenceNumber) -> bool {
        self.sent.is_some_and(|window| window.has(guess(window.highest, sequence)))
    }

    /// Encrypts the RTP packet that stands in `bytes` from `start` on, and appends its tag.
    pub fn rtp(&mut self, bytes: &mut Vec<u8>, start: usize) {
        let Some(packet) = bytes.get_mut(start..) else { return };
        let Some((sequence, ssrc)) = numbers(packet) else { return };
        let Some(header) = header_len(packet) else { return };
        let index = match self.sent {
            None => u64::from(sequence.0),
            Some(window) => guess(window.highest, sequence),
        };
        let window = self.sent.unwrap_or(Window::before(index));
        self.sent = Some(if window.has(index) { window } else { window.with(index) });
        let (header, payload) = packet.split_at_mut(header.min(packet.len()));
        let tag = self.rtp.seal_rtp(ssrc, index, header, payload);
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
        let marked = 0x8000_0000 | index;
        let (header, payload) = packet.split_at_mut(RTCP_HEADER_LEN);
        let tag = self.rtcp.seal_rtcp(ssrc, marked, header, payload);
        let tag = &tag[..self.profile.rtcp_tag_len()];
        // RFC 7714 section 9.1 puts its tag to the cipher text, RFC 3711 section 3.4 its own after the index.
        if self.rtcp.is_aead() {
            bytes.extend_from_slice(tag);
            bytes.extend_from_slice(&marked.to_be_bytes());
        } else {
            bytes.extend_from_slice(&marked.to_be_bytes());
            bytes.extend_from_slice(tag);
        }
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
        let (rtp, rtcp) = keys(profile, master);
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
        let (header, payload) = packet.split_at_mut(header.min(packet.len()));
        if !self.rtp.open_rtp(ssrc, index, header, payload, tag) {
            return Err(SrtpError::Unauthentic);
        }
        note(&mut self.streams, ssrc, window.with(index));
        Ok(packet)
    }

    /// The same with an RTCP packet.
    pub fn rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], SrtpError> {
        let tag_len = self.profile.rtcp_tag_len();
        let growth = RTCP_INDEX_LEN + tag_len;
        let length = packet.len().checked_sub(growth).filter(|length| *length >= RTCP_HEADER_LEN);
        let (packet, trailer) = packet.split_at_mut(length.ok_or(SrtpError::TooShort)?);
        let (marked, tag) = if self.rtcp.is_aead() {
            let (tag, marked) = trailer.split_at(tag_len);
            (marked, tag)
        } else {
            trailer.split_at(RTCP_INDEX_LEN)
        };
        let marked = word(marked, 0);
        if marked & 0x8000_0000 == 0 {
            return Err(SrtpError::Plain);
        }
        let (index, ssrc) = (u64::from(marked & 0x7FFF_FFFF), word(packet, 4));
        let window = window_of(&self.rtcp_streams, ssrc).unwrap_or(Window::before(index));
        if window.has(index) {
            return Err(SrtpError::Replayed);
        }
        let (header, payload) = packet.split_at_mut(RTCP_HEADER_LEN);
        if !self.rtcp.open_rtcp(ssrc, marked, header, payload, tag) {
            return Err(SrtpError::Unauthentic);
        }
        note(&mut self.rtcp_streams, ssrc, window.with(index));
        Ok(packet)
    }
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

#[cfg(test)]
mod tests;
