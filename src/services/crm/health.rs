//! How a connection has been: the last success, the last error in words, and how much of the day's allowance is used.

use crate::clock::{SystemClock, Wall};
use std::sync::Mutex;
use std::time::Duration;

/// Characters of an error that are kept.
const WORDS_MAX: usize = 500;
/// For how long it is believed how much of the day's allowance is used, where nobody asks.
const ALLOWANCE_FRESH_FOR: Duration = Duration::from_secs(300);

/// Kept by each CRM about itself.
pub struct Health {
    clock: SystemClock,
    shown: Mutex<HealthShown>,
}

/// The same at a moment.
#[derive(Clone, Default, Debug)]
pub struct HealthShown {
    /// Where it is connected to, as it says itself.
    pub instance: Option<String>,
    pub last_success: Option<Wall>,
    /// The latest, in words; an older one than the last success is history.
    pub last_error: Option<(Wall, String)>,
    /// Requests of the day that are used, and all there are.
    pub allowance: Option<(u64, u64)>,
    /// When it was told.
    pub told: Option<Wall>,
    pub requests: u64,
    pub failures: u64,
}

impl Health {
    pub fn new(clock: SystemClock) -> Self {
        Health { clock, shown: Mutex::default() }
    }

    pub fn worked(&self) {
        let mut shown = self.lock();
        shown.requests += 1;
        shown.last_success = Some(self.clock.now().wall);
    }

    pub fn failed(&self, words: &str) {
        let mut shown = self.lock();
        shown.requests += 1;
        shown.failures += 1;
        shown.last_error = Some((self.clock.now().wall, words.chars().take(WORDS_MAX).collect()));
    }

    pub fn is_at(&self, instance: &str) {
        self.lock().instance = Some(instance.to_owned());
    }

    pub fn used(&self, used: u64, all: u64) {
        let mut shown = self.lock();
        shown.allowance = Some((used, all));
        shown.told = Some(self.clock.now().wall);
    }

    /// Whether so little of the allowance is left that it is kept for callers: what is written waits. What was told a while
    /// ago says nothing: then it is tried.
    pub fn is_nearly_used_up(&self) -> bool {
        let now = self.clock.now().wall;
        let shown = self.lock();
        let is_fresh = shown.told.is_some_and(|told| now < told + ALLOWANCE_FRESH_FOR);
        let is_low = |(used, all): (u64, u64)| all > 0 && used.saturating_mul(100) >= all.saturating_mul(95);
        is_fresh && shown.allowance.is_some_and(is_low)
    }

    pub fn shown(&self) -> HealthShown {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HealthShown> {
        self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_twentieth_of_the_allowance_is_kept_for_callers() {
        let health = Health::new(SystemClock::start());
        for (used, all, expected) in
            [(0, 0, false), (94_999, 100_000, false), (95_000, 100_000, true), (7, 5, true)]
        {
            health.used(used, all);
            assert_eq!(health.is_nearly_used_up(), expected, "{used} of {all}");
        }
        health.lock().told = Some(Wall::from_unix_micros(0));
        assert!(!health.is_nearly_used_up(), "what was told long ago");
    }
}
