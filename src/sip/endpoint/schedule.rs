//! One heap of timers for everything, with lazy deletion.

use crate::clock::Instant;
use crate::ids::ConnectionId;
use crate::sip::{DialogId, TransactionId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Whose timer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    Server(TransactionId),
    Client(TransactionId),
    Dialog(DialogId),
    Connection(ConnectionId),
}

/// Each owner remembers its earliest entry (`scheduled`). A deadline that moves away leaves its entry, which
/// does nothing when it comes up but enter the owner anew; an entry whose owner is gone is dropped.
#[derive(Default)]
pub struct Schedule {
    heap: BinaryHeap<Reverse<(Instant, Target)>>,
}

impl Schedule {
    /// Makes sure that the owner is looked at when its deadline comes.
    pub fn arm(&mut self, target: Target, due: Option<Instant>, scheduled: &mut Option<Instant>) {
        let Some(due) = due else { return };
        if scheduled.is_none_or(|earlier| due < earlier) {
            self.heap.push(Reverse((due, target)));
            *scheduled = Some(due);
        }
    }

    /// The earliest entry that is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, Target)> {
        self.heap.peek().filter(|Reverse((due, _))| *due <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Drops entries at the front that mean nothing any more.
    pub fn trim(&mut self, is_live: impl Fn(Instant, Target) -> bool) {
        while self.heap.peek().is_some_and(|Reverse((due, target))| !is_live(*due, *target)) {
            self.heap.pop();
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }
}
