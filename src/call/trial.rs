//! Trying a trunk as an administrator would: an OPTIONS, a REGISTER, a call to an echo. What comes of it is told, and
//! changes nothing: not whether the trunk counts as up, nor its registration, nor which of its targets are put back.
//!
//! Who tries it, in which order and what it means, stands outside (`net::doctor`): here requests leave and answers come
//! back as those of calls do.

mod calling;

use super::Action;
use super::said::Said;
use super::switchboard::Switchboard;
use super::trunk::granted;
use crate::audio::Clip;
use crate::clock::{Instant, Now};
use crate::ids::LegId;
use crate::media::{DigitSource, Recording, Statistics};
use crate::sip::digest::Rejection;
use crate::sip::endpoint::{self as sip, Failure, Reply};
use crate::sip::locate::Target;
use crate::sip::{DialogId, TransactionId};
use calling::Calling;
pub use calling::shown_number;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A trial that nobody ends is forgotten: whoever tries a trunk takes less than three minutes.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(180);
/// Requests of one trial that wait for an answer: a handful of targets, one after the other.
const SENT_MAX: usize = 8;

/// Names a trial. Never used twice within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrialId(pub u64);

/// What is wanted. A trial begins with its first order.
pub struct Order {
    /// The trunk's id.
    pub trunk: String,
    pub wish: Wish,
}

/// See [`Order`].
pub enum Wish {
    /// An OPTIONS to that target of the trunk; answered by [`News::Reply`] with that number.
    Options {
        number: u32,
        target: Target,
    },
    /// A REGISTER as the trunk's own, to that target; answered by [`News::Reply`] with that number.
    Register {
        number: u32,
        target: Target,
        /// What is asked for; as it is set up where absent.
        expires: Option<Duration>,
    },
    /// A call to the trunk's test number; it ends in [`News::Failed`] or [`News::Ended`].
    Call(Target),
    /// In the call: plays, and keeps what is heard from then on for so long; answered by [`News::Heard`].
    Play {
        clip: Arc<Clip>,
        listen: Duration,
    },
    /// In the call: presses keys; answered by [`News::Pressed`].
    Press(Arc<str>),
    HangUp,
    /// Nobody waits for anything any more.
    End,
}

/// What became of it.
pub enum News {
    Reply(Answered),
    /// The call rings.
    Rings(u16),
    Talks(Talking),
    /// The call came to nothing.
    Failed(Why),
    Heard {
        /// When its first sample left.
        played: Instant,
        recording: Box<Recording>,
    },
    Pressed,
    Digit {
        digit: char,
        source: DigitSource,
    },
    /// The call is over.
    Ended(End),
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// Of the wish.
    pub number: u32,
    pub result: Result<Said, Why>,
    pub took: Duration,
    /// Why a challenge was not answered.
    pub rejection: Option<Rejection>,
    /// For how long a REGISTER was granted, and the least that a 423 asks for.
    pub time: Option<Duration>,
}

/// A call that was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Talking {
    pub took: Duration,
    pub codec: &'static str,
    /// Whether the peer takes telephone-events.
    pub takes_events: bool,
    pub is_protected: bool,
    /// Where its media are sent.
    pub media: SocketAddr,
    /// Where ours are to come.
    pub own: SocketAddr,
}

/// Why nothing came of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    Said(Said),
    /// Nothing was heard.
    Silent,
    /// It was ringing, and nobody answered.
    NoAnswer,
    Unreachable,
    /// It answered the call with a description that leads to no audio.
    Unusable(String),
    /// It could not even be sent: a sentence without its end.
    NotSent(String),
}

/// How a call ended.
#[derive(Clone, PartialEq, Debug)]
pub struct End {
    /// The peer did it; what it says of that where that is unusual.
    pub by_peer: Option<Option<String>>,
    pub statistics: Statistics,
    /// Packets came from there in the end, and were refused.
    pub refused: Option<SocketAddr>,
}

struct Trial {
    trunk: String,
    until: Instant,
    sent: Vec<Sent>,
    call: Option<Calling>,
}

/// A request that is out.
struct Sent {
    transaction: TransactionId,
    number: u32,
    at: Instant,
    /// Whose REGISTER it is; none of an OPTIONS.
    user: Option<String>,
}

/// All trials.
#[derive(Default)]
pub(super) struct Trials(BTreeMap<TrialId, Trial>);

impl Trials {
    pub fn next_timeout(&self) -> Option<Instant> {
        let of_trial = |trial: &Trial| {
            let call = trial.call.as_ref().and_then(Calling::next_timeout);
            call.map_or(trial.until, |at| at.min(trial.until))
        };
        self.0.values().map(of_trial).min()
    }

    fn of_dialog(&self, dialog: DialogId) -> Option<TrialId> {
        self.of_call(|call| call.dialog == Some(dialog))
    }

    fn of_leg(&self, leg: LegId) -> Option<TrialId> {
        self.of_call(|call| call.media.leg == leg)
    }

    fn of_call(&self, is_meant: impl Fn(&Calling) -> bool) -> Option<TrialId> {
        let has = |trial: &Trial| trial.call.as_ref().is_some_and(&is_meant);
        self.0.iter().find(|(_, trial)| has(trial)).map(|(id, _)| *id)
    }
}

impl Switchboard {
    /// Somebody tries a trunk.
    pub(super) fn try_trunk(&mut self, now: Now, id: TrialId, order: Order, actions: &mut Vec<Action>) {
        let Order { trunk, wish } = order;
        if matches!(wish, Wish::End) {
            return self.end_trial(now, id, actions);
        }
        let fresh = || Trial {
            trunk: trunk.clone(),
            until: now.instant + TRIAL_TIME_MAX,
            sent: Vec::new(),
            call: None,
        };
        self.trials.0.entry(id).or_insert_with(fresh);
        match wish {
            Wish::Options { number, target } => {
                self.try_request(now.instant, (id, number), &trunk, &target, None, actions);
            }
            Wish::Register { number, target, expires } => {
                let expires = expires.or_else(|| self.snapshot.trunk(&trunk)?.register);
                let expires = Some(expires.unwrap_or_default());
                self.try_request(now.instant, (id, number), &trunk, &target, expires, actions);
            }
            Wish::Call(target) => {
                if let Err(why) = self.try_call(now, id, &trunk, &target) {
                    tell(actions, id, News::Failed(Why::NotSent(why)));
                }
            }
            Wish::Play { .. } | Wish::Press(_) | Wish::HangUp => {
                self.with_trial_call(id, now, actions, |call, hands| call.order(wish, hands));
            }
            Wish::End => {}
        }
    }

    fn try_request(
        &mut self,
        now: Instant,
        (id, number): (TrialId, u32),
        trunk: &str,
        target: &Target,
        expires: Option<Duration>,
        actions: &mut Vec<Action>,
    ) {
        let outside = self.trunks.outside_of(trunk, expires, target, &self.endpoint);
        let user = expires.and_then(|_| Some(self.snapshot.trunk(trunk)?.login.as_ref()?.username.clone()));
        let Some(trial) = self.trials.0.get_mut(&id) else { return };
        let outside = outside.filter(|_| trial.sent.len() < SENT_MAX);
        match outside {
            Some(outside) => {
                let transaction = self.endpoint.send_outside(now, outside, &mut self.sip_actions);
                trial.sent.push(Sent { transaction, number, at: now, user });
            }
            None => {
                let why = "no SIP request can be made of the trunk's host and account".to_owned();
                let (result, took) = (Err(Why::NotSent(why)), Duration::ZERO);
                let (rejection, time) = (None, None);
                tell(actions, id, News::Reply(Answered { number, result, took, rejection, time }));
            }
        }
    }

    /// What became of a request outside dialogs. False where it was not a trial's.
    pub(super) fn trial_replied(&mut self, now: Instant, reply: &Reply, actions: &mut Vec<Action>) -> bool {
        let found = self.trials.0.iter_mut().find_map(|(id, trial)| {
            let at = trial.sent.iter().position(|sent| sent.transaction == reply.transaction)?;
            Some((*id, trial.sent.remove(at)))
        });
        let Some((id, Sent { number, at, user, .. })) = found else { return false };
        let (result, time) = match &reply.response {
            Ok(response) => {
                let least = || response.header("Min-Expires").and_then(super::trunk::seconds);
                let time = user.and_then(|user| match response.code() {
                    423 => least(),
                    code if code < 300 => granted(response, &user),
                    _ => None,
                });
                (Ok(Said::of(response)), time)
            }
            Err(failure) => (Err(Why::of(failure)), None),
        };
        let (took, rejection) = (now - at, reply.rejection);
        tell(actions, id, News::Reply(Answered { number, result, took, rejection, time }));
        true
    }

    /// Takes an event that is of a trial's call; others come back.
    pub(super) fn trial_event(
        &mut self,
        now: Now,
        event: sip::Event,
        actions: &mut Vec<Action>,
    ) -> Option<sip::Event> {
        let id = dialog_of(&event).filter(|_| !self.trials.0.is_empty());
        let Some(id) = id.and_then(|dialog| self.trials.of_dialog(dialog)) else { return Some(event) };
        self.with_trial_call(id, now, actions, |call, hands| call.sip_event(event, hands));
        None
    }

    /// What a media thread tells of a leg that is of no call.
    pub(super) fn trial_media_event(
        &mut self,
        now: Now,
        leg: LegId,
        event: crate::media::Event,
        actions: &mut Vec<Action>,
    ) {
        match self.trials.of_leg(leg) {
            Some(id) => self.with_trial_call(id, now, actions, |call, hands| call.media_event(event, hands)),
            None => tracing::debug!(%leg, "an event of a leg that is gone"),
        }
    }

    pub(super) fn trials_due(&mut self, now: Now, actions: &mut Vec<Action>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.instant);
        if !due(self.trials.next_timeout()) {
            return;
        }
        let ids: Vec<TrialId> = self.trials.0.keys().copied().collect();
        for id in ids {
            let Some(trial) = self.trials.0.get(&id) else { continue };
            if trial.until <= now.instant {
                self.end_trial(now, id, actions);
            } else if due(trial.call.as_ref().and_then(Calling::next_timeout)) {
                self.with_trial_call(id, now, actions, Calling::handle_timeout);
            }
        }
    }

    /// Ends all trials, for a server that is stopped.
    pub(super) fn end_trials(&mut self, now: Now, actions: &mut Vec<Action>) {
        let ids: Vec<TrialId> = self.trials.0.keys().copied().collect();
        for id in ids {
            self.end_trial(now, id, actions);
        }
    }

    /// Hangs its call up. It is forgotten once nothing of that is left.
    fn end_trial(&mut self, now: Now, id: TrialId, actions: &mut Vec<Action>) {
        self.with_trial_call(id, now, actions, |call, hands| call.order(Wish::HangUp, hands));
        match self.trials.0.get_mut(&id) {
            Some(trial) if trial.call.is_some() => trial.until = Instant::FAR,
            _ => _ = self.trials.0.remove(&id),
        }
    }

    /// Does something with a trial's call, and clears away what is over.
    fn with_trial_call(
        &mut self,
        id: TrialId,
        now: Now,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut Calling, &mut calling::Hands<'_>),
    ) {
        let Some(trial) = self.trials.0.get_mut(&id) else { return };
        let Some(call) = &mut trial.call else { return };
        let mut news = Vec::new();
        let mut hands = calling::Hands {
            now: now.instant,
            sip: &mut self.endpoint,
            sip_actions: &mut self.sip_actions,
            ports: &mut self.ports,
            settings: &self.settings,
            actions,
            news: &mut news,
        };
        handle(call, &mut hands);
        if call.has_left() {
            self.trunks.end_call(&trial.trunk, super::trunk::Direction::Out);
        }
        if call.is_over() {
            trial.call = None;
            if trial.until == Instant::FAR {
                self.trials.0.remove(&id);
            }
        }
        news.into_iter().for_each(|one| tell(actions, id, one));
    }
}

fn tell(actions: &mut Vec<Action>, trial: TrialId, news: News) {
    actions.push(Action::Trial { trial, news: Box::new(news) });
}

impl Why {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Response(response) => Why::Said(Said::of(response)),
            Failure::Timeout => Why::Silent,
            Failure::Cancelled => Why::NoAnswer,
            Failure::Transport | Failure::HalfOpen | Failure::NotPracked => Why::Unreachable,
        }
    }
}

/// The dialog that an event is of.
fn dialog_of(event: &sip::Event) -> Option<DialogId> {
    use sip::Event;
    match event {
        Event::AcknowledgedAgain { dialog, .. }
        | Event::RefreshDue { dialog }
        | Event::SessionExpired { dialog }
        | Event::Response { dialog, .. }
        | Event::NotAcknowledged { dialog }
        | Event::Bye { dialog, .. }
        | Event::Provisional { dialog, .. }
        | Event::Answered { dialog, .. }
        | Event::Failed { dialog, .. } => Some(*dialog),
        Event::Request { dialog, .. } => *dialog,
        Event::Invite { .. }
        | Event::Knock { .. }
        | Event::Offended { .. }
        | Event::Cancelled { .. }
        | Event::Refused { .. }
        | Event::Acknowledged { .. }
        | Event::Pracked { .. }
        | Event::Reply(_) => None,
    }
}
