//! The caller's leg: ringing, the answer, its end from either side.
//!
//! Invariants: [`CallerState`] only goes forward; a caller who is gone is in no index and gets no more SIP.

use super::{Call, Context};
use crate::call::live::What;
use crate::call::media_leg::{MediaLeg, Sender};
use crate::call::message_parts::sdp_body;
use crate::call::record::EndReason;
use crate::clock::{Instant, Wall};
use crate::flow::Event as FlowEvent;
use crate::sip::DialogId;
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

impl Call {
    pub(super) fn ring(&mut self, context: &mut Context<'_>) {
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

    pub(super) fn answer(&mut self, context: &mut Context<'_>) {
        let CallerState::Ringing { .. } = self.caller.state else { return };
        let offer = self.caller.invite.body().clone();
        let settings = &context.settings.media;
        let text = if offer.is_empty() {
            self.caller.media.offer(None)
        } else {
            match self.caller.media.answer(
                &offer,
                self.caller.sender,
                self.caller.peer,
                settings,
                context.actions,
            ) {
                Ok(text) => text,
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
        let body = Some(sdp_body(text));
        context.sip.answer(context.now.instant, self.caller.dialog, &[], body, context.sip_actions);
    }

    /// The caller acknowledged our 200, with the tag in it: media that waited for that begin (a caller who comes by
    /// datagrams and wants media elsewhere). Where it made no offer, its answer comes here.
    pub fn acknowledged(&mut self, request: &Request, context: &mut Context<'_>) {
        // An ACK that comes late ends a trouble.
        self.is_changed |= self.caller.unacknowledged_since.take().is_some();
        self.caller.media.release(context.actions);
        self.capture_legs(context);
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

    pub(super) fn hang_up_caller(&mut self, sip_code: u16, q850: Option<u8>, context: &mut Context<'_>) {
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

    pub(super) fn caller_vanished(&mut self, context: &mut Context<'_>) {
        let CallerState::Answered(at) = self.caller.state else { return };
        self.caller.state = CallerState::Gone { answered: Some(at) };
        context.index.dialogs.remove(&self.caller.dialog);
        self.ended.get_or_insert((EndReason::CallerVanished, None));
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
