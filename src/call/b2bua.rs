//! One call: the caller's leg, the legs that its flow dials, and the flow between them.

use super::dialled::{Dialled, Stage};
use super::media_leg::{MediaLeg, MediaSettings};
use super::ports::Ports;
use super::record::{CallRecord, EndReason, KEYS_MAX, Key, LegRecord};
use super::snapshot::{Snapshot, Speech};
use super::sound::{self, Resolved};
use super::{Action, RequestId};
use crate::audio::Clip;
use crate::clock::{Instant, Now, Wall};
use crate::flow::Interpreter;
use crate::flow::{self, Action as FlowAction, EndedBy, Event as FlowEvent, LogEvent, Outcome, Party, Sound};
use crate::ids::{CallId, LegId, PlaybackId, Random};
use crate::media::{Command, DigitSource, Event as MediaEvent, Playlist, Statistics};
use crate::sip::endpoint::{Body, Endpoint};
use crate::sip::message::{Request, Response};
use crate::sip::{DialogId, TransactionId};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A caller who was told nothing for so long gets a 180, since many trunks give silence up early (contract).
const RING_AFTER: Duration = Duration::from_millis(500);
/// An echo test that nobody ends is ended.
const ECHO_MAX: Duration = Duration::from_secs(3_600);
/// Texts rendered for one call that it keeps: a flow that speaks more in a loop renders again.
const RENDERED_MAX: usize = 32;

/// What a call may use of the switchboard while it handles something.
pub(super) struct Context<'a> {
    pub now: Now,
    pub sip: &'a mut Endpoint,
    pub sip_actions: &'a mut Vec<crate::sip::endpoint::Action>,
    pub ports: &'a mut Ports,
    pub settings: &'a Settings,
    pub random: &'a mut Random,
    pub index: &'a mut Index,
    pub counters: &'a mut super::switchboard::Counters,
    pub actions: &'a mut Vec<Action>,
}

/// What all calls share and no reload changes.
#[derive(Clone, Debug)]
pub struct Settings {
    pub domain: String,
    pub media: MediaSettings,
}

/// From what SIP and media name to the call it belongs to.
#[derive(Default)]
pub(super) struct Index {
    pub dialogs: HashMap<DialogId, (CallId, Party)>,
    pub legs: HashMap<LegId, (CallId, Party)>,
    /// Agents who talk, with the number of their conversations.
    pub talking: HashMap<String, u32>,
    next_leg: u64,
}

impl Index {
    pub fn starts_talking(&mut self, agent: &str) {
        *self.talking.entry(agent.to_owned()).or_default() += 1;
    }

    pub fn stops_talking(&mut self, agent: &str) {
        if let Some(count) = self.talking.get_mut(agent) {
            *count -= 1;
            if *count == 0 {
                self.talking.remove(agent);
            }
        }
    }

    pub fn new_leg(&mut self, call: CallId, party: Party) -> LegId {
        self.next_leg += 1;
        let leg = LegId(self.next_leg);
        self.legs.insert(leg, (call, party));
        leg
    }
}

/// A call as it came in, already routed.
pub(super) struct Arrival {
    pub id: CallId,
    pub dialog: DialogId,
    pub request: Arc<Request>,
    pub peer: SocketAddr,
    pub trunk: Option<String>,
    pub number: String,
    pub flow: Option<super::snapshot::LiveFlow>,
    pub facts: flow::CallFacts,
    pub media: MediaLeg,
    pub snapshot: Arc<Snapshot>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CallerState {
    /// Not answered; whether a 180 was sent.
    Ringing {
        rang: bool,
    },
    /// 200 sent, at that time.
    Answered(Wall),
    Gone {
        answered: Option<Wall>,
    },
}

/// A playback that waits for its speech.
struct Waiting {
    request: RequestId,
    party: Party,
    playback: PlaybackId,
    sounds: Vec<Sound>,
    forever: bool,
}

pub(super) struct Call {
    pub id: CallId,
    facts: flow::CallFacts,
    snapshot: Arc<Snapshot>,
    caller: Caller,
    pub(super) dialled: Vec<Dialled>,
    interpreter: Option<Interpreter>,
    waiting: Vec<Waiting>,
    rendered: Vec<(Speech, Arc<Clip>)>,
    next_request: u32,
    keys: Vec<Key>,
    legs: Vec<LegRecord>,
    /// Media legs that the engine has yet to close.
    closing: usize,
    outcome: Option<Outcome>,
    ended: Option<(EndReason, Option<u16>)>,
    vanished: Option<EndReason>,
    started: Now,
    deadline: Option<Instant>,
    /// What the switchboard's heap holds for this call.
    pub scheduled: Option<Instant>,
    flow_actions: Vec<FlowAction>,
    trunk: Option<String>,
    number: String,
    flow: Option<super::snapshot::LiveFlow>,
    source: SocketAddr,
}

struct Caller {
    dialog: DialogId,
    invite: Arc<Request>,
    state: CallerState,
    media: MediaLeg,
    peer: IpAddr,
}

impl Call {
    /// Begins a call: its flow runs at once.
    pub fn start(arrival: Arrival, context: &mut Context<'_>) -> Call {
        let Arrival { id, dialog, request, peer, trunk, number, flow, facts, media, snapshot } = arrival;
        context.index.dialogs.insert(dialog, (id, Party::Caller));
        let state = CallerState::Ringing { rang: false };
        let caller = Caller { dialog, invite: request, state, media, peer: peer.ip() };
        let mut call = Call {
            id,
            facts,
            snapshot,
            caller,
            dialled: Vec::new(),
            interpreter: None,
            waiting: Vec::new(),
            rendered: Vec::new(),
            next_request: 0,
            keys: Vec::new(),
            legs: Vec::new(),
            closing: 0,
            outcome: None,
            ended: None,
            vanished: None,
            started: context.now,
            deadline: Some(context.now.instant + RING_AFTER),
            scheduled: None,
            flow_actions: Vec::new(),
            trunk,
            number,
            flow,
            source: peer,
        };
        match call.flow.clone() {
            Some(live) => {
                let mut actions = std::mem::take(&mut call.flow_actions);
                let interpreter =
                    Interpreter::start(live.flow.clone(), call.facts.clone(), context.now, &mut actions);
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
        [flow, self.deadline].into_iter().flatten().min()
    }

    pub fn handle_timeout(&mut self, context: &mut Context<'_>) {
        if self.deadline.is_some_and(|at| at <= context.now.instant) {
            self.deadline = None;
            match self.caller.state {
                CallerState::Ringing { .. } => self.ring(context),
                CallerState::Answered(_) if self.flow.is_none() => self.end(EndReason::FlowEnded, context),
                _ => {}
            }
        }
        if self
            .interpreter
            .as_ref()
            .and_then(Interpreter::next_timeout)
            .is_some_and(|at| at <= context.now.instant)
        {
            self.feed(FlowEvent::Timeout, context);
        }
    }

    // From SIP.

    /// CANCEL before our answer; the INVITE has been answered 487 already.
    pub fn caller_cancelled(&mut self, context: &mut Context<'_>) {
        self.caller_gone(EndReason::CallerHungUp, Some(487), context);
    }

    pub fn caller_hung_up(&mut self, context: &mut Context<'_>) {
        self.caller_gone(EndReason::CallerHungUp, None, context);
    }

    /// The endpoint could not give our answer (too many half-open calls of that source): the dialog is gone.
    pub fn refused_by_endpoint(&mut self, code: Option<u16>, context: &mut Context<'_>) {
        self.caller_gone(EndReason::Rejected, code, context);
    }

    pub fn not_acknowledged(&mut self, context: &mut Context<'_>) {
        context.sip.bye(context.now.instant, self.caller.dialog, None, context.sip_actions);
        self.caller_gone(EndReason::NotAcknowledged, None, context);
    }

    fn caller_gone(&mut self, reason: EndReason, code: Option<u16>, context: &mut Context<'_>) {
        let answered = match self.caller.state {
            CallerState::Answered(at) => Some(at),
            CallerState::Gone { .. } => return,
            CallerState::Ringing { .. } => None,
        };
        self.caller.state = CallerState::Gone { answered };
        context.index.dialogs.remove(&self.caller.dialog);
        self.ended.get_or_insert((reason, code));
        match &self.interpreter {
            Some(_) => self.feed(FlowEvent::CallerHungUp, context),
            None => self.close_all(context),
        }
    }

    /// The caller acknowledged our 200; where it made no offer, its answer comes here.
    pub fn acknowledged(&mut self, request: &Request, context: &mut Context<'_>) {
        if self.caller.media.agreed().is_some() && request.body().is_empty() {
            return;
        }
        let settings = &context.settings.media;
        match self.caller.media.accept(request.body(), self.caller.peer, settings, context.actions) {
            Ok(()) => {}
            Err(refusal) if self.caller.media.agreed().is_none() => {
                tracing::info!(call = %self.id, %refusal, "the answer in the caller's ACK cannot be used");
                self.end(EndReason::BadAnswer, context);
            }
            Err(refusal) => tracing::debug!(call = %self.id, %refusal, "a later answer was passed over"),
        }
    }

    /// A request within a dialog: re-INVITE, UPDATE, INFO, OPTIONS.
    pub fn request(
        &mut self,
        party: Party,
        transaction: TransactionId,
        request: &Request,
        context: &mut Context<'_>,
    ) {
        match request.method().as_str() {
            "INVITE" | "UPDATE" => self.describe_again(party, transaction, request, context),
            "INFO" => self.info(party, transaction, request, context),
            "OPTIONS" => respond(context, transaction, 200, "OK", &[], None),
            _ => respond(context, transaction, 405, "Method Not Allowed", &[], None),
        }
    }

    fn describe_again(
        &mut self,
        party: Party,
        transaction: TransactionId,
        request: &Request,
        context: &mut Context<'_>,
    ) {
        let caller_ip = self.caller.peer;
        let Some((media, peer)) = (match party {
            Party::Caller => Some((&mut self.caller.media, caller_ip)),
            Party::Dialled(dial) => {
                self.dialled.iter_mut().find(|d| d.dial == dial).and_then(Dialled::media_and_peer)
            }
        }) else {
            return respond(context, transaction, 481, "Call/Transaction Does Not Exist", &[], None);
        };
        if request.body().is_empty() {
            // An UPDATE that only refreshes, or a re-INVITE that wants our offer.
            let body =
                if request.method().as_str() == "INVITE" { media.described().map(sdp_body) } else { None };
            return respond(context, transaction, 200, "OK", &[], body);
        }
        if !is_sdp(request.content_type()) {
            let accept = [("Accept".to_owned(), "application/sdp".to_owned())];
            return respond(context, transaction, 415, "Unsupported Media Type", &accept, None);
        }
        if let Some((code, phrase)) = media.refuses_offer() {
            let headers =
                if code == 500 { vec![("Retry-After".to_owned(), "2".to_owned())] } else { Vec::new() };
            return respond(context, transaction, code, phrase, &headers, None);
        }
        match media.answer(request.body(), peer, &context.settings.media, context.actions) {
            Ok(text) => respond(context, transaction, 200, "OK", &[], Some(sdp_body(text))),
            Err(refusal) => {
                let warning = [warning(refusal.warning_code(), &context.settings.domain, &refusal)];
                respond(context, transaction, 488, "Not Acceptable Here", &warning, None);
            }
        }
    }

    fn info(
        &mut self,
        party: Party,
        transaction: TransactionId,
        request: &Request,
        context: &mut Context<'_>,
    ) {
        let key = request.content_type().and_then(|t| super::info::key(t, request.body()));
        let Some((digit, duration)) = key else {
            if request.body().is_empty() {
                return respond(context, transaction, 200, "OK", &[], None);
            }
            let accept = [("Accept".to_owned(), "application/dtmf-relay, application/dtmf".to_owned())];
            return respond(context, transaction, 415, "Unsupported Media Type", &accept, None);
        };
        respond(context, transaction, 200, "OK", &[], None);
        if let Some(media) = self.media(party) {
            let leg = media.leg;
            media.command(Command::InfoDigit { leg, digit, duration }, context.actions);
        }
    }

    pub fn dialled_rings(&mut self, dial: flow::DialId, context: &mut Context<'_>) {
        self.feed(FlowEvent::Ringing { dial }, context);
    }

    pub fn dialled_answered(&mut self, dial: flow::DialId, response: &Response, context: &mut Context<'_>) {
        let Some(dialled) = self.dialled.iter_mut().find(|d| d.dial == dial) else { return };
        match dialled.answered(response, context) {
            Ok(()) => self.feed(FlowEvent::Answered { dial }, context),
            Err(refusal) => {
                tracing::info!(call = %self.id, %dial, %refusal, "the answer of a dialled leg cannot be used");
                self.dialled_failed(dial, flow::DialFailure::Failed, Some(488), context);
            }
        }
    }

    /// A dialled leg came to nothing, or hung up.
    pub fn dialled_failed(
        &mut self,
        dial: flow::DialId,
        cause: flow::DialFailure,
        sip_code: Option<u16>,
        context: &mut Context<'_>,
    ) {
        self.close_dialled(dial, context);
        self.feed(FlowEvent::DialFailed { dial, cause, sip_code }, context);
    }

    pub fn dialled_hung_up(&mut self, dial: flow::DialId, context: &mut Context<'_>) {
        self.close_dialled(dial, context);
        self.feed(FlowEvent::DialledHungUp { dial }, context);
    }

    // From the media.

    pub fn media_event(&mut self, party: Party, event: MediaEvent, context: &mut Context<'_>) {
        match event {
            MediaEvent::Digit { digit, source, .. } => {
                context.counters.digits[source as usize] += 1;
                tracing::debug!(call = %self.id, ?source, "key");
                if self.interpreter.is_none() {
                    self.keep_key(digit, source, context.now);
                }
                self.feed(FlowEvent::Digit { party, digit, source: source_name(source) }, context);
            }
            MediaEvent::PlaybackEnded { playback, .. } => {
                self.feed(FlowEvent::PlaybackEnded { playback }, context)
            }
            MediaEvent::Inactive { silent_for, .. } => self.silent(party, silent_for, context),
            MediaEvent::SourceLearned { from, .. } => {
                tracing::info!(call = %self.id, ?party, %from, "media comes from elsewhere than the SDP said; following it");
            }
            MediaEvent::Closed { leg, statistics, .. } => self.media_closed(party, leg, statistics, context),
        }
    }

    fn silent(&mut self, party: Party, silent_for: Duration, context: &mut Context<'_>) {
        tracing::info!(call = %self.id, ?party, seconds = silent_for.as_secs(), "no media for the limit: hanging up");
        let reason = Some("SIP;cause=408;text=\"No media\"");
        match party {
            Party::Caller => {
                if let CallerState::Answered(_) = self.caller.state {
                    context.sip.bye(context.now.instant, self.caller.dialog, reason, context.sip_actions);
                }
                self.vanished = Some(EndReason::CallerVanished);
                self.caller_vanished(context);
            }
            Party::Dialled(dial) => {
                self.vanished = Some(EndReason::AgentVanished);
                if let Some(dialled) = self.dialled.iter_mut().find(|d| d.dial == dial) {
                    dialled.hang_up(reason, context);
                }
                self.dialled_hung_up(dial, context);
            }
        }
    }

    fn caller_vanished(&mut self, context: &mut Context<'_>) {
        let CallerState::Answered(at) = self.caller.state else { return };
        self.caller.state = CallerState::Gone { answered: Some(at) };
        context.index.dialogs.remove(&self.caller.dialog);
        self.ended.get_or_insert((EndReason::CallerVanished, None));
        match &self.interpreter {
            Some(_) => self.feed(FlowEvent::CallerVanished, context),
            None => self.close_all(context),
        }
    }

    fn media_closed(&mut self, party: Party, leg: LegId, statistics: Statistics, context: &mut Context<'_>) {
        context.index.legs.remove(&leg);
        let name = self.party_name(party);
        let Some(media) = self.media(party) else { return };
        media.closed(context.now.instant, context.ports);
        let codec = media.codec();
        self.closing = self.closing.saturating_sub(1);
        context.counters.rtp_lost += statistics.packets_lost;
        context.counters.rtp_refused += statistics.packets_refused;
        context.counters.rtp_bad += statistics.packets_bad;
        self.legs.push(LegRecord { party: name, codec, statistics });
        if let Party::Dialled(dial) = party {
            self.dialled.retain(|d| d.dial != dial);
        }
    }

    fn party_name(&self, party: Party) -> String {
        match party {
            Party::Caller => "caller".to_owned(),
            Party::Dialled(dial) => {
                self.dialled.iter().find(|d| d.dial == dial).map(|d| d.name.clone()).unwrap_or_default()
            }
        }
    }

    // Replies.

    pub fn rendered(
        &mut self,
        request: RequestId,
        result: Result<Arc<Clip>, String>,
        context: &mut Context<'_>,
    ) {
        let Some(index) = self.waiting.iter().position(|w| w.request == request) else { return };
        let Waiting { party, playback, sounds, forever, .. } = self.waiting.remove(index);
        match result {
            Ok(clip) => {
                // Which of the sounds it was: the first that still has no audio.
                if let Resolved::NeedsSpeech(speech) =
                    sound::resolve(&self.snapshot.prompts, &self.rendered, &sounds)
                {
                    if self.rendered.len() >= RENDERED_MAX {
                        self.rendered.remove(0);
                    }
                    self.rendered.push((speech, clip));
                }
                let mut events = VecDeque::new();
                self.play(party, playback, sounds, forever, &mut events, context);
                self.feed_all(events, context);
            }
            Err(message) => self.feed(FlowEvent::PlaybackFailed { playback, message }, context),
        }
    }

    pub fn resolved(
        &mut self,
        request: RequestId,
        result: Result<SocketAddr, String>,
        context: &mut Context<'_>,
    ) {
        let Some(dialled) = self.dialled.iter_mut().find(|d| d.waits_for(request)) else { return };
        let dial = dialled.dial;
        match result {
            Ok(address) => {
                let like = self.caller.media.agreed().cloned();
                dialled.send_invite(address, like.as_ref(), context);
                context.index.dialogs.extend(dialled.dialog().map(|d| (d, (self.id, Party::Dialled(dial)))));
            }
            Err(message) => {
                tracing::info!(call = %self.id, %dial, %message, "the host of a dialled leg cannot be found");
                self.dialled_failed(dial, flow::DialFailure::Failed, Some(503), context);
            }
        }
    }

    // The flow.

    fn feed(&mut self, event: FlowEvent, context: &mut Context<'_>) {
        self.feed_all(VecDeque::from([event]), context);
    }

    fn feed_all(&mut self, mut events: VecDeque<FlowEvent>, context: &mut Context<'_>) {
        while let Some(event) = events.pop_front() {
            let Some(interpreter) = &mut self.interpreter else { return };
            if interpreter.is_finished() {
                return;
            }
            let mut actions = std::mem::take(&mut self.flow_actions);
            interpreter.handle(context.now, event, &mut actions);
            self.perform_all(actions, &mut events, context);
        }
    }

    fn perform_all(
        &mut self,
        mut actions: Vec<FlowAction>,
        events: &mut VecDeque<FlowEvent>,
        context: &mut Context<'_>,
    ) {
        for action in actions.drain(..) {
            self.perform(action, events, context);
        }
        self.flow_actions = actions;
    }

    fn perform(&mut self, action: FlowAction, events: &mut VecDeque<FlowEvent>, context: &mut Context<'_>) {
        match action {
            FlowAction::Answer => self.answer(context),
            FlowAction::Ringing => self.ring(context),
            FlowAction::Play { party, playback, sounds, forever } => {
                self.play(party, playback, sounds, forever, events, context);
            }
            FlowAction::Stop { party, playback } => {
                self.waiting.retain(|w| w.playback != playback);
                self.command(party, context, |leg| Command::Stop { leg, playback });
            }
            FlowAction::Listen { party, keys } => {
                self.command(party, context, |leg| Command::Listen { leg, in_band: keys })
            }
            FlowAction::Dial { dial, target, identity, ring_busy } => {
                let failed = self.dial(dial, target, &identity, ring_busy, context);
                events.extend(failed.map(|(cause, sip_code)| FlowEvent::DialFailed {
                    dial,
                    cause,
                    sip_code,
                }));
            }
            FlowAction::Cancel { dial, reason } => {
                if let Some(dialled) = self.dialled.iter_mut().find(|d| d.dial == dial) {
                    dialled.cancel(reason, context);
                }
                self.close_dialled(dial, context);
            }
            FlowAction::HangUpDialled { dial } => {
                if let Some(dialled) = self.dialled.iter_mut().find(|d| d.dial == dial) {
                    dialled.hang_up(None, context);
                }
                self.close_dialled(dial, context);
            }
            FlowAction::Connect { dial } => {
                let a = self.caller.media.leg;
                self.command(Party::Dialled(dial), context, |b| Command::Bridge { a, b });
            }
            FlowAction::HangUp { sip_code, q850 } => self.hang_up_caller(sip_code, q850, context),
            FlowAction::Log(event) => self.log(event, context),
            FlowAction::Finished(outcome) => self.finished(*outcome, context),
        }
    }

    fn play(
        &mut self,
        party: Party,
        playback: PlaybackId,
        sounds: Vec<Sound>,
        forever: bool,
        events: &mut VecDeque<FlowEvent>,
        context: &mut Context<'_>,
    ) {
        match sound::resolve(&self.snapshot.prompts, &self.rendered, &sounds) {
            Resolved::Ready(items) if items.is_empty() => {
                events.push_back(FlowEvent::PlaybackStarted { playback });
                events.push_back(FlowEvent::PlaybackEnded { playback });
            }
            Resolved::Ready(items) => {
                let playlist = Playlist { items, forever };
                self.command(party, context, |leg| Command::Play { leg, playback, playlist });
                events.push_back(FlowEvent::PlaybackStarted { playback });
            }
            Resolved::NeedsSpeech(speech) => {
                let request = self.new_request();
                self.waiting.push(Waiting { request, party, playback, sounds, forever });
                context.actions.push(Action::Render { request, speech });
            }
            Resolved::Missing(message) => events.push_back(FlowEvent::PlaybackFailed { playback, message }),
        }
    }

    pub(super) fn new_request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId { call: self.id, number: self.next_request }
    }

    fn command(&mut self, party: Party, context: &mut Context<'_>, command: impl FnOnce(LegId) -> Command) {
        if let Some(media) = self.media(party) {
            let leg = media.leg;
            media.command(command(leg), context.actions);
        }
    }

    fn media(&mut self, party: Party) -> Option<&mut MediaLeg> {
        match party {
            Party::Caller => Some(&mut self.caller.media),
            Party::Dialled(dial) => {
                self.dialled.iter_mut().find(|d| d.dial == dial).and_then(|d| d.media.as_mut())
            }
        }
    }

    fn log(&mut self, event: LogEvent, context: &mut Context<'_>) {
        match event {
            LogEvent::Key { digit, source, sensitive, .. } => {
                let digit = if sensitive { '•' } else { digit };
                self.keep_key(digit, source_of(source), context.now);
            }
            LogEvent::StepEnter { step, kind, .. } => {
                context.counters.flow_steps += 1;
                tracing::debug!(call = %self.id, %step, kind, "step");
            }
            LogEvent::StepError { step, code, message } => {
                context.counters.flow_step_errors += 1;
                tracing::warn!(call = %self.id, %step, %code, %message, "step failed");
            }
            LogEvent::TtsLate { step } => {
                tracing::warn!(call = %self.id, %step, "speech did not start in time: tts_late")
            }
            LogEvent::Fallback { step, port, to } => {
                tracing::debug!(call = %self.id, %step, %port, %to, "unconnected port")
            }
            LogEvent::StepLeave { .. } => {}
        }
    }

    fn keep_key(&mut self, digit: char, source: DigitSource, now: Now) {
        if self.keys.len() < KEYS_MAX {
            let ms_from_start = (now.instant - self.started.instant).as_millis() as u64;
            self.keys.push(Key { digit, source, ms_from_start });
        }
    }

    // The caller's leg.

    fn ring(&mut self, context: &mut Context<'_>) {
        if let CallerState::Ringing { rang: false } = self.caller.state {
            self.caller.state = CallerState::Ringing { rang: true };
            context.sip.ring(
                context.now.instant,
                self.caller.dialog,
                180,
                "Ringing",
                None,
                context.sip_actions,
            );
        }
    }

    fn answer(&mut self, context: &mut Context<'_>) {
        let CallerState::Ringing { .. } = self.caller.state else { return };
        let offer = self.caller.invite.body().clone();
        let settings = &context.settings.media;
        let text = if offer.is_empty() {
            self.caller.media.offer(None)
        } else {
            match self.caller.media.answer(&offer, self.caller.peer, settings, context.actions) {
                Ok(text) => text,
                // It was looked at when the call came in; nothing has changed since.
                Err(refusal) => {
                    tracing::error!(call = %self.id, %refusal, "an offer that was accepted is refused now");
                    return;
                }
            }
        };
        self.caller.state = CallerState::Answered(context.now.wall);
        self.deadline = None;
        context.counters.answered += 1;
        let body = Some(sdp_body(text));
        context.sip.answer(context.now.instant, self.caller.dialog, &[], body, context.sip_actions);
    }

    fn hang_up_caller(&mut self, sip_code: u16, q850: Option<u8>, context: &mut Context<'_>) {
        let now = context.now.instant;
        match self.caller.state {
            CallerState::Answered(at) => {
                let reason = q850.map(|cause| format!("Q.850;cause={cause}"));
                context.sip.bye(now, self.caller.dialog, reason.as_deref(), context.sip_actions);
                self.caller.state = CallerState::Gone { answered: Some(at) };
            }
            CallerState::Ringing { .. } => {
                let headers: Vec<_> =
                    q850.map(|c| ("Reason".to_owned(), format!("Q.850;cause={c}"))).into_iter().collect();
                context.sip.reject(now, self.caller.dialog, sip_code, "", &headers, context.sip_actions);
                self.caller.state = CallerState::Gone { answered: None };
                self.ended.get_or_insert((EndReason::FlowEnded, Some(sip_code)));
            }
            CallerState::Gone { .. } => return,
        }
        context.index.dialogs.remove(&self.caller.dialog);
    }

    // The end.

    fn finished(&mut self, outcome: Outcome, context: &mut Context<'_>) {
        let reason = match outcome.ended_by {
            EndedBy::Caller => EndReason::CallerHungUp,
            EndedBy::Agent => self.vanished.unwrap_or(EndReason::AgentHungUp),
            EndedBy::Flow => EndReason::FlowEnded,
            EndedBy::System => self.vanished.unwrap_or(EndReason::InternalError),
        };
        self.ended.get_or_insert((reason, None));
        self.outcome = Some(outcome);
        self.hang_up_caller(480, None, context);
        self.close_all(context);
    }

    /// Ends the call from our side, whatever its flow does.
    pub fn end(&mut self, reason: EndReason, context: &mut Context<'_>) {
        self.ended.get_or_insert((reason, None));
        let unanswered = matches!(self.caller.state, CallerState::Ringing { .. });
        let code = if unanswered { 503 } else { 480 };
        self.hang_up_caller(code, None, context);
        match &self.interpreter {
            Some(i) if !i.is_finished() => self.feed(FlowEvent::CallerVanished, context),
            _ => {}
        }
        self.close_all(context);
    }

    fn close_all(&mut self, context: &mut Context<'_>) {
        let dials: Vec<_> = self.dialled.iter().map(|d| d.dial).collect();
        for dial in dials {
            if let Some(dialled) = self.dialled.iter_mut().find(|d| d.dial == dial) {
                dialled.cancel(flow::CancelReason::CallerGone, context);
            }
            self.close_dialled(dial, context);
        }
        self.waiting.clear();
        self.deadline = None;
        let leg = self.caller.media.leg;
        if !self.caller.media.is_closing() {
            if self.caller.media.close(context.now.instant, context.ports, context.actions) {
                self.closing += 1;
            } else {
                context.index.legs.remove(&leg);
            }
        }
    }

    /// Gives up the dialog and the media of a dialled leg. Nothing happens where that was done before.
    fn close_dialled(&mut self, dial: flow::DialId, context: &mut Context<'_>) {
        let Some(index) = self.dialled.iter().position(|d| d.dial == dial) else { return };
        let dialled = &mut self.dialled[index];
        if let Some(dialog) = dialled.dialog() {
            context.index.dialogs.remove(&dialog);
        }
        dialled.release_agent(context.index);
        dialled.stage = Stage::Over;
        let gone = match &mut dialled.media {
            None => true,
            Some(media) if media.is_closing() => false,
            Some(media) => {
                let waits = media.close(context.now.instant, context.ports, context.actions);
                if waits {
                    self.closing += 1;
                } else {
                    context.index.legs.remove(&media.leg);
                }
                !waits
            }
        };
        if gone {
            self.dialled.remove(index);
        }
    }

    /// Whether nothing of the call is left but its record.
    pub fn is_over(&self) -> bool {
        let flow_done = self.interpreter.as_ref().is_none_or(Interpreter::is_finished);
        matches!(self.caller.state, CallerState::Gone { .. })
            && flow_done
            && self.closing == 0
            && self.caller.media.is_closing()
    }

    /// The call record; the call is over.
    pub fn into_record(self, now: Now) -> CallRecord {
        let answer = match self.caller.state {
            CallerState::Answered(at) => Some(at),
            CallerState::Gone { answered } => answered,
            CallerState::Ringing { .. } => None,
        };
        let (end_reason, code) = self.ended.unwrap_or((EndReason::InternalError, None));
        let seconds = |from: Wall| (now.wall.as_unix_micros() - from.as_unix_micros()).max(0) as f64 / 1e6;
        let agent = self.outcome.as_ref().and_then(|o| o.agent_id.as_deref());
        CallRecord {
            call_id: self.facts.call_id,
            call_key: self.facts.call_key,
            sip_call_id: super::switchboard::printable(self.caller.invite.call_id(), 128),
            trunk: self.trunk,
            source: self.source.to_string(),
            number: Some(self.number),
            flow_id: self.flow.as_ref().map(|f| f.flow.id().to_owned()),
            version: self.flow.as_ref().map(|f| f.version),
            from: self.facts.from,
            to: self.facts.to,
            start: self.started.wall,
            answer,
            end: now.wall,
            duration_sec: seconds(self.started.wall),
            billed_sec: answer.map_or(0.0, seconds),
            sip_code: if answer.is_none() { code } else { None },
            end_reason,
            reason: end_reason.sentence(agent),
            outcome: self.outcome,
            keys: self.keys,
            legs: self.legs,
        }
    }

    // For dialling, in its own file.

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }

    pub(super) fn facts(&self) -> &flow::CallFacts {
        &self.facts
    }

    /// How many more hops a leg of this call may take; `None` where there is none left. What the caller's side left
    /// over is handed on, so that a number that leads back to itself ends (RFC 7332 section 5).
    pub(super) fn hops_left(&self) -> Option<u8> {
        const USUAL: u8 = 70;
        let caller = self.caller.invite.header("Max-Forwards").and_then(|text| text.trim().parse().ok());
        caller.unwrap_or(USUAL).min(USUAL).checked_sub(1).filter(|left| *left > 0)
    }

    pub(super) fn caller_media(&self) -> &MediaLeg {
        &self.caller.media
    }
}

/// An SDP body.
pub(super) fn sdp_body(text: String) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
}

pub(super) fn is_sdp(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|t| t.split(';').next())
        .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/sdp"))
}

/// A Warning header (RFC 3261 section 20.43) that says a refusal in words.
pub(super) fn warning(code: u16, host: &str, reason: &dyn std::fmt::Display) -> (String, String) {
    let text: String = reason
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    ("Warning".to_owned(), format!("{code} {host} \"{}\"", text.replace('\\', "/")))
}

fn respond(
    context: &mut Context<'_>,
    transaction: TransactionId,
    code: u16,
    reason: &str,
    headers: &[(String, String)],
    body: Option<Body>,
) {
    context.sip.respond(context.now.instant, transaction, code, reason, headers, body, context.sip_actions);
}

fn source_name(source: DigitSource) -> &'static str {
    match source {
        DigitSource::Rfc4733 => "rfc4733",
        DigitSource::InBand => "in_band",
        DigitSource::Info => "info",
    }
}

fn source_of(name: &str) -> DigitSource {
    match name {
        "in_band" => DigitSource::InBand,
        "info" => DigitSource::Info,
        _ => DigitSource::Rfc4733,
    }
}
