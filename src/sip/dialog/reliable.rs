//! Provisional responses that the peer acknowledges (RFC 3262), as the side that sends them.

use super::{Due, Unacknowledged};
use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::endpoint::Body;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Responses that wait for the PRACK of the one before: a call rings, is forwarded and progresses a few times.
const WAITING_MAX: usize = 8;

/// The reliable provisional responses to one INVITE. One is on its way at a time (RFC 3262 section 3).
#[derive(Debug, Default)]
pub struct Provisional {
    /// The number of the one that is on its way, or was the last.
    last_rseq: u32,
    sent: Option<Unacknowledged>,
    waiting: VecDeque<Later>,
}

/// What waits until the one before is acknowledged.
#[derive(Debug)]
pub enum Later {
    Ring { code: u16, reason: String, body: Option<Body> },
    Answer { headers: Vec<(String, String)>, body: Option<Body> },
}

impl Provisional {
    /// The number of the next response; the first is `first`, which is random (RFC 3262 section 3).
    pub fn next_rseq(&mut self, first: u32) -> u32 {
        self.last_rseq = if self.last_rseq == 0 { first.max(1) } else { self.last_rseq.saturating_add(1) };
        self.last_rseq
    }

    /// A response went out under [`Provisional::next_rseq`].
    pub fn sent(&mut self, now: Instant, cseq: u32, response: Bytes, peer: Peer, reply_to: SocketAddr) {
        self.sent = Some(Unacknowledged::provisional(now, cseq, response, peer, reply_to));
    }

    /// The PRACK of the one on its way, by the three words of its RAck (RFC 3262 section 7.2).
    pub fn acknowledge(&mut self, rack: &str) -> bool {
        let mut words = rack.split_ascii_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<u32>().ok());
        let (rseq, cseq) = (number(), number());
        let expected = self.sent.as_ref().map(|sent| (Some(self.last_rseq), Some(sent.cseq)));
        let is_it = expected == Some((rseq, cseq)) && words.next() == Some("INVITE");
        if is_it {
            self.sent = None;
        }
        is_it
    }

    /// One is on its way, so that another has to wait.
    pub fn is_busy(&self) -> bool {
        self.sent.is_some()
    }

    /// False where too many wait already.
    pub fn wait(&mut self, later: Later) -> bool {
        let has_room = self.waiting.len() < WAITING_MAX || matches!(later, Later::Answer { .. });
        if has_room {
            self.waiting.push_back(later);
        }
        has_room
    }

    /// The next that may go out.
    pub fn next(&mut self) -> Option<Later> {
        if self.is_busy() { None } else { self.waiting.pop_front() }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.sent.as_ref().map(Unacknowledged::next_timeout)
    }

    /// What is due of the one on its way.
    pub fn on_timeout(&mut self, now: Instant) -> (Due, Option<&Unacknowledged>) {
        let Some(sent) = &mut self.sent else { return (Due::Nothing, None) };
        (sent.on_timeout(now), Some(sent))
    }
}
