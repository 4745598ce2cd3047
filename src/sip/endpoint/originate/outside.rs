//! Requests outside dialogs: INVITEs that begin one, REGISTER, OPTIONS and others.

use super::{INTERVALS_TRIED, tls_peer_of};
use crate::clock::Instant;
use crate::ids::ConnectionId;
use crate::sip::dialog::{Dialog, GivingUp, Outgoing as OutgoingPhase, Phase, min_se};
use crate::sip::digest::Attempt;
use crate::sip::endpoint::tables::{ClientMachine, Hop, OutsideContent, Purpose};
use crate::sip::endpoint::{Action, Endpoint, Outgoing, Outside, compose, sessions};
use crate::sip::message::Response;
use crate::sip::{DialogId, ListenerId, TlsPeer, TransactionId, Transport};
use std::net::SocketAddr;
use std::sync::Arc;

impl Endpoint {
    /// Sends an INVITE outside a dialog. Ends in [`Event::Answered`](super::Event::Answered) or
    /// [`Event::Failed`](super::Event::Failed). How long it may ring is the caller's business.
    pub fn invite(&mut self, now: Instant, outgoing: Outgoing, actions: &mut Vec<Action>) -> DialogId {
        let dialog = self.next_dialog_id();
        let call_id: Box<str> = match &outgoing.call_id {
            Some(call_id) => call_id.as_str().into(),
            None => self.random.token::<24>().into(),
        };
        let (account, silent_max) = (outgoing.account.clone(), outgoing.silent_max);
        let phase = Phase::Outgoing(OutgoingPhase {
            call_id,
            local_tag: self.new_tag(),
            transaction: self.next_transaction_id(),
            giving_up: GivingUp::No,
            early: Vec::new(),
            again: Box::new(outgoing),
            min_se_s: None,
            is_told: false,
        });
        let mut owner = Dialog::new(phase);
        owner.account = account;
        self.dialogs.insert(dialog, owner);
        self.send_first_invite(now, dialog, 1, actions);
        if let Some(silent_max) = silent_max {
            self.give_up_silent_at(now + silent_max, dialog);
        }
        dialog
    }

    /// Says the INVITE of a dialog that has no 422 behind it again, with the interval that the peer asked for
    /// (RFC 4028 section 7.3). False where the response is no reason for that.
    pub(in crate::sip::endpoint) fn invite_with_interval(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog: DialogId,
        response: &Response,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(ClientMachine::Invite { sent, .. }) =
            self.clients.by_id.get(&id).map(|owner| &owner.machine)
        else {
            return false;
        };
        let cseq = sent.cseq;
        let next = self.next_transaction_id();
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return false;
        };
        let Some(least) = min_se(response).filter(|_| response.code() == 422) else { return false };
        let is_larger = outgoing.min_se_s.is_none_or(|before| least > before);
        // A challenge may have taken a number as well.
        if !is_larger || cseq > 2 * INTERVALS_TRIED || !matches!(outgoing.giving_up, GivingUp::No) {
            return false;
        }
        (outgoing.min_se_s, outgoing.transaction) = (Some(least), next);
        outgoing.early.clear();
        self.send_first_invite(now, dialog, cseq + 1, actions);
        true
    }

    /// Sends the INVITE of a dialog that has none under way, in the transaction that it names.
    fn send_first_invite(&mut self, now: Instant, dialog: DialogId, cseq: u32, actions: &mut Vec<Action>) {
        let Some(Dialog { phase: Phase::Outgoing(phase), .. }) = self.dialogs.by_id.get(&dialog) else {
            return;
        };
        let (call_id, local_tag) = (phase.call_id.clone(), phase.local_tag.clone());
        let (outgoing, transaction) = (phase.again.clone(), phase.transaction);
        let of_session = sessions::wish(self.config.limits.session, phase.min_se_s);
        let tls = outgoing.tls.or_else(|| tls_peer_of(&outgoing.request_uri));
        let hop = self.hop_to(
            outgoing.listener,
            outgoing.transport,
            outgoing.destination,
            tls,
            outgoing.connection,
        );
        let mut headers = outgoing.headers;
        headers.extend(of_session.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let content = OutsideContent {
            method: rsip::Method::Invite.into(),
            uri: outgoing.request_uri,
            routes: outgoing.routes,
            contact_user: Some(outgoing.from.uri.raw_user().unwrap_or_default().into()),
            from: outgoing.from.with_tag(&local_tag).to_string().into(),
            local_tag,
            to: outgoing.to.to_string().into(),
            call_id,
            cseq,
            max_forwards: outgoing.max_forwards.unwrap_or(compose::MAX_FORWARDS),
            headers,
            body: outgoing.body,
        };
        let again = outgoing.account.map(|account| (account, Attempt::default()));
        self.start_outside(now, transaction, Purpose::Begin(dialog), hop, content, again, None, actions);
    }

    /// Sends a request that belongs to no dialog of the endpoint. Ends in [`Event::Reply`](super::Event::Reply).
    pub fn send_outside(
        &mut self,
        now: Instant,
        outside: Outside,
        actions: &mut Vec<Action>,
    ) -> TransactionId {
        let id = self.next_transaction_id();
        let local_tag: Box<str> = match outside.from.tag() {
            Some(tag) => tag.into(),
            None => self.new_tag(),
        };
        let call_id: Box<str> = match &outside.call_id {
            Some(call_id) => call_id.as_str().into(),
            None => self.random.token::<24>().into(),
        };
        let tls = tls_peer_of(&outside.request_uri);
        let hop =
            self.hop_to(outside.listener, outside.transport, outside.destination, tls, outside.connection);
        let content = OutsideContent {
            method: outside.method,
            uri: outside.request_uri,
            routes: outside.routes,
            contact_user: outside.contact_user.map(Box::from),
            from: outside.from.with_tag(&local_tag).to_string().into(),
            local_tag,
            to: outside.to.to_string().into(),
            call_id,
            cseq: outside.cseq,
            max_forwards: compose::MAX_FORWARDS,
            headers: outside.headers,
            body: outside.body,
        };
        let purpose = Purpose::Outside { cseq: outside.cseq };
        let again = outside.account.map(|account| (account, Attempt::default()));
        self.start_outside(now, id, purpose, hop, content, again, None, actions);
        id
    }

    fn hop_to(
        &self,
        preferred: ListenerId,
        transport: Transport,
        destination: SocketAddr,
        tls: Option<Arc<TlsPeer>>,
        connection: Option<ConnectionId>,
    ) -> Hop {
        let listener = self.config.listener_for(preferred, transport, destination).unwrap_or(preferred);
        let tls = tls.filter(|_| transport.is_secure());
        Hop { listener, transport, destination, tls, connection }
    }

    /// An INVITE that has heard nothing by then is given up: its target does not answer (RFC 3263 4.3).
    fn give_up_silent_at(&mut self, at: Instant, dialog: DialogId) {
        let Some(Dialog { phase: Phase::Outgoing(phase), .. }) = self.dialogs.by_id.get(&dialog) else {
            return;
        };
        let transaction = phase.transaction;
        if let Some(ClientMachine::Invite { machine, .. }) =
            self.clients.by_id.get_mut(&transaction).map(|owner| &mut owner.machine)
        {
            machine.tell_silence_at(at);
        }
        self.arm_client(transaction);
    }
}
