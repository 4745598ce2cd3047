//! Targets that do not answer, and the way of one request past them (RFC 3263 4.3).

use super::Target;
use crate::clock::Instant;
use crate::sip::Transport;
use crate::sip::endpoint::Failure;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// How long a target is put back after its first fault: long enough that not every call pays for it, short enough that a
/// restart over there is over by then. It doubles with each fault in a row.
const BLOCK_FIRST: Duration = Duration::from_secs(30);
/// And no longer than this, whatever a Retry-After says: a site that is back must soon be seen.
const BLOCK_MAX: Duration = Duration::from_secs(300);
/// Targets remembered: those of a thousand trunks with four each. Above, the one that comes back first is forgotten.
const BLOCKED_MAX: usize = 4_096;
/// Silence after which the next target is tried, where there is one: 16 * T1, in which a request over UDP has gone out
/// four times. Timer B would have the caller wait for 32 s.
const SILENT_MAX: Duration = Duration::from_secs(8);

/// Why a target is put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockReason {
    /// Nothing was heard of it.
    Silent,
    /// It could not be connected to, or TLS with it failed.
    Unreachable,
    /// It answered 503.
    Unavailable,
}

impl BlockReason {
    pub fn words(self) -> &'static str {
        match self {
            BlockReason::Silent => "it does not answer",
            BlockReason::Unreachable => "it cannot be connected to",
            BlockReason::Unavailable => "it answered 503",
        }
    }
}

/// Targets that are put back for a while. They come back by themselves, and are tried all the same where nothing else is
/// left.
#[derive(Default, Debug)]
pub struct Blocked {
    targets: HashMap<(Transport, SocketAddr), Block>,
    /// Since the start.
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    reason: BlockReason,
    until: Instant,
    /// In a row.
    faults: u32,
}

impl Blocked {
    /// Why a target is put back now.
    pub fn reason(&self, now: Instant, transport: Transport, address: SocketAddr) -> Option<BlockReason> {
        let block = self.targets.get(&(transport, address))?;
        (block.until > now).then_some(block.reason)
    }

    /// Those that are put back now, with the reason and the time left.
    pub fn now(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (Transport, SocketAddr, BlockReason, Duration)> + '_ {
        let blocked = self.targets.iter().filter(move |(_, block)| block.until > now);
        blocked
            .map(move |((transport, address), block)| (*transport, *address, block.reason, block.until - now))
    }

    /// How often a target was put back since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Puts a target back; `wanted` is what it asked for itself by Retry-After.
    pub fn block(&mut self, now: Instant, target: &Target, reason: BlockReason, wanted: Option<Duration>) {
        self.total += 1;
        let key = (target.transport, target.address);
        let faults = self.targets.get(&key).map_or(0, |block| block.faults);
        let time = wanted.unwrap_or(BLOCK_FIRST * (1 << faults.min(4))).min(BLOCK_MAX);
        if self.targets.len() >= BLOCKED_MAX && !self.targets.contains_key(&key) {
            let first = self.targets.iter().min_by_key(|(_, block)| block.until).map(|(key, _)| *key);
            first.map(|first| self.targets.remove(&first));
        }
        self.targets.insert(key, Block { reason, until: now + time, faults: faults.saturating_add(1) });
    }

    /// A target answered: nothing is held against it any more.
    pub fn clear(&mut self, target: &Target) {
        self.targets.remove(&(target.transport, target.address));
    }
}

/// The way of one request through its targets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailOver {
    current: Target,
    left: VecDeque<Target>,
}

impl FailOver {
    /// Begins with the first target that is not put back. None where there are no targets.
    pub fn new(now: Instant, targets: Vec<Target>, blocked: &Blocked) -> Option<Self> {
        let is_blocked = |target: &Target| blocked.reason(now, target.transport, target.address).is_some();
        let (back, front): (Vec<_>, Vec<_>) = targets.into_iter().partition(is_blocked);
        let mut left: VecDeque<Target> = front.into_iter().chain(back).collect();
        let current = left.pop_front()?;
        Some(FailOver { current, left })
    }

    /// Where the request goes now.
    pub fn target(&self) -> &Target {
        &self.current
    }

    /// How long to wait for the first sign of life: less than usual while another target is left.
    pub fn silent_max(&self) -> Option<Duration> {
        (!self.left.is_empty()).then_some(SILENT_MAX)
    }

    /// Something came of the request. True where it is to be sent again, to the target that is current now: the one
    /// before was silent, out of reach or unavailable, and is put back. Everything else is the peer's word, and final.
    pub fn failed(&mut self, now: Instant, failure: &Failure, blocked: &mut Blocked) -> bool {
        let Some((reason, wanted)) = fault(failure) else {
            if let Failure::Response(_) = failure {
                blocked.clear(&self.current);
            }
            return false;
        };
        blocked.block(now, &self.current, reason, wanted);
        match self.left.pop_front() {
            Some(next) => {
                self.current = next;
                true
            }
            None => false,
        }
    }

    /// The peer answered.
    pub fn answered(&self, blocked: &mut Blocked) {
        blocked.clear(&self.current);
    }
}

/// Whether a failure is the target's, and what it asks for (RFC 3263 4.3, RFC 3261 21.5.4).
fn fault(failure: &Failure) -> Option<(BlockReason, Option<Duration>)> {
    match failure {
        Failure::Timeout => Some((BlockReason::Silent, None)),
        Failure::Transport => Some((BlockReason::Unreachable, None)),
        Failure::Response(response) if response.code() == 503 => {
            Some((BlockReason::Unavailable, response.retry_after()))
        }
        Failure::Response(_) | Failure::Cancelled | Failure::HalfOpen | Failure::NotPracked => None,
    }
}
