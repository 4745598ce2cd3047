//! Legs and bridges: packets in, packets and events out, on one media thread each. Knows no calls.
//!
//! The door is `engine::Engine`. It is told what to do by [`Command`]s and tells what happened by [`Event`]s;
//! packets to send go to an [`Output`] that the caller owns and reuses, so that the path of a packet allocates nothing.

mod bridge;
mod capture;
mod digit_merge;
mod ear;
pub mod engine;
mod grid;
mod handshake;
mod leg;
mod player;
mod press;
mod receive;
mod recording;
mod sender;
mod source;
mod tones;
mod watch;
mod wheel;

pub use capture::{CAPTURE_TIME, Capture, Header};
pub use handshake::{HandshakeTerms, Ice, Unsecured};
pub use recording::Recording;
pub use watch::{Condition, Figures};

use crate::audio::{Clip, Coding};
use crate::clock::Instant;
use crate::ids::{LegId, PlaybackId, PortId};
pub use crate::rtp::dtls::{CERTIFICATES, Fingerprint, Hash, Identity, IdentityError, Role};
pub use crate::rtp::srtp::{MasterKey, Profile};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Which socket of a port pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    Rtp,
    Rtcp,
}

/// What the offer and the answer agreed on for one leg.
#[derive(Clone, PartialEq, Debug)]
pub struct LegConfig {
    /// What we send.
    pub coding: Coding,
    /// Its payload type in what we send (0 and 8 unless the peer mapped it otherwise).
    pub payload_type: u8,
    /// What the peer may send us, by payload type. At most eight are looked at.
    pub receive: Vec<(u8, Coding)>,
    /// Milliseconds of audio in each packet we send: 10 to 60, in tens.
    pub ptime_ms: u8,
    /// Payload type of `telephone-event` in what we send (the peer's number).
    pub telephone_event_send: Option<u8>,
    /// Payload type of `telephone-event` in what we receive (our number; commonly the same).
    pub telephone_event_receive: Option<u8>,
    /// Steps of the events' clock for each of 8 kHz: 6 where it is that of Opus (`telephone-event/48000`).
    pub telephone_event_scale: u16,
    /// Where the peer's SDP says it receives.
    pub remote_rtp: SocketAddr,
    pub remote_rtcp: SocketAddr,
    /// Address that the dialog's SIP comes from: the other address media may be learned from.
    pub signalling_ip: IpAddr,
    /// Whether we may send: the peer is not `sendonly`, `inactive` or on hold at 0.0.0.0.
    pub send: bool,
    /// Whether the peer may send.
    pub receive_enabled: bool,
    /// No RTP and no RTCP for so long: [`Event::Inactive`]. Not counted while `receive_enabled` is false.
    pub inactivity: Option<Duration>,
    /// Both sides protect their packets; a plain one is dropped then.
    pub secure: Option<Box<Secure>>,
    /// Their keys come by a handshake, after checks perhaps; `secure` is none then.
    pub handshake: Option<Box<HandshakeTerms>>,
}

/// How both sides of a leg protect their packets. RFC 3711.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secure {
    pub profile: Profile,
    pub send: MasterKey,
    pub receive: MasterKey,
}

/// A piece of what is played.
#[derive(Clone)]
pub enum Item {
    Clip(Arc<Clip>),
    Silence(Duration),
    Tone(Tone),
}

/// A tone or a cadence of tones made while it is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// 440 + 480 Hz, 2 s on, 4 s off (the North American ringing tone): one period.
    Ringback,
    /// 1,000 Hz, 500 ms: the beep before a recording.
    Beep,
}

/// What a leg is to hear, in order.
#[derive(Clone)]
pub struct Playlist {
    pub items: Vec<Item>,
    /// Starts again at the first item after the last, until it is stopped.
    pub forever: bool,
}

/// What the signalling thread tells a media thread.
#[derive(Clone)]
pub enum Command {
    /// Starts a leg on a port pair of this thread. It sends nothing until it is to play, to listen or is bridged;
    /// from then on it never stops: what is neither played nor heard from a partner is silence.
    Open {
        leg: LegId,
        port: PortId,
        config: LegConfig,
    },
    /// A new answer for a leg: media moved, hold, another codec. Sequence numbers and timestamps go on.
    Update {
        leg: LegId,
        config: LegConfig,
    },
    /// Ends a leg: RTCP BYE, [`Event::Closed`], its port is free.
    Close {
        leg: LegId,
    },
    /// Plays; replaces what plays on that leg, which then ends without an event.
    Play {
        leg: LegId,
        playback: PlaybackId,
        playlist: Playlist,
    },
    /// Stops a playback without an event. Nothing happens where it has ended already.
    Stop {
        leg: LegId,
        playback: PlaybackId,
    },
    /// Whether keys in the audio (Goertzel) are looked for. Telephone-events always are.
    Listen {
        leg: LegId,
        in_band: bool,
    },
    /// A key that came by SIP INFO, to be merged with those of the media.
    InfoDigit {
        leg: LegId,
        digit: char,
        duration: Duration,
    },
    /// Joins two legs: each hears the other. Playbacks on both stop without an event; one that begins later on
    /// either is heard there instead of the partner.
    Bridge {
        a: LegId,
        b: LegId,
    },
    /// Notes the headers of a leg's packets into the room that is given, until its time or [`Command::EndCapture`];
    /// it comes back as [`Event::Captured`].
    Capture {
        leg: LegId,
        capture: Box<Capture>,
    },
    EndCapture {
        leg: LegId,
    },
    /// Presses keys one after the other, as telephone-events where the peer takes them and as tones else. Like
    /// [`Command::Play`] in all else, its end included.
    Press {
        leg: LegId,
        playback: PlaybackId,
        keys: Arc<str>,
    },
    /// Keeps what the leg hears in the room that is given, until its time; it comes back as [`Event::Recorded`].
    Record {
        leg: LegId,
        recording: Box<Recording>,
    },
    /// Parts a bridged leg from its partner; both fall silent.
    Unbridge {
        leg: LegId,
    },
}

/// Who saw a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DigitSource {
    /// A telephone-event, RFC 4733.
    Rfc4733,
    /// A tone in the audio.
    InBand,
    /// SIP INFO.
    Info,
}

/// What a media thread tells the signalling thread.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// One key, however it came and however often.
    Digit { leg: LegId, digit: char, source: DigitSource, at: Instant },
    /// A playback came to its end by itself.
    PlaybackEnded { leg: LegId, playback: PlaybackId },
    /// Nothing came for the leg's inactivity limit. Said once until something comes.
    Inactive { leg: LegId, silent_for: Duration },
    /// The peer's packets come from elsewhere than its SDP said, and the rule let us follow.
    SourceLearned { leg: LegId, from: SocketAddr },
    /// Its audio turned bad in a way, or good again; looked at once a second.
    Condition { leg: LegId, condition: Condition },
    /// The headers of its packets, as [`Command::Capture`] asked.
    Captured { leg: LegId, capture: Box<Capture> },
    /// What it heard, as [`Command::Record`] asked.
    Recorded { leg: LegId, recording: Box<Recording> },
    /// The leg is gone, or could not be opened; its port may be lent again.
    Closed { leg: LegId, port: PortId, statistics: Statistics },
}

/// Totals of one leg.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    pub packets_received: u64,
    pub packets_sent: u64,
    /// Lost on the way to us, by sequence numbers (RFC 3550 appendix A.3).
    pub packets_lost: u64,
    /// From sources that the rule refused.
    pub packets_refused: u64,
    /// Of a leg that is protected: not encrypted, forged, or sent before.
    pub packets_unauthentic: u64,
    /// Above what any telephone sends: dropped.
    pub packets_excess: u64,
    /// Not RTP, an unknown payload type, a length no codec has.
    pub packets_bad: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1), microseconds.
    pub jitter_us: u32,
    /// Lost on the way to the peer, by its RTCP reports.
    pub reported_lost: u32,
    /// Jitter of our packets at the peer, by its RTCP reports, microseconds.
    pub reported_jitter_us: u32,
    /// There and back by RTCP (RFC 3550 section 6.4.1), microseconds; 0 where the peer never said.
    pub round_trip_us: u32,
    /// An estimate of what people would say of all that came, 1 to 4.4 (ITU-T G.107, simplified), in hundredths; none where
    /// nothing came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mos: Option<f32>,
}

impl Statistics {
    /// The same of a part of which so many percent were lost, with packets of so many milliseconds.
    pub fn opinion(&self, loss_percent: f32, ptime_ms: u8) -> f32 {
        let delay_ms = self.round_trip_us as f32 / 2_000.0 + f32::from(ptime_ms);
        crate::rtp::opinion::estimate(loss_percent, delay_ms, self.jitter_us as f32 / 1_000.0)
    }

    /// With the opinion of all that came.
    fn with_opinion(self, ptime_ms: u8) -> Statistics {
        let (received, lost) = (self.packets_received as f32, self.packets_lost as f32);
        let mos = (received > 0.0).then(|| {
            let whole = self.opinion(100.0 * lost / (received + lost), ptime_ms);
            (whole * 100.0).round() / 100.0
        });
        Statistics { mos, ..self }
    }
}

/// A packet that lies in [`Output::bytes`].
#[derive(Clone, Copy, Debug)]
pub struct Transmit {
    pub port: PortId,
    pub channel: Channel,
    pub destination: SocketAddr,
    pub start: usize,
    pub len: usize,
}

/// What the engine wants done. Owned and cleared by the caller, so that its memory is used again.
pub struct Output {
    pub bytes: Vec<u8>,
    pub transmits: Vec<Transmit>,
    pub events: Vec<Event>,
}

impl Default for Output {
    /// With room for what one tick of a busy thread says, 128 legs at once; it grows where more is said.
    fn default() -> Self {
        const PACKETS: usize = 256;
        Output {
            bytes: Vec::with_capacity(PACKETS * 256),
            transmits: Vec::with_capacity(PACKETS),
            events: Vec::with_capacity(PACKETS),
        }
    }
}

impl Output {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.transmits.clear();
        self.events.clear();
    }

    /// Adds a packet whose bytes `write` appends.
    pub(crate) fn send(
        &mut self,
        port: PortId,
        channel: Channel,
        destination: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let len = self.bytes.len() - start;
        self.transmits.push(Transmit { port, channel, destination, start, len });
    }

    pub fn packet(&self, transmit: &Transmit) -> &[u8] {
        &self.bytes[transmit.start..transmit.start + transmit.len]
    }
}
