//! What a description says of checks and of the handshake for keys: ICE (RFC 8839), the certificate and who begins (RFC
//! 8842), and what browsers want beside (RFC 5761, RFC 9143).
//!
//! We are a lite agent (RFC 8445 section 2.5): our address is named, the peer's candidates are not even read. Where it is
//! shows when its checks come.

use super::crypto::Wish;
use super::offer_answer::{Local, Refusal};
use super::text::{Attribute, Description, Media};
use std::fmt::Write;
use std::net::IpAddr;

/// Fingerprints of one stream that are looked at; browsers name one.
const FINGERPRINTS_MAX: usize = 8;
/// RFC 8839 section 5.4: four characters at least, 256 at most; a password 22.
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;
/// Of a host's address, for the one component that there is (RFC 8445 section 5.1.2.1).
const PRIORITY: u32 = (126 << 24) + (65_535 << 8) + 255;
const PROTOCOLS: [&str; 2] = ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"];
/// How our only stream is named where we name it.
const MID: &str = "0";

/// What we say of ourselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalHandshake {
    /// Name and password of the checks that come to us.
    pub ufrag: String,
    pub password: String,
    /// Of our certificate, SHA-256.
    pub fingerprint: Vec<u8>,
    /// Whether our offers are of this kind.
    pub is_offered: bool,
    /// Who began, once that is known: it stays.
    pub role: Option<Setup>,
}

/// Who begins the handshake, as one side says it (RFC 8842 section 5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Setup {
    Active,
    Passive,
}

impl Setup {
    fn name(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
        }
    }
}

/// How a fingerprint is made. Older ones prove nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FingerprintHash {
    Sha256,
    Sha384,
    Sha512,
}

impl FingerprintHash {
    const ALL: [(FingerprintHash, &'static str, usize); 3] = [
        (FingerprintHash::Sha256, "sha-256", 32),
        (FingerprintHash::Sha384, "sha-384", 48),
        (FingerprintHash::Sha512, "sha-512", 64),
    ];
}

/// What the peer's certificate is known by (RFC 8122 section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerFingerprint {
    pub hash: FingerprintHash,
    pub value: Vec<u8>,
}

impl PeerFingerprint {
    fn parse(value: &str) -> Option<Self> {
        let (name, digits) = value.split_once(' ')?;
        let known =
            FingerprintHash::ALL.into_iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name))?;
        let (hash, _, length) = known;
        // Two hexadecimal digits, and a colon between: what is longer is none.
        if digits.len() != length * 3 - 1 {
            return None;
        }
        let byte = |pair: &str| {
            let is_byte = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            if is_byte { u8::from_str_radix(pair, 16).ok() } else { None }
        };
        let value: Option<Vec<u8>> = digits.split(':').map(byte).collect();
        value.filter(|value| value.len() == length).map(|value| PeerFingerprint { hash, value })
    }
}

/// What both settled on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreedHandshake {
    /// As we see it.
    pub role: Setup,
    pub fingerprints: Vec<PeerFingerprint>,
    /// The peer's name and password of its checks; none where it makes none.
    pub ice: Option<(String, String)>,
    /// RTCP comes by the socket of RTP.
    pub mux: bool,
}

/// Whether a stream wants keys by a handshake.
pub fn wants_handshake(stream: &Media) -> bool {
    PROTOCOLS.iter().any(|protocol| protocol.eq_ignore_ascii_case(&stream.protocol))
}

/// Reads what the peer says, `role` being ours where it was settled before. None where it names no certificate that can be
/// checked.
fn read(description: &Description, stream: &Media, role: Option<Setup>) -> Option<AgreedHandshake> {
    let of = |name| stream.attribute(name).or_else(|| description.attribute(name));
    let of_stream = stream.attributes("fingerprint");
    let of_session = description.attributes.iter().filter(|attribute| attribute.name == "fingerprint");
    let of_session = of_session.filter_map(|attribute| attribute.value.as_deref());
    // Those of the stream stand in place of those of the session (RFC 8122 section 5).
    let values: Vec<&str> = if stream.has("fingerprint") {
        of_stream.take(FINGERPRINTS_MAX).collect()
    } else {
        of_session.take(FINGERPRINTS_MAX).collect()
    };
    let fingerprints: Vec<_> = values.into_iter().filter_map(PeerFingerprint::parse).collect();
    if fingerprints.is_empty() {
        return None;
    }
    let is_passive = of("setup").is_some_and(|setup| setup.eq_ignore_ascii_case("passive"));
    let theirs = if is_passive { Setup::Active } else { Setup::Passive };
    let fits = |text: &&str, lengths: std::ops::RangeInclusive<usize>| {
        let is_ice = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        lengths.contains(&text.len()) && text.bytes().all(is_ice)
    };
    let ufrag = of("ice-ufrag").filter(|text| fits(text, UFRAG));
    let password = of("ice-pwd").filter(|text| fits(text, PASSWORD));
    let ice = ufrag.zip(password).map(|(ufrag, password)| (ufrag.to_owned(), password.to_owned()));
    Some(AgreedHandshake { role: role.unwrap_or(theirs), fingerprints, ice, mux: stream.has("rtcp-mux") })
}

/// What an offer says of the handshake that it wants; none where it wants none.
pub fn offered(
    offer: &Description,
    stream: &Media,
    local: &Local,
) -> Result<Option<AgreedHandshake>, Refusal> {
    if !wants_handshake(stream) {
        return Ok(None);
    }
    let Some(ours) = &local.handshake else { return Err(Refusal::Protocol(stream.protocol.clone())) };
    if local.protection.wish == Wish::Off {
        return Err(Refusal::Encrypted);
    }
    read(offer, stream, ours.role).map(Some).ok_or(Refusal::NoFingerprint)
}

/// The same of an answer, which is of the kind that was offered.
pub fn answered(
    offered: &Media,
    answer: &Description,
    stream: &Media,
    role: Option<Setup>,
) -> Result<Option<AgreedHandshake>, Refusal> {
    match (wants_handshake(offered), wants_handshake(stream)) {
        (false, false) => Ok(None),
        (true, true) => read(answer, stream, role).map(Some).ok_or(Refusal::NoFingerprint),
        (true, false) => Err(Refusal::Plain),
        (false, true) => Err(Refusal::Protocol(stream.protocol.clone())),
    }
}

/// Writes our side of an answer to that stream into the answer's.
pub fn answer_stream(
    ours: &mut Media,
    theirs: &Media,
    local: &LocalHandshake,
    agreed: &AgreedHandshake,
    address: IpAddr,
) {
    write_stream(ours, local, agreed.ice.is_some().then_some(address), agreed.role.name());
    if agreed.mux {
        ours.attributes.push(flag("rtcp-mux"));
    }
    ours.attributes.extend(theirs.attribute("mid").map(|mid| attribute("mid", mid)));
}

/// Makes an offered stream one of this kind.
pub fn offer_stream(ours: &mut Media, local: &LocalHandshake, address: IpAddr) {
    ours.protocol = PROTOCOLS[0].to_owned();
    write_stream(ours, local, Some(address), "actpass");
    ours.attributes.push(flag("rtcp-mux"));
    ours.attributes.push(attribute("mid", MID));
}

fn write_stream(ours: &mut Media, local: &LocalHandshake, ice_at: Option<IpAddr>, setup: &str) {
    if let Some(address) = ice_at {
        let port = ours.port;
        let candidate = format!("1 1 UDP {PRIORITY} {address} {port} typ host");
        ours.attributes.push(attribute("ice-ufrag", &local.ufrag));
        ours.attributes.push(attribute("ice-pwd", &local.password));
        ours.attributes.push(attribute("candidate", &candidate));
    }
    let mut fingerprint = "sha-256 ".to_owned();
    for (at, byte) in local.fingerprint.iter().enumerate() {
        let between = if at == 0 { "" } else { ":" };
        // A string takes all that is written.
        let _ = write!(fingerprint, "{between}{byte:02X}");
    }
    ours.attributes.push(attribute("fingerprint", &fingerprint));
    ours.attributes.push(attribute("setup", setup));
}

/// Writes what stands above the streams: that we are lite, and the group of our stream where `is_bundled`.
pub fn finish(ours: &mut Description, is_bundled: bool) {
    let Some(stream) = ours.media.iter().find(|stream| stream.port != 0 && wants_handshake(stream)) else {
        return;
    };
    let (has_ice, mid) = (stream.has("ice-ufrag"), stream.attribute("mid"));
    let group = mid.filter(|_| is_bundled).map(|mid| attribute("group", &format!("BUNDLE {mid}")));
    ours.attributes.extend(has_ice.then(|| flag("ice-lite")));
    ours.attributes.extend(group);
}

/// Whether the offer has that stream in a group that goes over one socket.
pub fn is_bundled(offer: &Description, stream: &Media) -> bool {
    let Some(mid) = stream.attribute("mid") else { return false };
    let groups = offer.attributes.iter().filter(|attribute| attribute.name == "group");
    groups.filter_map(|attribute| attribute.value.as_deref()).any(|group| {
        let mut words = group.split_ascii_whitespace();
        words.next() == Some("BUNDLE") && words.any(|word| word == mid)
    })
}

/// A later offer names its stream as the session has named it so far, if at all.
pub fn keep_name(offer: &mut Description, before: &Media) {
    let mid = before.attribute("mid").map(str::to_owned);
    for stream in offer.media.iter_mut().filter(|stream| wants_handshake(stream)) {
        stream.attributes.retain(|attribute| attribute.name != "mid");
        stream.attributes.extend(mid.as_deref().map(|mid| attribute("mid", mid)));
    }
    offer.attributes.retain(|attribute| attribute.name != "group" && attribute.name != "ice-lite");
    finish(offer, mid.is_some());
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), value: Some(value.to_owned()) }
}

fn flag(name: &str) -> Attribute {
    Attribute { name: name.to_owned(), value: None }
}

#[cfg(test)]
mod tests;
