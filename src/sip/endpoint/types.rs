//! What goes in and out of the [`Endpoint`](super::Endpoint).

use crate::ids::ConnectionId;
use crate::sip::bans::{BanPolicy, Offence};
use crate::sip::dialog::SessionPolicy;
use crate::sip::digest::{Account, Rejection};
use crate::sip::locate::{Reach, Target};
use crate::sip::message::{Method, NameAddr, Request, Response, SipUri, Subject};
use crate::sip::{DialogId, ListenerId, Peer, TlsPeer, TransactionId, Transport};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A socket of ours.
#[derive(Clone, Debug)]
pub struct Listener {
    pub transport: Transport,
    pub bind: SocketAddr,
    /// What peers are told in Via and Contact: a name, an IPv4 address, or an IPv6 address without brackets.
    pub advertise_host: String,
    pub advertise_port: u16,
}

/// Everything that does not change while the endpoint runs.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// A [`ListenerId`] is the index in here; entries after the 256th are never used.
    pub listeners: Vec<Listener>,
    /// Written as User-Agent and Server.
    pub user_agent: String,
    pub limits: Limits,
    pub bans: BanPolicy,
}

impl EndpointConfig {
    /// What we can send by.
    pub fn reach(&self) -> Reach {
        Reach { ways: self.listeners.iter().map(|one| (one.transport, one.bind.is_ipv4())).collect() }
    }

    /// The listener that sends to a target: the one that is bound to our address on the way there, where that is known.
    pub fn listener_toward(&self, target: &Target) -> ListenerId {
        let Target { transport, address, source, .. } = *target;
        let mut numbered = (0..=u8::MAX).zip(&self.listeners);
        let at_source = |one: &Listener| one.transport == transport && Some(one.bind.ip()) == source;
        let preferred =
            numbered.find(|(_, one)| at_source(one)).map_or(ListenerId(0), |(n, _)| ListenerId(n));
        self.listener_for(preferred, transport, address).unwrap_or(preferred)
    }

    /// This listener where it speaks the transport and the address family, else the first one that does; where
    /// none does, one that speaks the transport at least.
    pub(super) fn listener_for(
        &self,
        preferred: ListenerId,
        transport: Transport,
        destination: SocketAddr,
    ) -> Option<ListenerId> {
        let of_transport = || {
            let numbered = (0..=u8::MAX).zip(&self.listeners);
            numbered.filter(move |(_, listener)| listener.transport == transport)
        };
        let fits = |listener: &Listener| listener.bind.is_ipv4() == destination.is_ipv4();
        let best = of_transport()
            .filter(|(_, listener)| fits(listener))
            .min_by_key(|(number, _)| (*number != preferred.0, *number));
        let any = || of_transport().min_by_key(|(number, _)| (*number != preferred.0, *number));
        best.or_else(any).map(|(number, _)| ListenerId(number))
    }
}

/// How much of each there may be. What is above is answered 503 with Retry-After without keeping anything.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests of others that are not yet forgotten. One call leaves three for 32 s: enough for 600 calls/s.
    /// Only half of them for requests that neither begin nor end a call.
    pub server_transactions_max: usize,
    /// Calls at once, both legs counted, and those that end.
    pub dialogs_max: usize,
    /// Streams at once, accepted and opened; below the usual limit of 16,384 open files beside media ports.
    pub connections_max: usize,
    /// Dialogs that a source had answered and has not acknowledged (contract).
    pub half_open_per_source_max: usize,
    /// What Retry-After says in a 503.
    pub retry_after: Duration,
    /// How long a dialog lives without a refresh (RFC 4028).
    pub session: SessionPolicy,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            server_transactions_max: 60_000,
            dialogs_max: 40_000,
            connections_max: 4_096,
            half_open_per_source_max: 200,
            retry_after: Duration::from_secs(5),
            session: SessionPolicy::default(),
        }
    }
}

/// What a source that may send no requests is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Refusal {
    /// 403.
    #[default]
    Forbidden,
    /// Who may send is not known yet: 503 with Retry-After and this Warning (RFC 3261 20.43).
    NotYet { warning: String },
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A datagram. `admitted`: the source may send us requests. Where not, a request is answered 403 without
    /// keeping anything, at a limited rate, unless it belongs to a dialog of ours; responses are matched as
    /// always.
    Datagram {
        listener: ListenerId,
        source: SocketAddr,
        bytes: &'a [u8],
        admitted: bool,
    },
    /// A connection was accepted. Its id must be below 2^63; those above are the endpoint's own.
    StreamOpened {
        connection: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        admitted: bool,
    },
    StreamData {
        connection: ConnectionId,
        bytes: &'a [u8],
    },
    /// It closed, or could not be opened.
    StreamClosed {
        connection: ConnectionId,
    },
}

/// What is to be done outside, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    SendDatagram {
        listener: ListenerId,
        destination: SocketAddr,
        bytes: Bytes,
    },
    /// Open a connection under this id: TCP, or TLS to the peer that is named. SendStream may follow at once: keep it
    /// (bounded) until connected.
    Connect {
        connection: ConnectionId,
        listener: ListenerId,
        destination: SocketAddr,
        tls: Option<Arc<TlsPeer>>,
    },
    SendStream {
        connection: ConnectionId,
        bytes: Bytes,
    },
    /// Close after what was sent before has gone out. No StreamClosed needs to follow.
    CloseStream {
        connection: ConnectionId,
    },
    Event(Event),
}

/// What the call room learns.
#[derive(Clone, Debug)]
pub enum Event {
    /// An INVITE outside a dialog; 100 Trying is already in the actions. Wants ring(), answer(), reject().
    Invite { dialog: DialogId, request: Arc<Request>, peer: Peer },
    /// The caller gave up; 200 to its CANCEL and 487 to its INVITE are already sent. The dialog is gone.
    /// `reason` is the value of the CANCEL's Reason header.
    Cancelled { dialog: DialogId, reason: Option<String> },
    /// An INVITE or a REGISTER of one who is not admitted, at a [`Doors`] that is open. Nothing is kept of it. Wants take_in()
    /// where it brings a challenge of ours back, else answer_apart().
    Knock { request: Box<Request>, peer: Peer },
    /// A request was refused that never becomes an event: of a source that may not send any, or with broken syntax. At most
    /// one event a second of each kind, for the log.
    Refused { peer: Peer, subject: Subject, code: u16, why: String },
    /// A source that may not send requests has done what one is banned for: the call room bans it, unless it knows the host.
    Offended { peer: Peer, offence: Offence, reason: String },
    /// The first ACK of a 2xx to the first INVITE; its body may hold an answer.
    Acknowledged { dialog: DialogId, request: Arc<Request> },
    /// The ACK of a 2xx to a re-INVITE; where that one made no offer, its body is the answer to ours.
    AcknowledgedAgain { dialog: DialogId, request: Arc<Request> },
    /// The peer acknowledged a reliable provisional response, and so repeated our tag; where its PRACK has a body, it
    /// comes as a [`Event::Request`] instead.
    Pracked { dialog: DialogId },
    /// 64*T1 went by without an ACK of our 2xx (RFC 3261 13.3.1.4). The caller of the door sends BYE.
    NotAcknowledged { dialog: DialogId },
    /// A request that wants respond(): re-INVITE, UPDATE, INFO in a dialog, a PRACK with a body, OPTIONS in or outside
    /// a dialog, REGISTER and SUBSCRIBE outside.
    Request { dialog: Option<DialogId>, transaction: TransactionId, request: Arc<Request>, peer: Peer },
    /// The peer hung up; 200 is already sent, an INVITE that was not answered got its 487. The dialog is gone.
    Bye { dialog: DialogId, request: Arc<Request> },
    /// A 1xx other than 100 to our INVITE.
    Provisional { dialog: DialogId, response: Arc<Response> },
    /// The first 2xx to our INVITE; the ACK is already sent.
    Answered { dialog: DialogId, response: Arc<Response> },
    /// Our INVITE came to nothing, or our answer() could not be given. The dialog is gone.
    Failed { dialog: DialogId, failure: Failure },
    /// The session timer wants a re-INVITE, because the peer takes no UPDATE: answer with
    /// [`Endpoint::refresh`](super::Endpoint::refresh).
    RefreshDue { dialog: DialogId },
    /// Nobody refreshed the session in time (RFC 4028 section 10). The caller of the door sends BYE.
    SessionExpired { dialog: DialogId },
    /// What became of a request of ours inside a dialog. The ACK of a re-INVITE is already sent.
    Response { dialog: DialogId, transaction: TransactionId, response: Result<Arc<Response>, Failure> },
    /// What became of a request of ours outside dialogs.
    Reply(Reply),
}

/// What became of an [`Outside`].
#[derive(Clone, Debug)]
pub struct Reply {
    pub transaction: TransactionId,
    /// A final response of any class.
    pub response: Result<Arc<Response>, Failure>,
    /// The number that it was last sent with: it rises where a challenge was answered.
    pub cseq: u32,
    /// The stream it went over.
    pub connection: Option<ConnectionId>,
    /// Why a challenge among the responses was not answered, where there was one.
    pub rejection: Option<Rejection>,
}

/// Why a request of ours has no success, or an answer of ours could not be given.
#[derive(Clone, Debug)]
pub enum Failure {
    /// A final response of 300 to 699.
    Response(Arc<Response>),
    /// No final response in 64*T1 (Timers B and F).
    Timeout,
    /// The connection could not be opened or broke.
    Transport,
    /// We gave up by cancel(): a 2xx that crossed our CANCEL was acknowledged and ended, or no final response
    /// came within 64*T1 of it.
    Cancelled,
    /// answer() would have been one more dialog of that source that waits for its ACK than allowed; 503 was
    /// sent in its place.
    HalfOpen,
    /// A reliable provisional response was never acknowledged (RFC 3262 section 3); 504 was sent to the INVITE.
    NotPracked,
}

/// A body and its Content-Type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    pub content_type: String,
    pub bytes: Bytes,
}

/// An INVITE of ours outside a dialog.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The socket it leaves by. Where its transport is another, the first listener with the transport serves.
    pub listener: ListenerId,
    pub destination: SocketAddr,
    /// A request that is too long for UDP takes TCP towards a peer known to take it.
    pub transport: Transport,
    /// Whom to expect there over TLS; where absent, the host of the Request-URI.
    pub tls: Option<Arc<TlsPeer>>,
    /// The stream to use while it is open, whatever its address: that of a phone or a trunk which opened it
    /// (RFC 5626 5.3).
    pub connection: Option<ConnectionId>,
    /// Where nothing at all was heard for so long, [`Failure::Timeout`] comes: another target waits. Timer B where
    /// absent, and never longer.
    pub silent_max: Option<Duration>,
    pub request_uri: SipUri,
    /// Without a tag.
    pub from: NameAddr,
    pub to: NameAddr,
    /// Besides those the endpoint writes itself (Via, Contact, Max-Forwards, Allow, Supported, User-Agent …).
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    /// Made up where there is none.
    pub call_id: Option<String>,
    /// How many more hops may follow, where the request continues another: 70 where it does not.
    pub max_forwards: Option<u8>,
    /// Values of Route, such as the Path that a phone registered with (RFC 3327 5.1).
    pub routes: Vec<Box<str>>,
    /// With what a challenge of the peer is answered, for this request and those of its dialog.
    pub account: Option<Arc<Account>>,
}

/// A request of ours outside the endpoint's dialogs: REGISTER, OPTIONS, NOTIFY.
#[derive(Clone, Debug)]
pub struct Outside {
    pub method: Method,
    /// As in [`Outgoing`].
    pub listener: ListenerId,
    pub destination: SocketAddr,
    pub transport: Transport,
    pub connection: Option<ConnectionId>,
    pub request_uri: SipUri,
    pub routes: Vec<Box<str>>,
    /// A tag is made up where it has none.
    pub from: NameAddr,
    pub to: NameAddr,
    /// Made up where there is none.
    pub call_id: Option<String>,
    /// The number of the request, from 1 on; one more is used for each challenge that is answered.
    pub cseq: u32,
    /// The user part of our Contact, which is written where there is one.
    pub contact_user: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    pub account: Option<Arc<Account>>,
}

/// What those may ask who are not admitted, so that they can show who they are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Doors {
    /// REGISTER: there are accounts that register.
    pub register: bool,
    /// INVITE: there are callers who are known by their credentials.
    pub invite: bool,
}

/// What is kept at this moment. All zero when nothing is left.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub server_transactions: usize,
    pub client_transactions: usize,
    pub dialogs: usize,
    pub connections: usize,
    pub timers: usize,
    pub half_open: usize,
}

/// What happened since the start. Each field only grows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Well-formed requests that came in, by method; an index of [`Counters::METHODS`].
    pub requests_in: [u64; Counters::METHODS.len()],
    /// Requests that we began, by method.
    pub requests_out: [u64; Counters::METHODS.len()],
    /// Well-formed responses that came in, by class: index 0 is 1xx, 5 is 6xx.
    pub responses_in: [u64; 6],
    /// Responses that we began, by class.
    pub responses_out: [u64; 6],
    /// Messages sent again because a timer ran out.
    pub retransmissions_sent: u64,
    /// Requests and 2xx that came again and were met by what we had sent before.
    pub retransmissions_absorbed: u64,
    /// Messages with broken syntax that were answered.
    pub malformed_answered: u64,
    /// Messages with broken syntax that could not be answered: no SIP, no Via, a response, an ACK.
    pub malformed_dropped: u64,
    /// Requests from sources that may not send any, answered 403.
    pub refused_answered: u64,
    /// The same, above the rate, not answered.
    pub refused_dropped: u64,
    /// Requests answered 503 because a limit on transactions or dialogs was reached.
    pub overload_rejected: u64,
    /// INVITEs answered 503 because their source had too many half-open calls.
    pub half_open_rejected: u64,
    /// Streams closed because there were too many: at once, or a stranger's for one that came after it.
    pub connections_rejected: u64,
    /// Streams closed because they were silent, slow or idle.
    pub connections_timed_out: u64,
    /// Streams closed because they brought no SIP.
    pub connections_broken: u64,
    /// Responses that match no request of ours, ACKs that match no response.
    pub strays_dropped: u64,
    /// CRLF pings answered (RFC 5626 4.4.1).
    pub pings: u64,
    /// CRLF pings sent over streams that we opened and that carry a dialog.
    pub pings_sent: u64,
    /// 2xx of another fork that were acknowledged and ended.
    pub forks_ended: u64,
    /// Calls whose 2xx was never acknowledged.
    pub not_acknowledged: u64,
    /// Challenges to requests of ours that were answered with credentials.
    pub challenges_answered: u64,
    /// Challenges that were not: wrong credentials, another realm, another peer than asked, no digest we can answer.
    pub challenges_refused: u64,
    /// Requests of hosts not admitted, at a [`Doors`] that is open, above the rate of one or of all.
    pub knocks_dropped: u64,
    /// STUN requests answered (RFC 5626 4.4.2).
    pub stun_answered: u64,
    /// STUN messages that were not: malformed, of strangers, above the rate.
    pub stun_dropped: u64,
    /// Messages and streams of hosts that are banned.
    pub banned_dropped: u64,
    /// Messages of scanners, known by their User-Agent.
    pub scanners_dropped: u64,
    /// Calls whose reliable provisional response was never acknowledged.
    pub not_pracked: u64,
    /// INVITEs and UPDATEs answered 422 because their session interval was too small.
    pub intervals_rejected: u64,
    /// Dialogs whose session was not refreshed in time.
    pub sessions_expired: u64,
}

impl Counters {
    /// The methods that are counted apart; the last stands for all others.
    pub const METHODS: [&'static str; 9] =
        ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "other"];

    pub(super) fn method_index(method: &str) -> usize {
        let last = Self::METHODS.len() - 1;
        Self::METHODS.iter().take(last).position(|name| *name == method).unwrap_or(last)
    }

    pub(super) fn class_index(code: u16) -> usize {
        usize::from((code / 100).clamp(1, 6)) - 1
    }
}
