//! One call: the caller's leg, the legs that its flow dials, and the flow between them.
//!
//! The state of a call stands here, with its begin and its timers. What may happen to it stands by subject in the
//! files below: they share the fields, and nobody outside sees any.

mod agents;
mod caller;
mod early;
mod end;
mod hand_over;
mod hold;
pub mod insight;
mod live;
mod media;
mod playback;
mod requests;
mod responses;
mod script;
mod successor;
mod transfer;

use super::capture::Captures;
use super::dialled::{Dialled, LegEnd};
use super::identity::Identified;
use super::index::Index;
use super::ladder::Ladders;
use super::live::{What, result_words as live_words};
use super::media_leg::{MediaLeg, MediaSettings, Sender};
use super::ports::Ports;
use super::record::{EndReason, FailedTransfer, Key, LegRecord, TroubleRecord};
use super::snapshot::{Snapshot, Speech, Trunk};
use super::troubles::TroubleKind;
use super::trunk::Trunks;
use super::{Action, RequestId};
use crate::audio::Clip;
use crate::clock::{Instant, Now};
use crate::flow::{
    self, Action as FlowAction, Event as FlowEvent, FlowVersion, Interpreter, LookupError, LookupId, Outcome,
    Party, Person, Reply,
};
use crate::hidden::Hidden;
use crate::ids::{CallId, Random};
use crate::media::Command;
use crate::registrar::Registrar;
use crate::sip::digest::Hash;
use crate::sip::endpoint::Endpoint;
use crate::sip::message::Request;
use crate::sip::{DialogId, Peer};
use caller::{Caller, CallerState, Told};
use early::EarlyMedia;
use hand_over::HandingOver;
use hold::Hold;
use media::Vanished;
use playback::Waiting;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub(super) use successor::Successor;
use transfer::Transfers;
pub(super) use transfer::{NewHome, Order, refuse};

/// A caller who was told nothing for so long gets a 180, since many trunks give silence up early (contract).
const RING_AFTER: Duration = Duration::from_millis(500);
/// A caller who waits on is told so again: proxies give up what says nothing for three minutes (RFC 3261 section 13.3.1.1).
const RING_AGAIN: Duration = Duration::from_secs(60);
/// An echo test that nobody ends is ended.
const ECHO_MAX: Duration = Duration::from_secs(3_600);

/// What a call may use of the switchboard while it handles something.
pub(super) struct Context<'a> {
    pub now: Now,
    pub sip: &'a mut Endpoint,
    pub sip_actions: &'a mut Vec<crate::sip::endpoint::Action>,
    pub ports: &'a mut Ports,
    pub settings: &'a Settings,
    pub random: &'a mut Random,
    pub index: &'a mut Index,
    pub ladders: &'a mut Ladders,
    pub captures: &'a mut Captures,
    pub registrar: &'a Registrar,
    pub trunks: &'a mut Trunks,
    pub counters: &'a mut super::switchboard::Counters,
    pub actions: &'a mut Vec<Action>,
}

/// What all calls share and no reload changes.
#[derive(Clone, Debug)]
pub struct Settings {
    pub domain: String,
    pub media: MediaSettings,
    /// What is offered to those who have to show who they are, the preferred first.
    pub digest: Vec<Hash>,
}

/// A call as it came in, already routed.
pub(super) struct Arrival {
    pub id: CallId,
    pub dialog: DialogId,
    pub request: Arc<Request>,
    pub peer: Peer,
    pub trunk: Option<String>,
    pub number: String,
    /// What runs; `None` for an echo.
    pub start: Option<FlowVersion>,
    /// Whether that is a call flow of people's making, which the record names.
    pub is_service: bool,
    pub facts: flow::CallFacts,
    /// The number that was dialled as it came, where that is not what the facts say.
    pub to_raw: Option<String>,
    pub caller: Identified,
    pub media: MediaLeg,
    pub snapshot: Arc<Snapshot>,
}

/// A question of the flow that has no reply yet.
struct Asked {
    request: RequestId,
    lookup: LookupId,
    step: String,
    kind: &'static str,
    since: Instant,
}

pub(super) struct Call {
    pub id: CallId,
    facts: flow::CallFacts,
    to_raw: Option<String>,
    /// Who calls, also where that is not to be seen.
    pub(super) identified: Identified,
    snapshot: Arc<Snapshot>,
    caller: Caller,
    pub(super) dialled: Vec<Dialled>,
    interpreter: Option<Interpreter>,
    waiting: Vec<Waiting>,
    rendered: Vec<(Speech, Arc<Clip>)>,
    /// Questions of the flow that have no reply yet.
    asked: Vec<Asked>,
    next_request: u32,
    keys: Vec<Key>,
    legs: Vec<LegRecord>,
    /// Troubles that are in the record already, by leg.
    noted: Vec<(u32, TroubleKind)>,
    trouble_records: Vec<TroubleRecord>,
    /// What came of the legs that were dialled.
    ends: Vec<LegEnd>,
    failed_transfers: Vec<FailedTransfer>,
    /// Media legs that the engine has yet to close.
    closing: usize,
    outcome: Option<Outcome>,
    ended: Option<(EndReason, Option<u16>)>,
    /// What the record says of the end in place of the usual sentence.
    end_note: Option<String>,
    /// Why the side that hung up first did, as a Q.850 cause: the other side is told.
    cause_said: Option<u8>,
    /// Why the party that the flow is told to be gone has vanished.
    vanished: Option<Vanished>,
    hold: Hold,
    early: EarlyMedia,
    transfers: Transfers,
    /// The caller's side was asked to take the call over.
    handing_over: Option<HandingOver>,
    started: Now,
    deadline: Option<Instant>,
    /// It looks different in a list since the switchboard looked last.
    pub is_changed: bool,
    /// What the switchboard's heap holds for this call.
    pub scheduled: Option<Instant>,
    flow_actions: Vec<FlowAction>,
    trunk: Option<String>,
    number: String,
    flow: Option<FlowVersion>,
    source: SocketAddr,
}

impl Call {
    /// Begins a call: its flow runs at once.
    pub fn start(arrival: Arrival, context: &mut Context<'_>) -> Call {
        let Arrival { id, dialog, request, peer, trunk, number, start, is_service, facts, .. } = arrival;
        let Arrival { caller: identified, to_raw, media, snapshot, .. } = arrival;
        context.index.dialogs.insert(dialog, (id, Party::Caller));
        let state = CallerState::Ringing { told: Told::Nothing };
        let sender = if peer.transport.is_reliable() { Sender::Proven } else { Sender::Claimed };
        let (peer_ip, unacknowledged_since) = (peer.address.ip(), None);
        let caller =
            Caller { dialog, invite: request, state, media, peer: peer_ip, sender, unacknowledged_since };
        let mut call = Call {
            id,
            facts,
            to_raw,
            identified,
            snapshot,
            caller,
            dialled: Vec::new(),
            interpreter: None,
            waiting: Vec::new(),
            rendered: Vec::new(),
            asked: Vec::new(),
            next_request: 0,
            keys: Vec::new(),
            legs: Vec::new(),
            noted: Vec::new(),
            trouble_records: Vec::new(),
            ends: Vec::new(),
            failed_transfers: Vec::new(),
            closing: 0,
            outcome: None,
            ended: None,
            end_note: None,
            cause_said: None,
            vanished: None,
            hold: Hold::default(),
            early: EarlyMedia::default(),
            transfers: Transfers::default(),
            handing_over: None,
            started: context.now,
            deadline: Some(context.now.instant + RING_AFTER),
            is_changed: false,
            scheduled: None,
            flow_actions: Vec::new(),
            trunk,
            number,
            flow: start.clone().filter(|_| !is_service),
            source: peer.address,
        };
        call.tell_start(context);
        match start {
            Some(flow) => {
                let mut actions = std::mem::take(&mut call.flow_actions);
                let interpreter = Interpreter::start(
                    flow,
                    call.snapshot.library.clone(),
                    call.facts.clone(),
                    context.random.fork(),
                    context.now,
                    &mut actions,
                );
                call.interpreter = Some(interpreter);
                let mut events = VecDeque::new();
                call.perform_all(actions, &mut events, context);
                call.feed_all(events, context);
            }
            None => call.start_echo(context),
        }
        call
    }

    fn start_echo(&mut self, context: &mut Context<'_>) {
        self.answer(context);
        self.deadline = Some(context.now.instant + ECHO_MAX);
        let leg = self.caller.media.leg;
        self.caller.media.command(Command::Bridge { a: leg, b: leg }, context.actions);
    }

    /// When [`Call::handle_timeout`] is to be called.
    pub fn next_timeout(&self) -> Option<Instant> {
        let flow = self.interpreter.as_ref().filter(|i| !i.is_finished()).and_then(Interpreter::next_timeout);
        [flow, self.deadline, self.transfers.next_timeout()].into_iter().flatten().min()
    }

    pub fn handle_timeout(&mut self, context: &mut Context<'_>) {
        if self.deadline.is_some_and(|at| at <= context.now.instant) {
            self.deadline = None;
            match self.caller.state {
                CallerState::Ringing { told } => self.ring_again(told, context),
                CallerState::Answered(_) if self.interpreter.is_none() => {
                    self.end(EndReason::FlowEnded, context)
                }
                _ => {}
            }
        }
        self.transfer_due(context);
        if self
            .interpreter
            .as_ref()
            .and_then(Interpreter::next_timeout)
            .is_some_and(|at| at <= context.now.instant)
        {
            self.feed(FlowEvent::Timeout, context);
        }
    }

    /// Whom the CRM knows under the caller's number.
    pub(super) fn contact(&self) -> Option<&Person> {
        self.interpreter.as_ref().and_then(Interpreter::contact)
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }

    /// The trunk that it came from.
    pub(super) fn trunk(&self) -> Option<&str> {
        self.trunk.as_deref()
    }

    /// The trunk of that id, as it was when the call began.
    pub(super) fn snapshot_trunk(&self, id: &str) -> Option<&Trunk> {
        self.snapshot.trunk(id)
    }

    /// The Smart Number, as its pattern.
    pub(super) fn number(&self) -> &str {
        &self.number
    }

    /// The reply to a question of the flow.
    pub fn replied(
        &mut self,
        request: RequestId,
        result: Result<Reply, LookupError>,
        context: &mut Context<'_>,
    ) {
        let Some(index) = self.asked.iter().position(|asked| asked.request == request) else { return };
        let Asked { lookup, step, kind, since, .. } = self.asked.swap_remove(index);
        let ms = (context.now.instant - since).as_millis() as u64;
        let result_words = live_words(&result);
        self.tell(What::Replied { step, asked: kind, result: result_words, ms }, context);
        if let Err(error) = &result {
            context.counters.lookups_failed += 1;
            tracing::warn!(
                call = %self.id, code = error.code, error = %Hidden::sentence(&error.message),
                "a look-up failed"
            );
        }
        self.feed(FlowEvent::Replied { lookup, result }, context);
    }

    pub(super) fn facts(&self) -> &flow::CallFacts {
        &self.facts
    }

    pub(super) fn new_request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId { call: self.id, number: self.next_request }
    }
}
