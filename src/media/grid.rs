//! At which moments of the 20 ms legs send, so that they share the time evenly.

use crate::clock::Instant;
use std::time::Duration;

/// Legs send in groups 2 ms apart: fewer wake-ups than one a leg, and each group is small.
const STEP_MS: u64 = 2;
const PHASES: usize = 10;
/// Legs that a group may have above its share: as many packets leave within a tenth of a millisecond.
const SLACK: usize = 16;

/// One of the groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Phase(usize);

/// How many legs send in each group.
#[derive(Default)]
pub struct Grid {
    legs: [usize; PHASES],
}

impl Grid {
    /// A first moment for a leg that starts at `now`: at once (not more than 2 ms back) where that group is not
    /// full, else the next one that is not.
    pub fn enter(&mut self, now: Instant) -> (Instant, Phase) {
        let limit = self.legs.iter().sum::<usize>() / PHASES + SLACK;
        let base = now.as_micros() / 1_000 / STEP_MS;
        // The emptiest is below its share, so there is one within a round.
        let ahead = (0..PHASES as u64).find(|step| self.legs[phase_at(base + step)] < limit).unwrap_or(0);
        let phase = phase_at(base + ahead);
        self.legs[phase] += 1;
        (Instant::from_millis((base + ahead) * STEP_MS), Phase(phase))
    }

    pub fn leave(&mut self, phase: Phase) {
        self.legs[phase.0] = self.legs[phase.0].saturating_sub(1);
    }
}

fn phase_at(step: u64) -> usize {
    (step % PHASES as u64) as usize
}

/// The moment `samples` after `at`.
pub fn after_samples(at: Instant, samples: usize) -> Instant {
    at + Duration::from_micros(samples as u64 * 125)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_that_is_alone_starts_at_once() {
        let mut grid = Grid::default();
        assert_eq!(grid.enter(Instant::from_micros(103_700)).0, Instant::from_millis(102));
    }

    #[test]
    fn a_thousand_legs_that_start_together_are_spread_over_the_groups() {
        let mut grid = Grid::default();
        let starts: Vec<Instant> = (0..1_000).map(|_| grid.enter(Instant::from_millis(100)).0).collect();
        let most =
            (100..120).map(|ms| starts.iter().filter(|s| **s == Instant::from_millis(ms)).count()).max();
        assert!(most <= Some(120), "{most:?}");
        assert!(starts.iter().all(|start| *start < Instant::from_millis(120)));
    }

    #[test]
    fn groups_that_were_left_are_empty_again() {
        let mut grid = Grid::default();
        for _ in 0..100 {
            let (start, phase) = grid.enter(Instant::from_millis(100));
            assert_eq!(start, Instant::from_millis(100));
            grid.leave(phase);
        }
    }
}
