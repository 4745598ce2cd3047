//! A response to an INVITE that is sent until the peer acknowledges it: a 2xx by ACK (RFC 3261 13.3.1.4), a reliable
//! provisional one by PRACK (RFC 3262 section 3).

use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::transaction::{T1, T2, Timer};
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;

/// Our response, over whatever transport: a proxy further on may use UDP.
#[derive(Debug)]
pub struct Unacknowledged {
    /// The number of its INVITE, which the ACK has and the PRACK names.
    pub cseq: u32,
    /// The 2xx to the INVITE that began the dialog, not to a re-INVITE.
    pub is_first: bool,
    pub response: Bytes,
    /// Where it goes.
    pub peer: Peer,
    pub reply_to: SocketAddr,
    resend: Instant,
    interval: Duration,
    interval_max: Duration,
    give_up: Instant,
}

/// What the time brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Nothing,
    SendAgain,
    GiveUp,
}

impl Unacknowledged {
    /// A 2xx: sent again after T1, then after twice as long each time up to T2, given up after 64*T1.
    pub fn new(
        now: Instant,
        cseq: u32,
        is_first: bool,
        response: Bytes,
        peer: Peer,
        reply_to: SocketAddr,
    ) -> Self {
        let give_up = now + Timer::H.limit(false);
        Unacknowledged {
            cseq,
            is_first,
            response,
            peer,
            reply_to,
            resend: now + T1,
            interval: T1,
            interval_max: T2,
            give_up,
        }
    }

    /// A reliable provisional response: the intervals grow without end.
    pub fn provisional(now: Instant, cseq: u32, response: Bytes, peer: Peer, reply_to: SocketAddr) -> Self {
        let interval_max = Timer::H.limit(false);
        Unacknowledged { interval_max, ..Self::new(now, cseq, false, response, peer, reply_to) }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Due {
        if self.give_up <= now {
            return Due::GiveUp;
        }
        if self.resend > now {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(self.interval_max);
        self.resend = now + self.interval;
        Due::SendAgain
    }

    pub fn next_timeout(&self) -> Instant {
        self.resend.min(self.give_up)
    }
}
