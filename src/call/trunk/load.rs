//! How many calls a trunk has, and whether one more fits.

use super::settings::CallLimits;
use crate::clock::{Budget, Instant};
use std::time::Duration;

/// Which way a call goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    In,
    Out,
}

/// Why one more call does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Full {
    #[error("it has {0} calls, and takes no more at one time")]
    Calls(u32),
    #[error("it takes {0} calls a second")]
    PerSecond(u32),
}

/// One trunk's.
#[derive(Clone, Copy, Default, Debug)]
pub struct Load {
    calls: [u32; 2],
    rates: [Budget; 2],
    /// Calls that did not fit.
    pub refused: [u64; 2],
}

impl Load {
    /// Takes one more call in, where it fits.
    pub fn begin(&mut self, now: Instant, direction: Direction, limits: &CallLimits) -> Result<(), Full> {
        let at = direction as usize;
        let (most, rate) = match direction {
            Direction::In => (limits.calls_in, limits.per_second_in),
            Direction::Out => (limits.calls_out, limits.per_second_out),
        };
        let full = if let Some(most) = most.filter(|most| self.calls[at] >= *most) {
            Some(Full::Calls(most))
        } else {
            rate.filter(|rate| !self.fits_rate(now, at, *rate)).map(Full::PerSecond)
        };
        match full {
            Some(full) => {
                self.refused[at] += 1;
                Err(full)
            }
            None => {
                self.calls[at] += 1;
                Ok(())
            }
        }
    }

    /// A second's worth may come at once: carriers count by the second.
    fn fits_rate(&mut self, now: Instant, at: usize, rate: u32) -> bool {
        let interval = Duration::from_secs(1) / rate.max(1);
        self.rates[at].allows(now, interval, interval * (rate.max(1) - 1))
    }

    pub fn end(&mut self, direction: Direction) {
        let calls = &mut self.calls[direction as usize];
        *calls = calls.saturating_sub(1);
    }

    pub fn calls(&self, direction: Direction) -> u32 {
        self.calls[direction as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_own_calls_and_its_own_rate() {
        let limits = CallLimits { calls_in: Some(2), per_second_out: Some(3), ..CallLimits::default() };
        let (mut load, now) = (Load::default(), Instant::from_millis(5_000));
        let ins: Vec<_> = (0..3).map(|_| load.begin(now, Direction::In, &limits)).collect();
        assert_eq!(ins, [Ok(()), Ok(()), Err(Full::Calls(2))]);
        load.end(Direction::In);
        assert_eq!(load.begin(now, Direction::In, &limits), Ok(()));
        let outs: Vec<_> = (0..4).map(|_| load.begin(now, Direction::Out, &limits)).collect();
        assert_eq!(outs, [Ok(()), Ok(()), Ok(()), Err(Full::PerSecond(3))]);
        let later = now + Duration::from_millis(334);
        assert_eq!(load.begin(later, Direction::Out, &limits), Ok(()));
        assert_eq!((load.refused, load.calls(Direction::Out)), ([1, 1], 4));
    }
}
