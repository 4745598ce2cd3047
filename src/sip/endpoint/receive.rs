//! What comes in: who may send it, whether it is SIP, and who it is for. Answers that leave no state.

use super::compose::{self, ALLOW, Extra, ResponseParts, borrowed};
use super::{Action, Counters, Endpoint, Event, Refusal, words};
use crate::clock::Instant;
use crate::sip::limits::{
    NOBODY_KNOWN_BURST, NOBODY_KNOWN_INTERVAL, REFUSAL_TOLD_BURST, REFUSAL_TOLD_INTERVAL, STUN_OF_ALL_BURST,
    STUN_OF_ALL_INTERVAL,
};
use crate::sip::message::{
    Glance, Head, HeaderName, Message, NameAddr, Reject, Request, Subject, Via, glance, is_answerable,
    parse_datagram,
};
use crate::sip::{ListenerId, Peer, Transport, stun};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

/// Where a message came from, and whether that source may send requests.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub peer: Peer,
    pub admitted: bool,
}

impl Endpoint {
    pub(super) fn on_datagram(
        &mut self,
        now: Instant,
        listener: ListenerId,
        source: SocketAddr,
        bytes: &[u8],
        admitted: bool,
        actions: &mut Vec<Action>,
    ) {
        let peer = Peer { listener, transport: Transport::Udp, address: source, connection: None };
        if stun::is_stun(bytes) {
            return self.on_stun(now, peer, bytes, admitted, actions);
        }
        let mut origin = Origin { peer, admitted };
        if !admitted {
            // A stranger's request is not read whole, unless it knows a dialog of ours.
            let Some(glance) = glance(bytes) else { return };
            if glance.subject != Subject::Response {
                let is_known = self.belongs_to_dialog(&glance.head);
                if !is_known && !self.may_speak(peer, &glance, actions) {
                    return;
                }
                if !is_known && !self.is_door_open(&glance.subject) {
                    return self.refuse_stranger(now, origin, glance, actions);
                }
                if !is_known && !self.may_knock(now, peer, &glance.head) {
                    return;
                }
                origin.admitted = is_known;
            }
        }
        match parse_datagram(bytes) {
            None => {}
            Some(Ok(message)) => self.on_message(now, origin, message, actions),
            Some(Err(reject)) => self.on_reject(now, origin, &reject, actions),
        }
    }

    /// A telephone keeps its NAT open, and looks whether that has given it another port. It is answered where it may register:
    /// with another port it is a stranger.
    fn on_stun(&mut self, now: Instant, peer: Peer, bytes: &[u8], admitted: bool, actions: &mut Vec<Action>) {
        let source = peer.address;
        let may_ask = admitted || (self.doors.register && !self.is_shut_out(source.ip()));
        let reply = stun::answer(bytes, source).filter(|_| {
            may_ask
                && self.stun.allows(now, source.ip())
                && self.stun_of_all.allows(now, STUN_OF_ALL_INTERVAL, STUN_OF_ALL_BURST)
        });
        let Some(reply) = reply else {
            self.counters.stun_dropped += 1;
            return;
        };
        self.counters.stun_answered += 1;
        let (listener, destination) = (peer.listener, source);
        actions.push(Action::SendDatagram { listener, destination, bytes: reply.into() });
    }

    /// A message whose syntax is right.
    pub(super) fn on_message(
        &mut self,
        now: Instant,
        origin: Origin,
        message: Message,
        actions: &mut Vec<Action>,
    ) {
        match message {
            Message::Response(response) => self.on_response(now, origin.peer, response, actions),
            Message::Request(request) => {
                if !origin.admitted && !self.belongs_to_dialog(request.head()) {
                    return self.on_strangers_request(now, origin, request, actions);
                }
                self.count_request(&request);
                self.on_request(now, origin.peer, request, actions);
            }
        }
    }

    /// A request outside our dialogs, of one who is not admitted.
    fn on_strangers_request(
        &mut self,
        now: Instant,
        origin: Origin,
        request: Request,
        actions: &mut Vec<Action>,
    ) {
        let peer = origin.peer;
        let glance =
            Glance { subject: Subject::Request(request.method().clone()), head: request.head().clone() };
        // A datagram was looked at before it was read.
        let is_new = peer.transport.is_reliable();
        if is_new && !self.may_speak(peer, &glance, actions) {
            return;
        }
        if !self.is_door_open(&glance.subject) {
            return self.refuse_stranger(now, origin, glance, actions);
        }
        if !is_new || self.may_knock(now, peer, &glance.head) {
            self.at_door(now, peer, request, actions);
        }
    }

    /// A message whose syntax is wrong: said so where that can be said.
    pub(super) fn on_reject(
        &mut self,
        now: Instant,
        origin: Origin,
        reject: &Reject,
        actions: &mut Vec<Action>,
    ) {
        if !reject.is_answerable() {
            self.counters.malformed_dropped += 1;
            return;
        }
        if !origin.admitted && !self.belongs_to_dialog(&reject.head) {
            let glance = Glance { subject: reject.subject.clone(), head: reject.head.clone() };
            // A datagram was looked at before it was read.
            if origin.peer.transport.is_reliable() && !self.may_speak(origin.peer, &glance, actions) {
                return;
            }
            return self.refuse_stranger(now, origin, glance, actions);
        }
        self.counters.malformed_answered += 1;
        let (code, reason) = reject.fault.status();
        let warning = self.warning(origin.peer.listener, &reject.fault);
        self.answer_stateless(
            now,
            origin.peer,
            &reject.head,
            code,
            reason,
            &[("Warning", &warning)],
            actions,
        );
        if self.faults_told.allows(now, REFUSAL_TOLD_INTERVAL, REFUSAL_TOLD_BURST) {
            let (peer, subject, why) = (origin.peer, reject.subject.clone(), reject.fault.to_string());
            actions.push(Action::Event(Event::Refused { peer, subject, code, why }));
        }
    }

    /// 403, or nothing, to a request of one who may not send any; 503 while nobody is known.
    fn refuse_stranger(&mut self, now: Instant, origin: Origin, glance: Glance, actions: &mut Vec<Action>) {
        let Glance { subject, head } = glance;
        if let Refusal::NotYet { warning } = &self.refusal {
            if !is_answerable(&subject, &head)
                || !self.not_yet.allows(now, NOBODY_KNOWN_INTERVAL, NOBODY_KNOWN_BURST)
            {
                self.counters.refused_dropped += 1;
                return;
            }
            let later = self.try_later(warning.clone());
            self.counters.overload_rejected += 1;
            return self.answer_stateless(now, origin.peer, &head, 503, "", &borrowed(&later), actions);
        }
        self.note_offence(now, origin.peer, actions);
        if !is_answerable(&subject, &head) || !self.refusals.allows(now, origin.peer.address.ip()) {
            self.counters.refused_dropped += 1;
            return;
        }
        self.counters.refused_answered += 1;
        let warning = self.warning(origin.peer.listener, &words::UNKNOWN_SOURCE);
        self.answer_stateless(now, origin.peer, &head, 403, "", &[("Warning", &warning)], actions);
        if self.refusals_told.allows(now, REFUSAL_TOLD_INTERVAL, REFUSAL_TOLD_BURST) {
            let (peer, why) = (origin.peer, words::UNKNOWN_SOURCE.to_owned());
            actions.push(Action::Event(Event::Refused { peer, subject, code: 403, why }));
        }
    }

    /// Whoever knows the tag that we made up for a dialog takes part in it, wherever it sends from.
    fn belongs_to_dialog(&self, head: &Head) -> bool {
        let tag_of = |name| {
            let address = head.get(name, "").and_then(NameAddr::parse);
            address.and_then(|address| address.tag().map(str::to_owned)).unwrap_or_default()
        };
        let call_id = head.get(HeaderName::CallId, "").unwrap_or_default();
        self.dialogs.find(call_id, &tag_of(HeaderName::To), &tag_of(HeaderName::From)).is_some()
    }

    /// A response that leaves nothing behind. Made again for a retransmission, it has the same tag
    /// (RFC 3261 8.2.7).
    #[expect(clippy::too_many_arguments, reason = "each is a different part of one response")]
    pub(super) fn answer_stateless(
        &mut self,
        now: Instant,
        peer: Peer,
        head: &Head,
        code: u16,
        reason: &str,
        extra: &[Extra<'_>],
        actions: &mut Vec<Action>,
    ) {
        let mut head = head.clone();
        let mut reply_to = peer.address;
        if let Some(via) = head.get(HeaderName::Via, "").and_then(Via::parse) {
            reply_to = via.response_address(peer.address);
            head.replace_first(HeaderName::Via, &via.received_from(peer.address).to_string());
        }
        let to = head.get(HeaderName::To, "").and_then(NameAddr::parse);
        let needs_tag = to.is_some_and(|to| to.tag().is_none());
        let to_tag = if needs_tag { self.stateless_tag(&head) } else { String::new() };
        let parts =
            ResponseParts { to_tag: &to_tag, server: &self.config.user_agent, extra, ..Default::default() };
        let bytes = compose::response(&head, code, reason, &parts);
        self.count_response(code);
        self.send_response(now, peer, reply_to, bytes, actions);
    }

    fn stateless_tag(&self, head: &Head) -> String {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        head.get(HeaderName::CallId, "").hash(&mut hasher);
        head.get(HeaderName::From, "").hash(&mut hasher);
        head.get(HeaderName::CSeq, "").hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    pub(super) fn count_response(&mut self, code: u16) {
        if let Some(count) = self.counters.responses_out.get_mut(Counters::class_index(code)) {
            *count += 1;
        }
    }

    /// 503 with Retry-After, leaving nothing behind.
    pub(super) fn answer_overload(
        &mut self,
        now: Instant,
        peer: Peer,
        request: &Request,
        actions: &mut Vec<Action>,
    ) {
        self.counters.overload_rejected += 1;
        if request.is(rsip::Method::Ack) {
            return;
        }
        let later = self.try_later(self.warning(peer.listener, &words::TOO_MUCH));
        self.answer_stateless(now, peer, request.head(), 503, "", &borrowed(&later), actions);
    }

    /// The header lines of a 503: when to come back, and why.
    pub(super) fn try_later(&self, warning: String) -> [(&'static str, String); 2] {
        let seconds = self.config.limits.retry_after.as_secs().max(1);
        [("Retry-After", seconds.to_string()), ("Warning", warning)]
    }

    pub(super) const ALLOW_HEADER: Extra<'static> = ("Allow", ALLOW);
}
