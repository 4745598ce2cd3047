//! Whether a trunk is there: OPTIONS now and then (RFC 3261 11), and what their answers mean.

use super::registration::part_of;
use super::settings::Ping;
use crate::call::said::Said;
use crate::clock::Instant;
use crate::ids::Random;
use crate::sip::Reply;
use crate::sip::endpoint::Failure;
use std::time::Duration;

/// A trunk that is down is asked at least so often: it is back soon after it is back.
const DOWN_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// What came of the last OPTIONS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastPing {
    pub at: Instant,
    /// None where there was no answer.
    pub took: Option<Duration>,
    /// The answer, as in `200 OK`, or why there was none.
    pub text: String,
}

/// One trunk's.
#[derive(Debug)]
pub struct Health {
    ping: Ping,
    state: State,
    misses: u32,
    /// Why the last one was a miss.
    why: Option<String>,
    is_down: bool,
    last: Option<LastPing>,
}

#[derive(Debug)]
enum State {
    Waiting { at: Instant },
    Asking { since: Instant },
}

impl Health {
    /// Begins soon, and not all trunks at once. Until it is known better, the trunk is up.
    pub fn new(now: Instant, ping: Ping, random: &mut Random) -> Self {
        let at = now + part_of(ping.interval.min(Duration::from_secs(5)), random);
        Health { ping, state: State::Waiting { at }, misses: 0, why: None, is_down: false, last: None }
    }

    pub fn is_up(&self) -> bool {
        !self.is_down
    }

    /// Why it is down, or what the last ping has met.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    pub fn last(&self) -> Option<&LastPing> {
        self.last.as_ref()
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { at } => Some(at),
            State::Asking { .. } => None,
        }
    }

    /// Whether an OPTIONS is to be sent.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let is_due = self.next_timeout().is_some_and(|at| at <= now);
        if is_due {
            self.state = State::Asking { since: now };
        }
        is_due
    }

    /// What became of it. True where the trunk went down or came back by it.
    pub fn on_reply(&mut self, now: Instant, reply: &Reply, random: &mut Random) -> bool {
        let took = match self.state {
            State::Asking { since } => Some(now - since),
            State::Waiting { .. } => None,
        };
        let changes = match &reply.response {
            Ok(response) if is_alive(response.code()) => self.answered(now, random),
            Ok(response) => {
                self.missed(now, format!("it answered {} {}", response.code(), response.reason()), random)
            }
            Err(Failure::Timeout) => self.missed(now, "it does not answer".to_owned(), random),
            Err(_) => self.missed(now, "it cannot be reached".to_owned(), random),
        };
        if let Ok(response) = &reply.response {
            self.last = Some(LastPing { at: now, took, text: Said::of(response).to_string() });
        }
        changes
    }

    /// The OPTIONS could not even be sent, or had no good answer.
    pub fn missed(&mut self, now: Instant, why: String, random: &mut Random) -> bool {
        self.last = Some(LastPing { at: now, took: None, text: why.clone() });
        self.why = Some(why);
        self.misses = self.misses.saturating_add(1);
        let goes_down = !self.is_down && self.misses >= self.ping.threshold;
        self.is_down |= goes_down;
        self.wait(now, random);
        goes_down
    }

    fn answered(&mut self, now: Instant, random: &mut Random) -> bool {
        let is_back = std::mem::take(&mut self.is_down);
        (self.misses, self.why) = (0, None);
        self.wait(now, random);
        is_back
    }

    fn wait(&mut self, now: Instant, random: &mut Random) {
        let interval =
            if self.is_down { self.ping.interval.min(DOWN_INTERVAL_MAX) } else { self.ping.interval };
        // A tenth of difference, so that the trunks drift apart.
        let at = now + (interval - interval / 10) + part_of(interval / 10, random);
        self.state = State::Waiting { at };
    }
}

/// Whether a final answer comes from one who could take a call. Nearly all do: also a 401, a 404 or a 405 to OPTIONS shows
/// that somebody works there. These do not: 408, 502 and 504 are those of a proxy that gets nothing from behind it, 503 says
/// that there is no service, 500 that it is broken.
fn is_alive(code: u16) -> bool {
    ![408, 500, 502, 503, 504].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        health: Health,
        now: Instant,
        random: Random,
    }

    impl Bench {
        fn new(threshold: u32) -> Self {
            let mut random = Random::from_seed(1);
            let ping = Ping { interval: Duration::from_secs(60), threshold };
            Bench { health: Health::new(Instant::ZERO, ping, &mut random), now: Instant::ZERO, random }
        }

        /// Waits for the next OPTIONS, in seconds.
        fn next(&mut self) -> u64 {
            let due = self.health.next_timeout().unwrap();
            let waited = due - self.now;
            self.now = due;
            assert!(self.health.handle_timeout(due) && self.health.next_timeout().is_none());
            waited.as_secs()
        }
    }

    #[test]
    fn three_misses_in_a_row_take_a_trunk_down_and_one_answer_brings_it_back() {
        let mut bench = Bench::new(3);
        assert!(bench.next() <= 5);
        for (is_miss, changes, is_up, wait) in [
            (true, false, true, 54..=60),
            (true, false, true, 54..=60),
            (false, false, true, 54..=60),
            (true, false, true, 54..=60),
            (true, false, true, 54..=60),
            (true, true, false, 27..=30),
            (true, false, false, 27..=30),
            (false, true, true, 54..=60),
        ] {
            let (now, random) = (bench.now, &mut bench.random);
            let changed = if is_miss {
                bench.health.missed(now, "it does not answer".into(), random)
            } else {
                bench.health.answered(now, random)
            };
            assert_eq!((changed, bench.health.is_up()), (changes, is_up));
            let waited = bench.next();
            assert!(wait.contains(&waited), "{waited}");
        }
    }

    #[test]
    fn any_answer_but_that_of_a_dead_end_shows_that_somebody_is_there() {
        let dead: Vec<u16> = (300..700).filter(|code| !is_alive(*code)).collect();
        assert_eq!(dead, [408, 500, 502, 503, 504]);
    }
}
