//! Requests of those who are not admitted, but may show who they are: REGISTER, and INVITE of callers with credentials.
//!
//! Anybody can send these, from whatever address a datagram claims, so nothing is kept of one until it brings a challenge of
//! ours back (RFC 3261 8.2.7): a flood costs an answer each, and no transaction that calls would lack.

use super::compose::borrowed;
use super::{Action, Counters, Endpoint, Event};
use crate::clock::Instant;
use crate::sip::Peer;
use crate::sip::message::{Head, HeaderName, Request, Subject};
use crate::sip::transaction::server_key;

impl Endpoint {
    /// Whether those who are not admitted may ask that.
    pub(super) fn is_door_open(&self, subject: &Subject) -> bool {
        let Subject::Request(method) = subject else { return false };
        let of_invite = [rsip::Method::Invite, rsip::Method::Ack, rsip::Method::Cancel];
        (self.doors.register && *method == rsip::Method::Register)
            || (self.doors.invite && of_invite.into_iter().any(|one| *method == one))
    }

    /// Whether one more request at an open door is listened to.
    pub(super) fn may_knock(&mut self, now: Instant, peer: Peer, head: &Head) -> bool {
        let has_credentials = head.count(HeaderName::Authorization) > 0;
        let knocks = self.knocks.of(peer.transport);
        let allowed = knocks.allows(now, peer.address.ip(), has_credentials);
        if !allowed {
            self.counters.knocks_dropped += 1;
        }
        allowed
    }

    /// Takes a request that came to an open door.
    pub(super) fn at_door(&mut self, now: Instant, peer: Peer, request: Request, actions: &mut Vec<Action>) {
        self.count_request(&request);
        let is_kept = |method| self.servers.by_key.contains_key(&server_key(&request, method));
        if request.is(rsip::Method::Cancel) && !is_kept("INVITE") {
            return self.answer_apart(now, peer, &request, 481, "", &[], actions);
        }
        let begins = request.is(rsip::Method::Invite) || request.is(rsip::Method::Register);
        if !begins || is_kept(request.method().as_str()) {
            return self.on_request(now, peer, request, actions);
        }
        actions.push(Action::Event(Event::Knock { request: Box::new(request), peer }));
    }

    /// Takes a request of an [`Event::Knock`] like one of a source that is admitted.
    pub fn take_in(&mut self, now: Instant, peer: Peer, request: Request, actions: &mut Vec<Action>) {
        self.on_request(now, peer, request, actions);
    }

    /// Answers a request of an [`Event::Knock`], and keeps nothing of it.
    #[expect(clippy::too_many_arguments, reason = "each is a different part of one response")]
    pub fn answer_apart(
        &mut self,
        now: Instant,
        peer: Peer,
        request: &Request,
        code: u16,
        reason: &str,
        headers: &[(String, String)],
        actions: &mut Vec<Action>,
    ) {
        self.answer_stateless(now, peer, request.head(), code, reason, &borrowed(headers), actions);
    }

    pub(super) fn count_request(&mut self, request: &Request) {
        let index = Counters::method_index(request.method().as_str());
        if let Some(count) = self.counters.requests_in.get_mut(index) {
            *count += 1;
        }
    }
}
