//! How INVITEs leave: over which trunk, to which target of a host, or back over the way of a telephone.

use super::{Dialled, Fork, Invite};
use crate::call::b2bua::Context;
use crate::call::live::leg_number;
use crate::call::media_leg::MediaTerms;
use crate::call::message_parts::sdp_body;
use crate::call::trunk::Direction;
use crate::call::ways::{Place, Way, better};
use crate::call::{Action, RequestId};
use crate::flow::Party;
use crate::ids::CallId;
use crate::sdp::Agreed;
use crate::sip::endpoint::Outgoing;
use crate::sip::locate::Target;
use crate::sip::message::NameAddr;
use crate::sip::{DialogId, ListenerId, Peer, Transport, locate};
use std::net::SocketAddr;

impl Dialled {
    /// Sends the INVITE of a way, or has its host looked up under that id first.
    pub(super) fn try_way(
        &mut self,
        call: CallId,
        invite: Invite,
        request: RequestId,
        like: Option<&Agreed>,
        context: &mut Context<'_>,
    ) {
        if let Some(trunk) = &invite.way.trunk
            && let Err(full) = context.trunks.begin_call(context.now.instant, trunk, Direction::Out)
        {
            tracing::info!(%call, trunk, reason = %full, "a call out does not fit into the trunk");
            let now = context.now.instant;
            context.trunks.note_reject(now, trunk, Direction::Out, None, &full.to_string());
            self.note_words_of(Some(trunk), full.to_string());
            self.failed = better(self.failed, Some(503));
            return;
        }
        self.over.clone_from(&invite.way.trunk);
        let destination = match &invite.way.to {
            Place::Flow(peer) => {
                let peer = *peer;
                return self.send_by_flow(call, invite, peer, like, context);
            }
            Place::Host(destination) => destination.clone(),
        };
        // A numeric host takes no detour, unless the way to it has to be looked at.
        match context.sip.plain_target(&destination) {
            Some(target) => _ = self.send_to_host(call, invite, vec![target], like, context),
            None => {
                context.actions.push(Action::Resolve { request, destination });
                self.resolving.push((request, invite));
            }
        }
    }

    /// Sends an INVITE to the first target of a host. False where there is none.
    pub(super) fn send_to_host(
        &mut self,
        call: CallId,
        invite: Invite,
        targets: Vec<Target>,
        like: Option<&Agreed>,
        context: &mut Context<'_>,
    ) -> bool {
        let targets = locate::FailOver::new(context.now.instant, targets, &context.sip.blocked);
        let Some(targets) = targets else { return false };
        self.send_to_target(call, invite, targets, like, context);
        true
    }

    pub(super) fn send_to_target(
        &mut self,
        call: CallId,
        mut invite: Invite,
        targets: locate::FailOver,
        like: Option<&Agreed>,
        context: &mut Context<'_>,
    ) {
        let Target { transport, address, ref tls, .. } = *targets.target();
        let outgoing = Outgoing {
            listener: context.sip.listener_toward(targets.target()),
            destination: address,
            transport,
            tls: tls.clone(),
            silent_max: targets.silent_max(),
            ..self.outgoing(&invite)
        };
        let is_first = invite.call_id.is_none();
        let Some(dialog) = self.send(call, outgoing, is_first, &invite.way.media, like, context) else {
            return;
        };
        invite.call_id = context.sip.call_id_of(dialog).map(str::to_owned);
        let (trunk, fail_over) = (invite.way.trunk.clone(), invite.way.fail_over.clone());
        self.forks.push(Fork { dialog, peer: address.ip(), trunk, fail_over, next: Some((invite, targets)) });
    }

    /// Sends an INVITE back over the way by which a telephone registered.
    fn send_by_flow(
        &mut self,
        call: CallId,
        invite: Invite,
        peer: Peer,
        like: Option<&Agreed>,
        context: &mut Context<'_>,
    ) {
        let outgoing = Outgoing {
            listener: peer.listener,
            destination: peer.address,
            transport: peer.transport,
            connection: peer.connection,
            ..self.outgoing(&invite)
        };
        let Some(dialog) = self.send(call, outgoing, true, &invite.way.media, like, context) else { return };
        let Way { trunk, fail_over, .. } = invite.way;
        self.forks.push(Fork { dialog, peer: peer.address.ip(), trunk, fail_over, next: None });
    }

    /// An INVITE but for where it goes and its body.
    fn outgoing(&self, invite: &Invite) -> Outgoing {
        Outgoing {
            listener: ListenerId(0),
            destination: SocketAddr::from(([0, 0, 0, 0], 0)),
            transport: Transport::Udp,
            tls: None,
            connection: None,
            silent_max: None,
            to: NameAddr::new(invite.way.called.as_ref().unwrap_or(&invite.way.request_uri).clone()),
            request_uri: invite.way.request_uri.clone(),
            from: invite.from.clone(),
            headers: invite.headers.clone(),
            body: None,
            call_id: invite.call_id.clone(),
            max_forwards: Some(self.max_forwards),
            routes: invite.way.routes.clone(),
            account: invite.way.account.clone(),
        }
    }

    fn send(
        &mut self,
        call: CallId,
        mut outgoing: Outgoing,
        is_first: bool,
        terms: &MediaTerms,
        like: Option<&Agreed>,
        context: &mut Context<'_>,
    ) -> Option<DialogId> {
        let media = self.media.as_mut()?;
        media.set_terms(terms);
        media.set_address(context.settings.media.advertised(outgoing.listener, outgoing.destination.ip()));
        media.offer_handshake(outgoing.transport.is_websocket());
        outgoing.body = Some(sdp_body(media.offer(like)));
        context.counters.dialled += u64::from(is_first);
        let dialog = context.sip.invite(context.now.instant, outgoing, context.sip_actions);
        context.index.dialogs.insert(dialog, (call, Party::Dialled(self.dial)));
        if let Some(sip_id) = context.sip.call_id_of(dialog).filter(|_| is_first) {
            context.ladders.begin(call, leg_number(self.dial), &self.name, sip_id);
        }
        Some(dialog)
    }
}
