//! Time as an argument. Core rooms never read a clock: a shell hands them [`Now`], a test makes it from numbers.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point on the monotonic clock, in microseconds since the server (or the test) started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start itself.
    pub const ZERO: Instant = Instant(0);
    /// Later than anything that happens: 584,000 years.
    pub const FAR: Instant = Instant(u64::MAX);

    pub const fn from_micros(micros: u64) -> Self {
        Instant(micros)
    }

    pub const fn from_millis(millis: u64) -> Self {
        Instant(millis * 1_000)
    }

    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero where `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, rhs: Duration) -> Instant {
        let micros = u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(micros))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, rhs: Instant) -> Duration {
        self.since(rhs)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A point on the calendar, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Wall(i64);

impl Wall {
    pub const fn from_unix_micros(micros: i64) -> Self {
        Wall(micros)
    }

    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Wall(seconds * 1_000_000)
    }

    pub const fn as_unix_micros(self) -> i64 {
        self.0
    }

    /// The same point for the calendar library.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl From<jiff::Timestamp> for Wall {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Wall(timestamp.as_microsecond())
    }
}

impl Add<Duration> for Wall {
    type Output = Wall;
    fn add(self, rhs: Duration) -> Wall {
        Wall(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Wall {
    type Output = Wall;
    fn sub(self, rhs: Duration) -> Wall {
        Wall(self.0.saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 with milliseconds, in UTC.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

/// Both clocks at one moment. Durations are measured on the first; the second is for people and calendars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    pub instant: Instant,
    pub wall: Wall,
}

impl Now {
    /// The same moment `duration` later on both clocks.
    pub fn later(self, duration: Duration) -> Now {
        Now { instant: self.instant + duration, wall: self.wall + duration }
    }
}

/// How often something may happen: a rate, and what may come at once after a pause. It is the time that the events so
/// far have used up, each an interval of it, a burst ahead at the most (the generic cell rate algorithm): one word for
/// each that is watched.
#[derive(Clone, Copy, Default, Debug)]
pub struct Budget {
    used_up_to: Instant,
}

impl Budget {
    /// Whether one more event is within the budget of one per `interval`, with a `burst` used ahead.
    pub fn allows(&mut self, now: Instant, interval: Duration, burst: Duration) -> bool {
        let from = self.used_up_to.max(now);
        if from - now > burst {
            return false;
        }
        self.used_up_to = from + interval;
        true
    }

    /// How long until one more event is within the budget; nothing where it is now.
    pub fn wait(&self, now: Instant, burst: Duration) -> Duration {
        (self.used_up_to - now).saturating_sub(burst)
    }
}

/// The one place that reads the machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        SystemClock { start: std::time::Instant::now() }
    }

    /// The start on the machine's clock, for libraries that count on it.
    pub fn origin(&self) -> std::time::Instant {
        self.start
    }

    pub fn instant(&self) -> Instant {
        Instant(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the clock")]
    pub fn now(&self) -> Now {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall = Wall(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX));
        Now { instant: self.instant(), wall }
    }

    /// CPU time that this process has taken, all its threads together.
    pub fn cpu() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(time).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_instant_minus_an_earlier_one_is_the_time_between_and_never_negative() {
        let (a, b) = (Instant::from_millis(5), Instant::from_millis(7));
        assert_eq!((b - a, a - b), (Duration::from_millis(2), Duration::ZERO));
    }

    #[test]
    fn wall_prints_as_rfc_3339_in_utc_with_milliseconds() {
        assert_eq!(Wall::from_unix_seconds(1_795_380_337).to_string(), "2026-11-22T20:45:37.000Z");
    }

    #[test]
    fn a_burst_passes_at_once_and_a_flood_at_the_rate() {
        let mut budget = Budget::default();
        let (interval, burst) = (Duration::from_millis(4), Duration::from_secs(1));
        let at = Instant::from_millis(5_000);
        assert_eq!((0..1_000).filter(|_| budget.allows(at, interval, burst)).count(), 251);
        let later = |n: &u64| budget.allows(at + Duration::from_micros(n * 100), interval, burst);
        let later = (0..10_000).filter(later).count();
        assert!((249..=251).contains(&later), "{later} in the second after");
    }

    #[test]
    fn what_is_over_the_budget_passes_after_the_wait_and_not_before() {
        let mut budget = Budget::default();
        let (interval, burst) = (Duration::from_secs(60), Duration::from_secs(120));
        let at = Instant::from_millis(5_000);
        assert_eq!(budget.wait(at, burst), Duration::ZERO);
        assert_eq!((0..10).filter(|_| budget.allows(at, interval, burst)).count(), 3);
        let later = at + Duration::from_secs(20);
        assert_eq!(budget.wait(later, burst), Duration::from_secs(40));
        assert!(!budget.allows(later + Duration::from_secs(39), interval, burst));
        assert!(budget.allows(later + Duration::from_secs(40), interval, burst));
    }

    #[test]
    fn what_comes_at_less_than_the_rate_always_passes() {
        let mut budget = Budget::default();
        let (interval, burst) = (Duration::from_millis(4), Duration::ZERO);
        assert!((0..20_000).all(|n| budget.allows(Instant::from_millis(n * 5), interval, burst)));
    }
}
