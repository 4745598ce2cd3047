//! When each leg wants to be looked at: one timer a leg, in slots of 1 ms, all operations O(1).

use crate::clock::Instant;

/// Slots: 1,024 ms. What is due later waits in the last slot and is put in again from there.
const SLOTS: u64 = 1_024;
const WORDS: usize = SLOTS as usize / 64;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    previous: u32,
    next: u32,
    /// The millisecond in whose slot it lies; `NOT_IN` where in none.
    at: u64,
}

const NOT_IN: u64 = u64::MAX;

/// Timers by the index of their leg.
pub struct Wheel {
    first: Box<[u32; SLOTS as usize]>,
    last: Box<[u32; SLOTS as usize]>,
    /// A bit for each slot that is not empty.
    busy: [u64; WORDS],
    nodes: Vec<Node>,
    /// The millisecond that is looked at next. All that is in lies from here to `SLOTS` - 1 later.
    cursor: u64,
    len: usize,
}

impl Wheel {
    pub fn new() -> Self {
        Wheel {
            first: Box::new([NONE; SLOTS as usize]),
            last: Box::new([NONE; SLOTS as usize]),
            busy: [0; WORDS],
            nodes: Vec::new(),
            cursor: 0,
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Sets the timer of `index`, which may have been set before. It may come out early where `due` is far.
    pub fn set(&mut self, now: Instant, index: usize, due: Instant) {
        self.remove(index);
        if self.len == 0 {
            self.cursor = now.as_micros() / 1_000;
        }
        let at = due.as_micros().div_ceil(1_000).clamp(self.cursor, self.cursor + SLOTS - 1);
        if self.nodes.len() <= index {
            self.nodes.resize(index + 1, Node { previous: NONE, next: NONE, at: NOT_IN });
        }
        let slot = (at % SLOTS) as usize;
        let last = self.last[slot];
        self.nodes[index] = Node { previous: last, next: NONE, at };
        match self.nodes.get_mut(last as usize) {
            Some(node) => node.next = index as u32,
            None => self.first[slot] = index as u32,
        }
        self.last[slot] = index as u32;
        self.busy[slot / 64] |= 1 << (slot % 64);
        self.len += 1;
    }

    /// Sets the timer of `index` only where it would come out later than `due`.
    pub fn set_at_most(&mut self, now: Instant, index: usize, due: Instant) {
        let at = self.nodes.get(index).map_or(NOT_IN, |node| node.at);
        if due.as_micros().div_ceil(1_000) < at {
            self.set(now, index, due);
        }
    }

    pub fn remove(&mut self, index: usize) {
        let Some(&node) = self.nodes.get(index) else { return };
        if node.at == NOT_IN {
            return;
        }
        let slot = (node.at % SLOTS) as usize;
        match self.nodes.get_mut(node.previous as usize) {
            Some(previous) => previous.next = node.next,
            None => self.first[slot] = node.next,
        }
        match self.nodes.get_mut(node.next as usize) {
            Some(next) => next.previous = node.previous,
            None => self.last[slot] = node.previous,
        }
        if self.first[slot] == NONE {
            self.busy[slot / 64] &= !(1 << (slot % 64));
        }
        self.nodes[index].at = NOT_IN;
        self.len -= 1;
    }

    /// Takes out one timer that is due, the earliest first, and in the order they were set.
    pub fn pop(&mut self, now: Instant) -> Option<usize> {
        let now_ms = now.as_micros() / 1_000;
        let at = self.earliest()?;
        if at > now_ms {
            self.cursor = self.cursor.max(now_ms);
            return None;
        }
        self.cursor = at;
        let index = self.first[(at % SLOTS) as usize] as usize;
        self.remove(index);
        Some(index)
    }

    /// When the next timer comes out.
    pub fn next(&self) -> Option<Instant> {
        self.earliest().map(Instant::from_millis)
    }

    /// The first busy slot from the cursor on, by at most 17 looks at a word.
    fn earliest(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let start = (self.cursor % SLOTS) as usize;
        for step in 0..=WORDS {
            let word = (start / 64 + step) % WORDS;
            let mut bits = self.busy[word];
            if step == 0 {
                bits &= u64::MAX << (start % 64);
            }
            if bits != 0 {
                let slot = (word * 64) as u64 + u64::from(bits.trailing_zeros());
                let ahead = (slot + SLOTS - start as u64) % SLOTS;
                return Some(self.cursor + ahead);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn drain(wheel: &mut Wheel, now: u64) -> Vec<usize> {
        std::iter::from_fn(|| wheel.pop(ms(now))).collect()
    }

    #[test]
    fn timers_come_out_when_due_the_earliest_first_and_in_order() {
        let mut wheel = Wheel::new();
        for (index, due) in [(0, 30), (1, 10), (2, 30), (3, 20)] {
            wheel.set(ms(0), index, ms(due));
        }
        assert_eq!(wheel.next(), Some(ms(10)));
        assert_eq!(drain(&mut wheel, 9), [0usize; 0]);
        assert_eq!(drain(&mut wheel, 20), [1, 3]);
        assert_eq!(drain(&mut wheel, 100), [0, 2]);
        assert_eq!((wheel.len(), wheel.next()), (0, None));
    }

    #[test]
    fn part_of_a_millisecond_is_rounded_up_so_that_nothing_is_early() {
        let mut wheel = Wheel::new();
        wheel.set(ms(0), 0, Instant::from_micros(10_001));
        assert_eq!(wheel.next(), Some(ms(11)));
    }

    #[test]
    fn what_is_far_comes_out_early_within_a_second_to_be_set_again() {
        let mut wheel = Wheel::new();
        wheel.set(ms(5), 0, ms(60_000));
        assert_eq!(wheel.next(), Some(ms(5 + 1_023)));
    }

    #[test]
    fn setting_again_moves_and_removing_forgets() {
        let mut wheel = Wheel::new();
        for index in 0..3 {
            wheel.set(ms(0), index, ms(10));
        }
        wheel.set(ms(0), 1, ms(50));
        wheel.set_at_most(ms(0), 1, ms(60));
        wheel.set_at_most(ms(0), 2, ms(5));
        wheel.remove(0);
        wheel.remove(0);
        assert_eq!(wheel.len(), 2);
        assert_eq!(drain(&mut wheel, 5), [2]);
        assert_eq!(drain(&mut wheel, 50), [1]);
    }

    #[test]
    fn after_a_long_idle_time_a_timer_is_still_in_the_future() {
        let mut wheel = Wheel::new();
        wheel.set(ms(0), 0, ms(10));
        assert_eq!(drain(&mut wheel, 10), [0]);
        wheel.set(ms(100_000), 0, ms(100_020));
        assert_eq!(wheel.next(), Some(ms(100_020)));
    }

    #[test]
    fn every_slot_is_found_from_every_cursor() {
        for start in [0u64, 1, 63, 64, 1_000, 1_023] {
            for ahead in [0u64, 1, 62, 63, 64, 500, 1_022, 1_023] {
                let mut wheel = Wheel::new();
                wheel.set(ms(start), 7, ms(start + ahead));
                assert_eq!(wheel.next(), Some(ms(start + ahead)), "{start} + {ahead}");
            }
        }
    }
}
