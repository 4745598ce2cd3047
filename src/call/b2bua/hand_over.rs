//! A call that is handed over to the side it came from, by a REFER of ours (RFC 3515, RFC 5589), so that it leaves this server.
//!
//! Invariant: what was asked ends once: with the last word of the other side, with its refusal, or with the call. A 202 is
//! no success; only a NOTIFY that tells a 2xx is.

use super::caller::CallerState;
use super::requests::respond;
use super::{Call, Context};
use crate::call::dialled::{LegEnd, Stage, cause_of, in_words};
use crate::call::said::Said;
use crate::call::ways::uri_at;
use crate::flow::{DialFailure, DialId, DialTarget, Event as FlowEvent, Party};
use crate::hidden::Hidden;
use crate::sip::TransactionId;
use crate::sip::endpoint::Failure;
use crate::sip::message::{Request, Response, SipUri, reason_phrase};
use crate::sip::refer::{ReferTo, is_last_notify, status_of_fragment};
use std::sync::Arc;

/// What was asked of the caller's side.
pub(super) struct HandingOver {
    dial: DialId,
    to: ReferTo,
    /// The REFER, once it is out; it waits for the caller's ACK.
    sent: Option<TransactionId>,
}

impl Call {
    /// Asks the caller's side to bring the caller to a target, or to a leg that has answered; gives the failure where that
    /// cannot even be asked.
    pub(super) fn hand_over(
        &mut self,
        dial: DialId,
        target: Option<DialTarget>,
        context: &mut Context<'_>,
    ) -> Option<(DialFailure, Option<u16>)> {
        let to = match target {
            _ if self.handing_over.is_some() => Err("an earlier request to take it over is still open"),
            Some(target) => self.address_for_trunk(target),
            None => self.leg_for_trunk(dial, context),
        };
        let to = match to {
            Ok(to) => to,
            Err(why) => {
                tracing::info!(call = %self.id, %dial, why, "the call cannot be handed over");
                if self.dialled(dial).is_none() {
                    self.note_end(LegEnd { dial, trunk: None, why: Some(why.to_owned()) });
                }
                return Some((DialFailure::Failed, None));
            }
        };
        self.handing_over = Some(HandingOver { dial, to, sent: None });
        self.send_hand_over(context);
        None
    }

    /// A target as the caller's trunk is told it: a number at the trunk's own host (Twilio wants its trunk's domain there).
    fn address_for_trunk(&self, target: DialTarget) -> Result<ReferTo, &'static str> {
        let uri = match target {
            DialTarget::Sip(uri) => SipUri::parse(&uri),
            DialTarget::Number(number) => {
                let trunk = self.trunk().and_then(|id| self.snapshot_trunk(id));
                let trunk = trunk.ok_or("the caller came over no trunk")?;
                let written = trunk.numbers.dial(&number);
                match &trunk.host {
                    Some(host) => uri_at(&written, host),
                    None => SipUri::sip(&written, &self.caller.peer_host(), None),
                }
            }
            DialTarget::User(_) => return Err("a trunk does not know our agents"),
        };
        Ok(ReferTo { uri: uri.ok_or("the target is no address")?, replaces: None })
    }

    /// The dialog of a leg, for the trunk to take over: only the one that has both can join them.
    fn leg_for_trunk(&self, dial: DialId, context: &Context<'_>) -> Result<ReferTo, &'static str> {
        let dialled = self.dialled(dial).ok_or("the leg is over")?;
        let Stage::Answered(dialog) = dialled.stage else { return Err("the leg is not answered") };
        if self.trunk().is_none() || dialled.trunk() != self.trunk() {
            return Err("the caller and the called party are not on the same trunk");
        }
        let (uri, replaces) = context.sip.named_for_others(dialog).ok_or("the leg is over")?;
        Ok(ReferTo { uri, replaces: Some(replaces) })
    }

    /// Sends the REFER once the caller's dialog stands for both sides.
    pub(super) fn send_hand_over(&mut self, context: &mut Context<'_>) {
        let is_up = matches!(self.caller.state, CallerState::Answered(_))
            && self.caller.unacknowledged_since.is_none();
        let Some(handing) = self.handing_over.as_mut().filter(|handing| is_up && handing.sent.is_none())
        else {
            return;
        };
        let domain = &context.settings.domain;
        let headers = [
            ("Refer-To".to_owned(), handing.to.value()),
            ("Referred-By".to_owned(), format!("<sip:{domain}>")),
        ];
        let (now, method) = (context.now.instant, rsip::Method::Refer.into());
        let dialog = self.caller.dialog;
        handing.sent = Some(context.sip.request(now, dialog, method, &headers, None, context.sip_actions));
        let to = handing.to.uri.user();
        tracing::info!(call = %self.id, to = %Hidden::party(&to), "asked the caller's side to take the call over");
    }

    /// What the caller's side says to the REFER itself: true where it was one.
    pub(super) fn hand_over_responded(
        &mut self,
        transaction: TransactionId,
        response: &Result<Arc<Response>, Failure>,
        context: &mut Context<'_>,
    ) -> bool {
        if self.handing_over.as_ref().and_then(|handing| handing.sent) != Some(transaction) {
            return false;
        }
        match response {
            // How it goes is told by NOTIFYs.
            Ok(response) if response.is_success() => {}
            // The dialog is gone, which is more than a refusal.
            Ok(response) if response.code() == 481 => return false,
            Ok(response) => {
                self.note_hand_over(Some(Said::of(response).to_string()));
                self.hand_over_ended(response.code(), context);
            }
            Err(failure) => {
                self.note_hand_over(in_words(failure));
                self.hand_over_ended(408, context);
            }
        }
        true
    }

    /// A NOTIFY: how our REFER goes.
    pub(super) fn notified(
        &mut self,
        party: Party,
        transaction: TransactionId,
        request: &Request,
        context: &mut Context<'_>,
    ) {
        let Some(is_last) = is_last_notify(request) else {
            // RFC 6665 section 7.2.2: which ones we would take.
            let events = [("Allow-Events".to_owned(), "refer".to_owned())];
            return respond(context, transaction, 489, "Bad Event", &events, None);
        };
        let is_asked = self.handing_over.as_ref().is_some_and(|handing| handing.sent.is_some());
        if party != Party::Caller || !is_asked {
            return respond(context, transaction, 481, "Subscription Does Not Exist", &[], None);
        }
        respond(context, transaction, 200, "OK", &[], None);
        match status_of_fragment(request.body()) {
            Some(code) if code >= 200 => {
                let why = (code >= 300).then(|| format!("{code} {}", reason_phrase(code)));
                self.note_hand_over(why);
                self.hand_over_ended(code, context);
            }
            // It tells nothing any more, and has not told of a success.
            _ if is_last => self.hand_over_ended(500, context),
            _ => {}
        }
    }

    /// Keeps for the record why the caller's side did not take the call over. A leg that had answered goes on, and is none
    /// that came to nothing.
    fn note_hand_over(&mut self, why: Option<String>) {
        let Some(dial) = self.handing_over.as_ref().map(|handing| handing.dial) else { return };
        if self.dialled(dial).is_none() {
            self.note_end(LegEnd { dial, trunk: self.trunk.clone(), why });
        }
    }

    fn hand_over_ended(&mut self, code: u16, context: &mut Context<'_>) {
        let Some(HandingOver { dial, .. }) = self.handing_over.take() else { return };
        tracing::info!(call = %self.id, code, "what became of the call that was handed over");
        self.feed(
            match code {
                200..=299 => FlowEvent::HandedOver { dial },
                _ => FlowEvent::HandOverFailed { dial, cause: cause_of(code), sip_code: Some(code) },
            },
            context,
        );
    }
}
