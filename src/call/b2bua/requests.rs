//! Requests that a party sends inside its dialog: a new description, PRACK, INFO, OPTIONS.
//!
//! Invariant: each request gets exactly one response.

use super::{Call, Context};
use crate::call::dialled::Dialled;
use crate::call::later_offer::{self, Answered};
use crate::call::message_parts::{is_sdp, warning};
use crate::flow::Party;
use crate::media::Command;
use crate::sip::TransactionId;
use crate::sip::endpoint::Body;
use crate::sip::message::Request;

impl Call {
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
            "PRACK" => self.pracked_with_body(party, transaction, request, context),
            "NOTIFY" => self.notified(party, transaction, request, context),
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
            Party::Dialled(dial) => self.dialled_mut(dial).and_then(Dialled::media_and_peer),
        }) else {
            return respond(context, transaction, 481, "Call/Transaction Does Not Exist", &[], None);
        };
        let answered = later_offer::answer(media, request, peer, context.settings, context.actions);
        let Answered { code, reason, headers, body, is_agreed } = answered;
        respond(context, transaction, code, reason, &headers, body);
        if is_agreed {
            self.is_changed = true;
            self.follow_hold(context);
        }
    }

    /// A PRACK with a description: the answer to the offer that our ringing carried, or a new offer (RFC 3262
    /// section 5).
    fn pracked_with_body(
        &mut self,
        party: Party,
        transaction: TransactionId,
        request: &Request,
        context: &mut Context<'_>,
    ) {
        if party != Party::Caller || !is_sdp(request.content_type()) {
            return respond(context, transaction, 200, "OK", &[], None);
        }
        self.caller.media.release(context.actions);
        if self.caller.media.agreed().is_some() {
            return self.describe_again(party, transaction, request, context);
        }
        let (peer, settings) = (self.caller.peer, &context.settings.media);
        match self.caller.media.accept(request.body(), peer, settings, context.actions) {
            Ok(()) => respond(context, transaction, 200, "OK", &[], None),
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
        let key = request.content_type().and_then(|t| crate::call::info::key(t, request.body()));
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
}

pub(super) fn respond(
    context: &mut Context<'_>,
    transaction: TransactionId,
    code: u16,
    reason: &str,
    headers: &[(String, String)],
    body: Option<Body>,
) {
    context.sip.respond(context.now.instant, transaction, code, reason, headers, body, context.sip_actions);
}
