//! One leg: what it sends and when. What it receives is in `receive`.
//!
//! From the first command that plays, listens or bridges, a leg that may send never stops: where nothing is played
//! and no partner is heard, it sends silence. A NAT in front of the peer lets its packets in only while ours go
//! out, and carriers end calls whose streams fall silent.

mod relaying;

use super::bridge::Anchor;
use super::capture::Capture;
use super::digit_merge::DigitMerge;
use super::ear::Ear;
use super::grid::{Grid, Phase, after_samples};
use super::handshake::{Handshake, protect, unprotect};
use super::player::Player;
use super::press::{Piece, Press};
use super::receive::PeerClock;
use super::sender::{Numbers, Route, Sender, ntp};
use super::source::Source;
use super::tones::Tones;
use super::watch::Watch;
use super::{Channel, Event, LegConfig, Output, Statistics};
use crate::audio::Codec;
use crate::audio::coding::{Decoder, Encoder};
use crate::clock::{Budget, Instant};
use crate::ids::{LegId, PlaybackId, PortId, Random};
use crate::rtp::reception::Reception;
use crate::rtp::srtp::Unprotect;
use crate::rtp::telephone_event::{EventReceiver, TelephoneEvent};
use std::time::Duration;

/// A thread that stood still for longer does not send what it missed: the peer's buffer could not hold the burst.
const STALL: Duration = Duration::from_millis(200);
/// A partner that sends nothing for so long is followed by silence of our own, so that NAT bindings and carriers
/// that cut silent streams see packets.
const PARTNER_SILENT: Duration = Duration::from_millis(200);
/// A playback that begins this soon after a key is its answer.
const ANSWER: Duration = Duration::from_millis(100);
/// Mean time between our RTCP reports (RFC 3550 section 6.2).
const REPORT_INTERVAL_US: u64 = 5_000_000;

/// What all legs of an engine share.
pub struct Shared {
    pub random: Random,
    pub grid: Grid,
    pub tones: Tones,
    /// Legs whose packets are noted.
    pub captures: usize,
}

/// Whose audio goes out.
pub enum Voice {
    /// Nothing was asked yet: nothing is sent.
    Quiet,
    /// Our own, packet after packet from `next` on: what is played, else silence.
    Own { next: Instant, phase: Phase },
    /// The partner's, as it comes. At `check` we look whether it still does.
    Relayed { anchor: Option<Anchor>, check: Instant },
}

/// What is played.
pub enum Playback {
    Playing(Player),
    /// Keys, as telephone-events.
    Pressing(Press),
    /// All was sent; its last sample is played out at `at`.
    Ending {
        id: Option<PlaybackId>,
        at: Instant,
    },
}

impl Playback {
    pub fn id(&self) -> Option<PlaybackId> {
        match self {
            Playback::Playing(player) => player.id,
            Playback::Pressing(press) => Some(press.id),
            Playback::Ending { id, .. } => *id,
        }
    }
}

/// One leg.
pub struct Leg {
    pub id: LegId,
    pub port: PortId,
    pub config: LegConfig,
    /// Where what is sent is not G.711.
    pub encoder: Option<Encoder>,
    /// Once something was heard that is not G.711.
    pub decoder: Option<Decoder>,
    /// The peer's clock where it is faster than 8 kHz.
    pub clock: PeerClock,
    /// Of a leg whose packets are protected.
    pub unprotect: Option<Box<Unprotect>>,
    /// Of a leg whose keys come by a handshake.
    pub handshake: Option<Box<Handshake>>,
    pub rtp_source: Source,
    pub budget: Budget,
    pub rtcp_source: Source,
    pub sender: Sender,
    pub voice: Voice,
    pub playback: Option<Playback>,
    /// Index of the leg it is bridged with.
    pub partner: Option<usize>,
    pub ear: Option<Box<Ear>>,
    pub reception: Option<Reception>,
    pub events: EventReceiver,
    pub merge: DigitMerge,
    pub last_key: Option<Instant>,
    /// Last packet from the peer, or when the peer was last allowed to send.
    pub last_heard: Instant,
    pub inactive_told: bool,
    /// Middle of the NTP time of the peer's last SR, and when it came.
    pub peer_report: Option<(u32, Instant)>,
    pub totals: Statistics,
    pub watch: Watch,
    /// While its packets are noted.
    pub capture: Option<Box<Capture>>,
    /// Lost in streams before the present one.
    pub lost_before: i64,
    next_report: Instant,
    reported: bool,
    /// Packets were due while sending was not allowed.
    muted: bool,
}

impl Leg {
    pub fn new(now: Instant, id: LegId, port: PortId, config: LegConfig, shared: &mut Shared) -> Self {
        let config = sane(config);
        let mut sender = Sender::new(&mut shared.random);
        sender.secure(protect(&config));
        sender.set_clock_scale(config.coding.clock_scale());
        let mut leg = Leg {
            id,
            port,
            rtp_source: Source::new(now, config.remote_rtp, config.signalling_ip),
            budget: Budget::default(),
            rtcp_source: Source::new(now, config.remote_rtcp, config.signalling_ip),
            unprotect: unprotect(&config),
            handshake: None,
            encoder: Encoder::new(config.coding),
            decoder: None,
            clock: PeerClock::default(),
            config,
            sender,
            voice: Voice::Quiet,
            playback: None,
            partner: None,
            ear: None,
            reception: None,
            events: EventReceiver::default(),
            merge: DigitMerge::default(),
            last_key: None,
            last_heard: now,
            inactive_told: false,
            peer_report: None,
            totals: Statistics::default(),
            watch: Watch::new(now),
            capture: None,
            lost_before: 0,
            // The first report comes after half the time (RFC 3550 section 6.2).
            next_report: now + report_interval(&mut shared.random) / 2,
            reported: false,
            muted: false,
        };
        leg.await_handshake(now);
        leg
    }

    /// A new answer.
    pub fn update(&mut self, now: Instant, config: LegConfig) {
        let config = sane(config);
        let may_talk_again = config.receive_enabled && !self.config.receive_enabled;
        if may_talk_again || (config.inactivity.is_some() && self.config.inactivity.is_none()) {
            (self.last_heard, self.inactive_told) = (now, false);
            self.watch.begin(now);
        }
        if config.send && !self.config.send {
            self.watch.begin(now);
        }
        let goes_on = self.take_terms(&config);
        if config.coding != self.config.coding {
            self.encoder = Encoder::new(config.coding);
            self.sender.set_clock_scale(config.coding.clock_scale());
        }
        if !goes_on {
            self.rtp_source = Source::new(now, config.remote_rtp, config.signalling_ip);
            self.rtcp_source = Source::new(now, config.remote_rtcp, config.signalling_ip);
        } else if self.handshake.as_ref().is_none_or(|handshake| !handshake.makes_checks()) {
            self.rtp_source.update(now, config.remote_rtp, config.signalling_ip);
            self.rtcp_source.update(now, config.remote_rtcp, config.signalling_ip);
        }
        self.config = config;
        if !goes_on {
            self.await_handshake(now);
        }
        self.forget_partner_numbers();
    }

    /// Samples in each packet we send.
    pub fn packet_samples(&self) -> usize {
        usize::from(self.config.ptime_ms) * 8
    }

    fn packet_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.config.ptime_ms))
    }

    fn route(&self) -> Option<Route> {
        let may_send = self.config.send && self.is_ready();
        let destination = self.rtp_source.destination().filter(|_| may_send)?;
        Some(Route { port: self.port, destination })
    }

    /// Starts to send packets of our own, if that is not so yet.
    pub fn speak(&mut self, now: Instant, shared: &mut Shared) {
        if !matches!(self.voice, Voice::Own { .. }) {
            let (next, phase) = shared.grid.enter(now);
            self.sender.change_source(next);
            self.voice = Voice::Own { next, phase };
        }
    }

    /// Plays; what played before is gone.
    pub fn play(&mut self, now: Instant, player: Player, shared: &mut Shared, out: &mut Output) {
        self.playback = Some(if player.is_over() {
            Playback::Ending { id: player.id, at: now }
        } else {
            Playback::Playing(player)
        });
        self.speak(now, shared);
        self.sender.mark();
        // A key is answered at once, not at the next packet's time. That packet leaves early, with its own
        // timestamp, and the one after it at its own time, so the stream does not run ahead.
        if let Voice::Own { next, phase } = self.voice
            && next > now
            && next <= now + self.packet_time()
            && self.last_key.is_some_and(|key| now.since(key) <= ANSWER)
        {
            self.send_own(now, next, out);
            self.voice = Voice::Own { next: next + self.packet_time(), phase };
        }
    }

    /// Presses keys as telephone-events; what played before is gone.
    pub fn press(&mut self, now: Instant, press: Press, shared: &mut Shared) {
        self.playback = Some(Playback::Pressing(press));
        self.speak(now, shared);
    }

    /// Makes the next packet from the partner anchor anew.
    pub fn forget_partner_numbers(&mut self) {
        if let Voice::Relayed { anchor, .. } = &mut self.voice {
            *anchor = None;
        }
    }

    /// Waits for the partner's audio. What was sent of our own goes on until it comes.
    pub fn await_partner(&mut self, now: Instant) {
        if matches!(self.voice, Voice::Quiet) {
            self.voice = Voice::Relayed { anchor: None, check: now + PARTNER_SILENT };
        }
    }

    /// Whether the partner's audio may go out now.
    pub fn hears_partner(&self) -> bool {
        self.playback.is_none() && self.route().is_some()
    }

    /// Does what is due at `now`, the partner's audio apart.
    pub fn on_time(&mut self, now: Instant, shared: &mut Shared, out: &mut Output) {
        self.end_playback(now, out);
        self.watch_partner(now, shared);
        self.send_due(now, out);
        self.look(now, out);
        if self.handshake.is_some() {
            self.look_for_consent(now);
            self.serve_handshake(now, out);
        }
        if self.capture.as_ref().is_some_and(|capture| capture.until <= now) {
            self.end_capture(shared, out);
        }
        if self.next_report <= now {
            self.next_report = now + report_interval(&mut shared.random);
            self.send_report(now, false, out);
        }
        if self.inactivity_deadline().is_some_and(|deadline| deadline <= now) {
            self.inactive_told = true;
            out.events.push(Event::Inactive { leg: self.id, silent_for: now.since(self.last_heard) });
        }
    }

    /// The earliest moment at which [`Leg::on_time`] or the ear has something to do.
    pub fn due(&self) -> Instant {
        let voice = match self.voice {
            Voice::Quiet => None,
            Voice::Own { next, .. } => Some(next),
            Voice::Relayed { check, .. } => Some(check),
        };
        let playback = match self.playback {
            Some(Playback::Ending { at, .. }) => Some(at),
            _ => None,
        };
        let ear = self.ear.as_ref().and_then(|ear| ear.deadline());
        let handshake = self.handshake.as_ref().and_then(|handshake| handshake.due());
        [voice, playback, ear, self.inactivity_deadline(), handshake]
            .into_iter()
            .flatten()
            .fold(self.next_report, |earliest, at| earliest.min(at))
    }

    /// Hands what was noted of its packets back.
    pub fn end_capture(&mut self, shared: &mut Shared, out: &mut Output) {
        if let Some(capture) = self.capture.take() {
            shared.captures -= 1;
            out.events.push(Event::Captured { leg: self.id, capture });
        }
    }

    fn inactivity_deadline(&self) -> Option<Instant> {
        let waits = self.config.receive_enabled && !self.inactive_told;
        self.config.inactivity.filter(|_| waits).map(|limit| self.last_heard + limit)
    }

    fn end_playback(&mut self, now: Instant, out: &mut Output) {
        if let Some(Playback::Ending { id, at }) = self.playback
            && at <= now
        {
            self.playback = None;
            if let Some(playback) = id {
                out.events.push(Event::PlaybackEnded { leg: self.id, playback });
            }
        }
    }

    fn watch_partner(&mut self, now: Instant, shared: &mut Shared) {
        if let Voice::Relayed { check, .. } = &mut self.voice
            && *check <= now
        {
            let silent_from = self.sender.last_sent() + PARTNER_SILENT;
            if silent_from > now {
                *check = silent_from;
            } else {
                self.speak(now, shared);
            }
        }
    }

    fn send_due(&mut self, now: Instant, out: &mut Output) {
        while let Voice::Own { next, phase } = self.voice
            && next <= now
        {
            let mut at = next;
            if now.since(next) > STALL {
                let missed = now.since(next).as_micros() / self.packet_time().as_micros().max(1);
                at = next + self.packet_time() * u32::try_from(missed).unwrap_or(u32::MAX);
                self.sender.change_source(at);
            }
            self.send_own(now, at, out);
            self.voice = Voice::Own { next: at + self.packet_time(), phase };
        }
    }

    /// The packet of our own that belongs at `at`.
    fn send_own(&mut self, now: Instant, at: Instant, out: &mut Output) {
        if let Some(Playback::Pressing(_)) = self.playback {
            return self.send_key(now, at, out);
        }
        let (samples, law) = (self.packet_samples(), self.config.coding.law());
        let mut played = samples;
        if let Some(route) = self.route() {
            if std::mem::take(&mut self.muted) {
                self.sender.change_source(at);
            }
            let (playback, encoder) = (&mut self.playback, &mut self.encoder);
            let mut read = |bytes: &mut Vec<u8>| {
                let end = bytes.len() + samples;
                if let Some(Playback::Playing(player)) = playback {
                    played = player.read(law, samples, bytes);
                }
                bytes.resize(end, law.silence());
            };
            self.sender.send_own(now, out, route, self.config.payload_type, samples, |bytes| {
                encode_own(encoder, law, bytes, &mut read);
            });
        } else {
            self.muted = true;
            if let Some(Playback::Playing(player)) = &mut self.playback {
                played = player.skip(samples);
            }
        }
        if let Some(Playback::Playing(player)) = &self.playback
            && player.is_over()
        {
            self.playback = Some(Playback::Ending { id: player.id, at: after_samples(at, played) });
        }
    }

    /// The packet of a key that is pressed. A peer that may be sent nothing now, or takes no events any more, misses it.
    fn send_key(&mut self, now: Instant, at: Instant, out: &mut Output) {
        let (samples, law, route) = (self.packet_samples(), self.config.coding.law(), self.route());
        if route.is_some() && std::mem::take(&mut self.muted) {
            self.sender.change_source(at);
        }
        let Some(Playback::Pressing(press)) = &mut self.playback else { return };
        let piece = press.next(samples, self.sender.next_timestamp());
        let held = press.held();
        if press.is_over() {
            self.playback = Some(Playback::Ending { id: Some(press.id), at: at + self.packet_time() });
        }
        let Some(route) = route else {
            self.muted = true;
            return;
        };
        match (piece, self.config.telephone_event_send) {
            (Piece::Event { event, start, is_first }, Some(payload_type)) => {
                let sequence = self.sender.next_sequence();
                let numbers =
                    Numbers { sequence, timestamp: start, marker: is_first, payload_type, samples: held };
                let event = at_clock(event, self.config.telephone_event_scale);
                self.sender.send(now, out, route, numbers, |bytes| bytes.extend_from_slice(&event.bytes()));
            }
            _ => {
                let encoder = &mut self.encoder;
                let mut silence = |bytes: &mut Vec<u8>| bytes.resize(bytes.len() + samples, law.silence());
                self.sender.send_own(now, out, route, self.config.payload_type, samples, |bytes| {
                    encode_own(encoder, law, bytes, &mut silence);
                });
            }
        }
    }

    /// Sends an SR or RR with SDES, and a BYE where the leg ends. RFC 3550 section 6.
    pub fn send_report(&mut self, now: Instant, bye: bool, out: &mut Output) {
        // Who never sent anything does not say goodbye (section 6.3.7).
        if bye && !self.reported && self.sender.packets() == 0 {
            return;
        }
        let Some(destination) = self.rtcp_source.destination().filter(|_| self.is_ready()) else { return };
        self.reported = true;
        let info = self.sender.report(now);
        let mut block = self.reception.as_mut().map(Reception::report);
        if let Some(block) = &mut block {
            block.jitter = block.jitter.saturating_mul(self.clock.scale());
        }
        if let (Some(block), Some((middle, came))) = (&mut block, self.peer_report) {
            block.last_sender_report = middle;
            block.delay_since = (ntp(now).wrapping_sub(ntp(came)) >> 16) as u32;
        }
        let route = Route { port: self.port, destination };
        let is_muxed = self.handshake.as_ref().is_some_and(|handshake| handshake.mux());
        let channel = if is_muxed { Channel::Rtp } else { Channel::Rtcp };
        self.sender.send_report(out, route, channel, |identity, bytes| {
            identity.write(bytes, info.as_ref(), block.as_ref(), bye);
        });
    }

    /// Totals up to now.
    pub fn statistics(&self) -> Statistics {
        let lost = self.lost_before + self.reception.as_ref().map_or(0, |r| r.lost().max(0));
        let totals = Statistics {
            packets_sent: self.sender.packets(),
            packets_lost: lost.max(0) as u64,
            jitter_us: self.reception.as_ref().map_or(0, Reception::jitter_us),
            ..self.totals
        };
        totals.with_opinion(self.config.ptime_ms)
    }
}

/// Appends what `write` puts down in that law, coded as the peer takes it.
fn encode_own(
    encoder: &mut Option<Encoder>,
    law: Codec,
    bytes: &mut Vec<u8>,
    write: &mut dyn FnMut(&mut Vec<u8>),
) {
    match encoder {
        Some(encoder) => encoder.encode_own(law, bytes, write),
        None => write(bytes),
    }
}

/// An event as it is told by a clock of so many steps for each of 8 kHz.
fn at_clock(event: TelephoneEvent, scale: u16) -> TelephoneEvent {
    TelephoneEvent { duration: event.duration.saturating_mul(scale.max(1)), ..event }
}

/// Packet times outside 10 to 60 ms, or not in tens, become the nearest below; of payload types four are kept.
fn sane(mut config: LegConfig) -> LegConfig {
    config.ptime_ms = config.coding.packet_time_ms((config.ptime_ms / 10 * 10).clamp(10, 60));
    config.receive.truncate(8);
    config.payload_type &= 0x7F;
    config
}

/// Half to one and a half times the mean, divided by e - 3/2 (RFC 3550 section 6.3.1), for two members and the
/// bandwidth of one voice, where the minimum of 5 s rules.
fn report_interval(random: &mut Random) -> Duration {
    let spread = u64::from(random.below(1_000_000));
    let micros = REPORT_INTERVAL_US * (500_000 + spread) / 1_000_000;
    Duration::from_micros(micros * 100_000 / 121_828)
}
