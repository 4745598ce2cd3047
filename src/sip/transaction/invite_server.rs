//! INVITE server transaction (RFC 3261 17.2.1 and Figure 7, RFC 6026 7.1).

use super::ServerOutput;
use super::timer::{Timer, doubled};
use crate::clock::Instant;
use bytes::Bytes;
use std::time::Duration;

/// Answers an INVITE, however often it comes, and sees a final response other than 2xx acknowledged.
#[derive(Debug)]
pub struct InviteServer {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Proceeding {
        last_provisional: Option<Bytes>,
    },
    /// A final response other than 2xx is out.
    Completed {
        response: Bytes,
        /// When Timer G fires next, and how long it ran.
        timer_g: Option<(Instant, Duration)>,
        timer_h: Instant,
    },
    /// It was acknowledged.
    Confirmed {
        timer_i: Instant,
    },
    /// A 2xx is out. Sending it again until its ACK comes is the dialog's business (RFC 3261 13.3.1.4).
    Accepted {
        timer_l: Instant,
    },
    Terminated,
}

impl InviteServer {
    pub fn new(reliable: bool) -> Self {
        InviteServer { reliable, state: State::Proceeding { last_provisional: None } }
    }

    /// Sends a response. Anything after a final one is not sent.
    pub fn respond(&mut self, now: Instant, code: u16, response: Bytes, out: &mut Vec<ServerOutput>) {
        let State::Proceeding { last_provisional } = &mut self.state else { return };
        out.push(ServerOutput::Send(response.clone()));
        match code {
            ..200 => *last_provisional = Some(response),
            200..300 => self.state = State::Accepted { timer_l: now + Timer::L.limit(self.reliable) },
            300.. => {
                let timer_g = Timer::G.first(self.reliable).map(|duration| (now + duration, duration));
                let timer_h = now + Timer::H.limit(self.reliable);
                self.state = State::Completed { response, timer_g, timer_h };
            }
        }
    }

    /// The INVITE came again.
    pub fn on_retransmission(&self, out: &mut Vec<ServerOutput>) {
        match &self.state {
            State::Proceeding { last_provisional: Some(bytes) }
            | State::Completed { response: bytes, .. } => {
                out.push(ServerOutput::Send(bytes.clone()));
            }
            _ => {}
        }
    }

    /// The ACK of a response other than 2xx came.
    pub fn on_ack(&mut self, now: Instant) {
        if let State::Completed { .. } = self.state {
            self.state = State::Confirmed { timer_i: now + Timer::I.limit(self.reliable) };
        }
    }

    /// Runs the timers that are due.
    pub fn on_timeout(&mut self, now: Instant, out: &mut Vec<ServerOutput>) {
        match &mut self.state {
            State::Completed { timer_h, .. } if *timer_h <= now => {
                out.push(ServerOutput::NotAcknowledged);
                self.state = State::Terminated;
            }
            State::Completed { response, timer_g: Some((due, interval)), .. } if *due <= now => {
                out.push(ServerOutput::Send(response.clone()));
                *interval = doubled(*interval);
                *due = now + *interval;
            }
            State::Confirmed { timer_i: end } | State::Accepted { timer_l: end } if *end <= now => {
                self.state = State::Terminated;
            }
            _ => {}
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { timer_g, timer_h, .. } => {
                Some(timer_g.map_or(*timer_h, |(due, _)| due.min(*timer_h)))
            }
            State::Confirmed { timer_i: end } | State::Accepted { timer_l: end } => Some(*end),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// No final response is out.
    pub fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// A 2xx is out.
    pub fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted { .. })
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn answered(reliable: bool, code: u16) -> InviteServer {
        let mut server = InviteServer::new(reliable);
        let mut out = Vec::new();
        server.respond(ms(0), code, Bytes::from_static(b"final"), &mut out);
        assert_eq!(out, [ServerOutput::Send(Bytes::from_static(b"final"))]);
        server
    }

    #[test]
    fn a_non_2xx_is_sent_again_by_timer_g_up_to_every_4_s_until_timer_h_at_32_s() {
        let mut server = answered(false, 486);
        let mut times = Vec::new();
        while let Some(due) = server.next_timeout() {
            let mut out = Vec::new();
            server.on_timeout(due, &mut out);
            times.push((due.as_micros() / 1_000, out.pop() == Some(ServerOutput::NotAcknowledged)));
        }
        let sent = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        let expected: Vec<_> = sent.into_iter().map(|at| (at, false)).chain([(32_000, true)]).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn over_tcp_a_non_2xx_is_sent_once_and_given_up_at_32_s() {
        assert_eq!(answered(true, 486).next_timeout(), Some(ms(32_000)));
    }

    #[test]
    fn an_ack_stops_timer_g_and_timer_i_ends_it_after_t4_or_at_once_over_tcp() {
        for (reliable, end) in [(false, 5_100), (true, 100)] {
            let mut server = answered(reliable, 486);
            server.on_ack(ms(100));
            assert_eq!(server.next_timeout(), Some(ms(end)));
            let mut out = Vec::new();
            server.on_retransmission(&mut out);
            server.on_timeout(ms(end), &mut out);
            assert_eq!((server.is_terminated(), out.len()), (true, 0));
        }
    }

    #[test]
    fn a_2xx_lets_retransmissions_pass_in_silence_until_timer_l_at_32_s() {
        let mut server = answered(false, 200);
        let mut out = Vec::new();
        server.on_retransmission(&mut out);
        server.on_ack(ms(10));
        server.respond(ms(20), 486, Bytes::new(), &mut out);
        assert_eq!((out.len(), server.next_timeout()), (0, Some(ms(32_000))));
        server.on_timeout(ms(31_999), &mut out);
        assert!(server.is_accepted());
        server.on_timeout(ms(32_000), &mut out);
        assert!(server.is_terminated());
    }

    #[test]
    fn a_retransmitted_invite_gets_the_last_response_again() {
        let mut server = InviteServer::new(false);
        let mut out = Vec::new();
        server.on_retransmission(&mut out);
        assert_eq!(out, []);
        for response in [&b"100"[..], b"180"] {
            server.respond(ms(0), 180, Bytes::from_static(b"x"), &mut Vec::new());
            server.respond(ms(0), 180, Bytes::copy_from_slice(response), &mut Vec::new());
            out.clear();
            server.on_retransmission(&mut out);
            assert_eq!(out, [ServerOutput::Send(Bytes::copy_from_slice(response))]);
        }
        assert_eq!(server.next_timeout(), None);
    }
}
