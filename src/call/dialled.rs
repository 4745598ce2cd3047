//! A leg that the flow dialled: whom it rings, and how far it has come. Which ways lead there says `ways.rs`.
//!
//! Invariant: a fork is in the index of dialogs, and a call of its trunk, as long as it is among the leg's forks.

mod end;
mod failure;
mod passing;
mod sending;

pub(super) use end::LegEnd;
use failure::meant_by;
pub(super) use failure::{cause_of, code_of, in_words};

use super::RequestId;
use super::b2bua::{Call, Context};
use super::identity::{IdentityPolicy, Presented, present};
use super::index::Index;
use super::live::LegState;
use super::media_leg::MediaLeg;
use super::number_rule::{NumberFormat, NumberRule};
use super::snapshot::Trunk;
use super::trunk::{Direction, FailOver};
use super::ways::{Guides, Plan, Way, better};
use crate::flow::{CallerIdentity, CancelReason, DialFailure, DialId, DialTarget, Party};
use crate::hidden::Hidden;
use crate::sdp::Refusal;
use crate::sip::DialogId;
use crate::sip::cause::{NORMAL_CLEARING, q850};
use crate::sip::endpoint::Failure;
use crate::sip::locate::{self, Target};
use crate::sip::message::{NameAddr, Response};
use std::collections::VecDeque;
use std::net::IpAddr;

/// What an answer elsewhere says to telephones that ring (RFC 3326 3.1): so that a forked phone shows no missed call.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// What is said of a call that has no hop left.
const IN_A_CIRCLE: &str = "the call has gone round in a circle, or through too many servers";

/// A leg towards an agent, a number or a URI.
pub(super) struct Dialled {
    pub dial: DialId,
    /// The agent's id, the number or the URI as it was dialled.
    pub name: String,
    /// The agent's id, where an agent was dialled.
    agent: Option<String>,
    /// Whether the agent is counted as talking.
    talking: bool,
    pub stage: Stage,
    pub media: Option<MediaLeg>,
    max_forwards: u8,
    peer: IpAddr,
    /// INVITEs that are out; once one is answered, that one.
    forks: Vec<Fork>,
    /// INVITEs whose host is being looked up.
    resolving: Vec<(RequestId, Invite)>,
    /// INVITEs that are sent after those.
    groups: VecDeque<Vec<Invite>>,
    /// The best failure so far.
    failed: Option<u16>,
    /// The trunk that it was tried over last.
    over: Option<String>,
    /// Why ways of it came to nothing, with the trunk of each.
    said: Vec<(Option<String>, String)>,
}

/// How a leg is rung.
pub(super) struct Ring<'a> {
    pub identity: &'a CallerIdentity,
    /// Also where the agent talks already.
    pub ring_busy: bool,
    /// For a transfer, which goes out over the trunks that take it alone: what an agent is told of it.
    pub transfer: Option<Vec<(String, String)>>,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Hosts are being looked up, or INVITEs are out.
    Ringing,
    Answered(DialogId),
    /// Nothing of the dialogs is left; the engine may still be closing the media.
    Over,
}

/// An INVITE that is out.
struct Fork {
    dialog: DialogId,
    peer: IpAddr,
    trunk: Option<String>,
    fail_over: FailOver,
    /// What is sent to the next target of its host, and which there are; none where a telephone is rung by its own way.
    next: Option<(Invite, locate::FailOver)>,
}

/// A way, and what is said on it.
#[derive(Clone)]
struct Invite {
    way: Way,
    from: NameAddr,
    headers: Vec<(String, String)>,
    /// The same at each target of a host.
    call_id: Option<String>,
}

impl Call {
    /// Begins to ring a target; gives the failure where that cannot even begin.
    pub(super) fn dial(
        &mut self,
        dial: DialId,
        target: DialTarget,
        ring: Ring<'_>,
        context: &mut Context<'_>,
    ) -> Option<(DialFailure, Option<u16>)> {
        let Ring { identity, ring_busy, transfer } = ring;
        let snapshot = self.snapshot();
        let agent = if let DialTarget::User(id) = &target { Some(id.clone()) } else { None };
        let nothing = |why: &str| LegEnd { dial, trunk: None, why: Some(why.to_owned()) };
        if !ring_busy && agent.as_ref().is_some_and(|id| context.index.talking.contains_key(id)) {
            tracing::debug!(call = %self.id, %dial, "the agent talks already");
            self.note_end(nothing("the agent talks already"));
            return Some((DialFailure::Busy, None));
        }
        let now = context.now.instant;
        let guides = Guides {
            now,
            snapshot: &snapshot,
            registrar: context.registrar,
            trunks: context.trunks,
            is_transfer: transfer.is_some(),
            domain: &context.settings.domain,
        };
        let Plan { name, groups } = match guides.plan(target) {
            Ok(plan) => plan,
            Err(message) => {
                tracing::info!(call = %self.id, %dial, message = %Hidden::sentence(&message), "cannot be dialled");
                self.note_end(nothing(&message));
                return Some((DialFailure::Unavailable, None));
            }
        };
        let to_agent = agent.is_some().then(|| transfer.unwrap_or_default());
        let invites = |way| self.invite(way, identity, &name, to_agent.as_deref(), &context.settings.domain);
        let groups: Option<VecDeque<Vec<Invite>>> =
            groups.into_iter().map(|group| group.into_iter().map(invites).collect()).collect();
        let Some(groups) = groups else {
            self.note_end(nothing("no SIP address can be made of the caller"));
            return Some((DialFailure::Failed, None));
        };
        let Some(max_forwards) = self.hops_left() else {
            tracing::warn!(call = %self.id, %dial, "{IN_A_CIRCLE}");
            self.note_end(nothing(IN_A_CIRCLE));
            return Some((DialFailure::Failed, Some(483)));
        };
        let thread = self.caller_media().thread;
        let leg = context.index.new_leg(self.id, Party::Dialled(dial));
        let settings = &context.settings.media;
        let media = MediaLeg::new(now, leg, context.ports, Some(thread), settings, context.random);
        let Some(media) = media else {
            context.index.legs.remove(&leg);
            tracing::warn!(call = %self.id, %dial, "no media port is free for a dialled leg");
            self.note_end(nothing("no media port is free"));
            return Some((DialFailure::Failed, Some(503)));
        };
        self.dialled.push(Dialled {
            dial,
            name,
            agent,
            talking: false,
            stage: Stage::Ringing,
            media: Some(media),
            max_forwards,
            peer: IpAddr::from([0, 0, 0, 0]),
            forks: Vec::new(),
            resolving: Vec::new(),
            groups,
            failed: None,
            over: None,
            said: Vec::new(),
        });
        self.tell_leg(dial, LegState::Dialled, context);
        if self.ring_next(dial, context) {
            return None;
        }
        let code = self.dialled(dial).and_then(|dialled| dialled.failed).unwrap_or(503);
        self.close_dialled(dial, context);
        Some((cause_of(code), Some(code)))
    }

    /// Rings the next group of ways. False where none is left that could be.
    fn ring_next(&mut self, dial: DialId, context: &mut Context<'_>) -> bool {
        let like = self.caller_media().agreed().cloned();
        let call = self.id;
        loop {
            let Some(group) = self.dialled_mut(dial).and_then(|dialled| dialled.groups.pop_front()) else {
                return false;
            };
            for invite in group {
                let request = self.new_request();
                let Some(dialled) = self.dialled_mut(dial) else { return false };
                dialled.try_way(call, invite, request, like.as_ref(), context);
            }
            if self.dialled(dial).is_some_and(Dialled::is_busy) {
                return true;
            }
        }
    }

    pub(super) fn dialled(&self, dial: DialId) -> Option<&Dialled> {
        self.dialled.iter().find(|dialled| dialled.dial == dial)
    }

    pub(super) fn dialled_mut(&mut self, dial: DialId) -> Option<&mut Dialled> {
        self.dialled.iter_mut().find(|dialled| dialled.dial == dial)
    }

    /// The host of a way was looked up.
    pub fn resolved(
        &mut self,
        request: RequestId,
        result: Result<Vec<Target>, String>,
        context: &mut Context<'_>,
    ) {
        let like = self.caller_media().agreed().cloned();
        let call = self.id;
        let waits = |dialled: &&mut Dialled| dialled.resolving.iter().any(|(known, _)| *known == request);
        let Some(dialled) = self.dialled.iter_mut().find(waits) else { return };
        let dial = dialled.dial;
        let Some(at) = dialled.resolving.iter().position(|(known, _)| *known == request) else { return };
        let (_, invite) = dialled.resolving.remove(at);
        let (trunk, fail_over) = (invite.way.trunk.clone(), invite.way.fail_over.clone());
        let sent = result.and_then(|targets| {
            let sent = dialled.send_to_host(call, invite, targets, like.as_ref(), context);
            sent.then_some(()).ok_or_else(|| "it has no address".to_owned())
        });
        match sent {
            Ok(()) => {}
            Err(message) => {
                tracing::info!(
                    call = %call, %dial, message = %Hidden::sentence(&message),
                    "the host of a dialled leg cannot be found"
                );
                if let Some(trunk) = &trunk {
                    context.trunks.end_call(trunk, Direction::Out);
                    context.trunks.note_reject(context.now.instant, trunk, Direction::Out, None, &message);
                }
                dialled.note_words_of(trunk.as_deref(), format!("its host cannot be found: {message}"));
                dialled.note_failure(503, &fail_over);
                self.ring_on(dial, context);
            }
        }
    }

    /// An INVITE of a dialled leg came to nothing: it goes to the next target of its host where that was the target's fault
    /// (RFC 3263 4.3); another may still ring, or be tried.
    pub fn fork_failed(
        &mut self,
        dial: DialId,
        dialog: DialogId,
        failure: &Failure,
        context: &mut Context<'_>,
    ) {
        let like = self.caller_media().agreed().cloned();
        let (call, code) = (self.id, meant_by(failure));
        let Some(dialled) = self.dialled_mut(dial) else { return };
        let Some(at) = dialled.forks.iter().position(|fork| fork.dialog == dialog) else { return };
        let mut fork = dialled.forks.remove(at);
        if dialled.forks.is_empty() {
            // Only one that rings alone is heard before it answers.
            self.early_media_ended(dial, context);
        }
        let Some(dialled) = self.dialled_mut(dial) else { return };
        // What a gateway says of the person called is no fault of the target.
        let is_plain = code == code_of(failure);
        if let Some((invite, mut targets)) = fork.next.take().filter(|_| is_plain) {
            let before = targets.target().address;
            if targets.failed(context.now.instant, failure, &mut context.sip.blocked) {
                tracing::info!(
                    call = %call, %dial, target = %before, next = %targets.target().address, code,
                    "a target is put back, the next one is tried"
                );
                context.index.dialogs.remove(&dialog);
                return dialled.send_to_target(call, invite, targets, like.as_ref(), context);
            }
        }
        fork.release(context);
        let words = in_words(failure);
        if let Some(text) = &words {
            dialled.note_words_of(fork.trunk.as_deref(), text.clone());
        }
        if let (Some(trunk), Some(text)) = (&fork.trunk, words) {
            tracing::info!(call = %call, %dial, trunk, code, why = %Hidden::sentence(&text), "a trunk did not take a call");
            context.trunks.note_reject(context.now.instant, trunk, Direction::Out, Some(code), &text);
        }
        dialled.note_failure(code, &fork.fail_over);
        if code >= 600 {
            // RFC 3261 16.7 step 5: nobody is to be rung any more.
            dialled.cancel_forks(Some(ELSEWHERE), None, context);
        }
        self.ring_on(dial, context);
    }

    /// Goes on with the next group where nothing of this one is left.
    fn ring_on(&mut self, dial: DialId, context: &mut Context<'_>) {
        if self.dialled(dial).is_some_and(Dialled::is_busy) || self.ring_next(dial, context) {
            return;
        }
        let code = self.dialled(dial).and_then(|dialled| dialled.failed).unwrap_or(503);
        self.dialled_failed(dial, cause_of(code), Some(code), context);
    }
}

/// Characters of a name in a header.
const NAME_CHARS_MAX: usize = 100;

impl Call {
    /// What is said on a way; none where no address can be made of the caller.
    fn invite(
        &self,
        way: Way,
        identity: &CallerIdentity,
        target: &str,
        to_agent: Option<&[(String, String)]>,
        domain: &str,
    ) -> Option<Invite> {
        let trunk = way.trunk.as_ref().and_then(|id| self.snapshot_trunk(id));
        let (from, mut headers) = self.presented(identity, target, trunk, domain)?;
        if let Some(more) = to_agent {
            headers.extend(self.screen_pop());
            headers.extend_from_slice(more);
        }
        Some(Invite { way, from, headers, call_id: None })
    }

    /// From and what else says who calls, as the trunk wants it; to others From alone, and a wish for privacy.
    fn presented(
        &self,
        identity: &CallerIdentity,
        target: &str,
        trunk: Option<&Trunk>,
        domain: &str,
    ) -> Option<(NameAddr, Vec<(String, String)>)> {
        let (facts, caller) = (self.facts(), &self.identified);
        let of_caller = Presented {
            number: &facts.from,
            name: &facts.from_name,
            asserted: &caller.number,
            asserted_name: &caller.name,
            sent_on_from: &facts.to,
            diverted: &caller.diverted,
            target,
        };
        let own = |number, name| Presented {
            number,
            name,
            asserted: number,
            asserted_name: name,
            target,
            ..Presented::default()
        };
        let presented = match identity {
            CallerIdentity::Caller => of_caller,
            CallerIdentity::Dialled => own(&facts.to, &facts.number_label),
            CallerIdentity::Fixed(number) => own(number, ""),
        };
        match trunk {
            Some(trunk) => present(&presented, &trunk.identity, &trunk.numbers, domain),
            None => present(&presented, &IdentityPolicy::default(), &as_it_stands(), domain),
        }
    }

    /// What an agent's telephone or its program shows of the caller: the call, and the record that the CRM has. Only
    /// agents get it; whoever else is dialled is a stranger to the CRM.
    fn screen_pop(&self) -> Vec<(String, String)> {
        let mut headers = vec![("X-Cordboard-Call-Id".to_owned(), self.id.to_string())];
        let Some(person) = self.contact() else { return headers };
        let plain =
            |text: &str| text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect::<String>();
        headers.push(("X-Cordboard-Contact".to_owned(), plain(&format!("{} {}", person.kind, person.id))));
        if !person.name.is_empty() {
            headers.push(("X-Cordboard-Contact-Name".to_owned(), plain(&person.name)));
        }
        // RFC 3261 section 20.9: telephones open it, or show it to be opened.
        let is_plain = |url: &&String| url.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c));
        if let Some(url) = person.url.as_ref().filter(is_plain) {
            headers.push(("Call-Info".to_owned(), format!("<{url}>;purpose=info")));
        }
        headers
    }
}

impl Dialled {
    /// Something of it rings, or is looked up.
    fn is_busy(&self) -> bool {
        !self.forks.is_empty() || !self.resolving.is_empty()
    }

    /// Notes why a way came to nothing; after some codes no other group is tried.
    fn note_failure(&mut self, code: u16, fail_over: &FailOver) {
        self.failed = better(self.failed, Some(code));
        if !fail_over.goes_on_after(code) {
            self.groups.clear();
        }
    }

    /// The id of the agent that was dialled.
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The trunk that it goes over.
    pub fn trunk(&self) -> Option<&str> {
        self.forks.first().and_then(|fork| fork.trunk.as_deref())
    }

    /// Whether a dialog of it is under way.
    pub fn has_dialog(&self) -> bool {
        !self.forks.is_empty()
    }

    /// The leg described its media before it answered: they open, or move where another branch of a forked call did. Of
    /// several telephones that ring nobody is heard.
    pub fn early(
        &mut self,
        dialog: DialogId,
        response: &Response,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let ([fork], Stage::Ringing, true) = (&self.forks[..], self.stage, self.resolving.is_empty()) else {
            return Ok(());
        };
        let Some(media) = self.media.as_mut().filter(|_| fork.dialog == dialog) else { return Ok(()) };
        media.accept(response.body(), fork.peer, &context.settings.media, context.actions)
    }

    /// The leg answered: its other forks end, and its media opens, unless its answer cannot be used; then it is hung up.
    pub fn answered(
        &mut self,
        dialog: DialogId,
        response: &Response,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let Some(fork) = self.forks.iter().find(|fork| fork.dialog == dialog) else {
            return Err(Refusal::NoAudio);
        };
        (self.peer, self.stage) = (fork.peer, Stage::Answered(dialog));
        self.over.clone_from(&fork.trunk);
        self.said.clear();
        if let Some((_, targets)) = &fork.next {
            targets.answered(&mut context.sip.blocked);
        }
        if let Some(trunk) = &fork.trunk {
            context.trunks.note_answered(context.now.instant, trunk);
        }
        self.cancel_forks(Some(ELSEWHERE), Some(dialog), context);
        if let Some(agent) = &self.agent {
            context.index.starts_talking(agent);
            self.talking = true;
        }
        let media = self.media.as_mut().ok_or(Refusal::NoAudio)?;
        media.established(&context.settings.media, context.actions);
        // A 200 without a description stands by the one that came reliably before it (RFC 3262 section 5).
        let accepted = if response.body().is_empty() && media.agreed().is_some() {
            Ok(())
        } else {
            media.accept(response.body(), self.peer, &context.settings.media, context.actions)
        };
        if let Err(refusal) = &accepted {
            let reason = format!("SIP;cause=488;text=\"{}\"", refusal.to_string().replace(['"', '\\'], "'"));
            self.hang_up(Some(&reason), context);
        }
        accepted
    }

    /// Gives the leg up, however far it has come, and says why; `cause` is what the caller's side said (Q.850).
    pub fn cancel(&mut self, reason: CancelReason, cause: Option<u8>, context: &mut Context<'_>) {
        let rings = self.stage == Stage::Ringing;
        match reason {
            CancelReason::AnsweredElsewhere if rings => self.hang_up(Some(ELSEWHERE), context),
            CancelReason::RangOut if rings => {
                self.note_words("nobody answered while it rang".to_owned());
                self.hang_up(Some("SIP;cause=408;text=\"Rang for its time\""), context);
            }
            _ => self.clear(cause, context),
        }
    }

    /// Ends the leg as calls end, or with the cause that the other side named.
    pub fn clear(&mut self, cause: Option<u8>, context: &mut Context<'_>) {
        self.hang_up(Some(&q850(cause.unwrap_or(NORMAL_CLEARING))), context);
    }

    /// Ends the leg with CANCEL before its answer and BYE after it (RFC 3261 sections 9.1 and 15); `reason` is the
    /// value of a Reason header.
    pub fn hang_up(&mut self, reason: Option<&str>, context: &mut Context<'_>) {
        match self.stage {
            Stage::Ringing => self.cancel_forks(reason, None, context),
            Stage::Answered(dialog) => {
                context.sip.bye(context.now.instant, dialog, reason, context.sip_actions);
            }
            Stage::Over => {}
        }
        self.release_forks(context);
        self.stage = Stage::Over;
    }

    /// Gives up what still rings or would be rung, apart from the one dialog.
    fn cancel_forks(&mut self, reason: Option<&str>, but: Option<DialogId>, context: &mut Context<'_>) {
        self.groups.clear();
        for (_, invite) in self.resolving.drain(..) {
            if let Some(trunk) = &invite.way.trunk {
                context.trunks.end_call(trunk, Direction::Out);
            }
        }
        let (kept, given_up): (Vec<_>, Vec<_>) =
            self.forks.drain(..).partition(|fork| Some(fork.dialog) == but);
        self.forks = kept;
        for fork in given_up {
            context.sip.cancel(context.now.instant, fork.dialog, reason, context.sip_actions);
            fork.release(context);
        }
    }

    /// Nothing is left of its dialogs, whoever ended them.
    pub fn release_forks(&mut self, context: &mut Context<'_>) {
        for fork in self.forks.drain(..) {
            fork.release(context);
        }
    }

    /// The agent does not talk here any more.
    pub fn release_agent(&mut self, index: &mut Index) {
        if let Some(agent) = self.agent.as_ref().filter(|_| self.talking) {
            index.stops_talking(agent);
            self.talking = false;
        }
    }

    pub fn media_at(&self) -> Option<(&MediaLeg, IpAddr)> {
        self.media.as_ref().map(|media| (media, self.peer))
    }

    pub fn media_and_peer(&mut self) -> Option<(&mut MediaLeg, IpAddr)> {
        self.media.as_mut().map(|media| (media, self.peer))
    }
}

impl Fork {
    /// It is no dialog of the call any more, and no call of its trunk.
    fn release(&self, context: &mut Context<'_>) {
        context.index.dialogs.remove(&self.dialog);
        if let Some(trunk) = &self.trunk {
            context.trunks.end_call(trunk, Direction::Out);
        }
    }
}

/// To a telephone of our own, a number is written as it is known.
fn as_it_stands() -> NumberRule {
    NumberRule { format: NumberFormat::AsIs, ..NumberRule::default() }
}
