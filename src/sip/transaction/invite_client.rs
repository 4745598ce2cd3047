//! INVITE client transaction (RFC 3261 17.1.1 and Figure 5, RFC 6026 8.4).

use super::ClientOutput;
use super::timer::Timer;
use crate::clock::Instant;
use bytes::Bytes;
use std::time::Duration;

/// Sends an INVITE until something is heard, and acknowledges a final response other than 2xx.
#[derive(Debug)]
pub struct InviteClient {
    reliable: bool,
    state: State,
    /// Nobody waits for the final response any more: the end of it all where none comes.
    abandoned: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Calling {
        request: Bytes,
        /// When Timer A fires next, and how long it ran.
        timer_a: Option<(Instant, Duration)>,
        timer_b: Instant,
        /// When its user waits no longer for the first sign of life; none where it waits for Timer B.
        silent: Option<Instant>,
    },
    /// A 1xx came. How long it may ring is the caller's business.
    Proceeding,
    /// A final response other than 2xx came and was acknowledged.
    Completed {
        ack: Bytes,
        timer_d: Instant,
    },
    /// A 2xx came; others may follow from other forks, or the same again (RFC 6026).
    Accepted {
        timer_m: Instant,
    },
    Terminated,
}

impl InviteClient {
    /// Sends the request.
    pub fn start(now: Instant, request: Bytes, reliable: bool, out: &mut Vec<ClientOutput>) -> Self {
        out.push(ClientOutput::Send(request.clone()));
        let timer_a = Timer::A.first(reliable).map(|duration| (now + duration, duration));
        let timer_b = now + Timer::B.limit(reliable);
        let state = State::Calling { request, timer_a, timer_b, silent: None };
        InviteClient { reliable, state, abandoned: None }
    }

    /// Where nothing at all is heard by then, that is told, and the request is not sent again. Until Timer B it may still be
    /// answered.
    pub fn tell_silence_at(&mut self, at: Instant) {
        if let State::Calling { silent, .. } = &mut self.state {
            *silent = Some(at);
        }
    }

    /// A response came. `ack` makes the ACK for a final response other than 2xx; it is called once at most.
    pub fn on_response(
        &mut self,
        now: Instant,
        code: u16,
        ack: impl FnOnce() -> Bytes,
        out: &mut Vec<ClientOutput>,
    ) {
        match &self.state {
            State::Calling { .. } | State::Proceeding => {
                out.push(ClientOutput::Deliver);
                self.state = match code {
                    ..200 => State::Proceeding,
                    200..300 => State::Accepted { timer_m: now + Timer::M.limit(self.reliable) },
                    300.. => {
                        let ack = ack();
                        out.push(ClientOutput::Send(ack.clone()));
                        State::Completed { ack, timer_d: now + Timer::D.limit(self.reliable) }
                    }
                };
            }
            State::Completed { ack, .. } if code >= 300 => out.push(ClientOutput::Send(ack.clone())),
            State::Accepted { .. } if (200..300).contains(&code) => out.push(ClientOutput::Deliver),
            State::Completed { .. } | State::Accepted { .. } | State::Terminated => {}
        }
    }

    /// The request goes another way, because the first failed: everything starts anew.
    pub fn restart(&mut self, now: Instant, request: Bytes, reliable: bool, out: &mut Vec<ClientOutput>) {
        *self = Self::start(now, request, reliable, out);
    }

    /// Runs the timers that are due.
    pub fn on_timeout(&mut self, now: Instant, out: &mut Vec<ClientOutput>) {
        let abandoned = self.abandoned.is_some_and(|until| until <= now);
        match &mut self.state {
            State::Calling { .. } | State::Proceeding if abandoned => self.state = State::Terminated,
            State::Calling { timer_b, .. } if *timer_b <= now => {
                out.push(ClientOutput::TimedOut);
                self.state = State::Terminated;
            }
            State::Calling { timer_a, silent, .. } if silent.is_some_and(|at| at <= now) => {
                (*timer_a, *silent) = (None, None);
                out.push(ClientOutput::Silent);
            }
            State::Calling { request, timer_a: Some((due, interval)), .. } if *due <= now => {
                out.push(ClientOutput::Send(request.clone()));
                *interval *= 2;
                *due = now + *interval;
            }
            State::Completed { timer_d: end, .. } | State::Accepted { timer_m: end } if *end <= now => {
                self.state = State::Terminated;
            }
            _ => {}
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { timer_a, timer_b, silent, .. } => {
                let again = timer_a.map(|(due, _)| due);
                [Some(*timer_b), again, *silent, self.abandoned].into_iter().flatten().min()
            }
            State::Completed { timer_d: end, .. } | State::Accepted { timer_m: end } => Some(*end),
            State::Proceeding => self.abandoned,
            State::Terminated => None,
        }
    }

    /// The dialog of a re-INVITE is over. A final response is still acknowledged, but a peer that gave one before
    /// it heard of the end does not send it again, so it is waited for no longer than 64*T1.
    pub fn abandon(&mut self, now: Instant) {
        self.abandoned.get_or_insert(now + Timer::B.limit(self.reliable));
    }

    /// Ends at once: the transport failed, or its user gave up (RFC 3261 9.1).
    pub fn terminate(&mut self) {
        self.state = State::Terminated;
    }

    /// No response of any kind has come.
    pub fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// The request, while nothing came back of it.
    pub fn unanswered(&self) -> Option<&Bytes> {
        match &self.state {
            State::Calling { request, .. } => Some(request),
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

    fn started(reliable: bool) -> InviteClient {
        InviteClient::start(ms(0), Bytes::from_static(b"INVITE"), reliable, &mut Vec::new())
    }

    fn respond(client: &mut InviteClient, at: u64, code: u16) -> Vec<ClientOutput> {
        let mut out = Vec::new();
        client.on_response(ms(at), code, || Bytes::from_static(b"ACK"), &mut out);
        out
    }

    fn ack() -> ClientOutput {
        ClientOutput::Send(Bytes::from_static(b"ACK"))
    }

    #[test]
    fn invite_is_sent_again_at_500_1500_and_so_on_and_given_up_at_32000_ms() {
        let mut client = started(false);
        let mut times = Vec::new();
        while let Some(due) = client.next_timeout() {
            let mut out = Vec::new();
            client.on_timeout(due, &mut out);
            times.push((due.as_micros() / 1_000, out.pop() == Some(ClientOutput::TimedOut)));
        }
        let sent = [500, 1_500, 3_500, 7_500, 15_500, 31_500].map(|at| (at, false));
        assert_eq!(times, [&sent[..], &[(32_000, true)]].concat());
        assert!(client.is_terminated());
    }

    #[test]
    fn over_tcp_nothing_is_sent_again_and_timer_b_still_runs() {
        let client = started(true);
        assert_eq!(client.next_timeout(), Some(ms(32_000)));
    }

    #[test]
    fn a_1xx_stops_the_retransmission_and_starts_no_timer() {
        let mut client = started(false);
        assert_eq!(respond(&mut client, 100, 180), [ClientOutput::Deliver]);
        assert_eq!(client.next_timeout(), None);
        assert_eq!(respond(&mut client, 200, 183), [ClientOutput::Deliver]);
    }

    #[test]
    fn a_non_2xx_is_acknowledged_each_time_and_delivered_once_until_timer_d() {
        for (reliable, end) in [(false, 32_100), (true, 100)] {
            let mut client = started(reliable);
            assert_eq!(respond(&mut client, 100, 486), [ClientOutput::Deliver, ack()]);
            assert_eq!(respond(&mut client, 100, 486), [ack()]);
            assert_eq!(respond(&mut client, 100, 200), []);
            assert_eq!(client.next_timeout(), Some(ms(end)));
            client.on_timeout(ms(end - 1), &mut Vec::new());
            assert!(!client.is_terminated());
            client.on_timeout(ms(end), &mut Vec::new());
            assert!(client.is_terminated());
        }
    }

    #[test]
    fn every_2xx_is_delivered_until_timer_m_at_64_t1() {
        let mut client = started(false);
        assert_eq!(respond(&mut client, 100, 200), [ClientOutput::Deliver]);
        assert_eq!(respond(&mut client, 600, 200), [ClientOutput::Deliver]);
        assert_eq!(respond(&mut client, 700, 486), []);
        assert_eq!(respond(&mut client, 700, 180), []);
        assert_eq!(client.next_timeout(), Some(ms(32_100)));
        client.on_timeout(ms(32_100), &mut Vec::new());
        assert!(client.is_terminated());
        assert_eq!(respond(&mut client, 32_200, 200), []);
    }
}
