//! Offer and answer for one stream of audio, RFC 3264.

use super::crypto::{Crypto, Protected, Protection, Suite, Wish};
use super::handshake::{self, AgreedHandshake, LocalHandshake, Setup, wants_handshake};
use super::text::{Attribute, Connection, Description, Malformed, Media};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A codec that we have, in order of our preference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// Encoding name of `a=rtpmap`, compared without case.
    pub encoding: &'static str,
    pub clock_rate: u32,
    /// As `a=rtpmap` has them, whatever is sent.
    pub channels: u8,
    /// RFC 3551 table 4, or what we offer it under.
    pub payload_type: u8,
    /// What `a=fmtp` says of it, where it says anything.
    pub parameters: Option<&'static str>,
}

impl Capability {
    /// One of a clock of 8 kHz with a number of its own.
    pub const fn fixed(encoding: &'static str, payload_type: u8) -> Self {
        Capability { encoding, clock_rate: 8_000, channels: 1, payload_type, parameters: None }
    }
}

/// Our side of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    pub address: IpAddr,
    pub rtp_port: u16,
    /// Numbers of the `o=` line; the version grows by one when the description changes.
    pub session_id: u64,
    pub session_version: u64,
    /// What we want to do with the stream; what is agreed is that or less.
    pub direction: Direction,
    pub protection: Protection,
    /// What we say of ourselves where keys come by a handshake; none where there are no handshakes here.
    pub handshake: Option<LocalHandshake>,
    /// Which capabilities are used with this peer, in the order in which they are offered; all where it is empty.
    pub codecs: Vec<usize>,
}

impl Local {
    fn uses(&self, codec: usize) -> bool {
        self.codecs.is_empty() || self.codecs.contains(&codec)
    }
}

/// Who sends, as one side sees it. RFC 3264 section 6.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    SendReceive,
    SendOnly,
    ReceiveOnly,
    Inactive,
}

impl Direction {
    /// The same agreement from the other side.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::ReceiveOnly,
            Direction::ReceiveOnly => Direction::SendOnly,
            both => both,
        }
    }

    /// What both want: who answers takes from the offer, seen from its own side, what it wants itself.
    /// RFC 3264 section 6.1.
    pub fn within(self, wanted: Direction) -> Direction {
        Direction::of(self.sends() && wanted.sends(), self.receives() && wanted.receives())
    }

    fn of(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendReceive,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::ReceiveOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::ReceiveOnly)
    }

    fn name(self) -> &'static str {
        match self {
            Direction::SendReceive => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::ReceiveOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// `telephone-event` payload types (RFC 4733).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    /// Of its clock: that of the audio where the peer has such a one (RFC 4733 section 2.6), else 8,000.
    pub clock_rate: u32,
    /// The peer's number, for what we send.
    pub send: u8,
    /// Our number, for what we receive.
    pub receive: u8,
}

/// What both sides settled on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// Index into the capabilities.
    pub codec: usize,
    /// Payload type of that codec in what we send.
    pub payload_type: u8,
    /// Payload types that we may receive, with an index into the capabilities.
    pub receive: Vec<(u8, usize)>,
    pub telephone_event: Option<TelephoneEvent>,
    /// Milliseconds of audio in a packet that we send: 10 to 60.
    pub ptime_ms: u8,
    pub remote_rtp: SocketAddr,
    pub remote_rtcp: SocketAddr,
    /// As we see it.
    pub direction: Direction,
    /// None where the stream is plain.
    pub protected: Option<Protected>,
    /// Where the keys come by a handshake; `protected` is none then.
    pub handshake: Option<AgreedHandshake>,
}

/// Why a description leads to no stream. The text says it to whoever operates either side.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("no audio stream is offered")]
    NoAudio,
    #[error(
        "the audio stream uses {0}; this server takes RTP/AVP, RTP/SAVP with keys in the description, and \
         UDP/TLS/RTP/SAVPF"
    )]
    Protocol(String),
    #[error("the audio stream is to be encrypted, which is switched off for this peer")]
    Encrypted,
    #[error("the audio stream is not encrypted, which is required of this peer")]
    Plain,
    #[error(
        "no key of the audio stream can be used: wanted is a=crypto with AES_CM_128_HMAC_SHA1_80 or _32 and without MKI"
    )]
    NoKey,
    #[error(
        "the audio stream names no certificate that can be checked: wanted is a=fingerprint with SHA-256, SHA-384 or SHA-512"
    )]
    NoFingerprint,
    #[error("no codec in common: the peer has {theirs}; this server has {ours}")]
    NoCommonCodec { theirs: String, ours: String },
    #[error("the audio stream names no numeric address to send to")]
    NoAddress,
    #[error("the audio stream is to be sent to {0}, which is no single host")]
    NotUnicast(IpAddr),
    #[error(
        "the audio stream is to be sent to {0}, which is of another address family than this server's media"
    )]
    Family(IpAddr),
}

impl Refusal {
    /// Warning code of RFC 3261 section 20.43.
    pub fn warning_code(&self) -> u16 {
        match self {
            Refusal::Malformed(_) => 399,
            Refusal::NoAudio => 304,
            Refusal::Protocol(_) => 302,
            // RFC 3261 20.43: a media attribute that is not understood.
            Refusal::Encrypted | Refusal::Plain | Refusal::NoKey | Refusal::NoFingerprint => 306,
            Refusal::NoCommonCodec { .. } => 305,
            Refusal::NoAddress => 300,
            Refusal::NotUnicast(_) => 330,
            Refusal::Family(_) => 301,
        }
    }
}

/// Answers an offer: the first of its codecs that we have (contract), every other stream refused.
pub fn answer(
    offer: &Description,
    capabilities: &[Capability],
    local: &Local,
) -> Result<(Description, Agreed), Refusal> {
    let index = audio_index(offer)?;
    let stream = &offer.media[index];
    let (format, codec) = first_common(stream, capabilities, |codec| local.uses(codec))?;
    let telephone_event = telephone_event(stream, capabilities[codec].clock_rate)
        .map(|(pt, clock_rate)| TelephoneEvent { clock_rate, send: pt, receive: pt });
    let handshake = handshake::offered(offer, stream, local)?;
    let format = Format { codec, payload_type: format, receive: vec![(format, codec)], telephone_event };
    let events: Vec<_> = telephone_event.iter().map(|event| (event.receive, event.clock_rate)).collect();
    let mut ours = audio_media(local, capabilities, &format.receive, &events);
    let mut agreed = agree(offer, stream, format, handshake, local.address)?;
    agreed.direction = agreed.direction.within(local.direction);
    let theirs = if agreed.handshake.is_some() { None } else { offered_key(stream, local.protection.wish)? };
    ours.protocol.clone_from(&stream.protocol);
    if let Some(theirs) = theirs {
        let line = local.protection.line(theirs.tag, theirs.suite);
        ours.attributes.push(attribute("crypto", line.line()));
        agreed.protected = Some(Protected::of(&line, &theirs));
    }
    if let (Some(agreed), Some(local_handshake)) = (&agreed.handshake, &local.handshake) {
        handshake::answer_stream(&mut ours, stream, local_handshake, agreed, local.address);
    }
    finish_media(&mut ours, agreed.ptime_ms, agreed.direction);
    let media = offer
        .media
        .iter()
        .enumerate()
        .map(|(i, theirs)| if i == index { ours.clone() } else { refused(theirs) });
    let mut ours = description(local, media.collect());
    handshake::finish(&mut ours, handshake::is_bundled(offer, stream));
    Ok((ours, agreed))
}

/// Offers the capabilities in the order of `codecs` (indices), and telephone-events as payload types with their clocks.
pub fn offer(
    capabilities: &[Capability],
    codecs: &[usize],
    telephone_events: &[(u8, u32)],
    ptime_ms: u8,
    local: &Local,
) -> Description {
    let formats: Vec<(u8, usize)> =
        codecs.iter().filter_map(|&i| capabilities.get(i).map(|c| (c.payload_type, i))).collect();
    let mut media = audio_media(local, capabilities, &formats, telephone_events);
    if let Some(handshake) = local.handshake.as_ref().filter(|handshake| handshake.is_offered) {
        handshake::offer_stream(&mut media, handshake, local.address);
        finish_media(&mut media, ptime_ms, local.direction);
        let mut description = description(local, vec![media]);
        handshake::finish(&mut description, true);
        return description;
    }
    if matches!(local.protection.wish, Wish::Prefer | Wish::Require) {
        let lines = (1..).zip(Suite::ALL).map(|(tag, suite)| local.protection.line(tag, suite).line());
        media.attributes.extend(lines.map(|line| attribute("crypto", line)));
    }
    if local.protection.wish == Wish::Require {
        media.protocol = "RTP/SAVP".to_owned();
    }
    finish_media(&mut media, ptime_ms, local.direction);
    description(local, vec![media])
}

/// Reads the answer to an offer of ours. `role`: who began the handshake, where that was settled before.
pub fn accept_answer(
    ours: &Description,
    answer: &Description,
    capabilities: &[Capability],
    role: Option<Setup>,
) -> Result<Agreed, Refusal> {
    let index = audio_index(answer)?;
    let stream = &answer.media[index];
    let offered = ours.media.get(index).ok_or(Refusal::NoAudio)?;
    let receive: Vec<(u8, usize)> = formats_of(offered, capabilities).collect();
    let is_offered = |codec| receive.iter().any(|(_, offered)| *offered == codec);
    let (format, codec) = first_common(stream, capabilities, is_offered)?;
    // RFC 4733 section 2.5: each side is sent the number that it named.
    let clock_rate = capabilities[codec].clock_rate;
    let telephone_event = telephone_event(stream, clock_rate).and_then(|(send, clock_rate)| {
        let receive = event_at(offered, clock_rate)?;
        Some(TelephoneEvent { clock_rate, send, receive })
    });
    let Some(Connection::Address(local)) = ours.connection else { return Err(Refusal::NoAddress) };
    let handshake = handshake::answered(offered, answer, stream, role)?;
    let format = Format { codec, payload_type: format, receive, telephone_event };
    let mut agreed = agree(answer, stream, format, handshake, local)?;
    // An answer that takes more than was offered breaks RFC 3264 section 6.1; what we did not offer we do not do.
    agreed.direction = agreed.direction.within(direction(ours, offered));
    if agreed.handshake.is_none() {
        agreed.protected = answered_key(offered, stream)?;
    }
    Ok(agreed)
}

/// How audio is sent and taken.
struct Format {
    codec: usize,
    payload_type: u8,
    receive: Vec<(u8, usize)>,
    telephone_event: Option<TelephoneEvent>,
}

/// The key of an offer that is taken (RFC 4568 section 5.1.2); none where the stream stays plain.
fn offered_key(stream: &Media, wish: Wish) -> Result<Option<Crypto>, Refusal> {
    let key = Crypto::first_of(stream.attributes("crypto"));
    match (is_protected(stream), key, wish) {
        (true, _, Wish::Off) => Err(Refusal::Encrypted),
        (true, None, _) => Err(Refusal::NoKey),
        (false, None, Wish::Require) => Err(Refusal::Plain),
        (false, _, Wish::Off) => Ok(None),
        (_, key, _) => Ok(key),
    }
}

/// The keys that an answer settles on: its line has the tag of one of ours (section 5.1.3).
fn answered_key(offered: &Media, answered: &Media) -> Result<Option<Protected>, Refusal> {
    let lines: Vec<Crypto> = offered.attributes("crypto").filter_map(Crypto::parse).collect();
    if lines.is_empty() {
        return if is_protected(answered) { Err(Refusal::NoKey) } else { Ok(None) };
    }
    let pair = answered.attributes("crypto").filter_map(Crypto::parse).find_map(|theirs| {
        let ours = lines.iter().find(|ours| (ours.tag, ours.suite) == (theirs.tag, theirs.suite))?;
        Some(Protected::of(ours, &theirs))
    });
    if pair.is_none() && (is_protected(offered) || is_protected(answered)) {
        return Err(if is_protected(answered) { Refusal::NoKey } else { Refusal::Plain });
    }
    Ok(pair)
}

fn is_protected(stream: &Media) -> bool {
    ["RTP/SAVP", "RTP/SAVPF"].iter().any(|p| p.eq_ignore_ascii_case(&stream.protocol))
}

fn agree(
    theirs: &Description,
    stream: &Media,
    format: Format,
    handshake: Option<AgreedHandshake>,
    local: IpAddr,
) -> Result<Agreed, Refusal> {
    let Format { codec, payload_type, receive, telephone_event } = format;
    let agreed = |address, remote_rtcp, direction| Agreed {
        codec,
        payload_type,
        receive,
        telephone_event,
        ptime_ms: ptime(stream),
        remote_rtp: SocketAddr::new(address, stream.port),
        remote_rtcp,
        direction,
        protected: None,
        handshake: handshake.clone(),
    };
    let connection = stream.connection.as_ref().or(theirs.connection.as_ref());
    // Where a peer is that makes checks, they show; browsers name no address or 0.0.0.0, and mean no hold by it.
    if handshake.as_ref().is_some_and(|handshake| handshake.ice.is_some()) {
        let address = match connection {
            Some(Connection::Address(address)) => *address,
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let nowhere = SocketAddr::new(address, 0);
        return Ok(agreed(address, nowhere, direction(theirs, stream).reversed()));
    }
    let Some(Connection::Address(address)) = connection else { return Err(Refusal::NoAddress) };
    let (rtcp_port, rtcp_address) = rtcp(stream, *address);
    // A call to a group or to all of a network is none, and would make us a reflector (RFC 3264 section 5.2).
    if let Some(group) = [*address, rtcp_address].into_iter().find(is_not_unicast) {
        return Err(Refusal::NotUnicast(group));
    }
    // Nothing is sent to the address that stands for none, so its family does not matter.
    let is_none = address.to_canonical().is_unspecified();
    if !is_none && address.to_canonical().is_ipv4() != local.to_canonical().is_ipv4() {
        return Err(Refusal::Family(*address));
    }
    let mut direction = direction(theirs, stream).reversed();
    if is_none {
        // RFC 3264 section 8.4: 0.0.0.0 (or ::) was the old way to put a call on hold.
        direction = direction.within(Direction::ReceiveOnly);
    }
    let remote_rtcp = match &handshake {
        None => SocketAddr::new(rtcp_address, rtcp_port),
        Some(handshake) if handshake.mux => SocketAddr::new(*address, stream.port),
        // It would want a handshake of its own.
        Some(_) => SocketAddr::new(*address, 0),
    };
    Ok(agreed(*address, remote_rtcp, direction))
}

fn is_not_unicast(address: &IpAddr) -> bool {
    // An IPv6 address may carry one of IPv4 (RFC 4291 section 2.5.5.2).
    let address = address.to_canonical();
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// The first audio stream that is not switched off. Several are legal; the others are refused.
fn audio_index(description: &Description) -> Result<usize, Refusal> {
    let index =
        description.media.iter().position(|m| m.kind == "audio" && m.port != 0).ok_or(Refusal::NoAudio)?;
    let stream = &description.media[index];
    let protocol = &stream.protocol;
    let is_known =
        ["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"].iter().any(|p| p.eq_ignore_ascii_case(protocol));
    if !is_known && !wants_handshake(stream) {
        return Err(Refusal::Protocol(protocol.clone()));
    }
    Ok(index)
}

/// The first codec of a stream that we have and use.
fn first_common(
    stream: &Media,
    capabilities: &[Capability],
    is_used: impl Fn(usize) -> bool,
) -> Result<(u8, usize), Refusal> {
    formats_of(stream, capabilities).find(|(_, codec)| is_used(*codec)).ok_or_else(|| {
        let ours = capabilities.iter().enumerate().filter(|(codec, _)| is_used(*codec));
        Refusal::NoCommonCodec {
            theirs: encodings_of(stream),
            ours: ours.map(|(_, codec)| codec.encoding).collect::<Vec<_>>().join(", "),
        }
    })
}

/// Payload types of a stream for codecs that we have, in its order.
fn formats_of<'a>(
    stream: &'a Media,
    capabilities: &'a [Capability],
) -> impl Iterator<Item = (u8, usize)> + 'a {
    stream.formats.iter().filter_map(move |format| {
        let payload_type: u8 = format.parse().ok().filter(|pt| *pt < 128)?;
        let index = match rtpmap(stream, payload_type) {
            Some(map) => capabilities.iter().position(|c| map.is(c.encoding, c.clock_rate, c.channels)),
            // What is no fixed number says nothing alone.
            None => capabilities.iter().position(|c| c.payload_type == payload_type && payload_type < 96),
        };
        index.map(|index| (payload_type, index))
    })
}

/// Names for a refusal's text: what a person would call the codecs.
fn encodings_of(stream: &Media) -> String {
    let names = stream.formats.iter().take(12).map(|format| {
        let payload_type = format.parse().ok();
        let map = payload_type.and_then(|pt| rtpmap(stream, pt)).map(|map| map.encoding);
        let name = map.or_else(|| super::fixed::name(payload_type?)).unwrap_or(format);
        // The peer's text: only what an encoding name may hold (RFC 8866 token), and not much of it.
        let name: String = name.chars().take(24).collect();
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.+".contains(*c)).collect::<String>()
    });
    names.collect::<Vec<_>>().join(", ")
}

struct RtpMap<'a> {
    encoding: &'a str,
    clock_rate: u32,
    channels: u32,
}

impl RtpMap<'_> {
    fn is(&self, encoding: &str, clock_rate: u32, channels: u8) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding)
            && self.clock_rate == clock_rate
            && self.channels == u32::from(channels)
    }
}

/// `a=rtpmap:101 telephone-event/8000`
fn rtpmap(stream: &Media, payload_type: u8) -> Option<RtpMap<'_>> {
    stream.attributes("rtpmap").find_map(|value| {
        let (number, map) = value.split_once(' ')?;
        if number.trim().parse() != Ok(payload_type) {
            return None;
        }
        let mut parts = map.trim().split('/');
        let encoding = parts.next()?;
        let clock_rate = parts.next()?.trim().parse().ok()?;
        let channels = parts.next().map_or(Some(1), |c| c.trim().parse().ok())?;
        Some(RtpMap { encoding, clock_rate, channels })
    })
}

/// The payload type of telephone events at the audio's clock rate (RFC 4733 section 2.6), or at 8,000 where there is none.
fn telephone_event(stream: &Media, clock_rate: u32) -> Option<(u8, u32)> {
    [clock_rate, 8_000].into_iter().find_map(|rate| Some((event_at(stream, rate)?, rate)))
}

fn event_at(stream: &Media, clock_rate: u32) -> Option<u8> {
    let types = stream.formats.iter().filter_map(|format| format.parse::<u8>().ok());
    types
        .filter(|pt| (96..128).contains(pt))
        .find(|pt| rtpmap(stream, *pt).is_some_and(|m| m.is("telephone-event", clock_rate, 1)))
}

fn direction(description: &Description, stream: &Media) -> Direction {
    let all = [Direction::SendReceive, Direction::SendOnly, Direction::ReceiveOnly, Direction::Inactive];
    let of_stream = all.into_iter().find(|d| stream.has(d.name()));
    let of_session = || all.into_iter().find(|d| description.attribute(d.name()).is_some());
    of_stream.or_else(of_session).unwrap_or(Direction::SendReceive)
}

/// What the peer wants in a packet, within what we make; 20 where it says nothing.
fn ptime(stream: &Media) -> u8 {
    let read = |name| {
        stream.attribute(name).and_then(|v| v.parse::<f32>().ok()).filter(|v| v.is_finite() && *v > 0.0)
    };
    let wanted = read("ptime").unwrap_or(20.0).min(read("maxptime").unwrap_or(60.0)).clamp(10.0, 60.0);
    (wanted as u8) / 10 * 10
}

/// RFC 3605: a port (and address) other than the next one.
fn rtcp(stream: &Media, address: IpAddr) -> (u16, IpAddr) {
    let next = stream.port.saturating_add(1);
    let Some(value) = stream.attribute("rtcp") else { return (next, address) };
    let mut words = value.split_ascii_whitespace();
    let port = words.next().and_then(|p| p.parse().ok()).filter(|p| *p != 0).unwrap_or(next);
    (port, words.nth(2).and_then(|a| a.parse().ok()).unwrap_or(address))
}

fn audio_media(
    local: &Local,
    capabilities: &[Capability],
    formats: &[(u8, usize)],
    telephone_events: &[(u8, u32)],
) -> Media {
    let mut attributes = Vec::new();
    let mut numbers = Vec::new();
    for (payload_type, index) in formats {
        let codec = &capabilities[*index];
        numbers.push(payload_type.to_string());
        let channels = if codec.channels > 1 { format!("/{}", codec.channels) } else { String::new() };
        let map = format!("{payload_type} {}/{}{channels}", codec.encoding, codec.clock_rate);
        attributes.push(attribute("rtpmap", map));
        let parameters = codec.parameters.map(|text| attribute("fmtp", format!("{payload_type} {text}")));
        attributes.extend(parameters);
    }
    for (payload_type, clock_rate) in telephone_events {
        numbers.push(payload_type.to_string());
        attributes.push(attribute("rtpmap", format!("{payload_type} telephone-event/{clock_rate}")));
        attributes.push(attribute("fmtp", format!("{payload_type} 0-15")));
    }
    Media {
        kind: "audio".to_owned(),
        port: local.rtp_port,
        protocol: "RTP/AVP".to_owned(),
        formats: numbers,
        connection: None,
        attributes,
    }
}

fn finish_media(media: &mut Media, ptime_ms: u8, direction: Direction) {
    media.attributes.push(attribute("ptime", ptime_ms.to_string()));
    media.attributes.push(Attribute { name: direction.name().to_owned(), value: None });
}

fn attribute(name: &str, value: String) -> Attribute {
    Attribute { name: name.to_owned(), value: Some(value) }
}

/// RFC 3264 section 6: a stream is refused with port 0 and otherwise as it was offered.
fn refused(theirs: &Media) -> Media {
    // Its name stays, by which browsers find it (RFC 9143 section 7.3).
    let attributes = theirs.attributes.iter().filter(|attribute| attribute.name == "mid").cloned().collect();
    Media { port: 0, connection: None, attributes, ..theirs.clone() }
}

fn description(local: &Local, media: Vec<Media>) -> Description {
    let connection = Some(Connection::Address(local.address));
    let mut description = Description { origin: String::new(), connection, attributes: Vec::new(), media };
    description.set_origin(local);
    description
}

impl Description {
    /// Writes the `o=` line of a description of ours anew, for another version.
    pub fn set_origin(&mut self, local: &Local) {
        let address = Connection::Address(local.address);
        self.origin = format!("cordboard {} {} {address}", local.session_id, local.session_version);
    }
}

/// An address for a description before one is known.
impl Default for Local {
    fn default() -> Self {
        Local {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            rtp_port: 0,
            session_id: 0,
            session_version: 0,
            direction: Direction::SendReceive,
            protection: Protection::default(),
            handshake: None,
            codecs: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
