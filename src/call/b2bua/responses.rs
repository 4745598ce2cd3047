//! What came of our requests inside a dialog, and what a party says to an offer that we made again.

use super::{Call, Context};
use crate::call::message_parts::sdp_body;
use crate::flow::Party;
use crate::sip::endpoint::Failure;
use crate::sip::message::{Request, Response};
use crate::sip::{DialogId, TransactionId};
use std::sync::Arc;

impl Call {
    /// The caller acknowledged a provisional response, with the tag in it: media may go where it asked for them.
    pub fn pracked(&mut self, context: &mut Context<'_>) {
        self.caller.media.release(context.actions);
        self.capture_legs(context);
    }

    /// The ACK of our 200 to a re-INVITE: where that one wanted our offer, the answer is in it.
    pub fn acknowledged_again(&mut self, party: Party, request: &Request, context: &mut Context<'_>) {
        self.take_answer(party, request.body(), context);
    }

    /// The session timer wants a re-INVITE: it offers what stands.
    pub fn refresh(&mut self, party: Party, dialog: DialogId, context: &mut Context<'_>) {
        let body = self.media(party).and_then(|media| media.offer_unchanged()).map(sdp_body);
        context.sip.refresh(context.now.instant, dialog, body, context.sip_actions);
    }

    /// A request of ours inside a dialog is over.
    pub fn responded(
        &mut self,
        party: Party,
        transaction: TransactionId,
        response: Result<Arc<Response>, Failure>,
        context: &mut Context<'_>,
    ) {
        if self.transfer_responded(transaction, &response, context)
            || self.hand_over_responded(transaction, &response, context)
        {
            return;
        }
        match response {
            Ok(response) if response.is_success() => self.take_answer(party, response.body(), context),
            // RFC 3261 section 12.2.1.2: the peer knows nothing of this dialog any more.
            Ok(response) if response.code() == 481 => {
                let note = "the other side no longer knew of the call when it was asked";
                self.lost(
                    party,
                    "SIP;cause=481;text=\"Call does not exist\"",
                    Some(note.to_owned()),
                    context,
                );
            }
            Ok(_) | Err(_) => {
                if let Some(media) = self.media(party) {
                    media.offer_declined();
                }
            }
        }
    }

    /// Nobody refreshed the session in time (RFC 4028 section 10).
    pub fn session_expired(&mut self, party: Party, context: &mut Context<'_>) {
        let name = self.party_name(party);
        tracing::info!(call = %self.id, ?party, "the session was not refreshed in time: hanging up");
        let note = format!("the session with {name} was not refreshed in time (RFC 4028), so it may be gone");
        self.lost(party, "SIP;cause=408;text=\"Session expired\"", Some(note), context);
    }

    fn take_answer(&mut self, party: Party, body: &[u8], context: &mut Context<'_>) {
        let peer = match party {
            Party::Caller => self.caller.peer,
            Party::Dialled(dial) => {
                let dialled = self.dialled(dial);
                let Some((_, peer)) = dialled.and_then(|dialled| dialled.media_at()) else { return };
                peer
            }
        };
        let settings = &context.settings.media;
        let Some(media) = self.media(party).filter(|media| media.awaits_answer()) else { return };
        if let Err(refusal) = media.accept(body, peer, settings, context.actions) {
            // The session goes on as it was before the offer.
            media.offer_declined();
            tracing::info!(call = %self.id, ?party, %refusal, "the answer to a later offer cannot be used");
        }
        self.is_changed = true;
        self.follow_hold(context);
    }
}
