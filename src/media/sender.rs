//! The stream that a leg sends: one SSRC, sequence numbers without a gap, timestamps that never go back, whoever
//! the audio is from.

use super::{Channel, Output};
use crate::clock::Instant;
use crate::ids::{PortId, Random};
use crate::rtp::packet::HEADER_LEN;
use crate::rtp::rtcp::{Identity, SenderInfo};
use crate::rtp::sequence::timestamp_steps;
use crate::rtp::srtp::Protect;
use crate::rtp::{Packet, SequenceNumber};
use std::net::SocketAddr;

/// Where a packet leaves and where it goes.
#[derive(Clone, Copy)]
pub struct Route {
    pub port: PortId,
    pub destination: SocketAddr,
}

/// The header of a packet, the stream's own fields apart.
#[derive(Clone, Copy)]
pub struct Numbers {
    pub sequence: SequenceNumber,
    pub timestamp: u32,
    pub marker: bool,
    pub payload_type: u8,
    /// By how many the next timestamp is later.
    pub samples: usize,
}

/// The stream's numbers.
pub struct Sender {
    pub identity: Identity,
    next_sequence: SequenceNumber,
    next_timestamp: u32,
    /// Timestamp of our 8 kHz clock at [`Instant::ZERO`].
    clock_base: u32,
    /// The next packet is the first of a talkspurt.
    fresh: bool,
    /// When the last packet left, and its timestamp.
    last: Option<(Instant, u32)>,
    /// Steps of the clock on the wire for each of 8 kHz.
    clock_scale: u32,
    packets: u64,
    octets: u64,
    /// Packets when the last report left.
    packets_reported: u64,
    /// Of a leg whose packets are protected.
    protect: Option<Box<Protect>>,
}

impl Sender {
    pub fn new(random: &mut Random) -> Self {
        let clock_base = random.next_u32();
        Sender {
            identity: Identity { ssrc: random.next_u32(), cname: random.next_u64() },
            // RFC 3711 section 3.3.1: below 2^15, so that no turn of the numbers is near while the peer does not listen yet. It
            // would take what comes after for the first turn, and open nothing.
            next_sequence: SequenceNumber(random.next_u32() as u16 & 0x7FFF),
            next_timestamp: clock_base,
            clock_base,
            fresh: true,
            last: None,
            clock_scale: 1,
            packets: 0,
            octets: 0,
            packets_reported: 0,
            protect: None,
        }
    }

    /// What goes out is protected from now on, or not any more.
    pub fn secure(&mut self, protect: Option<Box<Protect>>) {
        self.protect = protect;
    }

    /// Says how fast the clock on the wire is; everything else here counts in 8 kHz.
    pub fn set_clock_scale(&mut self, scale: u32) {
        self.fresh |= self.clock_scale != scale;
        self.clock_scale = scale;
    }

    pub fn clock_scale(&self) -> u32 {
        self.clock_scale
    }

    /// Sends an RTCP packet from that socket; `write` appends it.
    pub fn send_report(
        &mut self,
        out: &mut Output,
        route: Route,
        channel: Channel,
        write: impl FnOnce(&Identity, &mut Vec<u8>),
    ) {
        let Sender { identity, protect, .. } = self;
        out.send(route.port, channel, route.destination, |bytes| {
            let start = bytes.len();
            write(identity, bytes);
            if let Some(protect) = protect {
                protect.rtcp(bytes, start);
            }
        });
    }

    pub fn next_sequence(&self) -> SequenceNumber {
        self.next_sequence
    }

    pub fn next_timestamp(&self) -> u32 {
        self.next_timestamp
    }

    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// RTP with its headers.
    pub fn bytes(&self) -> u64 {
        self.octets + self.packets * HEADER_LEN as u64
    }

    /// When the last packet left; the start of time where none did.
    pub fn last_sent(&self) -> Instant {
        self.last.map_or(Instant::ZERO, |(at, _)| at)
    }

    /// The audio is from elsewhere from `now` on: timestamps go on by the time that went by, and the next packet
    /// bears the marker.
    pub fn change_source(&mut self, now: Instant) {
        let clock = self.clock(now);
        if timestamp_steps(clock, self.next_timestamp) > 0 {
            self.next_timestamp = clock;
        }
        self.fresh = true;
    }

    /// The next packet bears the marker; its timestamp follows the last one's.
    pub fn mark(&mut self) {
        self.fresh = true;
    }

    /// Sends our own audio: the next number and timestamp. `write` appends the payload of `samples` samples.
    pub fn send_own(
        &mut self,
        now: Instant,
        out: &mut Output,
        route: Route,
        payload_type: u8,
        samples: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let numbers = Numbers {
            sequence: self.next_sequence,
            timestamp: self.next_timestamp,
            marker: false,
            payload_type,
            samples,
        };
        self.send(now, out, route, numbers, write);
    }

    /// Sends under numbers that were worked out from the partner's. `write` appends the payload. Where packets are protected,
    /// what the partner sends again is not sent again.
    pub fn send(
        &mut self,
        now: Instant,
        out: &mut Output,
        route: Route,
        numbers: Numbers,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let Numbers { sequence, timestamp, marker, payload_type, samples } = numbers;
        if self.protect.as_ref().is_some_and(|protect| protect.has_sent(sequence)) {
            return;
        }
        let header = Packet {
            marker: marker || self.fresh,
            payload_type,
            sequence,
            timestamp: timestamp.wrapping_mul(self.clock_scale),
            ssrc: self.identity.ssrc,
            payload: &[],
        };
        out.send(route.port, Channel::Rtp, route.destination, |bytes| {
            let start = bytes.len();
            header.write_header(bytes);
            write(bytes);
            self.octets += (bytes.len() - start - HEADER_LEN) as u64;
            if let Some(protect) = &mut self.protect {
                protect.rtp(bytes, start);
            }
        });
        self.packets += 1;
        (self.fresh, self.last) = (false, Some((now, timestamp)));
        let after = sequence.plus(1);
        if after.is_after(self.next_sequence) {
            self.next_sequence = after;
        }
        let end = timestamp.wrapping_add(samples as u32);
        if timestamp_steps(end, self.next_timestamp) > 0 {
            self.next_timestamp = end;
        }
    }

    /// What a sender report says at `now`; none where nothing was sent since the last one.
    pub fn report(&mut self, now: Instant) -> Option<SenderInfo> {
        if self.packets == self.packets_reported {
            return None;
        }
        self.packets_reported = self.packets;
        // From the last packet on, not from our clock: a partner's stream follows the partner's clock.
        let (at, timestamp) = self.last?;
        Some(SenderInfo {
            ntp: ntp(now),
            rtp_timestamp: timestamp
                .wrapping_add((now.since(at).as_micros() / 125) as u32)
                .wrapping_mul(self.clock_scale),
            packets: self.packets as u32,
            octets: self.octets as u32,
        })
    }

    fn clock(&self, now: Instant) -> u32 {
        self.clock_base.wrapping_add((now.as_micros() / 125) as u32)
    }
}

/// `now` as an NTP time. The engine has no calendar; time since the start serves (RFC 3550 section 6.4.1).
pub fn ntp(now: Instant) -> u64 {
    let (seconds, micros) = (now.as_micros() / 1_000_000, now.as_micros() % 1_000_000);
    (seconds << 32) | ((micros << 32) / 1_000_000)
}
