//! A 2xx to an INVITE, sent until its ACK comes (RFC 3261 13.3.1.4).

use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::transaction::{T1, Timer, doubled};
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;

/// Our 2xx, over whatever transport: a proxy further on may use UDP.
#[derive(Debug)]
pub struct Unacknowledged {
    /// The number that its ACK will have.
    pub cseq: u32,
    /// The 2xx to the INVITE that began the dialog, not to a re-INVITE.
    pub is_first: bool,
    pub response: Bytes,
    /// Where it goes.
    pub peer: Peer,
    pub reply_to: SocketAddr,
    resend: Instant,
    interval: Duration,
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
    pub fn new(
        now: Instant,
        cseq: u32,
        is_first: bool,
        response: Bytes,
        peer: Peer,
        reply_to: SocketAddr,
    ) -> Self {
        let give_up = now + Timer::H.limit(false);
        Unacknowledged { cseq, is_first, response, peer, reply_to, resend: now + T1, interval: T1, give_up }
    }

    pub fn on_timeout(&mut self, now: Instant) -> Due {
        if self.give_up <= now {
            return Due::GiveUp;
        }
        if self.resend > now {
            return Due::Nothing;
        }
        self.interval = doubled(self.interval);
        self.resend = now + self.interval;
        Due::SendAgain
    }

    pub fn next_timeout(&self) -> Instant {
        self.resend.min(self.give_up)
    }
}
