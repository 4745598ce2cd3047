//! The one door of signalling: all calls, in the order in which things happen to them.

mod sip_events;

use super::b2bua::{Call, Context, Settings};
use super::capture::Captures;
use super::copies::Copies;
use super::index::Index;
use super::ladder::Ladders;
use super::live::{Changed, LiveEvent, What};
use super::ports::Ports;
use super::record::EndReason;
use super::registering::Certified;
use super::snapshot::Snapshot;
use super::trial::Trials;
use super::trunk::{Direction, Trunks};
use super::{Action, Input};
use crate::clock::{Budget, Instant, Now};
use crate::flow::Party;
use crate::hidden::Hidden;
use crate::ids::{CallId, CallIds, Random};
use crate::media;
use crate::registrar::{Limits as RegistrarLimits, Registrar, Waiting};
use crate::sip::endpoint::{self as sip, Endpoint, EndpointConfig};
use crate::sip::locate::Blocked;
use crate::sip::{DialogId, TransactionId, Transport};
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

/// What does not change while the server runs.
#[derive(Clone, Debug)]
pub struct SwitchboardConfig {
    pub endpoint: EndpointConfig,
    pub settings: Settings,
    pub media_threads: usize,
    /// Pairs of media ports in the configured range.
    pub port_pairs: usize,
    /// Calls at one time.
    pub calls_max: usize,
    /// Who is never banned, besides those who are set up or registered.
    pub never_banned: Vec<IpNet>,
}

/// What happened since the start. Each field only grows.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counters {
    /// INVITEs outside a dialog.
    pub invites: u64,
    pub answered: u64,
    pub rejected: u64,
    /// Of those: callers in a number's list, numbers with all the calls they take, numbers that lead nowhere.
    pub blocked: u64,
    pub number_full: u64,
    pub not_in_service: u64,
    pub dialled: u64,
    pub ended: u64,
    pub flow_steps: u64,
    pub flow_step_errors: u64,
    /// Questions of flows to other systems, and those without a usable reply.
    pub lookups: u64,
    pub lookups_failed: u64,
    /// By [`media::DigitSource`].
    pub digits: [u64; 3],
    /// Of legs that ended: lost on the way to us, from strangers, unreadable.
    pub rtp_lost: u64,
    pub rtp_refused: u64,
    pub rtp_bad: u64,
}

/// What is kept at this moment. All zero when nothing is left.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counts {
    pub calls: usize,
    pub dialogs: usize,
    pub legs: usize,
    pub ports_lent: usize,
    pub sip: sip::Counts,
}

/// All calls.
pub struct Switchboard {
    pub(super) endpoint: Endpoint,
    pub(super) settings: Settings,
    pub(super) calls_max: usize,
    pub(super) never_banned: Vec<IpNet>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) calls: HashMap<CallId, Call>,
    pub(super) ids: CallIds,
    /// How many there are of each Smart Number, over all snapshots.
    pub(super) number_calls: HashMap<String, u32>,
    pub(super) index: Index,
    pub(super) ports: Ports,
    pub(super) random: Random,
    /// Lazy: an entry counts only while its call says the same.
    timers: BinaryHeap<Reverse<(Instant, CallId)>>,
    pub(super) sip_actions: Vec<sip::Action>,
    pub(super) draining: bool,
    /// While somebody looks at the list of calls.
    pub(super) changed: Option<Changed>,
    pub(super) counters: Counters,
    pub(super) ladders: Ladders,
    /// Where somebody collects messages.
    pub(super) copies: Option<Copies>,
    pub(super) captures: Captures,
    pub(super) registrar: Registrar,
    /// How often the log tells of those who show wrong credentials, or ask for what they do not get.
    pub(super) refusals_told: Budget,
    pub(super) messages_waiting: Waiting,
    /// Names of the certificates that were shown over streams that are open.
    pub(super) certified: Certified,
    /// NOTIFYs that are out, with the tag of ours that names their subscription.
    pub(super) notifies: HashMap<TransactionId, Box<str>>,
    pub(super) trunks: Trunks,
    pub(super) trials: Trials,
}

impl Switchboard {
    pub fn new(config: SwitchboardConfig, snapshot: Arc<Snapshot>, mut random: Random) -> Self {
        let domain = config.settings.domain.clone();
        let (offered, limits) = (config.settings.digest.clone(), RegistrarLimits::default());
        let mut switchboard = Switchboard {
            endpoint: Endpoint::new(config.endpoint, random.fork()),
            settings: config.settings,
            calls_max: config.calls_max,
            never_banned: config.never_banned,
            snapshot,
            calls: HashMap::new(),
            ids: CallIds::new(random.fork()),
            number_calls: HashMap::new(),
            index: Index::default(),
            ports: Ports::new(config.media_threads, config.port_pairs),
            registrar: Registrar::new(&domain, offered, limits, &mut random.fork()),
            refusals_told: Budget::default(),
            messages_waiting: Waiting::default(),
            certified: HashMap::new(),
            notifies: HashMap::new(),
            trunks: Trunks::new(&domain, random.fork()),
            trials: Trials::default(),
            random,
            timers: BinaryHeap::new(),
            sip_actions: Vec::new(),
            draining: false,
            changed: None,
            counters: Counters::default(),
            ladders: Ladders::default(),
            copies: None,
            captures: Captures::default(),
        };
        switchboard.admit_by_snapshot();
        // The trunks' first steps are at once.
        switchboard.take_accounts(Instant::ZERO, &mut Vec::new());
        switchboard
    }

    /// Takes what happened and says what to do.
    pub fn handle(&mut self, now: Now, input: Input<'_>, actions: &mut Vec<Action>) {
        let first = actions.len();
        let datagram = match &input {
            Input::Datagram { listener, source, bytes } => Some((*listener, *source, *bytes)),
            _ => None,
        };
        match input {
            Input::Datagram { listener, source, bytes } => {
                let admitted = self.is_admitted(now.instant, Transport::Udp, source);
                let input = sip::Input::Datagram { listener, source, bytes, admitted };
                self.endpoint.handle(now.instant, input, &mut self.sip_actions);
            }
            Input::StreamOpened { connection, listener, peer, names } => {
                if !names.is_empty() {
                    self.certified.insert(connection, names);
                }
                // Whoever registers is let in then.
                let admitted = self.may_stream(connection, peer);
                let input = sip::Input::StreamOpened { connection, listener, peer, admitted };
                self.endpoint.handle(now.instant, input, &mut self.sip_actions);
            }
            Input::StreamData { connection, bytes } => {
                self.admit_registrar(now.instant, connection);
                self.endpoint.handle(
                    now.instant,
                    sip::Input::StreamData { connection, bytes },
                    &mut self.sip_actions,
                );
            }
            Input::StreamClosed { connection } => {
                self.certified.remove(&connection);
                if let Some((_, transport, peer)) = self.endpoint.peer_of(connection) {
                    self.registrar.stream_closed(transport, peer, connection);
                }
                self.trunks.stream_closed(now.instant, connection);
                self.endpoint.handle(
                    now.instant,
                    sip::Input::StreamClosed { connection },
                    &mut self.sip_actions,
                );
            }
            Input::Media { event, .. } => self.media_event(now, event, actions),
            Input::PortsBound { thread, asked, ports } => self.ports.bound(thread, asked, ports),
            Input::Snapshot(snapshot) => {
                self.snapshot = snapshot;
                self.take_accounts(now.instant, actions);
                self.admit_by_snapshot();
                self.lift_bans_of_the_known();
            }
            Input::Rendered { request, result } => {
                self.with_call(request.call, now, actions, |call, context| {
                    call.rendered(request, result, context)
                });
            }
            Input::Replied { request, result } => {
                self.with_call(request.call, now, actions, |call, context| {
                    call.replied(request, result, context)
                });
            }
            Input::Resolved { request, result } => {
                let instant = now.instant;
                if self
                    .with_trunks(actions, |trunks, hands| trunks.resolved(instant, request, &result, hands))
                {
                    return self.settle(now, actions);
                }
                self.with_call(request.call, now, actions, |call, context| {
                    call.resolved(request, result, context)
                });
            }
            Input::Register(trunk) => self.trunks.try_again(now.instant, &trunk),
            Input::Unbind { account, binding } => self.unbind(&account, binding),
            Input::Trial { trial, order } => self.try_trunk(now, trial, *order, actions),
            Input::Drain => {
                self.draining = true;
                self.with_trunks(actions, |trunks, hands| trunks.stop(now.instant, hands));
            }
            Input::HangUp(id) => {
                self.with_call(id, now, actions, |call, context| {
                    call.end(EndReason::OperatorHungUp, context)
                });
            }
            Input::BeginCapture(id) => self.with_call(id, now, actions, Call::begin_capture),
            Input::EndCapture(id) => self.with_call(id, now, actions, Call::end_capture),
            Input::Stop => self.stop(now, actions),
        }
        self.settle(now, actions);
        self.keep_messages(now, datagram, first, actions);
    }

    /// Does all that is due.
    pub fn handle_timeout(&mut self, now: Now, actions: &mut Vec<Action>) {
        let first = actions.len();
        self.endpoint.handle_timeout(now.instant, &mut self.sip_actions);
        self.accounts_due(now.instant, actions);
        self.trials_due(now, actions);
        while let Some(Reverse((at, id))) =
            self.timers.peek().copied().filter(|Reverse((at, _))| *at <= now.instant)
        {
            self.timers.pop();
            if self.calls.get(&id).is_some_and(|call| call.scheduled == Some(at)) {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.scheduled = None;
                }
                self.with_call(id, now, actions, Call::handle_timeout);
            }
        }
        self.settle(now, actions);
        self.keep_messages(now, None, first, actions);
    }

    /// When [`Switchboard::handle_timeout`] is to be called at the latest.
    pub fn next_timeout(&self) -> Option<Instant> {
        let call = self.timers.peek().map(|Reverse((at, _))| *at);
        let aside = [self.next_of_accounts(), self.trials.next_timeout()];
        [call, self.endpoint.next_timeout()].into_iter().chain(aside).flatten().min()
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn sip_counters(&self) -> &sip::Counters {
        self.endpoint.counters()
    }

    /// Whether a call that came now would get a media port at once.
    pub fn has_ports(&self) -> bool {
        self.ports.ready() > 0
    }

    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.len(),
            dialogs: self.index.dialogs.len(),
            legs: self.index.legs.len(),
            ports_lent: self.ports.lent(),
            sip: self.endpoint.counts(),
        }
    }

    /// The SIP messages of calls.
    pub fn ladders(&self) -> &Ladders {
        &self.ladders
    }

    /// Targets that are put back since they do not answer.
    pub fn blocked(&self) -> &Blocked {
        &self.endpoint.blocked
    }

    pub fn ports_free(&self) -> usize {
        self.ports.free()
    }

    /// Of the snapshot that new calls start on.
    pub fn revision(&self) -> u64 {
        self.snapshot.revision
    }

    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// Carries out what the endpoint said until it has nothing more to say, and asks for ports ahead of need.
    fn settle(&mut self, now: Now, actions: &mut Vec<Action>) {
        let mut queue = VecDeque::from(std::mem::take(&mut self.sip_actions));
        while let Some(action) = queue.pop_front() {
            match action {
                sip::Action::Event(event) => {
                    self.sip_event(now, event, actions);
                    queue.extend(self.sip_actions.drain(..));
                }
                other => actions.push(Action::Sip(other)),
            }
        }
        self.sip_actions = queue.into();
        while let Some((thread, count)) = self.ports.wanted(now.instant) {
            actions.push(Action::BindPorts { thread, count });
        }
    }

    // Requests of others.

    // Media.

    fn media_event(&mut self, now: Now, event: media::Event, actions: &mut Vec<Action>) {
        let leg = match &event {
            media::Event::Digit { leg, .. }
            | media::Event::PlaybackEnded { leg, .. }
            | media::Event::Inactive { leg, .. }
            | media::Event::SourceLearned { leg, .. }
            | media::Event::Condition { leg, .. }
            | media::Event::Captured { leg, .. }
            | media::Event::Recorded { leg, .. }
            | media::Event::Closed { leg, .. } => *leg,
        };
        let Some((id, party)) = self.index.legs.get(&leg).copied() else {
            return self.trial_media_event(now, leg, event, actions);
        };
        self.with_call(id, now, actions, |call, context| call.media_event(party, event, context));
    }

    /// Ends all calls, for a server that is told to stop at once.
    fn stop(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.draining = true;
        self.with_trunks(actions, |trunks, hands| trunks.stop(now.instant, hands));
        self.end_trials(now, actions);
        let mut ids: Vec<CallId> = self.calls.keys().copied().collect();
        // In an order of ours, so that the same run is the same to the last byte.
        ids.sort_unstable();
        for id in ids {
            self.with_call(id, now, actions, |call, context| call.end(EndReason::ServerStopped, context));
        }
    }

    // Finding the call.

    fn with_caller(
        &mut self,
        dialog: DialogId,
        now: Now,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut Call, &mut Context<'_>),
    ) {
        self.with_dialog(dialog, now, actions, |call, party, context| {
            if party == Party::Caller {
                handle(call, context);
            }
        });
    }

    fn with_dialled(
        &mut self,
        dialog: DialogId,
        now: Now,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut Call, crate::flow::DialId, &mut Context<'_>),
    ) {
        self.with_dialog(dialog, now, actions, |call, party, context| {
            if let Party::Dialled(dial) = party {
                handle(call, dial, context);
            }
        });
    }

    fn with_dialog(
        &mut self,
        dialog: DialogId,
        now: Now,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut Call, Party, &mut Context<'_>),
    ) {
        if let Some((id, party)) = self.index.dialogs.get(&dialog).copied() {
            self.with_call(id, now, actions, |call, context| handle(call, party, context));
        }
    }

    pub(super) fn with_call(
        &mut self,
        id: CallId,
        now: Now,
        actions: &mut Vec<Action>,
        handle: impl FnOnce(&mut Call, &mut Context<'_>),
    ) {
        // Taken out, so that the call may use the rest of the switchboard.
        let Some(mut call) = self.calls.remove(&id) else { return };
        handle(&mut call, &mut context(self, now, actions));
        self.calls.insert(id, call);
        self.after(id, now, actions);
    }

    fn leave_number(&mut self, number: &str) {
        if let Some(calls) = self.number_calls.get_mut(number) {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.number_calls.remove(number);
            }
        }
    }

    /// Most entries are dead long before their time (a call's limit is hours): thrown out once they are the most.
    fn sweep_timers(&mut self) {
        if self.timers.len() > 1_024 + 4 * self.calls.len() {
            let calls = &self.calls;
            self.timers
                .retain(|Reverse((at, id))| calls.get(id).is_some_and(|call| call.scheduled == Some(*at)));
        }
    }

    /// Sets the call's timer, or writes its record where it is over.
    pub(super) fn after(&mut self, id: CallId, now: Now, actions: &mut Vec<Action>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.is_over() {
            if let Some(call) = self.calls.remove(&id) {
                self.counters.ended += 1;
                self.note_end(id);
                self.ladders.over(id);
                self.captures.over(id);
                self.leave_number(call.number());
                if let Some(trunk) = call.trunk() {
                    self.trunks.end_call(trunk, Direction::In);
                }
                let record = call.into_record(now);
                let outcome = record.outcome.as_ref();
                let agent = outcome.and_then(|outcome| outcome.agent_id.as_deref());
                tracing::info!(
                    call = %id, number = record.number.as_deref().map(|number| display(Hidden::number(number))),
                    reason = %Hidden::sentence(&record.reason), seconds = record.duration_sec,
                    outcome = outcome.map(|outcome| outcome.outcome.word()),
                    agent = agent.map(|agent| display(Hidden::party(agent))),
                    "call ended"
                );
                let what = What::Ended {
                    reason: record.end_reason,
                    outcome: outcome.map(|outcome| outcome.outcome),
                };
                let event = LiveEvent { call_id: record.call_id.clone(), at: now.wall, what };
                actions.push(Action::Live(Box::new(event)));
                actions.push(Action::Record(Box::new(record)));
            }
            return;
        }
        let next = call.next_timeout();
        let is_due_anew = next != call.scheduled;
        call.scheduled = next;
        if std::mem::take(&mut call.is_changed) {
            self.note_change(id);
        }
        if is_due_anew {
            self.timers.extend(next.map(|at| Reverse((at, id))));
            self.sweep_timers();
        }
    }
}

/// RFC 3261 section 20.33: long enough for a load to pass, short enough for a caller who tries again.
pub(super) fn retry_after() -> (String, String) {
    ("Retry-After".to_owned(), "5".to_owned())
}

pub(super) fn context<'a>(
    switchboard: &'a mut Switchboard,
    now: Now,
    actions: &'a mut Vec<Action>,
) -> Context<'a> {
    Context {
        now,
        sip: &mut switchboard.endpoint,
        sip_actions: &mut switchboard.sip_actions,
        ports: &mut switchboard.ports,
        settings: &switchboard.settings,
        random: &mut switchboard.random,
        index: &mut switchboard.index,
        ladders: &mut switchboard.ladders,
        captures: &mut switchboard.captures,
        registrar: &switchboard.registrar,
        trunks: &mut switchboard.trunks,
        counters: &mut switchboard.counters,
        actions,
    }
}

/// Text from the wire for logs and records: cut, and without control characters.
pub(super) fn printable(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}
