//! Captures of calls: which legs' packets are noted at this moment, and what was noted of those that are done.

use super::Action;
use super::b2bua::{Call, Context};
use super::live::leg_number;
use super::switchboard::Switchboard;
use crate::clock::{Instant, Now};
use crate::ids::{CallId, LegId};
use crate::media::{CAPTURE_TIME, Capture, Command};
use std::net::SocketAddr;
use std::sync::Arc;

/// Captures that run at a time: people look at a call each, and each has up to 6 MB.
const RUNNING_MAX: usize = 4;
/// Calls whose captures are kept, for whoever has yet to fetch them; the oldest make way. 50 MB at the most.
const KEPT_MAX: usize = 8;
/// Legs of a call that are captured: the caller's, and three that answered.
const LEGS_MAX: usize = 4;

/// One call's capture.
#[derive(Clone, PartialEq, Debug)]
pub struct CallCapture {
    pub began: Now,
    pub until: Instant,
    /// Somebody ended it before its time.
    is_stopped: bool,
    /// Legs whose packets are being noted.
    waiting: Vec<(LegId, u32, SocketAddr)>,
    pub done: Vec<Captured>,
}

/// What was noted of a leg.
#[derive(Clone, PartialEq, Debug)]
pub struct Captured {
    pub leg: u32,
    /// Our address for its RTP; RTCP has the next port.
    pub own: SocketAddr,
    pub capture: Arc<Capture>,
}

impl CallCapture {
    pub fn is_running(&self, now: Instant) -> bool {
        !self.is_stopped && now < self.until
    }

    /// Whether all that was noted is there.
    pub fn is_whole(&self, now: Instant) -> bool {
        !self.is_running(now) && self.waiting.is_empty()
    }
}

/// All captures, the oldest first.
#[derive(Default)]
pub struct Captures {
    calls: Vec<(CallId, CallCapture)>,
    refused: u64,
    left_out: u64,
}

impl Captures {
    pub fn of(&self, call: CallId) -> Option<&CallCapture> {
        self.calls.iter().rfind(|(of, _)| *of == call).map(|(_, capture)| capture)
    }

    /// Captures that were asked for when as many ran as may.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Packets that there was no room for.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn of_mut(&mut self, call: CallId) -> Option<&mut CallCapture> {
        self.calls.iter_mut().rfind(|(of, _)| *of == call).map(|(_, capture)| capture)
    }

    /// Begins one; what was noted of the call before is gone. False where too many run.
    fn begin(&mut self, call: CallId, now: Now) -> bool {
        let running = self.calls.iter().filter(|(_, capture)| !capture.is_whole(now.instant)).count();
        if running >= RUNNING_MAX {
            self.refused += 1;
            return false;
        }
        self.calls.retain(|(of, _)| *of != call);
        if self.calls.len() >= KEPT_MAX
            && let Some(oldest) = self.calls.iter().position(|(_, capture)| capture.is_whole(now.instant))
        {
            self.calls.remove(oldest);
        }
        let until = now.instant + CAPTURE_TIME;
        let capture =
            CallCapture { began: now, until, is_stopped: false, waiting: Vec::new(), done: Vec::new() };
        self.calls.push((call, capture));
        true
    }

    /// The call is over, and so is its capture: nothing more can come of legs that are closed.
    pub(super) fn over(&mut self, call: CallId) {
        if let Some(capture) = self.of_mut(call) {
            capture.is_stopped = true;
            capture.waiting.clear();
        }
    }

    fn done(&mut self, call: CallId, leg: LegId, capture: Capture) {
        self.left_out += u64::from(capture.left_out);
        let Some(known) = self.of_mut(call) else { return };
        if let Some(at) = known.waiting.iter().position(|(waiting, ..)| *waiting == leg) {
            let (_, leg, own) = known.waiting.remove(at);
            known.done.push(Captured { leg, own, capture: Arc::new(capture) });
        }
    }
}

impl Switchboard {
    /// The captures of calls.
    pub fn captures(&self) -> &Captures {
        &self.captures
    }
}

impl Call {
    /// Begins to note the headers of the call's packets, unless that is done already.
    pub(super) fn begin_capture(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        let is_running = context.captures.of(self.id).is_some_and(|capture| !capture.is_whole(now.instant));
        if is_running || context.captures.begin(self.id, now) {
            self.capture_legs(context);
        }
    }

    /// Notes those of legs too that opened meanwhile.
    pub(super) fn capture_legs(&self, context: &mut Context<'_>) {
        let Some(capture) = context.captures.of_mut(self.id) else { return };
        if !capture.is_running(context.now.instant) {
            return;
        }
        let dialled = self.dialled.iter().filter_map(|d| Some((leg_number(d.dial), d.media.as_ref()?)));
        for (number, media) in std::iter::once((0, self.caller_media())).chain(dialled) {
            let is_known = capture.waiting.iter().any(|(leg, ..)| *leg == media.leg)
                || capture.done.iter().any(|done| done.leg == number);
            if is_known || !media.is_open() || capture.waiting.len() + capture.done.len() >= LEGS_MAX {
                continue;
            }
            capture.waiting.push((media.leg, number, media.own()));
            let room = Box::new(Capture::until(capture.until));
            let command = Command::Capture { leg: media.leg, capture: room };
            context.actions.push(Action::Media { thread: media.thread, command });
        }
    }

    /// Ends it before its time; what was noted comes from the media thread.
    pub(super) fn end_capture(&mut self, context: &mut Context<'_>) {
        let thread = self.caller_media().thread;
        let Some(capture) = context.captures.of_mut(self.id) else { return };
        capture.is_stopped = true;
        for (leg, ..) in &capture.waiting {
            let command = Command::EndCapture { leg: *leg };
            context.actions.push(Action::Media { thread, command });
        }
    }

    pub(super) fn captured(&self, leg: LegId, capture: Capture, context: &mut Context<'_>) {
        context.captures.done(self.id, leg, capture);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use crate::ids::{CallIds, Random};
    use std::time::Duration;

    #[test]
    fn four_run_at_a_time_and_eight_are_kept_the_latest() {
        let mut ids = CallIds::new(Random::from_seed(1));
        let calls: Vec<_> = (0..12).map(|n| ids.next(Wall::from_unix_seconds(n))).collect();
        let mut captures = Captures::default();
        let mut now = Now::default();
        let begun: Vec<_> = calls[..6].iter().map(|call| captures.begin(*call, now)).collect();
        assert_eq!((begun, captures.refused()), (vec![true, true, true, true, false, false], 2));
        // What its media thread never gave back does not hold its place.
        captures.of_mut(calls[0]).unwrap().waiting.push((LegId(1), 0, SocketAddr::from(([127, 0, 0, 1], 1))));
        captures.over(calls[0]);
        assert!(captures.of(calls[0]).is_some_and(|capture| capture.is_whole(now.instant)));
        assert!(captures.begin(calls[4], now), "one that is over makes room");
        now = now.later(CAPTURE_TIME + Duration::from_secs(1));
        for call in &calls {
            assert!(captures.begin(*call, now));
            now = now.later(CAPTURE_TIME);
        }
        assert_eq!(captures.calls.len(), KEPT_MAX);
        assert!(captures.of(calls[3]).is_none() && captures.of(calls[4]).is_some());
    }
}
