//! The timers of RFC 3261 17 (Table 4) and RFC 6026, as one table.

use std::time::Duration;

/// Round-trip time estimate.
pub const T1: Duration = Duration::from_millis(500);
/// The longest time between two retransmissions of a non-INVITE request or a response to an INVITE.
pub const T2: Duration = Duration::from_secs(4);
/// The longest time that a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);

/// A timer by its letter. C is a proxy's and has no place here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// INVITE request sent again.
    A,
    /// INVITE client gives up.
    B,
    /// Client waits for retransmissions of a non-2xx final response.
    D,
    /// Non-INVITE request sent again.
    E,
    /// Non-INVITE client gives up.
    F,
    /// Final response to INVITE sent again.
    G,
    /// Server gives up waiting for ACK.
    H,
    /// Server absorbs retransmissions of ACK.
    I,
    /// Server absorbs retransmissions of a non-INVITE request.
    J,
    /// Client absorbs retransmissions of a final response.
    K,
    /// Server absorbs retransmissions of an INVITE that got a 2xx (RFC 6026).
    L,
    /// Client takes further 2xx to its INVITE (RFC 6026).
    M,
}

impl Timer {
    /// How long it first runs. None where it is never started: over a reliable transport nothing is sent
    /// again. Zero where there is nothing to wait for there.
    pub const fn first(self, reliable: bool) -> Option<Duration> {
        match (self, reliable) {
            (Timer::A | Timer::E | Timer::G, true) => None,
            (Timer::A | Timer::E | Timer::G, false) => Some(T1),
            (Timer::B | Timer::F | Timer::H | Timer::L | Timer::M, _) => Some(Duration::from_secs(32)),
            (Timer::D | Timer::I | Timer::J | Timer::K, true) => Some(Duration::ZERO),
            (Timer::D | Timer::J, false) => Some(Duration::from_secs(32)),
            (Timer::I | Timer::K, false) => Some(T4),
        }
    }

    /// The first run of a timer that guards against waiting for ever, so that it always runs.
    pub const fn limit(self, reliable: bool) -> Duration {
        match self.first(reliable) {
            Some(duration) => duration,
            None => Duration::ZERO,
        }
    }
}

/// How long a retransmission timer runs next: twice as long, up to T2.
pub fn doubled(interval: Duration) -> Duration {
    (interval * 2).min(T2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_rfc_3261_and_rfc_6026() {
        let s = Duration::from_secs;
        for (timer, unreliable, reliable) in [
            (Timer::A, Some(T1), None),
            (Timer::B, Some(64 * T1), Some(64 * T1)),
            (Timer::D, Some(s(32)), Some(s(0))),
            (Timer::E, Some(T1), None),
            (Timer::F, Some(64 * T1), Some(64 * T1)),
            (Timer::G, Some(T1), None),
            (Timer::H, Some(64 * T1), Some(64 * T1)),
            (Timer::I, Some(T4), Some(s(0))),
            (Timer::J, Some(64 * T1), Some(s(0))),
            (Timer::K, Some(T4), Some(s(0))),
            (Timer::L, Some(64 * T1), Some(64 * T1)),
            (Timer::M, Some(64 * T1), Some(64 * T1)),
        ] {
            assert_eq!((timer.first(false), timer.first(true)), (unreliable, reliable), "Timer {timer:?}");
        }
    }
}
