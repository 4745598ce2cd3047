//! Which codecs there are, and how they are offered.

use crate::audio::Coding;
use crate::sdp::{self, Agreed, Capability, Description, Local, Wish};

/// What we can speak, in our order of preference: what every trunk has first, what costs the most and what carries the least
/// sound last.
pub const CAPABILITIES: &[Capability] = &[
    Capability::fixed("PCMU", 0),
    Capability::fixed("PCMA", 8),
    Capability::fixed("G722", 9),
    // RFC 7587 section 7: two channels are written, whatever is sent.
    Capability { encoding: "opus", clock_rate: 48_000, channels: 2, payload_type: OPUS, parameters: None },
    // Vonage and others take none with silence suppression (RFC 4856).
    Capability { parameters: Some("annexb=no"), ..Capability::fixed("G729", 18) },
];
const CODINGS: [Coding; CAPABILITIES.len()] =
    [Coding::PCMU, Coding::PCMA, Coding::G722, Coding::Opus, Coding::G729];
/// What browsers offer it under.
const OPUS: u8 = 111;
/// The telephone-event type offered where the caller named none. 101 is what nearly every peer uses.
const TELEPHONE_EVENT: u8 = 101;
/// That of the clock of Opus.
const TELEPHONE_EVENT_48K: u8 = 110;
const OPUS_CLOCK: u32 = 48_000;

/// The codecs that are used with a peer, in the order in which they are offered; all where none are named.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Codecs(pub(super) Vec<usize>);

/// What is wanted of the media with a peer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MediaTerms {
    /// Whether they are protected.
    pub srtp: Wish,
    pub codecs: Codecs,
}

impl Codecs {
    /// The names of all.
    pub fn known() -> impl Iterator<Item = &'static str> {
        CAPABILITIES.iter().map(|capability| capability.encoding)
    }

    /// Adds one by its name, in any case; false where there is none of that name.
    pub fn add(&mut self, name: &str) -> bool {
        let known = CAPABILITIES.iter().position(|one| one.encoding.eq_ignore_ascii_case(name));
        self.0.extend(known.filter(|index| !self.0.contains(index)));
        known.is_some()
    }
}

/// How a capability is coded.
pub(super) fn coding(index: usize) -> Coding {
    CODINGS.get(index).copied().unwrap_or(Coding::PCMU)
}

/// Offers all that we use with the peer, beginning with what the other one speaks.
pub(super) fn offer_like(like: Option<&Agreed>, local: &Local) -> Description {
    let all: Vec<usize> = (0..CAPABILITIES.len()).collect();
    let used = if local.codecs.is_empty() { &all } else { &local.codecs };
    let first = like.map(|agreed| agreed.codec).filter(|codec| used.contains(codec));
    let codecs: Vec<usize> =
        first.into_iter().chain(used.iter().copied().filter(|codec| Some(*codec) != first)).collect();
    let ptime_ms = like.map_or(20, |agreed| agreed.ptime_ms);
    sdp::offer(CAPABILITIES, &codecs, &events_like(like, &codecs), ptime_ms, local)
}

/// Telephone-events of each clock that the codecs have, under the number that the other one uses where it is free.
fn events_like(like: Option<&Agreed>, codecs: &[usize]) -> Vec<(u8, u32)> {
    let known = like.and_then(|agreed| agreed.telephone_event);
    let number = |clock_rate: u32, usual: u8, taken: u8| {
        let same = known.filter(|event| event.clock_rate == clock_rate).map(|event| event.receive);
        same.filter(|number| *number != taken && *number != OPUS).unwrap_or(usual)
    };
    let mut events = vec![(number(8_000, TELEPHONE_EVENT, TELEPHONE_EVENT_48K), 8_000)];
    if codecs.iter().any(|codec| CAPABILITIES.get(*codec).is_some_and(|one| one.clock_rate == OPUS_CLOCK)) {
        events.push((number(OPUS_CLOCK, TELEPHONE_EVENT_48K, events[0].0), OPUS_CLOCK));
    }
    events
}
