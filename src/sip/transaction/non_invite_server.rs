//! Non-INVITE server transaction (RFC 3261 17.2.2 and Figure 8, RFC 4320).

use super::ServerOutput;
use super::timer::Timer;
use crate::clock::Instant;
use bytes::Bytes;

/// Answers a request, however often it comes.
#[derive(Debug)]
pub struct NonInviteServer {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The client's Timer F ends at `useless`: a response after it helps nobody and is not sent
    /// (RFC 4320 4.1).
    Trying {
        useless: Instant,
    },
    Completed {
        response: Bytes,
        timer_j: Instant,
    },
    Terminated,
}

impl NonInviteServer {
    pub fn new(now: Instant, reliable: bool) -> Self {
        NonInviteServer { reliable, state: State::Trying { useless: now + Timer::F.limit(reliable) } }
    }

    /// Sends the final response. A second one is not sent.
    pub fn respond(&mut self, now: Instant, response: Bytes, out: &mut Vec<ServerOutput>) {
        if let State::Trying { .. } = self.state {
            out.push(ServerOutput::Send(response.clone()));
            self.state = State::Completed { response, timer_j: now + Timer::J.limit(self.reliable) };
        }
    }

    /// The request came again.
    pub fn on_retransmission(&self, out: &mut Vec<ServerOutput>) {
        if let State::Completed { response, .. } = &self.state {
            out.push(ServerOutput::Send(response.clone()));
        }
    }

    /// Runs the timers that are due.
    pub fn on_timeout(&mut self, now: Instant) {
        if self.next_timeout().is_some_and(|due| due <= now) {
            self.state = State::Terminated;
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Trying { useless: end } | State::Completed { timer_j: end, .. } => Some(*end),
            State::Terminated => None,
        }
    }

    /// No response is out.
    pub fn is_trying(&self) -> bool {
        matches!(self.state, State::Trying { .. })
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

    #[test]
    fn a_response_is_repeated_for_each_retransmission_until_timer_j() {
        for (reliable, end) in [(false, 32_100), (true, 100)] {
            let mut server = NonInviteServer::new(ms(0), reliable);
            let mut out = Vec::new();
            server.on_retransmission(&mut out);
            assert_eq!(out, []);
            server.respond(ms(100), Bytes::from_static(b"200"), &mut out);
            server.respond(ms(100), Bytes::from_static(b"486"), &mut out);
            server.on_retransmission(&mut out);
            assert_eq!(out, vec![ServerOutput::Send(Bytes::from_static(b"200")); 2]);
            assert_eq!(server.next_timeout(), Some(ms(end)));
            server.on_timeout(ms(end - 1));
            assert!(!server.is_terminated());
            server.on_timeout(ms(end));
            assert!(server.is_terminated());
        }
    }

    #[test]
    fn without_a_response_it_ends_in_silence_when_the_client_has_given_up() {
        let mut server = NonInviteServer::new(ms(0), true);
        assert_eq!(server.next_timeout(), Some(ms(32_000)));
        server.on_timeout(ms(32_000));
        assert!(server.is_terminated());
    }
}
