//! When a thread lets packets gather, as a network card does with its interrupts: waking costs more than a packet does.

use super::Waker;
use crate::clock::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::Duration;

/// Packets are counted over one packet time of audio.
const WINDOW: Duration = Duration::from_millis(20);

/// Whether packets come so thick that a thread reads at intervals what has come, rather than each on arrival. With
/// little to do each packet is read, and relayed, when it comes.
pub struct Gather {
    /// Packets of a window that make the thread busy.
    many: usize,
    since: Instant,
    packets: usize,
    busy: bool,
}

impl Gather {
    pub fn new(many: usize) -> Self {
        Gather { many, since: Instant::default(), packets: 0, busy: false }
    }

    /// Counts what was read, and says whether the thread is busy.
    pub fn is_busy(&mut self, now: Instant, packets: usize) -> bool {
        self.packets += packets;
        if now.since(self.since) >= WINDOW {
            self.busy = self.packets >= self.many;
            (self.since, self.packets) = (now, 0);
        }
        self.busy
    }
}

/// Waits for `waker` alone, no longer than `wait`. However it ends, the thread's own wait comes next and sees what
/// there is.
pub fn wait_for_orders(waker: &Waker, wait: Duration) {
    let _ = poll(&mut [PollFd::new(waker, PollFlags::IN)], Timespec::try_from(wait).ok().as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_busy_from_the_set_number_of_packets_in_a_window_until_a_window_has_fewer() {
        let mut gather = Gather::new(4);
        let at = |ms: u64| Instant::from_millis(1_000 + ms);
        assert!(!gather.is_busy(at(0), 1), "the first window begins");
        assert!(!gather.is_busy(at(5), 2));
        assert!(gather.is_busy(at(21), 2), "four in a window");
        assert!(gather.is_busy(at(30), 3), "until the next is over");
        assert!(!gather.is_busy(at(42), 0), "three");
    }
}
