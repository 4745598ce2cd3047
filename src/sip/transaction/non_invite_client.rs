//! Non-INVITE client transaction (RFC 3261 17.1.2 and Figure 6).

use super::ClientOutput;
use super::timer::{T2, Timer, doubled};
use crate::clock::Instant;
use bytes::Bytes;
use std::time::Duration;

/// Sends a request until a final response comes.
#[derive(Debug)]
pub struct NonInviteClient {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `provisional`: Figure 6 calls it Proceeding, where Timer E runs for T2 each time.
    Waiting {
        request: Bytes,
        provisional: bool,
        /// When Timer E fires next, and how long it ran.
        timer_e: Option<(Instant, Duration)>,
        timer_f: Instant,
    },
    Completed {
        timer_k: Instant,
    },
    Terminated,
}

impl NonInviteClient {
    /// Sends the request.
    pub fn start(now: Instant, request: Bytes, reliable: bool, out: &mut Vec<ClientOutput>) -> Self {
        out.push(ClientOutput::Send(request.clone()));
        let timer_e = Timer::E.first(reliable).map(|duration| (now + duration, duration));
        let timer_f = now + Timer::F.limit(reliable);
        NonInviteClient { reliable, state: State::Waiting { request, provisional: false, timer_e, timer_f } }
    }

    /// A response came.
    pub fn on_response(&mut self, now: Instant, code: u16, out: &mut Vec<ClientOutput>) {
        let State::Waiting { provisional, .. } = &mut self.state else { return };
        out.push(ClientOutput::Deliver);
        if code < 200 {
            *provisional = true;
        } else {
            self.state = State::Completed { timer_k: now + Timer::K.limit(self.reliable) };
        }
    }

    /// The request goes another way, because the first failed: everything starts anew.
    pub fn restart(&mut self, now: Instant, request: Bytes, reliable: bool, out: &mut Vec<ClientOutput>) {
        *self = Self::start(now, request, reliable, out);
    }

    /// Runs the timers that are due.
    pub fn on_timeout(&mut self, now: Instant, out: &mut Vec<ClientOutput>) {
        match &mut self.state {
            State::Waiting { timer_f, .. } if *timer_f <= now => {
                out.push(ClientOutput::TimedOut);
                self.state = State::Terminated;
            }
            State::Waiting { request, provisional, timer_e: Some((due, interval)), .. } if *due <= now => {
                out.push(ClientOutput::Send(request.clone()));
                *interval = if *provisional { T2 } else { doubled(*interval) };
                *due = now + *interval;
            }
            State::Completed { timer_k } if *timer_k <= now => self.state = State::Terminated,
            _ => {}
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { timer_e, timer_f, .. } => {
                Some(timer_e.map_or(*timer_f, |(due, _)| due.min(*timer_f)))
            }
            State::Completed { timer_k } => Some(*timer_k),
            State::Terminated => None,
        }
    }

    /// Ends at once: the transport failed.
    pub fn terminate(&mut self) {
        self.state = State::Terminated;
    }

    /// No final response has come.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// The request, while nothing came back of it.
    pub fn unanswered(&self) -> Option<&Bytes> {
        match &self.state {
            State::Waiting { request, provisional: false, .. } => Some(request),
            _ => None,
        }
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

    fn started(reliable: bool) -> NonInviteClient {
        NonInviteClient::start(ms(0), Bytes::from_static(b"BYE"), reliable, &mut Vec::new())
    }

    fn fire_all(client: &mut NonInviteClient) -> Vec<(u64, bool)> {
        let mut times = Vec::new();
        while let Some(due) = client.next_timeout() {
            let mut out = Vec::new();
            client.on_timeout(due, &mut out);
            times.push((due.as_micros() / 1_000, out.pop() == Some(ClientOutput::TimedOut)));
        }
        times
    }

    #[test]
    fn a_request_is_sent_again_by_timer_e_up_to_every_4_s_until_timer_f_at_32_s() {
        let sent = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        let expected: Vec<_> = sent.into_iter().map(|at| (at, false)).chain([(32_000, true)]).collect();
        assert_eq!(fire_all(&mut started(false)), expected);
        assert_eq!(fire_all(&mut started(true)), [(32_000, true)]);
    }

    #[test]
    fn after_a_1xx_the_request_is_sent_every_4_s() {
        let mut client = started(false);
        let mut out = Vec::new();
        client.on_response(ms(100), 100, &mut out);
        assert_eq!(out, [ClientOutput::Deliver]);
        let times: Vec<_> = fire_all(&mut client).into_iter().take(4).map(|(at, _)| at).collect();
        assert_eq!(times, [500, 4_500, 8_500, 12_500]);
    }

    #[test]
    fn a_final_response_is_delivered_once_until_timer_k_after_t4_or_at_once_over_tcp() {
        for (reliable, end) in [(false, 5_100), (true, 100)] {
            let mut client = started(reliable);
            let mut out = Vec::new();
            client.on_response(ms(100), 200, &mut out);
            client.on_response(ms(100), 200, &mut out);
            assert_eq!(out, [ClientOutput::Deliver]);
            assert_eq!(client.next_timeout(), Some(ms(end)));
            client.on_timeout(ms(end), &mut out);
            assert!(client.is_terminated());
        }
    }
}
