//! A circuit breaker for each host: who keeps failing is left alone for a while, so that callers do not all wait for a
//! service that is down.

use crate::clock::{Budget, Instant};
use std::collections::HashMap;
use std::time::Duration;

/// Failures in a row after which a host is left alone, as a rule: one could be chance.
pub const FAILURES_MAX: u32 = 5;
/// How long it is left alone; then one request tries again.
const PAUSE: Duration = Duration::from_secs(30);
/// Hosts that are remembered; those that flows name are few.
const HOSTS_MAX: usize = 1_024;

/// How often one host is asked.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Requests without an answer yet: a host that hangs shall not take the places of all others.
    pub under_way: u32,
    /// Failures in a row after which it is left alone for a while.
    pub failures: u32,
}

/// Which hosts may be asked now.
pub struct Breakers {
    limits: Limits,
    hosts: HashMap<String, Host>,
}

#[derive(Default)]
struct Host {
    gate: Gate,
    budget: Budget,
    under_way: u32,
}

/// Whether a host is let alone.
enum Gate {
    /// It is asked; it failed so often in a row.
    Open { failures: u32 },
    /// Nobody is asked before.
    Closed { until: Instant },
    /// One request tries whether it works again; nobody else is asked before.
    Trying { until: Instant },
}

impl Default for Gate {
    fn default() -> Self {
        Gate::Open { failures: 0 }
    }
}

/// Why a host is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It failed several times in a row.
    Broken,
    /// It was asked too often.
    TooOften,
    /// It has not answered too many requests yet.
    TooMany,
}

impl Breakers {
    pub fn new(limits: Limits) -> Self {
        Breakers { limits, hosts: HashMap::new() }
    }

    /// Whether a host may be asked. While one try is under way after a pause, others are refused.
    pub fn ask(&mut self, host: &str, now: Instant) -> Result<(), Refusal> {
        let Limits { per_second, burst, under_way, .. } = self.limits;
        let interval = Duration::from_secs(1) / per_second.max(1);
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(host) {
            self.hosts.retain(|_, host| host.under_way > 0);
        }
        let host = self.hosts.entry(host.to_owned()).or_default();
        if host.under_way >= under_way {
            return Err(Refusal::TooMany);
        }
        if let Gate::Closed { until } | Gate::Trying { until } = host.gate
            && now < until
        {
            return Err(Refusal::Broken);
        }
        if !host.budget.allows(now, interval, interval * burst) {
            return Err(Refusal::TooOften);
        }
        if !matches!(host.gate, Gate::Open { .. }) {
            host.gate = Gate::Trying { until: now + PAUSE };
        }
        host.under_way += 1;
        Ok(())
    }

    /// What became of a request.
    pub fn tell(&mut self, host: &str, worked: bool, now: Instant) {
        let Some(host) = self.hosts.get_mut(host) else { return };
        host.under_way = host.under_way.saturating_sub(1);
        host.gate = match host.gate {
            _ if worked => Gate::default(),
            Gate::Open { failures } if failures.saturating_add(1) < self.limits.failures => {
                Gate::Open { failures: failures + 1 }
            }
            _ => Gate::Closed { until: now + PAUSE },
        };
    }

    /// A request was given up from our side, which says nothing about the host: where it was to try it, the next does.
    pub fn forget(&mut self, host: &str, now: Instant) {
        let Some(host) = self.hosts.get_mut(host) else { return };
        host.under_way = host.under_way.saturating_sub(1);
        if matches!(host.gate, Gate::Trying { .. }) {
            host.gate = Gate::Closed { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breakers() -> Breakers {
        Breakers::new(Limits { per_second: 10, burst: 50, under_way: 32, failures: FAILURES_MAX })
    }

    #[test]
    fn who_fails_five_times_in_a_row_is_tried_again_after_thirty_seconds_by_one() {
        let mut breakers = breakers();
        let at = Instant::from_millis;
        for i in 0..5 {
            assert_eq!(breakers.ask("h", at(i)), Ok(()));
            breakers.tell("h", false, at(i));
        }
        assert_eq!(breakers.ask("h", at(30_003)), Err(Refusal::Broken));
        assert_eq!(breakers.ask("other", at(10)), Ok(()));
        assert_eq!(breakers.ask("h", at(30_004)), Ok(()));
        assert_eq!(breakers.ask("h", at(30_005)), Err(Refusal::Broken));
        breakers.tell("h", false, at(31_000));
        assert_eq!(breakers.ask("h", at(60_999)), Err(Refusal::Broken));
        assert_eq!(breakers.ask("h", at(61_000)), Ok(()));
        breakers.tell("h", true, at(61_001));
        assert_eq!(breakers.ask("h", at(61_002)), Ok(()));
        assert_eq!(breakers.ask("h", at(61_003)), Ok(()));
    }

    #[test]
    fn a_request_that_is_given_up_is_no_failure_and_leaves_its_place_and_its_turn_to_the_next() {
        let mut breakers = breakers();
        let at = Instant::from_millis;
        for i in 0..20 {
            assert_eq!(breakers.ask("h", at(i * 200)), Ok(()), "{i}");
            breakers.forget("h", at(i * 200));
        }
        for i in 0..5 {
            assert_eq!(breakers.ask("h", at(5_000 + i)), Ok(()));
            breakers.tell("h", false, at(5_000 + i));
        }
        breakers.forget("h", at(5_005));
        assert_eq!(breakers.ask("h", at(5_006)), Err(Refusal::Broken), "a pause is not cut short");
        assert_eq!(breakers.ask("h", at(35_004)), Ok(()), "the one that tries");
        assert_eq!(breakers.ask("h", at(35_005)), Err(Refusal::Broken));
        breakers.forget("h", at(35_006));
        assert_eq!(breakers.ask("h", at(35_007)), Ok(()), "another tries");
        assert_eq!(breakers.ask("h", at(35_008)), Err(Refusal::Broken));
    }

    #[test]
    fn one_success_forgets_the_failures_before() {
        let mut breakers = breakers();
        for i in 0..20 {
            let now = Instant::from_millis(i * 100);
            assert_eq!(breakers.ask("h", now), Ok(()), "{i}");
            breakers.tell("h", i % 4 == 3, now);
        }
    }

    #[test]
    fn a_host_is_asked_fifty_times_at_once_and_then_ten_times_a_second() {
        let mut breakers = breakers();
        let mut ask = |ms: u64| {
            let asked = breakers.ask("h", Instant::from_millis(ms));
            if asked.is_ok() {
                breakers.tell("h", true, Instant::from_millis(ms));
            }
            asked
        };
        let asked = (0..100).filter(|_| ask(5).is_ok()).count();
        assert!((50..=51).contains(&asked), "{asked}");
        assert_eq!(ask(106), Ok(()));
        assert_eq!(ask(107), Err(Refusal::TooOften));
    }

    #[test]
    fn a_host_that_does_not_answer_takes_thirty_two_places_and_no_more() {
        let mut breakers = breakers();
        let asked = (0..40).filter(|_| breakers.ask("h", Instant::from_millis(5)).is_ok()).count();
        assert_eq!(asked, 32);
        assert_eq!(breakers.ask("h", Instant::from_millis(6)), Err(Refusal::TooMany));
        assert_eq!(breakers.ask("other", Instant::from_millis(6)), Ok(()));
        breakers.tell("h", true, Instant::from_millis(7));
        assert_eq!(breakers.ask("h", Instant::from_millis(8)), Ok(()));
    }
}
