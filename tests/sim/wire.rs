//! What is to hold of every RTP stream as the server sends it, before the network has touched it.

use cordboard::clock::Instant;
use cordboard::ids::PortId;
use cordboard::rtp::sequence::timestamp_steps;
use cordboard::rtp::{Packet, SequenceNumber};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Sequence numbers that are remembered of a stream.
const REMEMBERED: usize = 64;
/// By so much timestamps may go before or behind the clock between two packets, in milliseconds.
const SLIP_MS: i64 = 250;
/// Enough to see what is wrong.
const FAULTS_MAX: usize = 20;

struct Stream {
    ssrc: u32,
    at: Instant,
    sequence: SequenceNumber,
    timestamp: u32,
    /// Numbers, each with a hash of its packet.
    recent: [(u16, u64); REMEMBERED],
    packets: usize,
}

/// All streams by the port they leave.
pub struct Wire {
    /// What comes in is whole and in order, so what goes out must be.
    strict: bool,
    streams: HashMap<PortId, Stream>,
    pub packets: u64,
    pub faults: Vec<String>,
}

impl Wire {
    pub fn new(strict: bool) -> Self {
        Wire { strict, streams: HashMap::new(), packets: 0, faults: Vec::new() }
    }

    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// A leg begins on the port: what left it before was another stream.
    pub fn opened(&mut self, port: PortId) {
        self.streams.remove(&port);
    }

    pub fn sent(&mut self, now: Instant, port: PortId, bytes: &[u8]) {
        self.packets += 1;
        let Ok(packet) = Packet::parse(bytes) else {
            return self.faults.push(format!("{now:?} {port}: no RTP: {bytes:?}"));
        };
        let (ssrc, sequence, timestamp) = (packet.ssrc, packet.sequence, packet.timestamp);
        // What the network repeated on its way in is passed on as it came.
        let content = hash((timestamp, packet.payload));
        let fault = match self.streams.get_mut(&port) {
            None => {
                let recent = [(sequence.0, content); REMEMBERED];
                self.streams.insert(port, Stream { ssrc, at: now, sequence, timestamp, recent, packets: 1 });
                None
            }
            Some(stream) => {
                let fault = stream.fault(now, &packet, content, self.strict);
                stream.recent[stream.packets % REMEMBERED] = (sequence.0, content);
                stream.packets += 1;
                if sequence.is_after(stream.sequence) {
                    (stream.at, stream.sequence, stream.timestamp) = (now, sequence, timestamp);
                }
                fault
            }
        };
        if let Some(fault) = fault.filter(|_| self.faults.len() < FAULTS_MAX) {
            self.faults.push(format!("{now:?} {port}: {fault}"));
        }
    }
}

impl Stream {
    fn fault(&self, now: Instant, packet: &Packet<'_>, content: u64, strict: bool) -> Option<String> {
        if packet.ssrc != self.ssrc {
            return Some(format!("SSRC {:x} became {:x}", self.ssrc, packet.ssrc));
        }
        let number = packet.sequence.0;
        if self.recent.iter().any(|(known, what)| *known == number && *what != content) {
            return Some(format!("two packets under the sequence number {number}"));
        }
        if !strict {
            return None;
        }
        if packet.sequence.steps_since(self.sequence) != 1 {
            return Some(format!("sequence number {} after {}", packet.sequence.0, self.sequence.0));
        }
        let steps = i64::from(timestamp_steps(packet.timestamp, self.timestamp));
        let passed = (now - self.at).as_millis() as i64;
        if steps < 0 || (steps / 8 - passed).abs() > SLIP_MS {
            return Some(format!("timestamp moved by {steps} in {passed} ms"));
        }
        None
    }
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
