//! Our requests: INVITE, CANCEL, BYE, and what goes on inside a dialog.

mod outside;

use super::challenged::Authorization;
use super::compose::{self, Extra, RequestParts, borrowed};
use super::tables::{
    ClientMachine, ClientTransaction, Hop, OutsideContent, OverUdp, Purpose, WithinContent, cancel_key,
    with_via,
};
use super::{Action, Body, Counters, Endpoint};
use crate::clock::Instant;
use crate::sip::dialog::{Dialog, DialogState, GivingUp, Hangup, NextHop, Phase, SentInvite, next_hop};
use crate::sip::digest::Attempt;
use crate::sip::limits::REQUEST_DATAGRAM_BYTES_MAX;
use crate::sip::message::{Method, NameAddr, Scheme, SipUri};
use crate::sip::transaction::{ClientOutput, InviteClient, NonInviteClient, Timer};
use crate::sip::{DialogId, Peer, TlsPeer, TransactionId, Transport};
use bytes::Bytes;
use std::sync::Arc;

/// Times that an INVITE is said again because of its session interval: each proxy on the way may want a larger one.
const INTERVALS_TRIED: u32 = 3;

/// A request that is ready to go.
pub(super) struct Prepared {
    pub bytes: Bytes,
    pub branch: String,
    pub via: Box<str>,
    pub hop: Hop,
    pub over_udp: Option<OverUdp>,
    /// Request-URI and Route values it has.
    pub uri: SipUri,
    pub routes: Vec<Box<str>>,
}

/// What a request has apart from where it goes.
struct Content<'a> {
    method: &'a str,
    from: &'a str,
    to: &'a str,
    call_id: &'a str,
    cseq: u32,
    max_forwards: u8,
    /// The user part of our Contact, where it has one.
    contact_user: Option<&'a str>,
    extra: &'a [Extra<'a>],
    body: Option<&'a Body>,
}

impl Endpoint {
    /// Gives up an INVITE of ours. Before the first 1xx the CANCEL waits for it (RFC 3261 9.1); where a 2xx
    /// crosses it, that is acknowledged and ended. In each case [`Event::Failed`](super::Event::Failed)
    /// follows. `reason` is the value of a Reason header. A dialog that is established is ended by BYE.
    pub fn cancel(
        &mut self,
        now: Instant,
        dialog: DialogId,
        reason: Option<&str>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            if let Some(Dialog { phase: Phase::Established(_), .. }) = self.dialogs.by_id.get(&dialog) {
                self.bye(now, dialog, reason, actions);
            }
            return;
        };
        if !matches!(outgoing.giving_up, GivingUp::No) {
            return;
        }
        outgoing.giving_up = GivingUp::AwaitsProvisional { reason: reason.map(Box::from) };
        let transaction = outgoing.transaction;
        let is_calling = self.clients.by_id.get(&transaction).is_some_and(
            |owner| matches!(&owner.machine, ClientMachine::Invite { machine, .. } if machine.is_calling()),
        );
        if !is_calling {
            self.send_cancel(now, dialog, actions);
        }
    }

    /// The CANCEL that has waited for the first 1xx.
    pub(super) fn send_cancel(&mut self, now: Instant, dialog: DialogId, actions: &mut Vec<Action>) {
        let Some(Dialog { phase: Phase::Outgoing(outgoing), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return;
        };
        let GivingUp::AwaitsProvisional { reason } = &mut outgoing.giving_up else { return };
        let reason = reason.take();
        outgoing.giving_up = GivingUp::Cancelled { until: now + Timer::B.limit(false) };
        let invite = outgoing.transaction;
        self.arm_dialog(dialog);
        let Some(owner) = self.clients.by_id.get(&invite) else { return };
        let ClientMachine::Invite { sent, .. } = &owner.machine else { return };
        let extra: Vec<Extra<'_>> = reason.iter().map(|reason| ("Reason", &**reason)).collect();
        let bytes = compose::cancel(sent, &extra);
        let (key, hop) = (cancel_key(&owner.key), owner.hop.clone());
        let id = self.next_transaction_id();
        self.start_other(
            now,
            id,
            Purpose::Aside,
            rsip::Method::Cancel.into(),
            key,
            bytes,
            hop,
            None,
            actions,
        );
    }

    /// Ends a dialog, which is gone for the caller at once. Before the ACK of our 2xx the BYE waits for it
    /// (RFC 3261 15); an INVITE without a final response is cancelled, or answered 480. `reason` is the value
    /// of a Reason header.
    pub fn bye(&mut self, now: Instant, dialog: DialogId, reason: Option<&str>, actions: &mut Vec<Action>) {
        let Some(owner) = self.dialogs.by_id.get_mut(&dialog) else { return };
        match &mut owner.phase {
            Phase::Incoming { .. } => self.reject(now, dialog, 480, "", &[], actions),
            Phase::Outgoing(_) => self.cancel(now, dialog, reason, actions),
            Phase::Established(established) if established.is_half_open() => {
                established.hangup.get_or_insert(Hangup { reason: reason.map(Box::from) });
            }
            Phase::Established(_) => self.send_bye(now, dialog, reason, actions),
            Phase::Ending { .. } => {}
        }
    }

    pub(super) fn send_bye(
        &mut self,
        now: Instant,
        dialog: DialogId,
        reason: Option<&str>,
        actions: &mut Vec<Action>,
    ) {
        let Some(owner) = self.dialogs.by_id.get_mut(&dialog) else { return };
        let Phase::Established(established) = &owner.phase else { return };
        let state = established.state.clone();
        let reinvite = established.invite_out;
        let (open, account) = (std::mem::take(&mut owner.requests), owner.account.clone());
        self.abandon_reinvite(now, reinvite);
        for transaction in open {
            self.close_request(now, transaction, actions);
        }
        if let Some(owner) = self.dialogs.by_id.get_mut(&dialog) {
            owner.phase = Phase::Ending { state: Box::new(state.clone()) };
        }
        let id = self.next_transaction_id();
        let headers = reason.map(|reason| ("Reason".to_owned(), reason.to_owned())).into_iter().collect();
        let content = WithinContent { method: rsip::Method::Bye.into(), headers, body: None };
        let again = account.map(|account| (account, Attempt::default()));
        self.start_within(now, id, Purpose::End(dialog), state, content, again, None, actions);
    }

    /// Sends a request inside a dialog: re-INVITE, UPDATE, INFO, OPTIONS. Ends in
    /// [`Event::Response`](super::Event::Response), unless the dialog ends before. Where there is no such
    /// dialog, or a re-INVITE of either side is under way already, nothing is sent and nothing comes; BYE and
    /// CANCEL have their own ways.
    pub fn request(
        &mut self,
        now: Instant,
        dialog: DialogId,
        method: Method,
        headers: &[(String, String)],
        body: Option<Body>,
        actions: &mut Vec<Action>,
    ) -> TransactionId {
        let id = self.next_transaction_id();
        let is_invite = method == rsip::Method::Invite;
        let is_other_way = [rsip::Method::Bye, rsip::Method::Cancel, rsip::Method::Ack];
        let Some(Dialog { phase: Phase::Established(established), .. }) = self.dialogs.by_id.get_mut(&dialog)
        else {
            return id;
        };
        let collides = is_invite && (established.invite_in.is_some() || established.invite_out.is_some());
        if collides || is_other_way.into_iter().any(|other| method == other) {
            return id;
        }
        if is_invite {
            established.invite_out = Some(id);
        }
        let state = established.state.clone();
        // A request that could refresh the session says how it goes on, or it would end it (RFC 4028 section 7.4).
        let refreshes = is_invite || method == rsip::Method::Update;
        let terms = established.terms().filter(|_| refreshes).map(|terms| terms.header(false));
        let mut headers = headers.to_vec();
        headers.extend(terms.map(|terms| ("Session-Expires".to_owned(), terms)));
        let account = self.dialogs.by_id.get(&dialog).and_then(|owner| owner.account.clone());
        let content = WithinContent { method, headers, body };
        let again = account.map(|account| (account, Attempt::default()));
        self.start_within(now, id, Purpose::Within(dialog), state, content, again, None, actions);
        id
    }

    /// A request that belongs to no dialog yet.
    pub(super) fn prepare_outside(
        &mut self,
        hop: Hop,
        content: &OutsideContent,
        authorization: Option<&Authorization>,
    ) -> Prepared {
        let mut extra = borrowed(&content.headers);
        extra.extend(authorization.map(|(name, value)| (*name, value.as_str())));
        let parts = Content {
            method: content.method.as_str(),
            from: &content.from,
            to: &content.to,
            call_id: &content.call_id,
            cseq: content.cseq,
            max_forwards: content.max_forwards,
            contact_user: content.contact_user.as_deref(),
            extra: &extra,
            body: content.body.as_ref(),
        };
        self.prepare(hop, content.uri.clone(), content.routes.clone(), &parts)
    }

    /// A request inside a dialog, with its next number.
    pub(super) fn prepare_within(
        &mut self,
        state: &mut DialogState,
        method: &str,
        extra: &[Extra<'_>],
        body: Option<&Body>,
    ) -> Prepared {
        let cseq = state.next_local_cseq();
        self.prepare_numbered(state, method, cseq, extra, body)
    }

    /// The ACK of a 2xx: a request of its own, with the number of its INVITE (RFC 3261 13.2.2.4).
    pub(super) fn prepare_ack(
        &mut self,
        state: &DialogState,
        cseq: u32,
        credentials: Option<&Authorization>,
    ) -> Prepared {
        let extra: Vec<Extra<'_>> =
            credentials.map(|(name, value)| (*name, value.as_str())).into_iter().collect();
        self.prepare_numbered(state, "ACK", cseq, &extra, None)
    }

    fn prepare_numbered(
        &mut self,
        state: &DialogState,
        method: &str,
        cseq: u32,
        extra: &[Extra<'_>],
        body: Option<&Body>,
    ) -> Prepared {
        let next = next_hop(state);
        let hop = self.hop_within(state, &next);
        let NextHop { request_uri, routes, .. } = next;
        // What changes the target has one, and what RFC 3515 section 2 and RFC 3265 section 7.1 want it in: Cisco refuses a
        // REFER without.
        let names_us = ["INVITE", "UPDATE", "REFER", "NOTIFY"].contains(&method);
        let content = Content {
            method,
            from: &state.local,
            to: &state.remote,
            call_id: &state.call_id,
            cseq,
            max_forwards: compose::MAX_FORWARDS,
            contact_user: Some(&*state.contact_user).filter(|_| names_us),
            extra,
            body,
        };
        self.prepare(hop, request_uri, routes, &content)
    }

    pub(super) fn hop_within(&self, state: &DialogState, next: &NextHop) -> Hop {
        let NextHop { destination, transport, .. } = *next;
        let Some(listener) = self.config.listener_for(state.listener, transport, destination) else {
            // No listener of ours speaks that: the way that the peer came is the only one left.
            let Peer { listener, transport, address, connection } = state.peer;
            return Hop { listener, transport, destination: address, tls: None, connection };
        };
        let same_host = state.peer.transport == transport && state.peer.address.ip() == destination.ip();
        let connection = state.peer.connection.filter(|_| same_host);
        // Where the stream of the dialog has broken, the next one leads to the host that was dialled at first.
        let of_route = || next.routes.first().and_then(|route| NameAddr::parse(route)).map(|route| route.uri);
        let dialled =
            || state.tls.clone().or_else(|| tls_peer_of(&of_route().unwrap_or(next.request_uri.clone())));
        let tls = if transport.is_secure() { dialled() } else { None };
        Hop { listener, transport, destination, tls, connection }
    }

    /// Builds a request, and moves it to TCP where it is too long for UDP and the peer takes TCP
    /// (RFC 3261 18.1.1).
    fn prepare(&mut self, hop: Hop, uri: SipUri, routes: Vec<Box<str>>, content: &Content<'_>) -> Prepared {
        let branch = self.new_branch();
        let via: Box<str> = self.via_for(&hop, &branch);
        let changes_target = ["INVITE", "UPDATE"].contains(&content.method);
        let first_is_sips = routes.first().is_some_and(|route| route.starts_with("<sips:"));
        let sips = uri.scheme() == Scheme::Sips || first_is_sips;
        let own = self.own_address(hop.listener);
        let parts = RequestParts {
            method: content.method,
            uri: uri.as_str(),
            via: &via,
            routes: &routes,
            from: content.from,
            to: content.to,
            call_id: content.call_id,
            cseq: content.cseq,
            max_forwards: content.max_forwards,
            contact: own.zip(content.contact_user).map(|(own, user)| own.contact(user, sips)),
            allow: changes_target,
            user_agent: &self.config.user_agent,
            extra: content.extra,
            body: content.body,
        };
        let (bytes, via_span) = compose::request(&parts);
        let too_long = hop.transport == Transport::Udp && bytes.len() > REQUEST_DATAGRAM_BYTES_MAX;
        let tcp = self.config.listener_for(hop.listener, Transport::Tcp, hop.destination);
        match tcp.filter(|_| too_long && self.tcp_peers.contains(hop.destination.ip())) {
            Some(listener) => {
                let tcp_hop = Hop { listener, transport: Transport::Tcp, connection: None, ..hop.clone() };
                let tcp_via = self.via_for(&tcp_hop, &branch);
                let tcp_bytes = with_via(&bytes, &via_span, &tcp_via);
                let over_udp = Some(OverUdp { hop, bytes, via });
                Prepared { bytes: tcp_bytes, branch, via: tcp_via, hop: tcp_hop, over_udp, uri, routes }
            }
            None => Prepared { bytes, branch, via, hop, over_udp: None, uri, routes },
        }
    }

    fn via_for(&self, hop: &Hop, branch: &str) -> Box<str> {
        self.own_address(hop.listener).map(|own| own.via(hop.transport, branch)).unwrap_or_default().into()
    }

    pub(super) fn start_invite(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        prepared: Prepared,
        sent: SentInvite,
        actions: &mut Vec<Action>,
    ) {
        let mut out = Vec::with_capacity(1);
        let reliable = prepared.hop.transport.is_reliable();
        let machine = InviteClient::start(now, prepared.bytes, reliable, &mut out);
        let machine = ClientMachine::Invite { machine, sent: Box::new(sent), acks: Vec::new() };
        let transaction = ClientTransaction {
            machine,
            purpose,
            key: prepared.branch.into(),
            method: rsip::Method::Invite.into(),
            hop: prepared.hop,
            over_udp: prepared.over_udp,
            moved: false,
            again: None,
            scheduled: None,
        };
        self.start_client(now, id, transaction, out, actions);
    }

    pub(super) fn start_prepared(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        method: Method,
        prepared: Prepared,
        actions: &mut Vec<Action>,
    ) {
        let Prepared { bytes, branch, hop, over_udp, .. } = prepared;
        self.start_other(now, id, purpose, method, branch.into(), bytes, hop, over_udp, actions);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one transaction")]
    fn start_other(
        &mut self,
        now: Instant,
        id: TransactionId,
        purpose: Purpose,
        method: Method,
        key: Box<str>,
        bytes: Bytes,
        hop: Hop,
        over_udp: Option<OverUdp>,
        actions: &mut Vec<Action>,
    ) {
        let mut out = Vec::with_capacity(1);
        let machine = NonInviteClient::start(now, bytes, hop.transport.is_reliable(), &mut out);
        let machine = ClientMachine::Other(machine);
        let (moved, again) = (false, None);
        let transaction =
            ClientTransaction { machine, purpose, key, method, hop, over_udp, moved, again, scheduled: None };
        self.start_client(now, id, transaction, out, actions);
    }

    fn start_client(
        &mut self,
        now: Instant,
        id: TransactionId,
        transaction: ClientTransaction,
        out: Vec<ClientOutput>,
        actions: &mut Vec<Action>,
    ) {
        let index = Counters::method_index(transaction.method.as_str());
        if let Some(count) = self.counters.requests_out.get_mut(index) {
            *count += 1;
        }
        self.clients.by_key.insert(transaction.key.clone(), id);
        self.clients.by_id.insert(id, transaction);
        self.arm_client(id);
        self.send_outputs(now, id, out, actions);
    }

    /// Puts the bytes that a client machine wants sent on their way.
    pub(super) fn send_outputs(
        &mut self,
        now: Instant,
        id: TransactionId,
        out: Vec<ClientOutput>,
        actions: &mut Vec<Action>,
    ) {
        for output in out {
            let ClientOutput::Send(bytes) = output else { continue };
            let Some(mut hop) = self.clients.by_id.get(&id).map(|owner| owner.hop.clone()) else { return };
            let before = hop.connection;
            if self.transmit(now, &mut hop, bytes, actions).is_err() {
                return self.on_transport_failure(now, id, actions);
            }
            if let Some(connection) = hop.connection.and_then(|id| self.connections.by_id.get_mut(&id))
                && !connection.clients.contains(&id)
            {
                connection.clients.push(id);
            }
            if before != hop.connection {
                self.forget_client_of(before, id);
            }
            if let Some(owner) = self.clients.by_id.get_mut(&id) {
                owner.hop = hop;
            }
        }
    }

    /// The peer has said in a URI that it takes TCP.
    pub(super) fn learn_tcp_from(&mut self, uri: Option<&SipUri>, peer: Peer) {
        if let Some(uri) = uri.filter(|uri| uri.transport().as_deref() == Some("tcp")) {
            self.tcp_peers.learn(uri.host().ip().unwrap_or(peer.address.ip()));
        }
    }
}

/// Whom to expect over TLS at the host of a URI.
fn tls_peer_of(uri: &SipUri) -> Option<Arc<TlsPeer>> {
    let host = uri.host().to_string();
    let name = host.trim_matches(['[', ']']);
    (!name.is_empty()).then(|| Arc::new(TlsPeer { name: name.into(), settings: None }))
}
