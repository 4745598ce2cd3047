//! The caller's leg: ringing, the answer, its end from either side.
//!
//! Invariants: [`CallerState`] only goes forward; a caller who is gone is in no index and gets no more SIP.

use super::{Call, Context, RING_AGAIN};
use crate::call::live::What;
use crate::call::media_leg::{MediaLeg, Sender};
use crate::call::message_parts::sdp_body;
use crate::call::record::EndReason;
use crate::clock::{Instant, Wall};
use crate::flow::Event as FlowEvent;
use crate::sip::DialogId;
use crate::sip::cause::{self, Reason};
use crate::sip::message::Request;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) struct Caller {
    pub dialog: DialogId,
    pub invite: Arc<Request>,
    pub state: CallerState,
    pub media: MediaLeg,
    pub peer: IpAddr,
    pub sender: Sender,
    /// Since when our answer waits for its ACK.
    pub unacknowledged_since: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallerState {
    /// Not answered, and told so much.
    Ringing {
        told: Told,
    },
    /// 200 sent, at that time.
    Answered(Wall),
    Gone {
        answered: Option<Wall>,
    },
}

/// What a caller who is not answered knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Nothing,
    /// 180.
    Ringing,
    /// 183 with our description.
    Progress,
}

impl Caller {
    /// The host that its telephone or its trunk names itself by.
    pub fn peer_host(&self) -> String {
        let host = self.invite.contact().map(|contact| contact.uri.host().to_string());
        host.filter(|host| !host.is_empty()).unwrap_or_else(|| match self.peer {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        })
    }
}

impl Call {
    pub(super) fn ring(&mut self, context: &mut Context<'_>) {
        let CallerState::Ringing { told: Told::Nothing } = self.caller.state else { return };
        let (now, dialog) = (context.now.instant, self.caller.dialog);
        self.was_told(Told::Ringing, now);
        // RFC 3261 section 13.2.1: where the caller made no offer, the first reliable message makes ours.
        let offers = self.caller.invite.body().is_empty() && context.sip.rings_reliably(dialog);
        let body = offers.then(|| sdp_body(self.caller.media.offer(None)));
        context.sip.ring(now, dialog, 180, "Ringing", body, context.sip_actions);
    }

    /// The caller knows that it rings, or hears what the called side sends.
    pub(super) fn was_told(&mut self, told: Told, now: Instant) {
        self.caller.state = CallerState::Ringing { told };
        self.deadline = Some(now + RING_AGAIN);
    }

    /// The caller has heard nothing of its call for a while.
    pub(super) fn ring_again(&mut self, told: Told, context: &mut Context<'_>) {
        let code = match told {
            Told::Nothing => return self.ring(context),
            Told::Ringing => 180,
            Told::Progress => 183,
        };
        let (now, dialog) = (context.now.instant, self.caller.dialog);
        self.was_told(told, now);
        context.sip.ring(now, dialog, code, "", None, context.sip_actions);
    }

    pub(super) fn answer(&mut self, context: &mut Context<'_>) {
        let CallerState::Ringing { .. } = self.caller.state else { return };
        let offer = self.caller.invite.body().clone();
        let settings = &context.settings.media;
        self.caller.media.established(settings, context.actions);
        let text = if offer.is_empty() {
            // An offer that went out with the ringing is not made again.
            self.caller.media.is_fresh().then(|| self.caller.media.offer(None))
        } else {
            match self.caller.media.answer(
                &offer,
                self.caller.sender,
                self.caller.peer,
                settings,
                context.actions,
            ) {
                Ok(text) => Some(text),
                // It was looked at when the call came in; nothing has changed since.
                Err(refusal) => {
                    tracing::error!(call = %self.id, %refusal, "an offer that was accepted is refused now");
                    return;
                }
            }
        };
        self.caller.state = CallerState::Answered(context.now.wall);
        self.caller.unacknowledged_since = Some(context.now.instant);
        self.deadline = None;
        context.counters.answered += 1;
        self.tell(What::Answered, context);
        let body = text.map(sdp_body);
        context.sip.answer(context.now.instant, self.caller.dialog, &[], body, context.sip_actions);
    }

    /// The caller acknowledged our 200, with the tag in it: media that waited for that begin (a caller who comes by
    /// datagrams and wants media elsewhere). Where it made no offer, its answer comes here.
    pub fn acknowledged(&mut self, request: &Request, context: &mut Context<'_>) {
        // An ACK that comes late ends a trouble.
        self.is_changed |= self.caller.unacknowledged_since.take().is_some();
        self.caller.media.release(context.actions);
        self.capture_legs(context);
        self.send_hand_over(context);
        if self.caller.media.agreed().is_some() && request.body().is_empty() {
            return;
        }
        let settings = &context.settings.media;
        match self.caller.media.accept(request.body(), self.caller.peer, settings, context.actions) {
            Ok(()) => self.follow_hold(context),
            Err(refusal) if self.caller.media.agreed().is_none() => {
                tracing::info!(call = %self.id, %refusal, "the answer in the caller's ACK cannot be used");
                self.end(EndReason::BadAnswer, context);
            }
            Err(refusal) => tracing::debug!(call = %self.id, %refusal, "a later answer was passed over"),
        }
    }

    pub(super) fn hang_up_caller(&mut self, sip_code: u16, q850: Option<u8>, context: &mut Context<'_>) {
        let now = context.now.instant;
        match self.caller.state {
            CallerState::Answered(at) => {
                let reason = self.cause_said.or(q850).map(cause::q850);
                context.sip.bye(now, self.caller.dialog, reason.as_deref(), context.sip_actions);
                self.caller.state = CallerState::Gone { answered: Some(at) };
            }
            CallerState::Ringing { .. } => {
                let said = cause::q850(q850.unwrap_or_else(|| cause::cause_of(sip_code)));
                let headers = [("Reason".to_owned(), said)];
                context.sip.reject(now, self.caller.dialog, sip_code, "", &headers, context.sip_actions);
                self.caller.state = CallerState::Gone { answered: None };
                self.ended.get_or_insert((EndReason::FlowEnded, Some(sip_code)));
            }
            CallerState::Gone { .. } => return,
        }
        context.index.dialogs.remove(&self.caller.dialog);
    }

    /// CANCEL before our answer; the INVITE has been answered 487 already.
    pub fn caller_cancelled(&mut self, reason: &Reason, context: &mut Context<'_>) {
        self.note_reason(reason);
        self.caller_gone(EndReason::CallerHungUp, Some(487), context);
    }

    pub fn caller_hung_up(&mut self, reason: &Reason, context: &mut Context<'_>) {
        self.note_reason(reason);
        self.caller_gone(EndReason::CallerHungUp, None, context);
    }

    /// What the caller's side says of why it hung up belongs into the record, where it is not the usual.
    fn note_reason(&mut self, reason: &Reason) {
        self.cause_said = self.cause_said.or(reason.cause);
        let note = reason.remark().map(|remark| format!("the caller hung up: its side says {remark}"));
        if let (Some(note), false) = (note, matches!(self.caller.state, CallerState::Gone { .. })) {
            self.ended_for(EndReason::CallerHungUp, None, Some(note));
        }
    }

    /// The endpoint could not give our answer (too many half-open calls of that source, ringing that was never
    /// acknowledged): the dialog is gone, and the caller was not answered, whatever we had in mind.
    pub fn refused_by_endpoint(&mut self, code: Option<u16>, context: &mut Context<'_>) {
        if let CallerState::Answered(_) = self.caller.state {
            self.caller.state = CallerState::Ringing { told: Told::Ringing };
        }
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
        match &mut self.ended {
            // The reason was noted before; the code comes with it.
            Some((noted, said)) if *noted == reason => *said = said.or(code),
            Some(_) => {}
            None => self.ended = Some((reason, code)),
        }
        match &self.interpreter {
            Some(_) => self.feed(FlowEvent::CallerHungUp, context),
            None => self.close_all(context),
        }
    }

    pub(super) fn caller_vanished(&mut self, context: &mut Context<'_>) {
        let CallerState::Answered(at) = self.caller.state else { return };
        self.caller.state = CallerState::Gone { answered: Some(at) };
        context.index.dialogs.remove(&self.caller.dialog);
        let note = self.vanished.take().and_then(|gone| gone.note);
        self.ended_for(EndReason::CallerVanished, None, note);
        match &self.interpreter {
            Some(_) => self.feed(FlowEvent::CallerVanished, context),
            None => self.close_all(context),
        }
    }

    /// How many more hops a leg of this call may take; `None` where there is none left. What the caller's side left
    /// over is handed on, so that a number that leads back to itself ends (RFC 7332 section 5).
    pub(in crate::call) fn hops_left(&self) -> Option<u8> {
        const USUAL: u8 = 70;
        let caller = self.caller.invite.header("Max-Forwards").and_then(|text| text.trim().parse().ok());
        caller.unwrap_or(USUAL).min(USUAL).checked_sub(1).filter(|left| *left > 0)
    }

    pub(in crate::call) fn caller_media(&self) -> &MediaLeg {
        &self.caller.media
    }
}
