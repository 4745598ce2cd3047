//! Requests of peers: which transaction, which dialog, and what they may do (RFC 3261 8.2, 12.2.2, 17.2).

use super::compose::{SUPPORTED, borrowed};
use super::tables::{ServerMachine, ServerTransaction};
use super::{Action, Endpoint, Event, words};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, DialogState, Phase};
use crate::sip::limits::{
    DIALOG_REQUEST_BURST, DIALOG_REQUEST_INTERVAL, DIALOG_REQUESTS_MAX, SIDE_REQUESTS_SHARE,
};
use crate::sip::message::{HeaderName, Method, Request, Scheme, SipUri};
use crate::sip::transaction::{InviteServer, NonInviteServer, ServerOutput, merge_key, server_key};
use crate::sip::{DialogId, Peer, TransactionId};
use std::sync::Arc;

/// Why a request gets an error from the endpoint itself.
pub(super) struct Refusal<'a> {
    pub code: u16,
    pub extra: Vec<(&'a str, String)>,
}

impl Refusal<'_> {
    pub fn plain(code: u16) -> Self {
        Refusal { code, extra: Vec::new() }
    }
}

impl Endpoint {
    pub(super) fn on_request(
        &mut self,
        now: Instant,
        peer: Peer,
        mut request: Request,
        actions: &mut Vec<Action>,
    ) {
        let method = request.method().clone();
        if method == rsip::Method::Ack {
            return self.on_ack(now, peer, request, actions);
        }
        let key = server_key(&request, method.as_str());
        if let Some(&known) = self.servers.by_key.get(&key) {
            return self.on_request_again(now, known, actions);
        }
        let is_side = !begins_or_ends(&request);
        if !self.has_room(peer, is_side) {
            return self.answer_overload(now, peer, &request, actions);
        }
        let reply_to = request.via().response_address(peer.address);
        let merge =
            (request.to_tag().is_empty() && method != rsip::Method::Cancel).then(|| merge_key(&request));
        let merged = merge.as_ref().is_some_and(|key| self.servers.by_merge_key.contains_key(key));
        request.note_source(peer.address);
        let id = self.next_transaction_id();
        let is_invite = method == rsip::Method::Invite;
        let reliable = peer.transport.is_reliable();
        let transaction = ServerTransaction {
            machine: if is_invite {
                ServerMachine::Invite(InviteServer::new(reliable))
            } else {
                ServerMachine::Other(NonInviteServer::new(now, reliable))
            },
            key,
            // A merged request must not take the place of the one that it is a copy of.
            merge_key: merge.filter(|_| !merged),
            request: Some(Arc::new(request)),
            peer,
            reply_to,
            to_tag: self.new_tag(),
            is_side,
            dialog: None,
            scheduled: None,
        };
        let Some(request) = transaction.request.clone() else { return };
        self.servers.insert(id, transaction);
        self.arm_server(id);
        if merged {
            return self.refuse(now, id, &Refusal::plain(482), actions);
        }
        self.dispatch(now, id, peer, request, actions);
        self.arm_server(id);
    }

    /// A new request, by what it asks for.
    fn dispatch(
        &mut self,
        now: Instant,
        id: TransactionId,
        peer: Peer,
        request: Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        if request.is(rsip::Method::Cancel) {
            return self.on_cancel(now, id, &request, actions);
        }
        if let Some(refusal) = check_support(&request) {
            return self.refuse(now, id, &refusal, actions);
        }
        if !request.to_tag().is_empty() {
            let dialog = self.dialogs.find(request.call_id(), request.to_tag(), request.from_tag());
            return match dialog {
                Some(dialog) => self.on_request_within(now, id, dialog, peer, request, actions),
                // Subscriptions are the call room's.
                None if request.is(rsip::Method::Subscribe) => {
                    let event = Event::Request { dialog: None, transaction: id, request, peer };
                    actions.push(Action::Event(event));
                }
                None => self.refuse(now, id, &Refusal::plain(481), actions),
            };
        }
        match request.method() {
            Method::Known(rsip::Method::Invite) => self.on_invite(now, id, peer, request, actions),
            Method::Known(rsip::Method::Options | rsip::Method::Register | rsip::Method::Subscribe) => {
                let event = Event::Request { dialog: None, transaction: id, request, peer };
                actions.push(Action::Event(event));
            }
            // Whose call would it be?
            Method::Known(rsip::Method::Refer) => self.refuse(now, id, &Refusal::plain(403), actions),
            // BYE, INFO, UPDATE and NOTIFY mean something inside a dialog only.
            _ => self.refuse(now, id, &Refusal::plain(481), actions),
        }
    }

    /// Whether one more transaction may be kept. What begins or ends calls may use them all; the rest only half, and
    /// of one source only a share of that, so that no flood of INFOs, re-INVITEs or pings shuts out the others.
    fn has_room(&self, peer: Peer, is_side: bool) -> bool {
        let (all, used) = (self.config.limits.server_transactions_max, self.servers.by_id.len());
        if !is_side {
            return used < all;
        }
        let of_source = self.servers.side.of(peer.address.ip());
        used < all / 2 && of_source < (all / SIDE_REQUESTS_SHARE).max(1)
    }

    fn on_request_again(&mut self, now: Instant, id: TransactionId, actions: &mut Vec<Action>) {
        self.counters.retransmissions_absorbed += 1;
        let Some(transaction) = self.servers.by_id.get_mut(&id) else { return };
        let (peer, reply_to) = (transaction.peer, transaction.reply_to);
        let mut out = Vec::new();
        match &transaction.machine {
            ServerMachine::Invite(machine) => machine.on_retransmission(&mut out),
            ServerMachine::Other(machine) => machine.on_retransmission(&mut out),
        }
        for output in out {
            if let ServerOutput::Send(bytes) = output {
                self.send_response(now, peer, reply_to, bytes, actions);
            }
        }
    }

    /// An INVITE outside a dialog.
    fn on_invite(
        &mut self,
        now: Instant,
        id: TransactionId,
        peer: Peer,
        request: Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        let too_many_half_open =
            self.half_open.of(peer.address.ip()) >= self.config.limits.half_open_per_source_max;
        if too_many_half_open || self.dialogs.by_id.len() >= self.config.limits.dialogs_max {
            if too_many_half_open {
                self.counters.half_open_rejected += 1;
            } else {
                self.counters.overload_rejected += 1;
            }
            // Under pressure nothing is kept, and nothing is sent again.
            self.servers.remove(id);
            let why = if too_many_half_open { words::TOO_MANY_HALF_OPEN } else { words::TOO_MUCH };
            let later = self.try_later(self.warning(peer.listener, &why));
            return self.answer_stateless(now, peer, request.head(), 503, "", &borrowed(&later), actions);
        }
        if let Err(refusal) = self.check_interval(&request) {
            return self.refuse(now, id, &refusal, actions);
        }
        let Some(transaction) = self.servers.by_id.get_mut(&id) else { return };
        let dialog = DialogId(id.0);
        transaction.dialog = Some(dialog);
        let state = Box::new(DialogState::as_server(&request, &transaction.to_tag, peer));
        self.dialogs.insert(
            dialog,
            Dialog::new(Phase::Incoming { state, transaction: id, provisional: Box::default() }),
        );
        if let Some(connection) = peer.connection {
            self.retain_connection(connection);
        }
        self.learn_tcp_from(request.contact().map(|contact| &contact.uri), peer);
        self.respond_in(now, id, 100, "", &[], None, actions);
        actions.push(Action::Event(Event::Invite { dialog, request, peer }));
    }

    /// A request inside a dialog.
    fn on_request_within(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog_id: DialogId,
        peer: Peer,
        request: Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        if request.is(rsip::Method::Bye) {
            return self.on_bye(now, id, dialog_id, request, actions);
        }
        let within_budget =
            self.dialogs.by_id.get_mut(&dialog_id).is_some_and(|dialog| {
                dialog.budget.allows(now, DIALOG_REQUEST_INTERVAL, DIALOG_REQUEST_BURST)
            });
        if !within_budget {
            // Nothing is kept of it.
            self.servers.remove(id);
            return self.answer_overload(now, peer, &request, actions);
        }
        if request.is(rsip::Method::PRack) {
            return self.on_prack(now, id, dialog_id, peer, request, actions);
        }
        if let Err(refusal) = self.check_interval(&request) {
            return self.refuse(now, id, &refusal, actions);
        }
        if let Err(code) = self.admit_within(dialog_id, &request) {
            let extra =
                if code == 500 { vec![("Retry-After", self.random.below(10).to_string())] } else { vec![] };
            return self.refuse(now, id, &Refusal { code, extra }, actions);
        }
        self.move_dialog(dialog_id, peer);
        let Some(dialog) = self.dialogs.by_id.get_mut(&dialog_id) else { return };
        dialog.requests.push(id);
        if let Some(state) = dialog.state_mut() {
            state.note_allow(request.head());
        }
        let is_invite = request.is(rsip::Method::Invite);
        if let (Phase::Established(established), true) = (&mut dialog.phase, is_invite) {
            established.invite_in = Some(id);
        }
        if let Some(transaction) = self.servers.by_id.get_mut(&id) {
            transaction.dialog = Some(dialog_id);
        }
        if is_invite {
            self.respond_in(now, id, 100, "", &[], None, actions);
        }
        let event = Event::Request { dialog: Some(dialog_id), transaction: id, request, peer };
        actions.push(Action::Event(event));
    }

    /// Whether a request fits into the dialog now, or the status that says why not.
    fn admit_within(&mut self, id: DialogId, request: &Request) -> Result<(), u16> {
        let dialog = self.dialogs.by_id.get_mut(&id).ok_or(481u16)?;
        match &dialog.phase {
            Phase::Ending { .. } => return Err(481),
            Phase::Established(established) if established.hangup.is_some() => return Err(481),
            _ => {}
        }
        if dialog.requests.len() >= DIALOG_REQUESTS_MAX {
            return Err(503);
        }
        let number = request.cseq().number;
        if dialog.state_mut().is_some_and(|state| !state.take_remote_cseq(number)) {
            return Err(500);
        }
        if !request.is(rsip::Method::Invite) {
            return Ok(());
        }
        match &dialog.phase {
            // Glare (RFC 3261 14.2).
            Phase::Established(established) if established.invite_out.is_some() => Err(491),
            Phase::Established(established) if established.invite_in.is_some() => Err(500),
            Phase::Established(established) if established.cannot_take_invite() => Err(500),
            Phase::Established(_) => Ok(()),
            // A second INVITE before the first has its final response (RFC 3261 14.2).
            Phase::Incoming { .. } => Err(500),
            Phase::Outgoing(_) => Err(491),
            Phase::Ending { .. } => Err(481),
        }
    }

    /// BYE ends the dialog in whatever state it is; of one that crosses our own nobody needs to hear.
    fn on_bye(
        &mut self,
        now: Instant,
        id: TransactionId,
        dialog_id: DialogId,
        request: Arc<Request>,
        actions: &mut Vec<Action>,
    ) {
        let Some(dialog) = self.dialogs.by_id.get(&dialog_id) else { return };
        match &dialog.phase {
            Phase::Outgoing(_) => return self.refuse(now, id, &Refusal::plain(481), actions),
            Phase::Ending { .. } => return self.respond_in(now, id, 200, "", &[], None, actions),
            Phase::Incoming { transaction, .. } => {
                let transaction = *transaction;
                self.respond_in(now, id, 200, "", &[], None, actions);
                self.respond_in(now, transaction, 487, "", &[], None, actions);
            }
            Phase::Established(_) => self.respond_in(now, id, 200, "", &[], None, actions),
        }
        let was_hung_up = self.is_hung_up(dialog_id);
        self.remove_dialog(now, dialog_id, actions);
        if !was_hung_up {
            actions.push(Action::Event(Event::Bye { dialog: dialog_id, request }));
        }
    }

    /// The call room has ended the dialog already, and its BYE waits.
    fn is_hung_up(&self, id: DialogId) -> bool {
        let dialog = self.dialogs.by_id.get(&id);
        dialog.is_some_and(
            |dialog| matches!(&dialog.phase, Phase::Established(established) if established.hangup.is_some()),
        )
    }

    /// CANCEL is answered by itself; the INVITE that it means gets 487 where it has no final response yet
    /// (RFC 3261 9.2).
    fn on_cancel(&mut self, now: Instant, id: TransactionId, request: &Request, actions: &mut Vec<Action>) {
        let Some(&invite) = self.servers.by_key.get(&server_key(request, "INVITE")) else {
            return self.refuse(now, id, &Refusal::plain(481), actions);
        };
        // The tag of the response to CANCEL is that of the responses to its INVITE.
        let found = self.servers.by_id.get(&invite);
        let Some((tag, open, dialog)) =
            found.map(|found| (found.to_tag.clone(), found.machine.is_open(), found.dialog))
        else {
            return;
        };
        if let Some(transaction) = self.servers.by_id.get_mut(&id) {
            transaction.to_tag = tag;
        }
        self.respond_in(now, id, 200, "", &[], None, actions);
        if !open {
            return;
        }
        self.respond_in(now, invite, 487, "", &[], None, actions);
        let begins = dialog.filter(|dialog| {
            let dialog = self.dialogs.by_id.get(dialog);
            dialog.is_some_and(
                |dialog| matches!(&dialog.phase, Phase::Incoming { transaction, .. } if *transaction == invite),
            )
        });
        if let Some(dialog) = begins {
            self.remove_dialog(now, dialog, actions);
            let reason = request.header("Reason").map(str::to_owned);
            actions.push(Action::Event(Event::Cancelled { dialog, reason }));
        }
    }

    /// ACK: of a failure it ends the INVITE transaction, of a 2xx it is the dialog's.
    fn on_ack(&mut self, now: Instant, peer: Peer, request: Request, actions: &mut Vec<Action>) {
        if let Some(&id) = self.servers.by_key.get(&server_key(&request, "INVITE"))
            && let Some(ServerTransaction { machine: ServerMachine::Invite(machine), .. }) =
                self.servers.by_id.get_mut(&id)
            && !machine.is_accepted()
        {
            machine.on_ack(now);
            return self.rearm_or_drop_server(id);
        }
        let dialog = self.dialogs.find(request.call_id(), request.to_tag(), request.from_tag());
        let acknowledged = dialog.and_then(|id| {
            let dialog = self.dialogs.by_id.get_mut(&id)?;
            let Phase::Established(established) = &mut dialog.phase else { return None };
            let number = request.cseq().number;
            let at = established.unacknowledged.iter().position(|answer| answer.cseq == number)?;
            let answer = established.unacknowledged.remove(at);
            let hangup = if answer.is_first { established.hangup.take() } else { None };
            Some((id, answer, hangup))
        });
        let Some((id, answer, hangup)) = acknowledged else {
            self.counters.strays_dropped += 1;
            return;
        };
        self.move_dialog(id, peer);
        if answer.is_first {
            self.half_open.remove(answer.peer.address.ip());
        }
        match hangup {
            Some(hangup) => self.send_bye(now, id, hangup.reason.as_deref(), actions),
            None if answer.is_first => {
                let request = Arc::new(request);
                actions.push(Action::Event(Event::Acknowledged { dialog: id, request }));
            }
            None if self.is_hung_up(id) => {}
            None => {
                let request = Arc::new(request);
                actions.push(Action::Event(Event::AcknowledgedAgain { dialog: id, request }));
            }
        }
    }

    /// A telephone that was reached by one way is reached by another now: so are the dialogs with it. They are those whose
    /// remote target is what it calls itself, for others may share its old way.
    pub fn follow(&mut self, contact: &SipUri, from: Peer, to: Peer) {
        let is_with_it = |dialog: &Dialog| {
            dialog.state().is_some_and(|state| state.peer == from && state.target.is_same_place(contact))
        };
        let of_it = self.dialogs.by_id.iter().filter(|(_, dialog)| is_with_it(dialog));
        let meant: Vec<DialogId> = of_it.map(|(id, _)| *id).collect();
        for dialog in meant {
            self.move_dialog(dialog, to);
        }
    }

    /// The peer's messages come from here now.
    pub(super) fn move_dialog(&mut self, id: DialogId, peer: Peer) {
        let state = self.dialogs.by_id.get_mut(&id).and_then(Dialog::state_mut);
        let Some(state) = state else { return };
        let before = std::mem::replace(&mut state.peer, peer);
        if before.connection != peer.connection {
            if let Some(connection) = before.connection {
                self.release_connection(connection);
            }
            if let Some(connection) = peer.connection {
                self.retain_connection(connection);
            }
        }
    }

    /// Sends an error of the endpoint's own.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        id: TransactionId,
        refusal: &Refusal<'_>,
        actions: &mut Vec<Action>,
    ) {
        let listener = self.servers.by_id.get(&id).map(|owner| owner.peer.listener);
        let why = words::of_code(refusal.code).zip(listener);
        let warning = why.map(|(why, listener)| self.warning(listener, &why));
        let mut extra = borrowed(&refusal.extra);
        extra.extend(warning.as_deref().map(|value| ("Warning", value)));
        self.respond_in(now, id, refusal.code, "", &extra, None, actions);
    }
}

fn begins_or_ends(request: &Request) -> bool {
    let begins = request.is(rsip::Method::Invite) && request.to_tag().is_empty();
    begins || request.is(rsip::Method::Bye) || request.is(rsip::Method::Cancel)
}

/// Extensions that a REGISTER may require (RFC 3327, RFC 5626).
const REGISTER_OPTIONS: [&str; 2] = ["path", "outbound"];

/// Methods, URI schemes and extensions that are not ours (RFC 3261 8.2.1 to 8.2.2.3).
fn check_support(request: &Request) -> Option<Refusal<'static>> {
    let (allow, value) = Endpoint::ALLOW_HEADER;
    let code = match request.method() {
        Method::Known(
            rsip::Method::Invite
            | rsip::Method::Bye
            | rsip::Method::Options
            | rsip::Method::Info
            | rsip::Method::PRack
            | rsip::Method::Update
            | rsip::Method::Refer
            | rsip::Method::Notify
            | rsip::Method::Register
            | rsip::Method::Subscribe,
        ) => None,
        Method::Known(_) => Some(405),
        Method::Other(_) => Some(501),
    };
    if let Some(code) = code {
        return Some(Refusal { code, extra: vec![(allow, value.to_owned())] });
    }
    if request.uri().scheme() == Scheme::Other {
        return Some(Refusal::plain(416));
    }
    let head = request.head();
    let is_register = request.is(rsip::Method::Register);
    let required = [HeaderName::Require, HeaderName::ProxyRequire]
        .into_iter()
        .flat_map(|name| head.all(name, ""))
        .filter(|option| !option.is_empty() && !is_supported(option, is_register))
        .collect::<Vec<_>>();
    if required.is_empty() {
        return None;
    }
    Some(Refusal { code: 420, extra: vec![("Unsupported", required.join(", "))] })
}

fn is_supported(option: &str, is_register: bool) -> bool {
    let of_register = REGISTER_OPTIONS.into_iter().filter(|_| is_register);
    SUPPORTED.split(", ").chain(of_register).any(|known| known.eq_ignore_ascii_case(option))
}
