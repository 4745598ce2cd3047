//! What a leg receives: whose packets, which are audio, which keys.

use super::leg::Leg;
use super::sender::ntp;
use super::source::Verdict;
use super::{Channel, DigitSource, Event, Output};
use crate::audio::Coding;
use crate::clock::Instant;
use crate::rtp::Packet;
use crate::rtp::reception::Reception;
use crate::rtp::rtcp::Compound;
use crate::rtp::telephone_event::{Sighting, TelephoneEvent};
use std::net::SocketAddr;
use std::time::Duration;

/// Longest payload taken: 200 ms of G.711. Longer packets do not fit a datagram of an ordinary network.
const LONGEST_AUDIO: usize = 1_600;
/// Bytes of a protected datagram that is looked at: more than any network carries in one piece. Longer ones would make the
/// room grow in which they are opened.
pub const SECURE_MAX: usize = 2_048;
/// Static payload type of comfort noise, sent by some whether it was agreed on or not (RFC 3389 section 4).
const COMFORT_NOISE: u8 = 13;

/// What an accepted packet holds.
#[derive(Clone, Copy)]
pub enum Content {
    Audio(Coding),
    Event(TelephoneEvent, Sighting),
    /// The peer is silent and says so (RFC 3389). Nothing is passed on: a partner that hears nothing gets silence.
    ComfortNoise,
}

/// Timestamps of a peer as steps of 8 kHz, in which everything here counts.
#[derive(Default)]
pub struct PeerClock {
    scale: u32,
    /// A timestamp, and what it was here.
    last: Option<(u32, u32)>,
}

impl PeerClock {
    /// The timestamp of a packet whose clock has so many steps for each of 8 kHz.
    pub fn read(&mut self, timestamp: u32, scale: u32) -> u32 {
        self.scale = scale;
        if scale <= 1 {
            return timestamp;
        }
        let here = match self.last {
            Some((theirs, ours)) => {
                let steps = timestamp.wrapping_sub(theirs) as i32 / scale as i32;
                ours.wrapping_add_signed(steps)
            }
            None => timestamp / scale,
        };
        self.last = Some((timestamp, here));
        here
    }

    /// Of the last packet.
    pub fn scale(&self) -> u32 {
        self.scale.max(1)
    }
}

/// 250 packets/s from one peer: 100 of audio at 10 ms, a telephone-event repeated as often, and room. No telephone sends
/// more, and two legs whose descriptions point at each other's ports would pass a packet on for ever.
const PACKET_INTERVAL: Duration = Duration::from_millis(4);
/// What a network that stood still for a second brings at once.
const PACKET_BURST: Duration = Duration::from_secs(1);

impl Leg {
    /// Opens a datagram of a leg that is protected, in `opened`, which is the engine's and used again; one of another leg is
    /// given back as it came. None where it cannot be opened: before anything else is made of it.
    pub fn open<'a>(
        &mut self,
        channel: Channel,
        bytes: &'a [u8],
        opened: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        let Some(unprotect) = &mut self.unprotect else { return Some(bytes) };
        if bytes.len() > SECURE_MAX {
            self.totals.packets_unauthentic += 1;
            return None;
        }
        opened.clear();
        opened.extend_from_slice(bytes);
        let result = match channel {
            Channel::Rtp => unprotect.rtp(opened),
            Channel::Rtcp => unprotect.rtcp(opened),
        };
        if result.is_err() {
            self.totals.packets_unauthentic += 1;
        }
        result.ok()
    }

    /// Takes an RTP datagram. None where there is nothing in it to be heard: the counters say why.
    pub fn receive_rtp<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &'a [u8],
        out: &mut Output,
    ) -> Option<(Packet<'a>, Content)> {
        // What the second byte shows to be RTCP (RFC 5761 section 4) is no packet of the stream: its numbers would
        // upset the count of what is lost.
        let is_rtcp = bytes.get(1).is_some_and(|kind| (192..=223).contains(kind));
        let Some(mut packet) = Packet::parse(bytes).ok().filter(|_| !is_rtcp) else {
            self.count_unreadable(from);
            return None;
        };
        match self.rtp_source.judge(now, from, packet.ssrc, Some(packet.sequence)) {
            Verdict::Accepted => {}
            Verdict::Learned => {
                out.events.push(Event::SourceLearned { leg: self.id, from: self.rtp_source.current() });
            }
            Verdict::Refused => {
                self.totals.packets_refused += 1;
                self.watch.refused = Some((from, now));
                return None;
            }
        }
        self.hear_from_peer(now);
        if !self.budget.allows(now, PACKET_INTERVAL, PACKET_BURST) {
            self.totals.packets_excess += 1;
            return None;
        }
        self.totals.packets_received += 1;
        self.watch.bytes_received += bytes.len() as u64;
        let content = self.content(&packet);
        packet.timestamp = self.clock.read(packet.timestamp, self.clock_scale_of(content));
        self.count_reception(now, &packet);
        let Some(content) = content else {
            self.totals.packets_bad += 1;
            return None;
        };
        self.watch.last_audio = Some(now);
        if !self.config.receive_enabled {
            return None;
        }
        if let Content::Event(event, _) = content {
            let duration = event.duration / self.config.telephone_event_scale.max(1);
            let event = TelephoneEvent { duration, ..event };
            let sighting =
                self.events.on_packet(packet.ssrc, packet.sequence, packet.timestamp, packet.marker, event);
            match sighting {
                Sighting::Key(digit) => self.see_key(now, digit, DigitSource::Rfc4733, now, out),
                Sighting::Same(digit) => self.merge.prolong(digit, now),
                Sighting::Nothing => {}
            }
            return Some((packet, Content::Event(event, sighting)));
        }
        Some((packet, content))
    }

    /// Takes an RTCP datagram.
    pub fn receive_rtcp(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let Ok(compound) = Compound::parse(bytes, self.sender.identity.ssrc) else {
            if self.rtcp_source.current() == from || self.rtcp_source.may_be_learned(from.ip()) {
                self.totals.packets_bad += 1;
            } else {
                self.totals.packets_refused += 1;
            }
            return;
        };
        if self.rtcp_source.judge(now, from, compound.ssrc, None) == Verdict::Refused {
            self.totals.packets_refused += 1;
            return;
        }
        // A BYE ends nothing: the dialog says when a call ends.
        self.hear_from_peer(now);
        if let Some(sender) = compound.sender {
            self.peer_report = Some(((sender.ntp >> 16) as u32, now));
        }
        if let Some(block) = compound.block {
            self.watch.fraction_lost_there = block.fraction_lost;
            self.totals.reported_lost = block.cumulative_lost.max(0) as u32;
            self.totals.reported_jitter_us = (block.jitter / self.sender.clock_scale()).saturating_mul(125);
            if block.last_sender_report != 0 {
                let middle = (ntp(now) >> 16) as u32;
                let away = middle.wrapping_sub(block.last_sender_report).wrapping_sub(block.delay_since);
                // A report that claims more than the time since ours, or over a minute, is not believed.
                if away < 60 << 16 {
                    self.totals.round_trip_us = ((u64::from(away) * 1_000_000) >> 16) as u32;
                }
            }
        }
    }

    /// A key was seen, from `from` until `now`.
    pub fn see_key(
        &mut self,
        now: Instant,
        digit: char,
        source: DigitSource,
        from: Instant,
        out: &mut Output,
    ) {
        if self.merge.is_new(digit, source, from, now) {
            self.last_key = Some(now);
            out.events.push(Event::Digit { leg: self.id, digit, source, at: now });
        }
    }

    fn hear_from_peer(&mut self, now: Instant) {
        (self.last_heard, self.inactive_told) = (now, false);
    }

    fn count_unreadable(&mut self, from: SocketAddr) {
        if self.rtp_source.current() == from || self.rtp_source.may_be_learned(from.ip()) {
            self.totals.packets_bad += 1;
        } else {
            self.totals.packets_refused += 1;
        }
    }

    fn count_reception(&mut self, now: Instant, packet: &Packet<'_>) {
        let is_event = self.event_numbers().contains(&Some(packet.payload_type));
        let reception = match &mut self.reception {
            Some(reception) if reception.ssrc() == packet.ssrc => reception,
            other => {
                let before = other.take().map_or(0, |old| old.lost().max(0));
                self.lost_before += before;
                other.insert(Reception::new(packet.ssrc, packet.sequence))
            }
        };
        match is_event {
            true => reception.on_event(packet.sequence),
            false => reception.on_packet(now, packet.sequence, packet.timestamp),
        }
    }

    fn event_numbers(&self) -> [Option<u8>; 2] {
        [self.config.telephone_event_receive, self.config.telephone_event_send]
    }

    /// How fast the clock of such a packet is. One of no audio tells the time of the audio around it.
    fn clock_scale_of(&self, content: Option<Content>) -> u32 {
        match content {
            Some(Content::Audio(coding)) => coding.clock_scale(),
            Some(Content::Event(..)) => u32::from(self.config.telephone_event_scale),
            Some(Content::ComfortNoise) | None => self.clock.scale(),
        }
    }

    /// By the payload type and the length. Events also under the number that we use: some peers mix the two up.
    fn content(&self, packet: &Packet<'_>) -> Option<Content> {
        let number = packet.payload_type;
        if let Some((_, coding)) = self.config.receive.iter().find(|(known, _)| *known == number) {
            let fits = packet.payload.len() <= LONGEST_AUDIO && coding.samples(packet.payload).is_some();
            return fits.then_some(Content::Audio(*coding));
        }
        if self.event_numbers().contains(&Some(number)) {
            let event = TelephoneEvent::parse(packet.payload)?;
            return Some(Content::Event(event, Sighting::Nothing));
        }
        (number == COMFORT_NOISE).then_some(Content::ComfortNoise)
    }
}
