//! Our responses: ring, answer, reject, respond.

use super::compose::{self, Extra, ResponseParts, SUPPORTED, borrowed};
use super::tables::{ServerMachine, ServerTransaction};
use super::{Action, Body, Endpoint, Event, Failure, words};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, Established, Phase, Unacknowledged};
use crate::sip::message::{HeaderName, NameAddr, Request, Scheme};
use crate::sip::transaction::ServerOutput;
use crate::sip::{DialogId, ListenerId, TransactionId};
use bytes::Bytes;

impl Endpoint {
    /// Sends a provisional response, 101 to 199, to the INVITE that wants to begin this dialog; again and again where
    /// the peer requires that, until it acknowledges it: then comes [`Event::Pracked`], or after 64*T1
    /// [`Event::Failed`]. Where `reason` is empty the usual words stand.
    pub fn ring(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        reason: &str,
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
        if let Some(transaction) = self.incoming(dialog) {
            let code = code.clamp(101, 199);
            if self.rings_reliably(dialog) {
                return self.ring_reliably(now, dialog, code, reason, body, actions);
            }
            self.respond_in(now, transaction, code, reason, &[], body.as_ref(), actions);
        }
    }

    /// Sends 200 to the INVITE that wants to begin this dialog, again and again until it is acknowledged:
    /// then comes [`Event::Acknowledged`], or after 64*T1 [`Event::NotAcknowledged`]. Where its source has
    /// too many half-open calls, 503 goes out and [`Event::Failed`] comes.
    pub fn answer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
        let Some(transaction) = self.incoming(dialog) else { return };
        let Some(owner) = self.servers.by_id.get(&transaction) else { return };
        let source = owner.peer.address.ip();
        if self.half_open.of(source) >= self.config.limits.half_open_per_source_max {
            self.counters.half_open_rejected += 1;
            let warning = self.warning(owner.peer.listener, &words::TOO_MANY_HALF_OPEN);
            let later = self.try_later(warning);
            self.respond_in(now, transaction, 503, "", &borrowed(&later), None, actions);
            self.remove_dialog(now, dialog, actions);
            let failed = Event::Failed { dialog, failure: Failure::HalfOpen };
            return actions.push(Action::Event(failed));
        }
        let Ok(body) = self.keep_answer(dialog, headers, body) else { return };
        let Some(request) = self.servers.by_id.get(&transaction).and_then(|owner| owner.request.clone())
        else {
            return;
        };
        let (terms, of_session) = self.session_answer(&request, None);
        let mut extra = borrowed(headers);
        extra.extend(of_session.iter().map(|(name, value)| (*name, value.as_str())));
        let Some(answer) = self.send_answer(now, transaction, 200, "", &extra, body.as_ref(), actions) else {
            return;
        };
        if let Some(owner) = self.dialogs.by_id.get_mut(&dialog) {
            let state = match &owner.phase {
                Phase::Incoming { state, .. } => (**state).clone(),
                _ => return,
            };
            let mut established = Established::new(state);
            established.set_session(now, terms);
            established.unacknowledged.push(answer);
            owner.phase = Phase::Established(Box::new(established));
        }
        self.half_open.add(source);
        self.arm_dialog(dialog);
    }

    /// Sends a final response, 300 to 699, to the INVITE that wants to begin this dialog, which is gone then.
    pub fn reject(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        reason: &str,
        headers: &[(String, String)],
        actions: &mut Vec<Action>,
    ) {
        if let Some(transaction) = self.incoming(dialog) {
            let extra = borrowed(headers);
            self.respond_in(now, transaction, code.clamp(300, 699), reason, &extra, None, actions);
            self.remove_dialog(now, dialog, actions);
        }
    }

    /// Responds to an [`Event::Request`]. A 2xx to a re-INVITE is sent until it is acknowledged, which
    /// nobody is told of; after 64*T1 without comes [`Event::NotAcknowledged`].
    #[expect(clippy::too_many_arguments, reason = "a response has these parts")]
    pub fn respond(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        code: u16,
        reason: &str,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) {
        let Some(owner) = self.servers.by_id.get(&transaction) else { return };
        let Some(request) = owner.request.clone() else { return };
        let dialog = owner.dialog;
        let mut extra = borrowed(headers);
        let code = code.clamp(100, 699);
        if !(200..300).contains(&code) {
            self.respond_in(now, transaction, code, reason, &extra, body.as_ref(), actions);
            return self.after_prack(now, &request, dialog, actions);
        }
        let refreshes = request.is(rsip::Method::Invite) || request.is(rsip::Method::Update);
        let mut of_session = Vec::new();
        if let Some(established) = dialog.filter(|_| refreshes).and_then(|id| self.established_mut(id)) {
            let so_far = established.terms();
            let (terms, headers) = self.session_answer(&request, so_far);
            of_session = headers;
            if let Some(established) = dialog.and_then(|id| self.established_mut(id)) {
                established.set_session(now, terms);
            }
        }
        extra.extend(of_session.iter().map(|(name, value)| (*name, value.as_str())));
        let state = dialog.and_then(|id| self.dialogs.by_id.get_mut(&id)).and_then(Dialog::state_mut);
        if let (Some(state), true) = (state, refreshes) {
            state.refresh_target(request.contact());
        }
        if !request.is(rsip::Method::Invite) {
            self.respond_in(now, transaction, code, reason, &extra, body.as_ref(), actions);
            if let Some(id) = dialog.filter(|_| refreshes) {
                self.arm_dialog(id);
            }
            return self.after_prack(now, &request, dialog, actions);
        }
        let answer = self.send_answer(now, transaction, code, reason, &extra, body.as_ref(), actions);
        if let (Some(id), Some(mut answer)) = (dialog, answer) {
            if let Some(Dialog { phase: Phase::Established(established), .. }) =
                self.dialogs.by_id.get_mut(&id)
            {
                answer.is_first = false;
                established.unacknowledged.push(answer);
            }
            self.arm_dialog(id);
        }
    }

    /// A PRACK with a body has its response now: what waited for it goes out.
    fn after_prack(
        &mut self,
        now: Instant,
        request: &Request,
        dialog: Option<DialogId>,
        actions: &mut Vec<Action>,
    ) {
        if let Some(dialog) = dialog.filter(|_| request.is(rsip::Method::PRack)) {
            self.send_waiting(now, dialog, actions);
        }
    }

    /// The transaction of the INVITE that wants to begin this dialog, while it has no final response.
    pub(super) fn incoming(&self, dialog: DialogId) -> Option<TransactionId> {
        match self.dialogs.by_id.get(&dialog)?.phase {
            Phase::Incoming { transaction, .. } => Some(transaction),
            _ => None,
        }
    }

    /// Sends a 2xx to an INVITE, and what it takes to send it again.
    #[expect(clippy::too_many_arguments, reason = "a response has these parts")]
    fn send_answer(
        &mut self,
        now: Instant,
        id: TransactionId,
        code: u16,
        reason: &str,
        extra: &[Extra<'_>],
        body: Option<&Body>,
        actions: &mut Vec<Action>,
    ) -> Option<Unacknowledged> {
        let owner = self.servers.by_id.get(&id)?;
        let (peer, reply_to) = (owner.peer, owner.reply_to);
        let cseq = owner.request.as_ref()?.cseq().number;
        let bytes = self.respond_with(now, id, code, reason, extra, body, actions)?;
        Some(Unacknowledged::new(now, cseq, true, bytes, peer, reply_to))
    }

    /// Sends a response in a transaction; after a final one nothing is sent.
    #[expect(clippy::too_many_arguments, reason = "a response has these parts")]
    pub(super) fn respond_in(
        &mut self,
        now: Instant,
        id: TransactionId,
        code: u16,
        reason: &str,
        extra: &[Extra<'_>],
        body: Option<&Body>,
        actions: &mut Vec<Action>,
    ) {
        let _ = self.respond_with(now, id, code, reason, extra, body, actions);
    }

    #[expect(clippy::too_many_arguments, reason = "a response has these parts")]
    pub(super) fn respond_with(
        &mut self,
        now: Instant,
        id: TransactionId,
        code: u16,
        reason: &str,
        extra: &[Extra<'_>],
        body: Option<&Body>,
        actions: &mut Vec<Action>,
    ) -> Option<Bytes> {
        let owner = self.servers.by_id.get(&id)?;
        let bytes = self.compose_response(owner, code, reason, extra, body)?;
        let owner = self.servers.by_id.get_mut(&id)?;
        let mut out = Vec::with_capacity(1);
        match &mut owner.machine {
            ServerMachine::Invite(machine) => machine.respond(now, code, bytes.clone(), &mut out),
            ServerMachine::Other(machine) if code >= 200 => machine.respond(now, bytes.clone(), &mut out),
            // A provisional response to anything but INVITE serves nobody (RFC 4320 4.1).
            ServerMachine::Other(_) => return None,
        }
        let (peer, reply_to, dialog) = (owner.peer, owner.reply_to, owner.dialog);
        if code >= 200 {
            owner.request = None;
        }
        self.count_response(code);
        for output in out {
            if let ServerOutput::Send(bytes) = output {
                self.send_response(now, peer, reply_to, bytes, actions);
            }
        }
        if code >= 200 {
            self.request_is_answered(dialog, id);
        }
        self.arm_server(id);
        Some(bytes)
    }

    fn compose_response(
        &self,
        owner: &ServerTransaction,
        code: u16,
        reason: &str,
        extra: &[Extra<'_>],
        body: Option<&Body>,
    ) -> Option<Bytes> {
        let request = owner.request.as_deref()?;
        let is_invite = request.is(rsip::Method::Invite);
        let is_success = (200..300).contains(&code);
        let makes_dialog = is_invite && (101..300).contains(&code);
        let needs_tag = code > 100 && request.to_tag().is_empty();
        let names_us = [rsip::Method::Update, rsip::Method::Subscribe, rsip::Method::Refer];
        let has_contact = makes_dialog || (is_success && names_us.into_iter().any(|one| request.is(one)));
        let mut all: Vec<Extra<'_>> = Vec::with_capacity(extra.len() + 3);
        if makes_dialog || (is_success && request.is(rsip::Method::Options)) {
            all.push(Self::ALLOW_HEADER);
            all.push(("Supported", SUPPORTED));
        }
        if is_success && (is_invite || request.is(rsip::Method::Options)) {
            all.push(("Accept", "application/sdp"));
        }
        all.extend_from_slice(extra);
        let parts = ResponseParts {
            to_tag: if needs_tag { &owner.to_tag } else { "" },
            record_route: makes_dialog || (is_success && request.is(rsip::Method::Subscribe)),
            contact: has_contact.then(|| self.contact_for(owner.peer.listener, request)),
            server: if code == 100 { "" } else { &self.config.user_agent },
            extra: &all,
            body,
        };
        Some(compose::response(request.head(), code, reason, &parts))
    }

    fn contact_for(&self, listener: ListenerId, request: &Request) -> String {
        let user = request.uri().raw_user().unwrap_or_default();
        let route = request.head().get(HeaderName::RecordRoute, "").and_then(NameAddr::parse);
        let mut uris = [Some(request.uri().scheme()), route.map(|route| route.uri.scheme())].into_iter();
        let sips = uris.any(|scheme| scheme == Some(Scheme::Sips));
        self.own_address(listener).map(|own| own.contact(user, sips)).unwrap_or_default()
    }

    /// A final response is out: the dialog waits for it no more.
    pub(super) fn request_is_answered(&mut self, dialog: Option<DialogId>, id: TransactionId) {
        let Some(dialog) = dialog.and_then(|dialog| self.dialogs.by_id.get_mut(&dialog)) else { return };
        dialog.requests.retain(|other| *other != id);
        if let Phase::Established(established) = &mut dialog.phase {
            established.invite_in = established.invite_in.filter(|other| *other != id);
        }
    }

    /// The dialog of an unanswered request is gone (RFC 3261 15.1.2).
    pub(super) fn close_request(&mut self, now: Instant, id: TransactionId, actions: &mut Vec<Action>) {
        let is_invite = self
            .servers
            .by_id
            .get(&id)
            .is_some_and(|owner| matches!(owner.machine, ServerMachine::Invite(_)));
        let code = if is_invite { 487 } else { 481 };
        self.respond_in(now, id, code, "", &[], None, actions);
    }
}
