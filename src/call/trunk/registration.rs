//! Our registration with a trunk (RFC 3261 10.2): kept up, tried again with patience, given up where the trunk refuses our
//! credentials.

use crate::clock::Instant;
use crate::ids::Random;
use crate::sip::endpoint::Failure;
use crate::sip::message::{HeaderName, Response, delta_seconds};
use crate::sip::{NameAddr, Reply};
use std::time::Duration;

/// The first try comes within so long, so that the trunks of a server that starts do not all register at once.
const SPREAD: Duration = Duration::from_secs(1);
/// After the first failure; doubled after each further one.
const BACK_OFF: Duration = Duration::from_secs(5);
/// Longest wait between tries: an operator sees within five minutes that a trunk is back.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
/// Longest Retry-After that is honoured; what is more is a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// A refresh is begun so long before the end at the least: one that gets no answer ends after 32 s (Timer F).
const LEAD: Duration = Duration::from_secs(40);
/// Who closes the connection of a registration sooner closes all of them, and needs none to reach us.
const STREAM_TIME_MIN: Duration = Duration::from_secs(30);
/// Longest time that a registrar may ask for (Min-Expires) or give: a day.
const EXPIRES_MAX: Duration = Duration::from_secs(86_400);

/// A REGISTER that is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Zero takes the registration back.
    pub expires: Duration,
    pub cseq: u32,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// The next try is at that time; why the last one failed.
    Waiting {
        at: Instant,
        why: Option<String>,
    },
    /// A REGISTER is out.
    Asking {
        why: Option<String>,
    },
    Registered {
        refresh: Instant,
    },
    /// For good, until the configuration changes or an operator tries again.
    Rejected {
        why: String,
    },
    /// It is being taken back.
    Leaving,
    Ended,
}

/// In words, for people and programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// Not registered yet, or no more; why the last try failed.
    Trying {
        why: Option<String>,
    },
    Registered {
        until: Instant,
    },
    /// The trunk still has us, and a refresh has failed.
    Failing {
        until: Instant,
        why: String,
    },
    Rejected {
        why: String,
    },
    Ended,
}

impl Status {
    /// `trying`, `registered`, `failing`, `rejected`, `ended`.
    pub fn word(&self) -> &'static str {
        match self {
            Status::Trying { .. } => "trying",
            Status::Registered { .. } => "registered",
            Status::Failing { .. } => "failing",
            Status::Rejected { .. } => "rejected",
            Status::Ended => "ended",
        }
    }

    /// Why it is not registered.
    pub fn why(&self) -> Option<&str> {
        match self {
            Status::Trying { why } => why.as_deref(),
            Status::Failing { why, .. } | Status::Rejected { why } => Some(why),
            Status::Registered { .. } | Status::Ended => None,
        }
    }

    /// Of the metric: 0 not registered, 1 registered, 2 rejected.
    pub fn figure(&self) -> u64 {
        match self {
            Status::Trying { .. } | Status::Ended => 0,
            Status::Registered { .. } | Status::Failing { .. } => 1,
            Status::Rejected { .. } => 2,
        }
    }
}

/// One trunk's.
#[derive(Debug)]
pub struct Registration {
    /// What is asked for: as it is set up, or as much more as the registrar wants.
    expires: Duration,
    /// One for its whole life (RFC 3261 10.2), as its numbers rise.
    pub call_id: String,
    cseq: u32,
    state: State,
    /// Until when the trunk has us, and for how long it took us last.
    until: Option<Instant>,
    granted: Option<Duration>,
    failures: u32,
}

impl Registration {
    pub fn new(now: Instant, expires: Duration, random: &mut Random) -> Self {
        let at = now + part_of(SPREAD, random);
        let state = State::Waiting { at, why: None };
        let (until, granted) = (None, None);
        Registration { expires, call_id: random.token::<24>(), cseq: 0, state, until, granted, failures: 0 }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { at, .. } => Some(*at),
            State::Registered { refresh } => Some(*refresh),
            _ => None,
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Option<Order> {
        if self.next_timeout().is_none_or(|at| at > now) {
            return None;
        }
        let why = match &mut self.state {
            State::Waiting { why, .. } => why.take(),
            _ => None,
        };
        self.state = State::Asking { why };
        Some(self.order(self.expires))
    }

    /// What became of the REGISTER. Gives the one that follows at once, where one does.
    pub fn on_reply(
        &mut self,
        now: Instant,
        reply: &Reply,
        user: &str,
        random: &mut Random,
    ) -> Option<Order> {
        self.cseq = self.cseq.max(reply.cseq);
        if self.state == State::Leaving {
            (self.state, self.until) = (State::Ended, None);
            return None;
        }
        if !matches!(self.state, State::Asking { .. }) {
            return None;
        }
        let response = match &reply.response {
            Ok(response) => response,
            Err(failure) => {
                let why = match failure {
                    Failure::Timeout => "the trunk does not answer".to_owned(),
                    _ => "the trunk cannot be reached".to_owned(),
                };
                self.fail(now, why, None, random);
                return None;
            }
        };
        match response.code() {
            200..=299 => self.granted(now, granted(response, user).unwrap_or(self.expires), random),
            423 => return self.on_too_brief(now, response, random),
            401 | 407 => {
                let why = match reply.rejection {
                    Some(rejection) => rejection.to_string(),
                    None => "credentials rejected: the trunk asks for some, and there are none".to_owned(),
                };
                self.reject(why);
            }
            403 => self.reject(format!("credentials rejected: the trunk answered 403 {}", response.reason())),
            code => {
                let why = format!("the trunk answered {code} {}", response.reason());
                self.fail(now, why, response.retry_after(), random);
            }
        }
        None
    }

    /// The REGISTER could not even be sent.
    pub fn on_unreachable(&mut self, now: Instant, why: String, random: &mut Random) {
        match self.state {
            State::Leaving => (self.state, self.until) = (State::Ended, None),
            State::Asking { .. } => self.fail(now, why, None, random),
            _ => {}
        }
    }

    /// The stream that it was made over has broken: calls do not reach us by it any more, so it is made anew.
    pub fn on_stream_closed(&mut self, now: Instant, random: &mut Random) {
        let times = self.until.zip(self.granted);
        let has_served = times.is_some_and(|(until, granted)| now + granted >= until + STREAM_TIME_MIN);
        if has_served && matches!(self.state, State::Registered { .. }) {
            let why = Some("the connection that it was made over has broken".to_owned());
            self.state = State::Waiting { at: now + part_of(SPREAD, random), why };
        }
    }

    /// An operator wants it tried now, also where it was given up.
    pub fn try_again(&mut self, now: Instant) {
        if matches!(self.state, State::Waiting { .. } | State::Rejected { .. }) {
            self.failures = 0;
            self.state = State::Waiting { at: now, why: None };
        }
    }

    /// Takes the registration back, where the trunk has one.
    pub fn stop(&mut self, now: Instant) -> Option<Order> {
        if matches!(self.state, State::Leaving | State::Ended) {
            return None;
        }
        let is_known =
            self.until.is_some_and(|until| until > now) || matches!(self.state, State::Asking { .. });
        self.state = if is_known { State::Leaving } else { State::Ended };
        is_known.then(|| self.order(Duration::ZERO))
    }

    pub fn status(&self, now: Instant) -> Status {
        let until = self.until.filter(|until| *until > now);
        match (&self.state, until) {
            (State::Registered { .. }, Some(until)) => Status::Registered { until },
            (State::Waiting { why: Some(why), .. } | State::Asking { why: Some(why) }, Some(until)) => {
                Status::Failing { until, why: why.clone() }
            }
            (State::Waiting { .. } | State::Asking { .. }, Some(until)) => Status::Registered { until },
            (State::Waiting { why, .. } | State::Asking { why }, None) => Status::Trying { why: why.clone() },
            (State::Registered { .. }, None) => Status::Trying { why: None },
            (State::Rejected { why }, _) => Status::Rejected { why: why.clone() },
            (State::Leaving | State::Ended, _) => Status::Ended,
        }
    }

    /// For how long the trunk took us last.
    pub fn last_granted(&self) -> Option<Duration> {
        self.granted
    }

    /// Whether nothing is awaited of a registration that was stopped.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn order(&mut self, expires: Duration) -> Order {
        self.cseq += 1;
        Order { expires, cseq: self.cseq }
    }

    fn granted(&mut self, now: Instant, time: Duration, random: &mut Random) {
        let time = time.min(EXPIRES_MAX);
        if time.is_zero() {
            return self.fail(now, "the trunk gives no time at all".to_owned(), None, random);
        }
        // Well before the end, and not all trunks at the same moment.
        let early = LEAD.max(time / 10) + part_of(time / 20, random);
        let refresh = if time > 2 * early { time - early } else { time / 2 };
        self.failures = 0;
        (self.until, self.granted) = (Some(now + time), Some(time));
        self.state = State::Registered { refresh: now + refresh };
    }

    /// RFC 3261 10.2.8.
    fn on_too_brief(&mut self, now: Instant, response: &Response, random: &mut Random) -> Option<Order> {
        let least = response.header("Min-Expires").and_then(seconds);
        match least.filter(|least| *least > self.expires && *least <= EXPIRES_MAX) {
            Some(least) => {
                self.expires = least;
                Some(self.order(least))
            }
            None => {
                let why = "the trunk answered 423, and not which time it wants".to_owned();
                self.fail(now, why, None, random);
                None
            }
        }
    }

    fn reject(&mut self, why: String) {
        self.until = None;
        self.state = State::Rejected { why };
    }

    /// RFC 5626 4.5: from half to the whole of a time that doubles.
    fn fail(&mut self, now: Instant, why: String, at_least: Option<Duration>, random: &mut Random) {
        let longest = (BACK_OFF * 2_u32.saturating_pow(self.failures.min(16))).min(BACK_OFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let wait = longest / 2 + part_of(longest / 2, random);
        let wait = wait.max(at_least.unwrap_or_default().min(RETRY_AFTER_MAX));
        self.state = State::Waiting { at: now + wait, why: Some(why) };
    }
}

/// A random part of a time.
pub(super) fn part_of(time: Duration, random: &mut Random) -> Duration {
    time / 1_000 * random.below(1_001)
}

/// The time that a 2xx gives: the least that it says of our Contact (by its user, for hosts are rewritten on the way), else
/// its Expires.
pub(in crate::call) fn granted(response: &Response, user: &str) -> Option<Duration> {
    let contacts: Vec<NameAddr> = response.headers("Contact").filter_map(NameAddr::parse).collect();
    let ours = contacts.iter().filter(|contact| contact.uri.user() == user);
    let of_contact = ours.filter_map(|contact| contact.params.get("expires").and_then(seconds)).min();
    of_contact.or_else(|| response.head().get(HeaderName::Expires, "").and_then(seconds))
}

/// Delta-seconds of a header.
pub(in crate::call) fn seconds(text: &str) -> Option<Duration> {
    delta_seconds(text).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::digest::Rejection;
    use crate::sip::message::{Message, parse_datagram};
    use crate::sip::{TransactionId, message};
    use std::sync::Arc;

    struct Bench {
        registration: Registration,
        now: Instant,
        random: Random,
    }

    fn reply(cseq: u32, code: u16, more: &str, rejection: Option<Rejection>) -> Reply {
        let text = format!(
            "SIP/2.0 {code} Words\nVia: SIP/2.0/UDP h;branch=z9hG4bKr\nFrom: <sip:b@h>;tag=a\nTo: <sip:b@h>;tag=b\n\
             Call-ID: c\nCSeq: {cseq} REGISTER\n{more}Content-Length: 0\n\n"
        );
        let read: Option<_> = parse_datagram(text.replace('\n', "\r\n").as_bytes());
        let Some(Ok(Message::Response(response))) = read else { panic!("{text}") };
        let response: Arc<message::Response> = Arc::new(response);
        Reply { transaction: TransactionId(1), response: Ok(response), cseq, connection: None, rejection }
    }

    impl Bench {
        fn new() -> Self {
            let mut random = Random::from_seed(1);
            let now = Instant::from_millis(1_000);
            let registration = Registration::new(now, Duration::from_secs(600), &mut random);
            Bench { registration, now, random }
        }

        /// Waits for the next REGISTER; how many seconds that took, and the order.
        fn next(&mut self) -> (u64, Order) {
            let due = self.registration.next_timeout().expect("a timer");
            let waited = due - self.now;
            self.now = due;
            (waited.as_secs(), self.registration.handle_timeout(self.now).expect("an order"))
        }

        fn reply(&mut self, cseq: u32, code: u16, more: &str) -> Option<Order> {
            self.with(&reply(cseq, code, more, None))
        }

        fn with(&mut self, reply: &Reply) -> Option<Order> {
            self.registration.on_reply(self.now, reply, "bob", &mut self.random)
        }

        fn status(&self) -> Status {
            self.registration.status(self.now)
        }
    }

    #[test]
    fn the_granted_time_is_used_and_refreshed_before_its_end_with_a_rising_number() {
        for (more, granted) in [
            ("Contact: <sip:bob@h>;expires=120, <sip:eve@h>;expires=10\nExpires: 600\n", 120),
            ("Contact: <sip:bob@h>;expires=300, <sip:bob@i>;expires=200\n", 200),
            ("Contact: <sip:eve@h>;expires=20\nExpires: 400\n", 400),
            ("", 600),
            ("Contact: <sip:bob@h>;expires=30\n", 30),
        ] {
            let mut bench = Bench::new();
            let (waited, order) = bench.next();
            assert!(waited <= 1);
            assert_eq!(order, Order { expires: Duration::from_secs(600), cseq: 1 });
            assert_eq!(bench.reply(2, 200, more), None);
            let until = bench.now + Duration::from_secs(granted);
            assert_eq!(bench.status(), Status::Registered { until });
            let (waited, order) = bench.next();
            assert_eq!(order.cseq, 3, "the challenge took one");
            assert!(waited * 2 >= granted - 1 && waited < granted, "{waited} of {granted}");
            assert!(granted <= 90 || granted - waited >= 40, "{waited} of {granted}");
        }
    }

    #[test]
    fn failures_are_tried_again_ever_later_and_retry_after_is_honoured() {
        let mut bench = Bench::new();
        let mut waits = Vec::new();
        for _ in 0..10 {
            let (waited, order) = bench.next();
            waits.push(waited);
            bench.reply(order.cseq, 500, "");
        }
        for (n, waited) in waits.iter().enumerate().skip(1) {
            let longest = (5 << (n - 1)).min(300);
            assert!((longest / 2..=longest).contains(waited), "{waits:?}");
        }
        assert_eq!(bench.status(), Status::Trying { why: Some("the trunk answered 500 Words".into()) });
        let (_, order) = bench.next();
        bench.reply(order.cseq, 503, "Retry-After: 1000 (maintenance);duration=5\n");
        assert_eq!(bench.next().0, 1_000);
        bench.reply(99, 200, "");
        let (_, order) = bench.next();
        bench.with(&Reply {
            transaction: TransactionId(1),
            response: Err(Failure::Timeout),
            cseq: order.cseq,
            connection: None,
            rejection: None,
        });
        assert!(matches!(bench.status(), Status::Failing { why, .. } if why == "the trunk does not answer"));
        assert!(bench.next().0 <= 5, "a success forgets the failures before");
    }

    #[test]
    fn a_time_that_is_too_brief_is_asked_for_anew_once() {
        let mut bench = Bench::new();
        bench.next();
        let order = bench.reply(1, 423, "Min-Expires: 1800\n");
        assert_eq!(order, Some(Order { expires: Duration::from_secs(1_800), cseq: 2 }));
        assert_eq!(bench.reply(2, 423, "Min-Expires: 1800\n"), None);
        assert_eq!(bench.status().word(), "trying");
        bench.next();
        assert_eq!(bench.reply(3, 423, "Min-Expires: 99999999999999999999\n"), None);
    }

    #[test]
    fn rejected_credentials_are_final_until_somebody_tries_again() {
        for (code, rejection, why) in [
            (
                401,
                Some(Rejection::Rejected),
                "credentials rejected: the peer refused the user name or the password",
            ),
            (407, None, "credentials rejected: the trunk asks for some, and there are none"),
            (403, None, "credentials rejected: the trunk answered 403 Words"),
            (
                401,
                Some(Rejection::OtherRealm),
                "the peer's challenge is for another realm than the account's",
            ),
        ] {
            let mut bench = Bench::new();
            bench.next();
            bench.with(&reply(1, code, "", rejection));
            assert_eq!(bench.status(), Status::Rejected { why: why.to_owned() });
            assert_eq!((bench.registration.next_timeout(), bench.status().figure()), (None, 2));
            bench.registration.try_again(bench.now);
            assert_eq!(bench.next().0, 0);
        }
    }

    #[test]
    fn at_the_end_it_is_taken_back_where_there_is_something_to_take_back() {
        let mut bench = Bench::new();
        assert_eq!(bench.registration.stop(bench.now), None);
        assert!(bench.registration.is_ended());
        let mut bench = Bench::new();
        bench.next();
        bench.reply(1, 200, "");
        assert_eq!(bench.registration.stop(bench.now), Some(Order { expires: Duration::ZERO, cseq: 2 }));
        assert!(!bench.registration.is_ended() && bench.registration.stop(bench.now).is_none());
        bench.reply(2, 200, "");
        assert!(bench.registration.is_ended());
    }
}
