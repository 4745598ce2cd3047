//! Reliable provisional responses (RFC 3262), both ways: ours until their PRACK, the peer's with a PRACK.

use super::serve::Refusal;
use super::tables::{ClientMachine, ClientTransaction, Purpose};
use super::{Action, Body, Endpoint, Event, Failure};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, DialogState, Due, Later, Phase, Provisional};
use crate::sip::message::{HeaderName, Request, Response};
use crate::sip::{DialogId, Peer, TransactionId};
use std::sync::Arc;

const OPTION: &str = "100rel";

impl Endpoint {
    /// Whether provisional responses to the INVITE that wants to begin this dialog are acknowledged: where the peer
    /// requires it, and only there, since each costs two messages and a peer that merely can gains nothing.
    pub fn rings_reliably(&self, dialog: DialogId) -> bool {
        let request = self.incoming(dialog).and_then(|id| self.servers.by_id.get(&id)?.request.as_ref());
        request.is_some_and(|request| names_option(request.head().all(HeaderName::Require, "")))
    }

    /// Sends a provisional response that is sent again until its PRACK comes, after those before it.
    pub(super) fn ring_reliably(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        reason: &str,
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
        let first = 1 + self.random.below(1 << 30);
        let Some((transaction, provisional)) = self.provisional_mut(dialog) else { return };
        if provisional.is_busy() {
            provisional.wait(Later::Ring { code, reason: reason.to_owned(), body });
            return;
        }
        let rseq = provisional.next_rseq(first).to_string();
        let extra = [("Require", OPTION), ("RSeq", rseq.as_str())];
        let Some(owner) = self.servers.by_id.get(&transaction) else { return };
        let (peer, reply_to) = (owner.peer, owner.reply_to);
        let Some(cseq) = owner.request.as_ref().map(|request| request.cseq().number) else { return };
        let sent = self.respond_with(now, transaction, code, reason, &extra, body.as_ref(), actions);
        if let (Some(bytes), Some((_, provisional))) = (sent, self.provisional_mut(dialog)) {
            provisional.sent(now, cseq, bytes, peer, reply_to);
        }
        self.arm_dialog(dialog);
    }

    /// Keeps our 200 back while a reliable provisional response waits for its PRACK: both could carry a description,
    /// and their order must stand (RFC 3262 section 5). Gives the body back where nothing is in the way.
    pub(super) fn keep_answer(
        &mut self,
        dialog: DialogId,
        headers: &[(String, String)],
        body: Option<Body>,
    ) -> Result<Option<Body>, ()> {
        match self.provisional_mut(dialog) {
            Some((_, provisional)) if provisional.is_busy() => {
                provisional.wait(Later::Answer { headers: headers.to_vec(), body });
                Err(())
            }
            _ => Ok(body),
        }
    }

    /// A PRACK. One with a description goes to the call room, which responds; the next that waits follows.
    pub(super) fn on_prack(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog: DialogId,
        peer: Peer,
        request: Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        let rack = request.head().get(HeaderName::RAck, "").unwrap_or_default();
        let is_it = self.provisional_mut(dialog).is_some_and(|(_, waiting)| waiting.acknowledge(rack));
        if !is_it {
            return self.refuse(now, id, &Refusal::plain(481), actions);
        }
        if let Some(state) = self.dialogs.by_id.get_mut(&dialog).and_then(Dialog::state_mut) {
            state.take_remote_cseq(request.cseq().number);
        }
        self.move_dialog(dialog, peer);
        if let Some(transaction) = self.servers.by_id.get_mut(&id) {
            transaction.dialog = Some(dialog);
        }
        if request.body().is_empty() {
            self.respond_in(now, id, 200, "", &[], None, actions);
            actions.push(Action::Event(Event::Pracked { dialog }));
            return self.send_waiting(now, dialog, actions);
        }
        if let Some(dialog) = self.dialogs.by_id.get_mut(&dialog) {
            dialog.requests.push(id);
        }
        let event = Event::Request { dialog: Some(dialog), transaction: id, request, peer };
        actions.push(Action::Event(event));
    }

    /// Sends what waited for a PRACK.
    pub(super) fn send_waiting(&mut self, now: Instant, dialog: DialogId, actions: &mut Vec<Action>) {
        while let Some(later) = self.provisional_mut(dialog).and_then(|(_, waiting)| waiting.next()) {
            match later {
                Later::Ring { code, reason, body } => {
                    self.ring_reliably(now, dialog, code, &reason, body, actions);
                }
                Later::Answer { headers, body } => self.answer(now, dialog, &headers, body, actions),
            }
        }
    }

    /// The timers of a reliable provisional response of ours.
    pub(super) fn on_provisional_due(&mut self, now: Instant, dialog: DialogId, actions: &mut Vec<Action>) {
        let Some((transaction, provisional)) = self.provisional_mut(dialog) else { return };
        match provisional.on_timeout(now) {
            (Due::SendAgain, Some(sent)) => {
                let (peer, reply_to, bytes) = (sent.peer, sent.reply_to, sent.response.clone());
                self.counters.retransmissions_sent += 1;
                self.send_response(now, peer, reply_to, bytes, actions);
            }
            (Due::GiveUp, _) => {
                self.counters.not_pracked += 1;
                let text = "SIP;cause=504;text=\"A reliable provisional response was not acknowledged\"";
                self.respond_in(now, transaction, 504, "", &[("Reason", text)], None, actions);
                self.remove_dialog(now, dialog, actions);
                let failure = Failure::NotPracked;
                actions.push(Action::Event(Event::Failed { dialog, failure }));
            }
            _ => {}
        }
    }

    /// A provisional response to our INVITE: notes its early dialog and acknowledges it where it is reliable. False
    /// where it came before, or out of its turn, and is nobody's to hear (RFC 3262 section 4).
    pub(super) fn take_provisional(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog: DialogId,
        peer: Peer,
        response: &Response,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(ClientTransaction { machine: ClientMachine::Invite { sent, .. }, hop, .. }) =
            self.clients.by_id.get(&id)
        else {
            return false;
        };
        let (cseq, listener, to, tls) = (sent.cseq, hop.listener, hop.destination, hop.tls.clone());
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return false;
        };
        let state = || DialogState::as_client(sent, response, listener, to, tls, peer);
        let early = outgoing.early(response.to_tag(), state);
        let is_reliable = response.code() > 100 && names_option(response.head().all(HeaderName::Require, ""));
        let rseq = response.head().get(HeaderName::RSeq, "").and_then(|text| text.trim().parse().ok());
        let (true, Some(rseq)) = (is_reliable, rseq.filter(|rseq| *rseq > 0)) else { return true };
        let Some(early) = early else { return false };
        if !early.take_rseq(rseq) {
            return false;
        }
        let mut state = early.state.clone();
        let rack = format!("{rseq} {cseq} INVITE");
        let authorization = self.authorize_aside(dialog, "PRACK", &state);
        let mut extra = vec![("RAck", rack.as_str())];
        extra.extend(authorization.as_ref().map(|(name, value)| (*name, value.as_str())));
        let prepared = self.prepare_within(&mut state, "PRACK", &extra, None);
        if let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
            && let Some(early) = outgoing.early(response.to_tag(), || state.clone())
        {
            early.state.local_cseq = state.local_cseq;
        }
        let prack = self.next_transaction_id();
        self.start_prepared(now, prack, Purpose::Aside, rsip::Method::PRack.into(), prepared, actions);
        true
    }

    /// The responses before the final one to the INVITE that wants to begin this dialog.
    fn provisional_mut(&mut self, dialog: DialogId) -> Option<(TransactionId, &mut Provisional)> {
        match &mut self.dialogs.by_id.get_mut(&dialog)?.phase {
            Phase::Incoming { transaction, provisional, .. } => Some((*transaction, provisional)),
            _ => None,
        }
    }
}

fn names_option<'a>(mut options: impl Iterator<Item = &'a str>) -> bool {
    options.any(|option| option.eq_ignore_ascii_case(OPTION))
}
