//! Transfers: who talks with the caller asks by REFER that somebody else does (RFC 3515, RFC 5589).
//!
//! Invariants: a call has one transfer at a time; whoever asked for it is told by NOTIFY how it goes, with one last word,
//! and is hung up once that has arrived; until then it stays with the caller, and after a failure too.

use super::caller::CallerState;
use super::{Call, Context};
use crate::call::dialled::{Dialled, Ring, Stage};
use crate::call::live::LegState;
use crate::call::message_parts::{sdp_body, warning};
use crate::call::record::{FAILED_TRANSFERS_MAX, FailedTransfer};
use crate::call::transfer::{Moved, Refused, Where};
use crate::clock::Instant;
use crate::flow::{CallerIdentity, CancelReason, DialId, Event as FlowEvent, Party};
use crate::hidden::Hidden;
use crate::ids::PlaybackId;
use crate::media::{Command, Item, Playlist, Tone};
use crate::sip::endpoint::{Body, Failure};
use crate::sip::message::{Request, Response, reason_phrase};
use crate::sip::refer::FRAGMENT_TYPE;
use crate::sip::{DialogId, TransactionId};
use std::sync::Arc;
use std::time::Duration;

/// How long the other party rings: a telephone rings for less, and whoever transferred waits.
const RINGS_MAX: Duration = Duration::from_secs(60);
/// The ringing tone of a transfer: far from the numbers of the flow, of holds, and of early media.
const RINGING: PlaybackId = PlaybackId(1 << 50);

/// The transfers of a call.
#[derive(Default)]
pub(super) struct Transfers {
    current: Option<Transfer>,
    /// Legs whose part is over, with the last NOTIFY to them: its answer ends them.
    leaving: Vec<(DialId, TransactionId)>,
    /// Who has asked before, since the NOTIFYs of later ones name their REFER (RFC 3515 section 2.4.6).
    asked: Vec<DialId>,
}

/// One that is under way.
struct Transfer {
    by: DialId,
    /// Where NOTIFYs about it go; none where nobody wants them, or who did has left.
    told: Option<Told>,
    /// Who asked has hung up, and waits no more.
    has_left: bool,
    /// The leg that is to take its place, and who that is.
    leg: DialId,
    to: String,
    /// The re-INVITE that moves it here, where it stood in another call.
    moving: Option<TransactionId>,
    /// When it is sent again, because it met a change that the leg's side made itself.
    again: Option<Instant>,
    until: Instant,
    rings: bool,
}

/// The subscription that a REFER makes.
#[derive(Clone, Copy)]
struct Told {
    dialog: DialogId,
    /// The number of its REFER, where it was not the first of the dialog.
    id: Option<u32>,
}

/// A REFER that is taken.
pub(in crate::call) struct Order<'a> {
    pub by: DialId,
    pub transaction: TransactionId,
    pub request: &'a Request,
}

impl Transfers {
    pub fn is_under_way(&self) -> bool {
        self.current.is_some()
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let current = self.current.as_ref()?;
        Some(current.again.map_or(current.until, |again| again.min(current.until)))
    }

    fn is_leg(&self, dial: DialId) -> bool {
        self.current.as_ref().is_some_and(|transfer| transfer.leg == dial)
    }

    fn is_by(&self, dial: DialId) -> bool {
        self.current.as_ref().is_some_and(|transfer| transfer.by == dial)
    }
}

impl Call {
    /// Whether that party may hand the caller on now.
    pub(in crate::call) fn may_transfer(&self, party: Party) -> Result<DialId, Refused> {
        let Party::Dialled(dial) = party else {
            return Err(Refused::new(403, "a caller may not transfer the call"));
        };
        let Some(dialled) = self.dialled(dial).filter(|_| self.hold.is_joined(dial)) else {
            return Err(Refused::new(403, "only who talks with the caller may transfer the call"));
        };
        if self.transfers.is_under_way() {
            return Err(Refused::new(491, "a transfer of this call is under way"));
        }
        let trunk = dialled.trunk().and_then(|id| self.snapshot_trunk(id));
        match (dialled.agent(), trunk) {
            (Some(_), _) => Ok(dial),
            (None, Some(trunk)) if trunk.takes_refer => Ok(dial),
            (None, Some(trunk)) => {
                let id = &trunk.id;
                Err(Refused::new(
                    403,
                    format!("the trunk \"{id}\" may not transfer calls: take_refer is off"),
                ))
            }
            (None, None) => Err(Refused::new(403, "only agents and trunks may transfer calls")),
        }
    }

    /// Who talks with the caller is to talk with somebody else, or the caller is to go into another flow.
    pub(in crate::call) fn transfer_to(
        &mut self,
        order: &Order<'_>,
        whereto: Where,
        headers: Vec<(String, String)>,
        context: &mut Context<'_>,
    ) {
        match whereto {
            Where::Party(target) => {
                let Some(leg) = self.new_dial() else { return };
                let identity = CallerIdentity::Caller;
                let ring = Ring { identity: &identity, ring_busy: true, transfer: Some(headers) };
                if let Some((cause, code)) = self.dial(leg, target, ring, context) {
                    let said = self.why_of(leg).map(|why| format!(": {why}")).unwrap_or_default();
                    let why =
                        format!("the party that the call was to be transferred to cannot be rung{said}");
                    let refused = Refused::new(code.unwrap_or(cause.sip_code()), why);
                    return refuse(self, Party::Dialled(order.by), order, &refused, context);
                }
                let told = self.accept_transfer(order, context);
                self.begin_transfer(order.by, told, leg, None, context);
            }
            Where::Flow(flow) => {
                let told = self.accept_transfer(order, context);
                self.log_transfer(order.by, flow.flow.id());
                self.leave_after(order.by, told, 200, context);
                self.command(Party::Caller, context, |leg| Command::Unbridge { leg });
                self.parted(order.by, context);
                self.feed(FlowEvent::SentInto { flow }, context);
            }
        }
    }

    /// A leg of another call takes the place of who talks with the caller: a re-INVITE moves its media here.
    pub(in crate::call) fn take_over(&mut self, order: &Order<'_>, moved: Moved, context: &mut Context<'_>) {
        let (dial, dialog, offer) = (moved.dial, moved.dialog, moved.offer.clone());
        let told = self.accept_transfer(order, context);
        context.index.dialogs.insert(dialog, (self.id, Party::Dialled(dial)));
        self.dialled.push(Dialled::moved(moved));
        let moving = ask_to_move(dialog, offer, context);
        self.tell_leg(dial, LegState::Answered, context);
        self.begin_transfer(order.by, told, dial, Some(moving), context);
    }

    fn begin_transfer(
        &mut self,
        by: DialId,
        told: Option<Told>,
        leg: DialId,
        moving: Option<TransactionId>,
        context: &mut Context<'_>,
    ) {
        let until = context.now.instant + RINGS_MAX;
        let to = self.party_name(Party::Dialled(leg));
        self.log_transfer(by, &to);
        let (has_left, rings) = (false, false);
        let transfer = Transfer { by, told, has_left, leg, to, moving, again: None, until, rings };
        self.transfers.current = Some(transfer);
    }

    fn log_transfer(&self, by: DialId, to: &str) {
        let by = self.party_name(Party::Dialled(by));
        tracing::info!(call = %self.id, by = %Hidden::party(&by), to = %Hidden::party(to), "transfer");
    }

    /// A number for a leg beside those of the flow.
    pub(in crate::call) fn new_dial(&mut self) -> Option<DialId> {
        self.interpreter.as_mut().map(crate::flow::Interpreter::new_dial)
    }

    /// 202, and the first NOTIFY, which follows at once (RFC 3515 section 2.4.4), unless none are wanted (RFC 4488).
    fn accept_transfer(&mut self, order: &Order<'_>, context: &mut Context<'_>) -> Option<Told> {
        let is_silent =
            order.request.header("Refer-Sub").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let headers: Vec<_> =
            is_silent.then(|| ("Refer-Sub".to_owned(), "false".to_owned())).into_iter().collect();
        let now = context.now.instant;
        context.sip.respond(now, order.transaction, 202, "Accepted", &headers, None, context.sip_actions);
        let is_later = self.transfers.asked.contains(&order.by);
        if !is_later {
            self.transfers.asked.push(order.by);
        }
        let dialog = match self.dialled(order.by)?.stage {
            Stage::Answered(dialog) if !is_silent => dialog,
            _ => return None,
        };
        let told = Told { dialog, id: is_later.then(|| order.request.cseq().number) };
        notify(told, 100, false, context);
        Some(told)
    }

    /// The leg of the transfer rings: who asked for it and the caller hear of it.
    pub(super) fn transfer_rings(&mut self, dial: DialId, code: u16, context: &mut Context<'_>) -> bool {
        if !self.transfers.is_leg(dial) {
            return false;
        }
        let Some(transfer) = &mut self.transfers.current else { return true };
        if !std::mem::replace(&mut transfer.rings, true) {
            if let Some(told) = transfer.told {
                notify(told, code, false, context);
            }
            self.ring_to_caller(context);
        }
        true
    }

    fn ring_to_caller(&mut self, context: &mut Context<'_>) {
        self.hold.music_ended(Party::Caller);
        let playlist = Playlist { items: vec![Item::Tone(Tone::Ringback)], forever: true };
        self.command(Party::Caller, context, |leg| Command::Play { leg, playback: RINGING, playlist });
    }

    /// The leg of the transfer has answered: it talks with the caller from now on.
    pub(super) fn transfer_answered(&mut self, dial: DialId, context: &mut Context<'_>) -> bool {
        if !self.transfers.is_leg(dial) {
            return false;
        }
        let Some(Transfer { by, told, has_left, leg, .. }) = self.transfers.current.take() else {
            return true;
        };
        let Some(b) = self.media(Party::Dialled(leg)).map(|media| media.leg) else { return true };
        self.command(Party::Caller, context, |a| Command::Bridge { a, b });
        self.joined(leg, context);
        self.tell_leg(leg, LegState::Connected, context);
        self.tell_transferred(by, leg, context);
        if !has_left {
            self.leave_after(by, told, 200, context);
        }
        true
    }

    /// Tells the flow whom the caller talks with now.
    pub(super) fn tell_transferred(&mut self, from: DialId, to: DialId, context: &mut Context<'_>) {
        let name = self.party_name(Party::Dialled(to));
        let agent = self.dialled(to).and_then(|dialled| dialled.agent().map(str::to_owned));
        self.feed(FlowEvent::Transferred { from, to, name, agent }, context);
    }

    /// The leg of the transfer came to nothing: the caller stays with who asked for it, or, where that one has left, the
    /// conversation is over.
    pub(super) fn transfer_failed(&mut self, dial: DialId, code: u16, context: &mut Context<'_>) -> bool {
        if !self.transfers.is_leg(dial) {
            return false;
        }
        let Some(Transfer { by, told, has_left, to, .. }) = self.transfers.current.take() else {
            return true;
        };
        let usual = || format!("{code} {}", reason_phrase(code));
        let why = self.why_of(dial).map_or_else(usual, str::to_owned);
        tracing::info!(call = %self.id, code, why = %Hidden::sentence(&why), "the transfer came to nothing");
        self.note_failed_transfer(Party::Dialled(by), Some(to), code, &why, context);
        self.command(Party::Caller, context, |leg| Command::Stop { leg, playback: RINGING });
        if has_left {
            self.feed(FlowEvent::DialledHungUp { dial: by }, context);
            return true;
        }
        if let Some(told) = told {
            notify(told, code, true, context);
        }
        self.follow_hold(context);
        true
    }

    /// Keeps for the record that a transfer came to nothing.
    fn note_failed_transfer(
        &mut self,
        party: Party,
        to: Option<String>,
        code: u16,
        why: &str,
        context: &Context<'_>,
    ) {
        if self.failed_transfers.len() < FAILED_TRANSFERS_MAX {
            let (at, party, reason) = (context.now.wall, self.party_name(party), why.to_owned());
            self.failed_transfers.push(FailedTransfer { at, party, to, code, reason });
        }
    }

    /// Who asked for a transfer has hung up while it is under way, and the caller hears it ring.
    pub(super) fn transferor_left(&mut self, dial: DialId, context: &mut Context<'_>) -> bool {
        self.transfers.leaving.retain(|(leaving, _)| *leaving != dial);
        if !self.transfers.is_by(dial) {
            return false;
        }
        if let Some(transfer) = &mut self.transfers.current {
            (transfer.has_left, transfer.told) = (true, None);
        }
        self.ring_to_caller(context);
        true
    }

    /// The flow hangs up who talks with the caller: a transfer that it asked for is over, too. True where that leg ends by
    /// itself, once it has heard how its transfer ended.
    pub(super) fn stop_transfer(&mut self, dial: DialId, context: &mut Context<'_>) -> bool {
        if self.transfers.is_by(dial)
            && let Some(Transfer { told, leg, .. }) = self.transfers.current.take()
        {
            if let Some(told) = told {
                notify(told, 487, true, context);
            }
            self.give_up_leg(leg, CancelReason::StepEnded, context);
        }
        self.transfers.leaving.iter().any(|(leaving, _)| *leaving == dial)
    }

    fn give_up_leg(&mut self, leg: DialId, reason: CancelReason, context: &mut Context<'_>) {
        if let Some(dialled) = self.dialled_mut(leg) {
            dialled.cancel(reason, None, context);
        }
        self.close_dialled(leg, context);
    }

    /// The leg of the transfer has rung for its time, or is to be asked once more.
    pub(super) fn transfer_due(&mut self, context: &mut Context<'_>) {
        let now = context.now.instant;
        let Some(transfer) = &mut self.transfers.current else { return };
        let leg = transfer.leg;
        if transfer.until <= now {
            self.give_up_leg(leg, CancelReason::RangOut, context);
            self.transfer_failed(leg, 408, context);
        } else if transfer.again.take_if(|at| *at <= now).is_some() {
            self.move_again(leg, context);
        }
    }

    /// The re-INVITE that moves the leg met one of its own side: it is sent again after a while (RFC 3261 section 14.1).
    fn move_later(&mut self, leg: DialId, context: &mut Context<'_>) {
        let Some(Stage::Answered(dialog)) = self.dialled(leg).map(|dialled| dialled.stage) else { return };
        let pause = context.sip.glare_pause(dialog);
        if let Some(transfer) = &mut self.transfers.current {
            (transfer.moving, transfer.again) = (None, Some(context.now.instant + pause));
        }
    }

    fn move_again(&mut self, leg: DialId, context: &mut Context<'_>) {
        let Some(dialled) = self.dialled(leg) else { return };
        let (Stage::Answered(dialog), Some((media, _))) = (dialled.stage, dialled.media_at()) else { return };
        let Some(offer) = media.offered() else { return };
        if !context.sip.takes_reinvite(dialog) {
            return self.move_later(leg, context);
        }
        let moving = ask_to_move(dialog, offer, context);
        if let Some(transfer) = &mut self.transfers.current {
            transfer.moving = Some(moving);
        }
    }

    /// The part of that leg is over: it is hung up once it has heard how its transfer ended.
    fn leave_after(&mut self, dial: DialId, told: Option<Told>, code: u16, context: &mut Context<'_>) {
        match told {
            Some(told) => self.transfers.leaving.push((dial, notify(told, code, true, context))),
            None => self.hang_up_leaving(dial, context),
        }
    }

    fn hang_up_leaving(&mut self, dial: DialId, context: &mut Context<'_>) {
        if let Some(dialled) = self.dialled_mut(dial) {
            dialled.clear(None, context);
        }
        self.close_dialled(dial, context);
    }

    /// What became of a request of a transfer: true where it was one.
    pub(super) fn transfer_responded(
        &mut self,
        transaction: TransactionId,
        response: &Result<Arc<Response>, Failure>,
        context: &mut Context<'_>,
    ) -> bool {
        if let Some(at) = self.transfers.leaving.iter().position(|(_, notify)| *notify == transaction) {
            let (dial, _) = self.transfers.leaving.remove(at);
            self.hang_up_leaving(dial, context);
            return true;
        }
        let Some(Transfer { leg, moving, .. }) = &self.transfers.current else { return false };
        if *moving != Some(transaction) {
            return false;
        }
        let leg = *leg;
        if response.as_ref().is_ok_and(|response| response.code() == 491) {
            self.move_later(leg, context);
            return true;
        }
        let accepted = match response {
            Ok(response) if response.is_success() => self
                .dialled_mut(leg)
                .map_or(Err(481), |dialled| dialled.moved_answered(response, context).map_err(|_| 488)),
            Ok(response) => Err(response.code()),
            Err(_) => Err(408),
        };
        match accepted {
            Ok(()) => {
                self.transfer_answered(leg, context);
            }
            Err(code) => {
                self.hang_up_leaving(leg, context);
                self.transfer_failed(leg, code, context);
            }
        }
        true
    }

    /// Lets go of the party that the named one talks with, so that it goes on in another call; this call is to be ended then.
    pub(in crate::call) fn release_partner(
        &mut self,
        of: Party,
        new: NewHome,
        context: &mut Context<'_>,
    ) -> Result<Moved, Refused> {
        let nobody = || Refused::new(403, "the dialog that the transfer names talks with nobody");
        let joined = self.hold.joined_with().ok_or_else(nobody)?;
        let partner = match of {
            Party::Caller => Party::Dialled(joined),
            Party::Dialled(dial) if dial == joined => Party::Caller,
            Party::Dialled(_) => return Err(nobody()),
        };
        let dialog = match partner {
            Party::Caller if matches!(self.caller.state, CallerState::Answered(_)) => self.caller.dialog,
            Party::Dialled(dial) => match self.dialled(dial).map(|dialled| dialled.stage) {
                Some(Stage::Answered(dialog)) => dialog,
                _ => return Err(nobody()),
            },
            Party::Caller => return Err(nobody()),
        };
        let pending =
            || Refused::new(491, "the party that the call is transferred to changes its media just now");
        if !context.sip.takes_reinvite(dialog) || self.transfers.is_under_way() {
            return Err(pending());
        }
        let leg = context.index.new_leg(new.call, Party::Dialled(new.dial));
        let now = context.now.instant;
        let media = self
            .media(partner)
            .and_then(|media| media.moved(now, leg, context.ports, new.thread, context.random));
        let Some((media, offer)) = media else {
            context.index.legs.remove(&leg);
            return Err(pending());
        };
        let moved = Moved::new(new.dial, dialog, media, offer);
        Ok(match partner {
            Party::Caller => {
                let CallerState::Answered(at) = self.caller.state else { return Err(nobody()) };
                self.caller.state = CallerState::Gone { answered: Some(at) };
                Moved { name: self.facts.from.clone(), peer: self.caller.peer, ..moved }
            }
            Party::Dialled(dial) => match self.dialled_mut(dial) {
                Some(dialled) => dialled.release(moved),
                None => return Err(nobody()),
            },
        })
    }
}

/// The call that a leg moves to.
#[derive(Clone, Copy)]
pub(in crate::call) struct NewHome {
    pub call: crate::ids::CallId,
    pub dial: DialId,
    pub thread: crate::call::ports::ThreadId,
}

/// Turns a REFER of a party down, in words for the log, for the record and for who sent it.
pub(in crate::call) fn refuse(
    call: &mut Call,
    party: Party,
    order: &Order<'_>,
    refused: &Refused,
    context: &mut Context<'_>,
) {
    let Refused { code, why } = refused;
    call.note_failed_transfer(party, None, *code, why, context);
    tracing::info!(call = %call.id, code, reason = %Hidden::sentence(why), "a transfer is refused");
    let headers = [warning(399, &context.settings.domain, why)];
    let now = context.now.instant;
    context.sip.respond(now, order.transaction, *code, "", &headers, None, context.sip_actions);
}

/// Asks a leg to send its media where that offer says.
fn ask_to_move(dialog: DialogId, offer: String, context: &mut Context<'_>) -> TransactionId {
    let (now, method) = (context.now.instant, rsip::Method::Invite.into());
    context.sip.request(now, dialog, method, &[], Some(sdp_body(offer)), context.sip_actions)
}

/// Tells how a transfer goes (RFC 3515 section 2.4.5).
fn notify(told: Told, code: u16, is_last: bool, context: &mut Context<'_>) -> TransactionId {
    let id = told.id.map(|id| format!(";id={id}")).unwrap_or_default();
    let state = if is_last {
        "terminated;reason=noresource".to_owned()
    } else {
        format!("active;expires={}", RINGS_MAX.as_secs())
    };
    let headers = [("Event".to_owned(), format!("refer{id}")), ("Subscription-State".to_owned(), state)];
    let text = format!("SIP/2.0 {code} {}\r\n", reason_phrase(code));
    let body = Body { content_type: FRAGMENT_TYPE.to_owned(), bytes: text.into() };
    let (now, method) = (context.now.instant, rsip::Method::Notify.into());
    context.sip.request(now, told.dialog, method, &headers, Some(body), context.sip_actions)
}
