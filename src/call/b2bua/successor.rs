//! A dialog that takes the place of a party's (RFC 3891): an attended transfer that the other side makes.
//!
//! Invariant: the leg stays, with its media port and its part in the flow; only whom it leads to is another.

use super::{Call, Context};
use crate::call::live::{LegState, leg_number};
use crate::call::media_leg::Sender;
use crate::call::message_parts::{is_sdp, sdp_body};
use crate::call::snapshot::Source;
use crate::call::transfer::Refused;
use crate::flow::Party;
use crate::sip::message::Request;
use crate::sip::{DialogId, Peer};
use std::sync::Arc;

/// An INVITE that is to take the place of a dialog.
pub(in crate::call) struct Successor<'a> {
    pub dialog: DialogId,
    pub request: &'a Arc<Request>,
    pub peer: Peer,
    pub source: Source<'a>,
}

impl Call {
    /// Takes the place of that party's dialog, which is ended, or says why it may not.
    pub(in crate::call) fn take_successor(
        &mut self,
        party: Party,
        successor: &Successor<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Refused> {
        self.may_be_succeeded(party, successor.source)?;
        let description = self.describe_to(party, successor, context)?;
        let (dialog, ip) = (successor.dialog, successor.peer.address.ip());
        let agent = match successor.source {
            Source::Agent(agent) => Some(agent.id.as_str()),
            Source::Trunk(_) => None,
        };
        let old = match party {
            Party::Caller => {
                (self.caller.peer, self.caller.sender) = (ip, Sender::Proven);
                self.caller.unacknowledged_since = Some(context.now.instant);
                Some(std::mem::replace(&mut self.caller.dialog, dialog))
            }
            Party::Dialled(dial) => {
                self.dialled_mut(dial).and_then(|dialled| dialled.succeeded(dialog, ip, agent, context.index))
            }
        };
        let old = old.ok_or_else(|| Refused::new(481, "the call whose place it is to take is over"))?;
        context.index.dialogs.remove(&old);
        context.index.dialogs.insert(dialog, (self.id, party));
        let number = if let Party::Dialled(dial) = party { leg_number(dial) } else { 0 };
        let name = self.party_name(party);
        context.ladders.begin(self.id, number, &name, successor.request.call_id());
        tracing::info!(call = %self.id, ?party, "another dialog takes the place of a party's");
        let now = context.now.instant;
        context.sip.answer(now, dialog, &[], Some(sdp_body(description)), context.sip_actions);
        context.sip.bye(now, old, None, context.sip_actions);
        if let Party::Dialled(dial) = party {
            self.tell_leg(dial, LegState::Connected, context);
            self.tell_transferred(dial, dial, context);
        }
        self.is_changed = true;
        self.follow_hold(context);
        Ok(())
    }

    /// A leg of a trunk passes within that trunk, one of an agent among agents.
    fn may_be_succeeded(&self, party: Party, source: Source<'_>) -> Result<(), Refused> {
        let joined = self.hold.joined_with();
        let is_own = match (party, source) {
            (Party::Caller, Source::Trunk(trunk)) => self.trunk() == Some(&trunk.id),
            (Party::Caller, Source::Agent(_)) => self.trunk().is_none(),
            (Party::Dialled(dial), source) => self.dialled(dial).is_some_and(|dialled| match source {
                Source::Agent(_) => dialled.agent().is_some(),
                Source::Trunk(trunk) => dialled.trunk() == Some(&trunk.id),
            }),
        };
        if !is_own {
            return Err(Refused::new(
                403,
                "only the trunk or the agents that a leg belongs to may take its place",
            ));
        }
        if self.transfers.is_under_way() {
            return Err(Refused::new(491, "a transfer of this call is under way"));
        }
        match party {
            Party::Dialled(dial) if joined != Some(dial) => {
                Err(Refused::new(403, "only the place of who talks with the caller can be taken"))
            }
            _ => Ok(()),
        }
    }

    /// Our description for the one who comes: the answer to its offer, or an offer where it made none.
    fn describe_to(
        &mut self,
        party: Party,
        successor: &Successor<'_>,
        context: &mut Context<'_>,
    ) -> Result<String, Refused> {
        let Successor { request, peer, .. } = successor;
        let (offer, ip) = (request.body(), peer.address.ip());
        if !offer.is_empty() && !is_sdp(request.content_type()) {
            return Err(Refused::new(415, "a body that is no session description is not understood"));
        }
        let settings = &context.settings.media;
        let media = self
            .media(party)
            .ok_or_else(|| Refused::new(481, "the call whose place it is to take is over"))?;
        if media.refuses_offer().is_some() {
            return Err(Refused::new(491, "the party whose place it is to take changes its media just now"));
        }
        let refused = |refusal: crate::sdp::Refusal| Refused::new(488, refusal.to_string());
        if !offer.is_empty() {
            media.would_answer(offer).map_err(refused)?;
        }
        media.set_address(settings.advertised(peer.listener, ip));
        media.renew_keys(context.random);
        media.offer_handshake(peer.transport.is_websocket());
        if offer.is_empty() {
            let offered = media.offer_again();
            return offered.ok_or_else(|| Refused::new(491, "the party has no media yet"));
        }
        media.answer(offer, Sender::Proven, ip, settings, context.actions).map_err(refused)
    }
}
