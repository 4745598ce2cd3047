//! How often a source may do what it may not do at will.

use crate::clock::{Budget, Instant};
use crate::sip::Transport;
use crate::sip::bans::Network;
use crate::sip::limits::{
    KNOCKS_BURST, KNOCKS_OF_ALL_BURST, KNOCKS_OF_ALL_INTERVAL, KNOCKS_PER_SECOND, OFFENCES_BURST,
    OFFENCES_PER_SECOND, REFUSALS_BURST, REFUSALS_PER_SECOND, REFUSED_SOURCES_MAX, STUN_BURST,
    STUN_PER_SECOND,
};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// One of a kind for what comes by datagrams, which anybody can write any source into, and one for what comes over streams. So
/// a flood of the first neither takes from those who show by a stream where they are, nor counts against them.
pub struct Apart<T> {
    datagrams: T,
    streams: T,
}

impl<T> Apart<T> {
    pub fn new(make: impl Fn() -> T) -> Self {
        Apart { datagrams: make(), streams: make() }
    }

    pub fn of(&mut self, transport: Transport) -> &mut T {
        if transport.is_reliable() { &mut self.streams } else { &mut self.datagrams }
    }

    pub fn both(&mut self) -> [&mut T; 2] {
        [&mut self.datagrams, &mut self.streams]
    }
}

/// How often those who are not admitted may ask to be: each source has its rate, and as sources may be forged, so have all
/// together. Those with credentials have one of their own: who was challenged before comes in beside a flood of those who
/// were not.
pub struct Knocks {
    of_source: SourceLimit,
    asking: Budget,
    proving: Budget,
}

impl Knocks {
    pub fn new() -> Self {
        let of_source = SourceLimit::new(KNOCKS_PER_SECOND, KNOCKS_BURST);
        Knocks { of_source, asking: Budget::default(), proving: Budget::default() }
    }

    /// Whether one more request is listened to.
    pub fn allows(&mut self, now: Instant, source: IpAddr, has_credentials: bool) -> bool {
        let of_all = if has_credentials { &mut self.proving } else { &mut self.asking };
        self.of_source.allows(now, source) && of_all.allows(now, KNOCKS_OF_ALL_INTERVAL, KNOCKS_OF_ALL_BURST)
    }
}

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
