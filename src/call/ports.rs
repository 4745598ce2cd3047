//! Media ports: pairs that are bound before a call needs them, lent and given back.

use crate::clock::Instant;
use crate::ids::PortId;
use std::collections::VecDeque;
use std::time::Duration;

/// Late packets of the last call drain for so long before a port is lent again: more than the delay of any path.
const DRAIN: Duration = Duration::from_secs(2);
/// Ports that are kept ready ahead of calls, so that a burst waits for no bind. "Some hundred" of architecture.md.
const READY: usize = 256;

/// A bound pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Port {
    pub id: PortId,
    /// The even RTP port; RTCP is the next.
    pub number: u16,
}

/// Which media thread, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub usize);

/// The ports of one media thread.
#[derive(Default)]
struct Pool {
    /// Oldest first.
    ready: VecDeque<Port>,
    draining: VecDeque<(Instant, Port)>,
    lent: usize,
    asked_for: usize,
}

/// All pools.
pub struct Ports {
    pools: Vec<Pool>,
    /// How many each pool keeps ready: a small range is shared out evenly.
    ready: usize,
    /// Pairs that may still be bound.
    unbound: usize,
}

impl Ports {
    /// `pairs`: how many the configured range holds.
    pub fn new(threads: usize, pairs: usize) -> Self {
        let ready = READY.min(pairs / threads.max(1)).max(1);
        Ports { pools: (0..threads).map(|_| Pool::default()).collect(), ready, unbound: pairs }
    }

    /// Lends the port that has been free for longest, on the thread with the fewest lent (or on `thread`).
    pub fn lend(&mut self, now: Instant, thread: Option<ThreadId>) -> Option<(ThreadId, Port)> {
        for pool in &mut self.pools {
            pool.settle(now);
        }
        let index = match thread {
            Some(ThreadId(index)) => index,
            None => (0..self.pools.len())
                .filter(|i| !self.pools[*i].ready.is_empty())
                .min_by_key(|i| self.pools[*i].lent)?,
        };
        let pool = self.pools.get_mut(index)?;
        let port = pool.ready.pop_front()?;
        pool.lent += 1;
        Some((ThreadId(index), port))
    }

    pub fn give_back(&mut self, now: Instant, thread: ThreadId, port: Port) {
        let pool = &mut self.pools[thread.0];
        pool.lent = pool.lent.saturating_sub(1);
        pool.draining.push_back((now + DRAIN, port));
    }

    /// Pairs were bound for a thread; `asked` is how many it had been asked for.
    pub fn bound(&mut self, thread: ThreadId, asked: usize, ports: impl IntoIterator<Item = Port>) {
        let pool = &mut self.pools[thread.0];
        pool.asked_for = pool.asked_for.saturating_sub(asked);
        pool.ready.extend(ports);
    }

    /// How many pairs should be bound for which thread now, and marks them as asked for.
    pub fn wanted(&mut self, now: Instant) -> Option<(ThreadId, usize)> {
        for (index, pool) in self.pools.iter_mut().enumerate() {
            pool.settle(now);
            // Those that drain are not there yet: a high rate of short calls needs more of them.
            let there = pool.ready.len() + pool.asked_for;
            let missing = self.ready.saturating_sub(there).min(self.unbound);
            // In steps, so that each call does not cause a bind of its own.
            if missing > self.ready / 4 || (missing > 0 && there == 0) {
                pool.asked_for += missing;
                self.unbound -= missing;
                return Some((ThreadId(index), missing));
            }
        }
        None
    }

    /// Pairs that are bound and drained.
    pub fn ready(&self) -> usize {
        self.pools.iter().map(|p| p.ready.len()).sum()
    }

    /// Pairs that are not lent, bound or not.
    pub fn free(&self) -> usize {
        self.pools.iter().map(|p| p.ready.len() + p.draining.len()).sum::<usize>() + self.unbound
    }

    pub fn lent(&self) -> usize {
        self.pools.iter().map(|p| p.lent).sum()
    }
}

impl Pool {
    fn settle(&mut self, now: Instant) {
        while let Some((at, port)) = self.draining.front().copied().filter(|(at, _)| *at <= now) {
            debug_assert!(at <= now);
            self.draining.pop_front();
            self.ready.push_back(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16) -> Port {
        Port { id: PortId(number.into()), number }
    }

    #[test]
    fn a_port_comes_back_last_and_only_after_its_drain() {
        let mut ports = Ports::new(1, 10);
        ports.bound(ThreadId(0), 0, [port(20_000), port(20_002)]);
        let at = Instant::from_millis;
        let (thread, first) = ports.lend(at(0), None).unwrap();
        assert_eq!(first.number, 20_000);
        ports.give_back(at(0), thread, first);
        assert_eq!(ports.lend(at(1), None).unwrap().1.number, 20_002);
        assert_eq!(ports.lend(at(1_999), None), None);
        assert_eq!(ports.lend(at(2_000), None).unwrap().1.number, 20_000);
        assert_eq!(ports.lent(), 2);
    }

    #[test]
    fn calls_go_to_the_thread_with_the_fewest_and_a_bridge_stays_on_its_thread() {
        let mut ports = Ports::new(2, 0);
        ports.bound(ThreadId(0), 0, [port(20_000), port(20_002)]);
        ports.bound(ThreadId(1), 0, [port(30_000), port(30_002)]);
        let mut lend = |thread| ports.lend(Instant::ZERO, thread).map(|(t, _)| t.0);
        assert_eq!([lend(None), lend(None), lend(Some(ThreadId(0)))], [Some(0), Some(1), Some(0)]);
        assert_eq!([lend(Some(ThreadId(0))), lend(None)], [None, Some(1)]);
    }

    #[test]
    fn a_small_range_is_shared_out_over_the_threads() {
        let mut ports = Ports::new(2, 12);
        assert_eq!(ports.wanted(Instant::ZERO), Some((ThreadId(0), 6)));
        assert_eq!(ports.wanted(Instant::ZERO), Some((ThreadId(1), 6)));
        assert_eq!(ports.wanted(Instant::ZERO), None);
    }

    #[test]
    fn ports_are_asked_for_ahead_of_need_and_never_more_than_there_are() {
        let mut ports = Ports::new(1, 300);
        assert_eq!(ports.wanted(Instant::ZERO), Some((ThreadId(0), 256)));
        assert_eq!(ports.wanted(Instant::ZERO), None);
        ports.bound(ThreadId(0), 256, (0..256).map(|n| port(20_000 + 2 * n)));
        for _ in 0..200 {
            ports.lend(Instant::ZERO, None).unwrap();
        }
        assert_eq!(ports.wanted(Instant::ZERO), None, "44 are left to bind: below a step");
        for _ in 0..56 {
            ports.lend(Instant::ZERO, None).unwrap();
        }
        assert_eq!(ports.wanted(Instant::ZERO), Some((ThreadId(0), 44)));
        assert_eq!(ports.free(), 0);
    }
}
