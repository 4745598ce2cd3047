//! Copies of SIP messages for a collector of the operator's, such as Homer: all of calls, and of all other messages as many as a
//! flood of strangers may cost the collector. What is secret is masked, as in [`super::ladder`].

use super::ladder::Passing;
use super::masked::masked;
use crate::clock::{Budget, Now, Wall};
use crate::ids::CallId;
use std::time::Duration;

/// Of messages that belong to no call: 500 a second, and 2,000 at once. A thousand telephones that register every minute and are
/// challenged make 70 a second.
const OTHERS_EVERY: Duration = Duration::from_millis(2);
const OTHERS_BURST: Duration = Duration::from_secs(4);

/// A message that came or went.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageCopy {
    pub at: Wall,
    pub passing: Passing,
    /// The call that it belongs to, of whichever leg.
    pub call: Option<CallId>,
    /// As long as it was, with keys and credentials masked.
    pub text: Vec<u8>,
}

/// What is to be copied, while somebody collects it.
#[derive(Default)]
pub struct Copies {
    others: Budget,
    left_out: u64,
    waiting: Vec<MessageCopy>,
}

impl Copies {
    pub(super) fn note(&mut self, now: Now, bytes: &[u8], call: Option<CallId>, passing: Passing) {
        // Neither line ends that keep a way through a router open, nor STUN.
        let begins = bytes.iter().find(|byte| !matches!(byte, b'\r' | b'\n'));
        if !begins.is_some_and(u8::is_ascii_alphabetic) {
            return;
        }
        if call.is_none() && !self.others.allows(now.instant, OTHERS_EVERY, OTHERS_BURST) {
            self.left_out += 1;
            return;
        }
        self.waiting.push(MessageCopy { at: now.wall, passing, call, text: masked(bytes) });
    }

    /// What was noted since the last time.
    pub(super) fn take(&mut self) -> std::vec::Drain<'_, MessageCopy> {
        self.waiting.drain(..)
    }

    /// Messages of no call that were too many, since the start.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CallIds, Random};
    use crate::sip::Transport;
    use std::net::SocketAddr;

    #[test]
    fn of_strangers_messages_so_many_are_copied_and_of_calls_all() {
        let peer = SocketAddr::from(([192, 0, 2, 9], 5060));
        let passing = Passing { is_sent: false, transport: Transport::Udp, own: peer, peer };
        let (mut copies, mut now) = (Copies::default(), Now::default());
        let mut note = |now, count, call| {
            (0..count).for_each(|_| copies.note(now, b"OPTIONS sip:a SIP/2.0\r\n\r\n", call, passing));
            (copies.take().count(), copies.left_out())
        };
        assert_eq!(note(now, 10_000, None), (2_001, 7_999));
        let call = CallIds::new(Random::from_seed(1)).next(Wall::from_unix_seconds(1));
        assert_eq!(note(now, 10_000, Some(call)), (10_000, 7_999));
        now = now.later(Duration::from_secs(1));
        assert_eq!(note(now, 10_000, None).0, 500);
    }
}
