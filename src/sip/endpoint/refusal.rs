//! How often a source that may not call is told so.

use crate::clock::{Budget, Instant};
use crate::sip::limits::{REFUSALS_BURST, REFUSALS_PER_SECOND, REFUSED_SOURCES_MAX};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(1_000 / REFUSALS_PER_SECOND as u64);
/// The first of a burst uses nothing ahead.
const BURST: Duration = Duration::from_millis(INTERVAL.as_millis() as u64 * (REFUSALS_BURST as u64 - 1));

/// A budget for each source.
#[derive(Default)]
pub struct RefusalLimit {
    sources: HashMap<IpAddr, Budget>,
}

impl RefusalLimit {
    /// Whether this source is answered once more.
    pub fn allows(&mut self, now: Instant, source: IpAddr) -> bool {
        if self.sources.len() >= REFUSED_SOURCES_MAX && !self.sources.contains_key(&source) {
            // So many at once is a flood from forged addresses: their history is worth nothing.
            self.sources.clear();
        }
        self.sources.entry(source).or_default().allows(now, INTERVAL, BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_source_gets_a_burst_and_then_its_rate_and_others_their_own() {
        let mut limit = RefusalLimit::default();
        let (a, b) = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));
        let now = Instant::from_millis(0);
        let burst = (0..100).filter(|_| limit.allows(now, a)).count();
        assert_eq!(burst, REFUSALS_BURST as usize);
        assert!(limit.allows(now, b));
        let later = (0..100).filter(|_| limit.allows(Instant::from_millis(1_000), a)).count();
        assert_eq!(later, REFUSALS_PER_SECOND as usize);
    }

    #[test]
    fn the_table_of_sources_is_bounded() {
        let mut limit = RefusalLimit::default();
        for number in 0..3 * REFUSED_SOURCES_MAX as u32 {
            limit.allows(Instant::ZERO, IpAddr::V4(Ipv4Addr::from(number)));
            assert!(limit.sources.len() <= REFUSED_SOURCES_MAX);
        }
    }
}
