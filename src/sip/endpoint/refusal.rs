//! How often a source may do what it may not do at will.

use crate::clock::{Budget, Instant};
use crate::sip::bans::Network;
use crate::sip::limits::{
    KNOCKS_BURST, KNOCKS_PER_SECOND, OFFENCES_BURST, OFFENCES_PER_SECOND, REFUSALS_BURST,
    REFUSALS_PER_SECOND, REFUSED_SOURCES_MAX, STUN_BURST, STUN_PER_SECOND,
};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// A budget for each source.
pub struct SourceLimit {
    interval: Duration,
    burst: Duration,
    sources: HashMap<Network, Budget>,
}

impl SourceLimit {
    /// Of refusals.
    pub fn of_refusals() -> Self {
        Self::new(REFUSALS_PER_SECOND, REFUSALS_BURST)
    }

    /// Of requests of those who may show who they are.
    pub fn of_knocks() -> Self {
        Self::new(KNOCKS_PER_SECOND, KNOCKS_BURST)
    }

    /// Of what a source is banned for in the end.
    pub fn of_offences() -> Self {
        Self::new(OFFENCES_PER_SECOND, OFFENCES_BURST)
    }

    /// Of STUN requests.
    pub fn of_stun() -> Self {
        Self::new(STUN_PER_SECOND, STUN_BURST)
    }

    fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second;
        // The first of a burst uses nothing ahead.
        SourceLimit { interval, burst: interval * (burst - 1), sources: HashMap::new() }
    }

    /// Whether this source may once more.
    pub fn allows(&mut self, now: Instant, source: IpAddr) -> bool {
        let source = Network::of(source);
        if self.sources.len() >= REFUSED_SOURCES_MAX && !self.sources.contains_key(&source) {
            // So many at once is a flood from forged addresses: their history is worth nothing.
            self.sources.clear();
        }
        self.sources.entry(source).or_default().allows(now, self.interval, self.burst)
    }

    /// Lets a source begin anew.
    pub fn forget(&mut self, source: IpAddr) {
        self.sources.remove(&Network::of(source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_source_gets_a_burst_and_then_its_rate_and_others_their_own() {
        let mut limit = SourceLimit::of_refusals();
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
        let mut limit = SourceLimit::of_refusals();
        for number in 0..3 * REFUSED_SOURCES_MAX as u32 {
            limit.allows(Instant::ZERO, IpAddr::V4(Ipv4Addr::from(number)));
            assert!(limit.sources.len() <= REFUSED_SOURCES_MAX);
        }
    }
}
