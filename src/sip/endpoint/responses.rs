//! Responses to our requests (RFC 3261 8.1.3, 13.2.2, 17.1.3).

use super::challenged::Authorization;
use super::compose::Extra;
use super::originate::Prepared;
use super::tables::{ClientMachine, ClientTransaction, Purpose, SentAck, cancel_key};
use super::{Action, Counters, Endpoint, Event, Failure, Reply};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, DialogState, Established, GivingUp, Phase, SessionTerms};
use crate::sip::limits::FORKS_MAX;
use crate::sip::message::{HeaderName, Response};
use crate::sip::transaction::ClientOutput;
use crate::sip::{DialogId, Peer, TransactionId};
use std::sync::Arc;

impl Endpoint {
    pub(super) fn on_response(
        &mut self,
        now: Instant,
        peer: Peer,
        response: Response,
        actions: &mut Vec<Action>,
    ) {
        if let Some(count) = self.counters.responses_in.get_mut(Counters::class_index(response.code())) {
            *count += 1;
        }
        let Some(id) = self.find_client(&response) else {
            self.counters.strays_dropped += 1;
            return;
        };
        let Some(owner) = self.clients.by_id.get_mut(&id) else { return };
        owner.over_udp = None;
        let response = Arc::new(response);
        let code = response.code();
        let mut out = Vec::new();
        match &mut owner.machine {
            ClientMachine::Invite { machine, sent, .. } => {
                let to = response.head().get(HeaderName::To, "").unwrap_or_default();
                machine.on_response(now, code, || super::compose::ack_of_failure(sent, to), &mut out);
            }
            ClientMachine::Other(machine) => machine.on_response(now, code, &mut out),
        }
        let (purpose, is_invite) = (owner.purpose, matches!(owner.machine, ClientMachine::Invite { .. }));
        let delivered = out.contains(&ClientOutput::Deliver);
        if !delivered {
            self.counters.retransmissions_absorbed += 1;
        }
        self.send_outputs(now, id, out, actions);
        if delivered && is_invite && response.is_success() {
            self.on_invite_success(now, id, purpose, peer, response, actions);
        } else if delivered && response.is_provisional() {
            self.on_provisional(now, id, purpose, peer, response, actions);
        } else if delivered {
            self.on_final(now, id, purpose, peer, response, actions);
        }
        self.arm_client(id);
    }

    /// The transaction of a response: by the branch we made, and by the method (RFC 3261 17.1.3). More than
    /// one Via means that it was meant for someone else (RFC 3261 8.1.3.3).
    fn find_client(&self, response: &Response) -> Option<TransactionId> {
        if response.head().count(HeaderName::Via) != 1 {
            return None;
        }
        let branch = response.via().raw_branch()?;
        let method = &response.cseq().method;
        let id = if *method == rsip::Method::Cancel {
            self.clients.by_key.get(&cancel_key(branch))
        } else {
            self.clients.by_key.get(branch)
        };
        let id = *id?;
        self.clients.by_id.get(&id).filter(|owner| owner.method == *method).map(|_| id)
    }

    fn on_provisional(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        peer: Peer,
        response: Arc<Response>,
        actions: &mut Vec<Action>,
    ) {
        let Purpose::Begin(dialog) = purpose else { return };
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return;
        };
        if !matches!(outgoing.giving_up, GivingUp::No) {
            return self.send_cancel(now, dialog, actions);
        }
        if !self.take_provisional(now, id, dialog, peer, &response, actions) {
            self.counters.retransmissions_absorbed += 1;
            return;
        }
        self.learn_tcp_from(response.contact().map(|contact| &contact.uri), peer);
        if response.code() > 100 {
            actions.push(Action::Event(Event::Provisional { dialog, response }));
        }
    }

    /// A final response that needs no ACK from here: any to a request other than INVITE, and what is no 2xx.
    fn on_final(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        peer: Peer,
        response: Arc<Response>,
        actions: &mut Vec<Action>,
    ) {
        let rejection = match self.answer_challenge(now, id, peer, &response, actions) {
            Ok(()) => return,
            Err(rejection) => rejection,
        };
        match purpose {
            Purpose::Begin(dialog) => {
                if !self.invite_with_interval(now, id, dialog, &response, actions) {
                    self.fail_outgoing(now, dialog, Failure::Response(response), actions);
                }
            }
            Purpose::Within(dialog) => {
                self.move_dialog(dialog, peer);
                if response.is_success() && response.cseq().method == rsip::Method::Update {
                    let state = self.dialogs.by_id.get_mut(&dialog).and_then(Dialog::state_mut);
                    if let Some(state) = state {
                        state.refresh_target(response.contact());
                    }
                }
                self.end_within(now, dialog, id, Ok(response), actions);
            }
            Purpose::End(dialog) => self.remove_dialog(now, dialog, actions),
            Purpose::Outside { cseq } => {
                let connection = self.clients.by_id.get(&id).and_then(|owner| owner.hop.connection);
                let reply = Reply { transaction: id, response: Ok(response), cseq, connection, rejection };
                actions.push(Action::Event(Event::Reply(reply)));
            }
            Purpose::Aside => {}
        }
    }

    /// A 2xx to an INVITE of ours: the first, the same again, or that of another fork.
    fn on_invite_success(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        peer: Peer,
        response: Arc<Response>,
        actions: &mut Vec<Action>,
    ) {
        let Some(ClientTransaction { machine: ClientMachine::Invite { sent, acks, .. }, hop, .. }) =
            self.clients.by_id.get(&id)
        else {
            return;
        };
        let tag = response.to_tag();
        if let Some(ack) = acks.iter().find(|ack| *ack.tag == *tag) {
            let (bytes, mut hop) = (ack.bytes.clone(), ack.hop.clone());
            self.counters.retransmissions_absorbed += 1;
            let _ = self.transmit(now, &mut hop, bytes, actions);
            return;
        }
        if acks.len() >= FORKS_MAX {
            self.counters.strays_dropped += 1;
            return;
        }
        let (listener, tls) = (hop.listener, hop.tls.clone());
        let mut state = DialogState::as_client(sent, &response, listener, hop.destination, tls, peer);
        let (cseq, credentials) = (sent.cseq, sent.credentials.clone());
        match purpose {
            Purpose::Within(dialog) => {
                self.on_reinvite_success(now, id, dialog, peer, state, credentials, response, actions)
            }
            Purpose::Begin(dialog) => match self.dialogs.by_id.get(&dialog).map(|owner| &owner.phase) {
                Some(Phase::Outgoing(outgoing)) if matches!(outgoing.giving_up, GivingUp::No) => {
                    // What the early dialog has said (PRACK) counts on.
                    if let Some(early) = outgoing.early.iter().find(|early| *early.state.remote_tag == *tag) {
                        state.local_cseq = early.state.local_cseq.max(cseq);
                        state.allows_update |= early.state.allows_update;
                    }
                    self.learn_tcp_from(response.contact().map(|contact| &contact.uri), peer);
                    let credentials = self.credentials_of_ack(dialog, &state, credentials);
                    let ack = self.prepare_ack(&state, cseq, credentials.as_ref());
                    self.send_ack(now, id, tag, ack, actions);
                    self.establish(now, dialog, state, SessionTerms::as_client(&response));
                    actions.push(Action::Event(Event::Answered { dialog, response }));
                }
                Some(Phase::Outgoing(_)) => {
                    self.end_fork(now, id, dialog, tag, state, actions);
                    self.fail_outgoing(now, dialog, Failure::Cancelled, actions);
                }
                _ => {
                    self.counters.forks_ended += 1;
                    self.end_fork(now, id, dialog, tag, state, actions);
                }
            },
            Purpose::End(_) | Purpose::Outside { .. } | Purpose::Aside => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one answer")]
    fn on_reinvite_success(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog: DialogId,
        peer: Peer,
        from_response: DialogState,
        credentials: Option<Authorization>,
        response: Arc<Response>,
        actions: &mut Vec<Action>,
    ) {
        self.move_dialog(dialog, peer);
        let kept = self.dialogs.by_id.get_mut(&dialog).and_then(Dialog::state_mut);
        // Even where the dialog ended meanwhile the peer must have its ACK.
        let state = match kept {
            Some(state) => {
                state.refresh_target(response.contact());
                state.clone()
            }
            None => from_response.clone(),
        };
        let credentials = self.credentials_of_ack(dialog, &state, credentials);
        let ack = self.prepare_ack(&state, from_response.local_cseq, credentials.as_ref());
        self.send_ack(now, id, response.to_tag(), ack, actions);
        self.end_within(now, dialog, id, Ok(response), actions);
    }

    fn establish(&mut self, now: Instant, dialog: DialogId, state: DialogState, terms: Option<SessionTerms>) {
        if let Some(connection) = state.peer.connection {
            self.retain_connection(connection);
        }
        if let Some(owner) = self.dialogs.by_id.get_mut(&dialog) {
            let mut established = Established::new(state);
            established.set_session(now, terms);
            owner.phase = Phase::Established(Box::new(established));
        }
        self.arm_dialog(dialog);
    }

    /// Acknowledges and ends what nobody wants (RFC 3261 13.2.2.4).
    fn end_fork(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog: DialogId,
        tag: &str,
        mut state: DialogState,
        actions: &mut Vec<Action>,
    ) {
        let Some(ClientMachine::Invite { sent, .. }) =
            self.clients.by_id.get(&id).map(|owner| &owner.machine)
        else {
            return;
        };
        let (cseq, of_invite) = (sent.cseq, sent.credentials.clone());
        let credentials = self.credentials_of_ack(dialog, &state, of_invite);
        let ack = self.prepare_ack(&state, cseq, credentials.as_ref());
        self.send_ack(now, id, tag, ack, actions);
        let authorization = self.authorize_aside(dialog, "BYE", &state);
        let extra: Vec<Extra<'_>> =
            authorization.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let bye = self.prepare_within(&mut state, "BYE", &extra, None);
        let transaction = self.next_transaction_id();
        self.start_prepared(now, transaction, Purpose::Aside, rsip::Method::Bye.into(), bye, actions);
    }

    /// Sends the ACK of a 2xx and keeps it for when the 2xx comes again.
    fn send_ack(
        &mut self,
        now: Instant,
        id: TransactionId,
        tag: &str,
        ack: Prepared,
        actions: &mut Vec<Action>,
    ) {
        let Prepared { bytes, mut hop, .. } = ack;
        if let Some(count) = self.counters.requests_out.get_mut(Counters::method_index("ACK")) {
            *count += 1;
        }
        let _ = self.transmit(now, &mut hop, bytes.clone(), actions);
        if let Some(ClientTransaction { machine: ClientMachine::Invite { acks, .. }, .. }) =
            self.clients.by_id.get_mut(&id)
        {
            acks.push(SentAck { tag: tag.into(), bytes, hop });
        }
    }

    /// Nothing comes of an INVITE of ours any more. The call room hears of that once.
    fn fail_outgoing(&mut self, now: Instant, dialog: DialogId, failure: Failure, actions: &mut Vec<Action>) {
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get(&dialog) else {
            return;
        };
        let is_told = outgoing.is_told;
        self.remove_dialog(now, dialog, actions);
        if !is_told {
            actions.push(Action::Event(Event::Failed { dialog, failure }));
        }
    }

    /// A request of the call room inside a dialog is over. It hears of it while the dialog lives for it.
    fn end_within(
        &mut self,
        now: Instant,
        dialog: DialogId,
        transaction: TransactionId,
        response: Result<Arc<Response>, Failure>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Dialog { phase: Phase::Established(established), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return;
        };
        established.invite_out = established.invite_out.filter(|other| *other != transaction);
        let is_alive = established.hangup.is_none();
        self.on_session_response(now, dialog, transaction, &response);
        if is_alive {
            actions.push(Action::Event(Event::Response { dialog, transaction, response }));
        }
    }

    /// The way of a request failed before anything came back. What moved to TCP for its size goes by UDP, unless it was given
    /// up meanwhile.
    pub(super) fn on_transport_failure(
        &mut self,
        now: Instant,
        id: TransactionId,
        actions: &mut Vec<Action>,
    ) {
        let is_wanted = self.clients.by_id.get(&id).is_some_and(|owner| self.is_wanted(owner.purpose));
        let Some(owner) = self.clients.by_id.get_mut(&id) else { return };
        owner.hop.connection = None;
        if let Some(over_udp) = owner.over_udp.take_if(|_| is_wanted) {
            owner.hop = over_udp.hop;
            let mut out = Vec::with_capacity(1);
            match &mut owner.machine {
                ClientMachine::Invite { machine, sent, .. } => {
                    sent.via = over_udp.via;
                    machine.restart(now, over_udp.bytes, false, &mut out);
                }
                ClientMachine::Other(machine) => machine.restart(now, over_udp.bytes, false, &mut out),
            }
            self.arm_client(id);
            return self.send_outputs(now, id, out, actions);
        }
        let waits_on = match &owner.machine {
            // After a 1xx the final response may come over another connection (RFC 3261 18.2.2).
            ClientMachine::Invite { machine, .. } => machine.is_calling(),
            ClientMachine::Other(machine) => machine.is_pending(),
        };
        if waits_on {
            owner.machine.terminate();
            self.fail_client(now, id, Failure::Transport, actions);
        }
    }

    /// A request came to nothing without a response.
    pub(super) fn fail_client(
        &mut self,
        now: Instant,
        id: TransactionId,
        failure: Failure,
        actions: &mut Vec<Action>,
    ) {
        let Some(owner) = self.remove_client(id) else { return };
        match owner.purpose {
            Purpose::Begin(dialog) => self.fail_outgoing(now, dialog, failure, actions),
            Purpose::Within(dialog) => self.end_within(now, dialog, id, Err(failure), actions),
            Purpose::End(dialog) => self.remove_dialog(now, dialog, actions),
            Purpose::Outside { cseq } => {
                let response = Err(failure);
                let reply = Reply { transaction: id, response, cseq, connection: None, rejection: None };
                actions.push(Action::Event(Event::Reply(reply)));
            }
            Purpose::Aside => {}
        }
    }

    pub(super) fn remove_client(&mut self, id: TransactionId) -> Option<ClientTransaction> {
        let owner = self.clients.by_id.remove(&id)?;
        self.clients.by_key.remove(&owner.key);
        self.forget_client_of(owner.hop.connection, id);
        Some(owner)
    }
}
