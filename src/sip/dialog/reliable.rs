//! Provisional responses that the peer acknowledges (RFC 3262), as the side that sends them.

use super::Due;
use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::endpoint::Body;
use crate::sip::transaction::{T1, Timer};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Responses that wait for the PRACK of the one before: a call rings, is forwarded and progresses a few times.
const WAITING_MAX: usize = 8;

/// The reliable provisional responses to one INVITE. One is on its way at a time (RFC 3262 section 3).
#[derive(Debug, Default)]
pub struct Provisional {
    last_rseq: u32,
    sent: Option<Unpracked>,
    waiting: VecDeque<Later>,
}

/// What waits until the one before is acknowledged.
#[derive(Debug)]
pub enum Later {
    Ring { code: u16, reason: String, body: Option<Body> },
    Answer { headers: Vec<(String, String)>, body: Option<Body> },
}

/// A response on its way.
#[derive(Debug)]
pub struct Unpracked {
    pub rseq: u32,
    pub cseq: u32,
    pub response: Bytes,
    pub peer: Peer,
    pub reply_to: SocketAddr,
    resend: Instant,
    interval: Duration,
    give_up: Instant,
}

impl Provisional {
    /// The number of the next response; the first is `first`, which is random (RFC 3262 section 3).
    pub fn next_rseq(&mut self, first: u32) -> u32 {
        self.last_rseq = if self.last_rseq == 0 { first.max(1) } else { self.last_rseq.saturating_add(1) };
        self.last_rseq
    }

    /// A response went out under [`Provisional::next_rseq`].
    pub fn sent(&mut self, now: Instant, cseq: u32, response: Bytes, peer: Peer, reply_to: SocketAddr) {
        self.sent = Some(Unpracked {
            rseq: self.last_rseq,
            cseq,
            response,
            peer,
            reply_to,
            resend: now + T1,
            interval: T1,
            give_up: now + Timer::H.limit(false),
        });
    }

    /// The PRACK of the one on its way, by the three words of its RAck (RFC 3262 section 7.2).
    pub fn acknowledge(&mut self, rack: &str) -> bool {
        let mut words = rack.split_ascii_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<u32>().ok());
        let (rseq, cseq) = (number(), number());
        let is_it = self.sent.as_ref().is_some_and(|sent| (rseq, cseq) == (Some(sent.rseq), Some(sent.cseq)))
            && words.next() == Some("INVITE");
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
        self.sent.as_ref().map(|sent| sent.resend.min(sent.give_up))
    }

    /// What is due of the one on its way: sent again after T1, then after twice as long each time, given up after
    /// 64*T1 (RFC 3262 section 3).
    pub fn on_timeout(&mut self, now: Instant) -> (Due, Option<&Unpracked>) {
        let Some(sent) = &mut self.sent else { return (Due::Nothing, None) };
        if sent.give_up <= now {
            return (Due::GiveUp, Some(sent));
        }
        if sent.resend > now {
            return (Due::Nothing, None);
        }
        sent.interval *= 2;
        sent.resend = now + sent.interval;
        (Due::SendAgain, Some(sent))
    }
}
