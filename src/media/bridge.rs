//! A partner's audio on its way into a leg's stream: renumbered packet by packet, or cut anew where the packet
//! times differ.

use super::sender::Sender;
use crate::audio::Codec;
use crate::audio::concealment::Concealment;
use crate::clock::Instant;
use crate::rtp::{Packet, SequenceNumber};
use std::time::Duration;

/// A jump ahead or back that is a new run of numbers, not loss or disorder (RFC 3550 A.1).
const MAX_AHEAD: i16 = 3_000;
const MAX_BACK: i16 = -100;

/// How the partner's numbers become ours: by offsets, so that its losses, disorder and timestamp steps stay visible.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    ssrc: u32,
    first: SequenceNumber,
    highest: SequenceNumber,
    /// The number that would prove a new run.
    restart: Option<SequenceNumber>,
    sequence_offset: u16,
    timestamp_offset: u32,
}

/// How a partner's packet is coded.
#[derive(Clone, Copy)]
pub enum Heard {
    Law(Codec),
    /// As the leg sends it, so that it is passed on as it came: so many samples of 8 kHz.
    AsSent {
        samples: usize,
    },
}

/// To which run of the partner's numbers a packet belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    Same,
    New,
    /// Perhaps a new one, perhaps a packet that comes seconds late: the next one tells.
    Unclear,
}

impl Anchor {
    /// The packet gets the next numbers of `sender`.
    pub fn new(sender: &Sender, ssrc: u32, sequence: SequenceNumber, timestamp: u32) -> Self {
        Anchor {
            ssrc,
            first: sequence,
            highest: sequence,
            restart: None,
            sequence_offset: sender.next_sequence().0.wrapping_sub(sequence.0),
            timestamp_offset: sender.next_timestamp().wrapping_sub(timestamp),
        }
    }

    /// Compares a packet with the run of numbers that this was made for.
    pub fn run_of(&mut self, packet: &Packet<'_>) -> Run {
        if packet.ssrc != self.ssrc {
            return Run::New;
        }
        let steps = packet.sequence.steps_since(self.highest);
        if (MAX_BACK..=MAX_AHEAD).contains(&steps) {
            self.restart = None;
            return Run::Same;
        }
        if self.restart.replace(packet.sequence.plus(1)) == Some(packet.sequence) {
            return Run::New;
        }
        Run::Unclear
    }

    pub fn is_from(&self, ssrc: u32) -> bool {
        self.ssrc == ssrc
    }

    /// Our number for the partner's; none for a packet from before the first, whose number is taken.
    pub fn sequence(&mut self, sequence: SequenceNumber) -> Option<SequenceNumber> {
        if sequence.is_after(self.highest) {
            self.highest = sequence;
            // Numbers come round after 65,536 packets: the first must stay behind.
            if self.highest.steps_since(self.first) > MAX_AHEAD {
                self.first = SequenceNumber(self.highest.0.wrapping_sub(MAX_AHEAD as u16));
            }
        } else if self.first.is_after(sequence) {
            return None;
        }
        Some(sequence.plus(self.sequence_offset))
    }

    pub fn timestamp(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.timestamp_offset)
    }
}

/// Longest gap that is filled with made-up audio, in samples: 100 ms. A longer one is left as a step of timestamps.
const LONGEST_FILL: u32 = 800;
/// Bytes kept: three of the longest packets. What does not fit pushes out the oldest.
const FIFO: usize = 3 * 480;

/// Cuts decoded audio into packets of another length.
pub struct Cutter {
    concealment: Concealment,
    /// In the codec of the leg that hears it.
    fifo: Vec<u8>,
    /// The partner's timestamp after the last byte.
    end: Option<u32>,
    /// The timestamps began anew.
    restarted: bool,
    /// Not before this does the next packet leave, so that one long packet does not become a burst of short ones.
    next_at: Instant,
}

impl Cutter {
    pub fn new() -> Self {
        Cutter {
            concealment: Concealment::default(),
            fifo: Vec::with_capacity(FIFO),
            end: None,
            restarted: true,
            next_at: Instant::ZERO,
        }
    }

    /// Begins again, as after a bridge.
    pub fn restart(&mut self) {
        self.fifo.clear();
        (self.end, self.restarted) = (None, true);
    }

    /// Audio that begins at the partner's `timestamp`.
    pub fn heard(&mut self, timestamp: u32, samples: &mut [i16], codec: Codec) {
        if self.end != Some(timestamp) {
            self.fifo.clear();
            self.end = Some(timestamp);
        }
        self.concealment.heard(samples);
        self.append(samples, codec);
    }

    /// So many samples are missing before the next.
    pub fn lost(&mut self, samples: u32, codec: Codec) {
        if samples > LONGEST_FILL || self.end.is_none() {
            self.fifo.clear();
            self.end = None;
            return;
        }
        let mut left = samples as usize;
        while left > 0 {
            let mut made_up = [0; 160];
            let part = &mut made_up[..left.min(160)];
            self.concealment.conceal(part);
            left -= part.len();
            self.append(part, codec);
        }
    }

    fn append(&mut self, samples: &[i16], codec: Codec) {
        let over = (self.fifo.len() + samples.len()).saturating_sub(FIFO).min(self.fifo.len());
        self.fifo.drain(..over);
        codec.encode_onto(samples, &mut self.fifo);
        self.end = self.end.map(|end| end.wrapping_add(samples.len() as u32));
    }

    /// When a packet of `samples` can leave; none where there is not enough for one.
    pub fn due(&self, samples: usize) -> Option<Instant> {
        (self.fifo.len() >= samples).then_some(self.next_at)
    }

    /// Gives the next packet of `samples`, if it is due, to `send`: whether timestamps began anew, and the packet under
    /// the partner's `ssrc` and timestamp, whose other fields say nothing. Says whether there was one.
    pub fn cut(
        &mut self,
        now: Instant,
        samples: usize,
        ssrc: u32,
        send: impl FnOnce(bool, &Packet<'_>),
    ) -> bool {
        // More than a packet too much: the partner's clock is faster than ours, or a gap was made up for.
        let pressed = self.fifo.len() >= samples * 2 + 480;
        let Some(end) = self.end.filter(|_| self.fifo.len() >= samples && (now >= self.next_at || pressed))
        else {
            return false;
        };
        let timestamp = end.wrapping_sub(self.fifo.len() as u32);
        let packet = Packet {
            marker: false,
            payload_type: 0,
            sequence: SequenceNumber(0),
            timestamp,
            ssrc,
            payload: &self.fifo[..samples],
        };
        send(std::mem::take(&mut self.restarted), &packet);
        self.fifo.drain(..samples);
        let length = Duration::from_micros(samples as u64 * 125);
        let on_time = now.since(self.next_at) < length;
        self.next_at = if on_time { self.next_at } else { now } + length;
        true
    }
}
