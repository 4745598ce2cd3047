//! Dialogs (RFC 3261 12): what both ends remember of each other, and what of it is under way.

mod next_hop;
mod reliable;
mod session;
mod unacknowledged;

pub use next_hop::{NextHop, next_hop};
pub use reliable::{Later, Provisional};
pub use session::{MIN_SE_FLOOR_S, SessionDue, SessionPolicy, SessionTerms, SessionTimer, min_se};
pub use unacknowledged::{Due, Unacknowledged};

use super::digest::Account;
use super::limits::{FORKS_MAX, ROUTE_SET_MAX, UNACKNOWLEDGED_MAX};
use super::message::{Head, HeaderName, NameAddr, Request, Response, SipUri};
use super::{ListenerId, Peer, TlsPeer, TransactionId};
use crate::clock::{Budget, Instant};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The state of RFC 3261 12.1, as it is once both tags are known.
#[derive(Clone, Debug)]
pub struct DialogState {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    /// Empty for a peer of RFC 2543.
    pub remote_tag: Box<str>,
    /// The value of From in our requests, tag included.
    pub local: Box<str>,
    /// The value of To in our requests, tag included.
    pub remote: Box<str>,
    /// The user part of our Contact, as it is in a URI.
    pub contact_user: Box<str>,
    /// The number of our last request.
    pub local_cseq: u32,
    /// The number of the peer's last request; none before its first.
    pub remote_cseq: Option<u32>,
    /// Route values in the order in which we use them.
    pub route_set: Vec<Box<str>>,
    /// Where the peer's Contact says it is.
    pub target: SipUri,
    /// Our listener that this dialog is at home on.
    pub listener: ListenerId,
    /// Where the peer's last message came from.
    pub peer: Peer,
    /// The address that the peer believed to have when the dialog began, where it had another: it sits behind NAT.
    pub mistaken: Option<IpAddr>,
    /// The host that our INVITE went to; none where the peer's began the dialog.
    pub dialled: Option<IpAddr>,
    /// Whom we dialled over TLS.
    pub tls: Option<Arc<TlsPeer>>,
    /// The peer takes UPDATE, as far as its Allow says.
    pub allows_update: bool,
    /// Our INVITE made it, so that the Call-ID is ours.
    pub began: bool,
}

impl DialogState {
    /// The dialog that answering this INVITE makes (RFC 3261 12.1.1).
    pub fn as_server(request: &Request, local_tag: &str, peer: Peer) -> Self {
        // A peer of RFC 2543 need not send a Contact; its From has to do.
        let target = request.contact().map_or(&request.from().uri, |contact| &contact.uri);
        let head = request.head();
        DialogState {
            call_id: request.call_id().into(),
            local_tag: local_tag.into(),
            remote_tag: request.from_tag().into(),
            local: tagged(head.get(HeaderName::To, "").unwrap_or_default(), local_tag),
            remote: head.get(HeaderName::From, "").unwrap_or_default().into(),
            contact_user: request.uri().raw_user().unwrap_or_default().into(),
            local_cseq: 0,
            remote_cseq: Some(request.cseq().number),
            route_set: route_set(head.all(HeaderName::RecordRoute, "")),
            target: target.clone(),
            listener: peer.listener,
            peer,
            mistaken: request.via().host.ip().filter(|said| *said != peer.address.ip().to_canonical()),
            dialled: None,
            tls: None,
            allows_update: allows_update(head).unwrap_or(false),
            began: false,
        }
    }

    /// The dialog that a response with a To tag to our INVITE makes (RFC 3261 12.1.2). `destination` is where the INVITE
    /// was sent, whatever its URI says.
    pub fn as_client(
        invite: &SentInvite,
        response: &Response,
        listener: ListenerId,
        destination: SocketAddr,
        tls: Option<Arc<TlsPeer>>,
        peer: Peer,
    ) -> Self {
        let head = response.head();
        let mut route_set = route_set(head.all(HeaderName::RecordRoute, ""));
        route_set.reverse();
        DialogState {
            call_id: invite.call_id.clone(),
            local_tag: invite.local_tag.clone(),
            remote_tag: response.to_tag().into(),
            local: invite.from.clone(),
            remote: head.get(HeaderName::To, "").unwrap_or_default().into(),
            contact_user: invite.contact_user.clone(),
            local_cseq: invite.cseq,
            remote_cseq: None,
            route_set,
            target: response.contact().map_or(&invite.uri, |contact| &contact.uri).clone(),
            listener,
            peer,
            mistaken: invite.uri.host().ip().filter(|said| *said != destination.ip().to_canonical()),
            dialled: Some(destination.ip()),
            tls,
            allows_update: allows_update(head).unwrap_or(false),
            began: true,
        }
    }

    /// What the peer takes, where this message of it says so.
    pub fn note_allow(&mut self, head: &Head) {
        if let Some(allows) = allows_update(head) {
            self.allows_update = allows;
        }
    }

    /// Notes the number of a request of the peer. False where it is not higher than the last one
    /// (RFC 3261 12.2.2).
    pub fn take_remote_cseq(&mut self, number: u32) -> bool {
        let is_new = self.remote_cseq.is_none_or(|last| number > last);
        if is_new {
            self.remote_cseq = Some(number);
        }
        is_new
    }

    /// The number of our next request.
    pub fn next_local_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.local_cseq
    }

    /// A target refresh (RFC 3261 12.2): INVITE or UPDATE, either way, that got a 2xx.
    pub fn refresh_target(&mut self, contact: Option<&NameAddr>) {
        if let Some(contact) = contact {
            self.target = contact.uri.clone();
        }
    }
}

/// Whether Allow names UPDATE; none where there is no Allow.
fn allows_update(head: &Head) -> Option<bool> {
    let mut methods = head.all(HeaderName::Allow, "").peekable();
    methods.peek()?;
    Some(methods.any(|method| method == "UPDATE"))
}

/// The value of From or To with a tag where it has none. White space before the semicolon is not needed:
/// parameters after a URI without brackets are the header's.
pub fn tagged(value: &str, tag: &str) -> Box<str> {
    format!("{value};tag={tag}").into()
}

fn route_set<'a>(record_route: impl Iterator<Item = &'a str>) -> Vec<Box<str>> {
    record_route.take(ROUTE_SET_MAX).map(Box::from).collect()
}

/// What of an INVITE of ours is needed again: for its ACK, its CANCEL and the dialogs it forks into.
#[derive(Clone, Debug)]
pub struct SentInvite {
    pub uri: SipUri,
    pub local_tag: Box<str>,
    /// The value of its Via.
    pub via: Box<str>,
    /// With our tag.
    pub from: Box<str>,
    /// As it was sent: without a tag outside a dialog.
    pub to: Box<str>,
    pub call_id: Box<str>,
    pub cseq: u32,
    pub routes: Vec<Box<str>>,
    pub contact_user: Box<str>,
    /// Name and value of its credentials: its ACK has the same (RFC 3261 13.2.2.4).
    pub credentials: Option<(&'static str, String)>,
}

/// A dialog, or what may become one.
#[derive(Debug)]
pub struct Dialog {
    pub phase: Phase,
    /// Requests of the peer that wait for our response.
    pub requests: Vec<TransactionId>,
    /// Of the peer's requests.
    pub budget: Budget,
    /// With what challenges to our requests are answered.
    pub account: Option<Arc<Account>>,
    /// The earliest entry in the schedule.
    pub scheduled: Option<Instant>,
}

/// How far it has come.
#[derive(Debug)]
pub enum Phase {
    /// The peer's INVITE waits for our final response.
    Incoming { state: Box<DialogState>, transaction: TransactionId, provisional: Box<Provisional> },
    /// Our INVITE waits for a final response.
    Outgoing(Outgoing),
    /// A 2xx was sent or came.
    Established(Box<Established>),
    /// Our BYE is out. Kept so that the peer's, crossing it, is answered 200.
    Ending { state: Box<DialogState> },
}

/// Our INVITE on its way.
#[derive(Debug)]
pub struct Outgoing {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    pub transaction: TransactionId,
    pub giving_up: GivingUp,
    /// Dialogs of the provisional responses so far, one for each To tag.
    pub early: Vec<Early>,
    /// What the INVITE says, for when it has to be said again.
    pub again: Box<super::endpoint::Outgoing>,
    /// The smallest session interval that the peer takes, as its 422 said.
    pub min_se_s: Option<u32>,
    /// The call room has heard that nothing came of it.
    pub is_told: bool,
}

/// A dialog that a provisional response has made (RFC 3261 12.1).
#[derive(Debug)]
pub struct Early {
    pub state: DialogState,
    /// The number of its last reliable response (RFC 3262 section 4).
    pub rseq: Option<u32>,
}

impl Outgoing {
    /// The early dialog of a provisional response, which is new where its tag is. None without a tag, and where there
    /// are too many.
    pub fn early(&mut self, tag: &str, state: impl FnOnce() -> DialogState) -> Option<&mut Early> {
        let known = self.early.iter().position(|early| *early.state.remote_tag == *tag);
        let at = match known {
            Some(at) => at,
            None if tag.is_empty() || self.early.len() >= FORKS_MAX => return None,
            None => {
                self.early.push(Early { state: state(), rseq: None });
                self.early.len() - 1
            }
        };
        self.early.get_mut(at)
    }
}

impl Early {
    /// Takes the number of a reliable response: false for one that came before, or out of its turn
    /// (RFC 3262 section 4).
    pub fn take_rseq(&mut self, rseq: u32) -> bool {
        let is_next = self.rseq.is_none_or(|last| last.checked_add(1) == Some(rseq));
        if is_next {
            self.rseq = Some(rseq);
        }
        is_next
    }
}

/// How far we have given up an INVITE of ours (RFC 3261 9.1).
#[derive(Debug)]
pub enum GivingUp {
    No,
    /// CANCEL may not be sent before the first 1xx.
    AwaitsProvisional {
        reason: Option<Box<str>>,
    },
    /// CANCEL is out. Where no final response comes until `until`, the INVITE is forgotten.
    Cancelled {
        until: Instant,
    },
}

/// A dialog in which both ends talk.
#[derive(Debug)]
pub struct Established {
    pub state: DialogState,
    /// 2xx of ours to INVITEs of the peer.
    pub unacknowledged: Vec<Unacknowledged>,
    /// A re-INVITE of the peer that has no final response from us.
    pub invite_in: Option<TransactionId>,
    /// A re-INVITE of ours that has no final response.
    pub invite_out: Option<TransactionId>,
    /// bye() came before the ACK of the first 2xx: it is sent once that came or is given up
    /// (RFC 3261 15).
    pub hangup: Option<Hangup>,
    /// RFC 4028.
    pub session: Option<SessionTimer>,
    /// Our refresh that has no final response.
    pub refresh: Option<TransactionId>,
}

impl Established {
    pub fn new(state: DialogState) -> Self {
        Established {
            state,
            unacknowledged: Vec::new(),
            invite_in: None,
            invite_out: None,
            hangup: None,
            session: None,
            refresh: None,
        }
    }

    /// A 2xx to an INVITE or UPDATE says how the session timer goes on, or that it does not.
    pub fn set_session(&mut self, now: Instant, terms: Option<SessionTerms>) {
        self.session = terms.map(|terms| SessionTimer::start(now, terms));
    }

    pub fn terms(&self) -> Option<SessionTerms> {
        self.session.map(|session| session.terms)
    }

    /// So many 2xx wait for their ACK that one more INVITE has to wait.
    pub fn cannot_take_invite(&self) -> bool {
        self.unacknowledged.len() >= UNACKNOWLEDGED_MAX
    }

    /// The 2xx to the first INVITE was not acknowledged yet.
    pub fn is_half_open(&self) -> bool {
        self.unacknowledged.iter().any(|answer| answer.is_first)
    }
}

/// A BYE that waits.
#[derive(Debug)]
pub struct Hangup {
    pub reason: Option<Box<str>>,
}

impl Dialog {
    pub fn new(phase: Phase) -> Self {
        Dialog { phase, requests: Vec::new(), budget: Budget::default(), account: None, scheduled: None }
    }

    /// Both ends' state, where there is one yet.
    pub fn state(&self) -> Option<&DialogState> {
        match &self.phase {
            Phase::Incoming { state, .. } | Phase::Ending { state } => Some(state),
            Phase::Established(established) => Some(&established.state),
            Phase::Outgoing(_) => None,
        }
    }

    pub fn state_mut(&mut self) -> Option<&mut DialogState> {
        match &mut self.phase {
            Phase::Incoming { state, .. } | Phase::Ending { state } => Some(state),
            Phase::Established(established) => Some(&mut established.state),
            Phase::Outgoing(_) => None,
        }
    }

    pub fn local_tag(&self) -> &str {
        match &self.phase {
            Phase::Outgoing(outgoing) => &outgoing.local_tag,
            Phase::Incoming { state, .. } | Phase::Ending { state } => &state.local_tag,
            Phase::Established(established) => &established.state.local_tag,
        }
    }

    /// Whether a request of the peer with our tag in To belongs to this dialog (RFC 3261 12.2.2).
    pub fn matches(&self, call_id: &str, remote_tag: &str) -> bool {
        match &self.phase {
            Phase::Outgoing(outgoing) => {
                outgoing.early.iter().any(|early| early.state.is_between(call_id, remote_tag))
            }
            Phase::Incoming { state, .. } | Phase::Ending { state } => state.is_between(call_id, remote_tag),
            Phase::Established(established) => established.state.is_between(call_id, remote_tag),
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Outgoing(Outgoing { giving_up: GivingUp::Cancelled { until }, .. }) => Some(*until),
            Phase::Established(established) => {
                let unacknowledged = established.unacknowledged.iter().map(Unacknowledged::next_timeout);
                // Once it is to end nothing keeps it alive.
                let session = established.session.filter(|_| established.hangup.is_none());
                let session = session.map(|session| session.next_timeout()).filter(|at| *at != Instant::FAR);
                unacknowledged.chain(session).min()
            }
            Phase::Incoming { provisional, .. } => provisional.next_timeout(),
            Phase::Outgoing(_) | Phase::Ending { .. } => None,
        }
    }
}

impl DialogState {
    fn is_between(&self, call_id: &str, remote_tag: &str) -> bool {
        *self.call_id == *call_id && *self.remote_tag == *remote_tag
    }
}

#[cfg(test)]
mod tests;
