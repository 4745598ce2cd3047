//! How many packets a second one leg may bring: no telephone sends more, and two legs whose descriptions point at
//! each other's ports would pass a packet on for ever.

use crate::clock::Instant;
use std::time::Duration;

/// 250 packets/s: 100 of audio at 10 ms, a telephone-event repeated as often, and room.
const INTERVAL: Duration = Duration::from_millis(4);
/// What a network that stood still for a second brings at once.
const BURST: Duration = Duration::from_secs(1);

/// Time that the packets so far have used up.
#[derive(Clone, Copy, Default)]
pub struct Budget {
    used_up_to: Instant,
}

impl Budget {
    /// Whether one more packet is within the budget.
    pub fn allows(&mut self, now: Instant) -> bool {
        let from = self.used_up_to.max(now);
        if from - now > BURST {
            return false;
        }
        self.used_up_to = from + INTERVAL;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_delay_passes_at_once_and_a_flood_passes_at_250_a_second() {
        let mut budget = Budget::default();
        let at = Instant::from_millis(5_000);
        assert_eq!((0..1_000).filter(|_| budget.allows(at)).count(), 251);
        let later = (0..10_000).filter(|n| budget.allows(at + Duration::from_micros(n * 100))).count();
        assert!((249..=251).contains(&later), "{later} in the second after");
    }

    #[test]
    fn ten_ms_packets_with_events_always_pass() {
        let mut budget = Budget::default();
        assert!((0..20_000).all(|n| budget.allows(Instant::from_millis(n * 5))));
    }
}
