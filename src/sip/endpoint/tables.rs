//! What the endpoint keeps: transactions, dialogs and streams, and the ways to find them.

use super::Body;
use crate::clock::Instant;
use crate::ids::ConnectionId;
use crate::sip::dialog::{Dialog, SentInvite};
use crate::sip::digest::{Account, Attempt};
use crate::sip::limits::{KEEPALIVE_INTERVAL, STREAM_IDLE_TIME_MAX, STREAM_SILENT_TIME_MAX, TCP_PEERS_MAX};
use crate::sip::message::{Method, Request, SipUri, StreamFramer};
use crate::sip::transaction::{InviteClient, InviteServer, NonInviteClient, NonInviteServer};
use crate::sip::{DialogId, ListenerId, Peer, TlsPeer, TransactionId, Transport};
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

/// A request of a peer.
pub struct ServerTransaction {
    pub machine: ServerMachine,
    pub key: Box<str>,
    pub merge_key: Option<Box<str>>,
    /// Until the final response is out.
    pub request: Option<Arc<Request>>,
    pub peer: Peer,
    /// Where responses over UDP go.
    pub reply_to: SocketAddr,
    /// The tag of our responses, where the request has none in To.
    pub to_tag: Box<str>,
    /// It neither begins nor ends a call.
    pub is_side: bool,
    pub dialog: Option<DialogId>,
    pub scheduled: Option<Instant>,
}

pub enum ServerMachine {
    Invite(InviteServer),
    Other(NonInviteServer),
}

impl ServerMachine {
    pub fn next_timeout(&self) -> Option<Instant> {
        match self {
            ServerMachine::Invite(machine) => machine.next_timeout(),
            ServerMachine::Other(machine) => machine.next_timeout(),
        }
    }

    pub fn is_terminated(&self) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.is_terminated(),
            ServerMachine::Other(machine) => machine.is_terminated(),
        }
    }

    /// No final response is out.
    pub fn is_open(&self) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.is_proceeding(),
            ServerMachine::Other(machine) => machine.is_trying(),
        }
    }
}

#[derive(Default)]
pub struct ServerTable {
    pub by_id: HashMap<TransactionId, ServerTransaction>,
    pub by_key: HashMap<Box<str>, TransactionId>,
    pub by_merge_key: HashMap<Box<str>, TransactionId>,
    /// Transactions that neither begin nor end a call.
    pub side: PerSource,
}

/// How many of something each host has. Only hosts that have any are kept.
#[derive(Default)]
pub struct PerSource(HashMap<IpAddr, usize>);

impl PerSource {
    pub fn of(&self, source: IpAddr) -> usize {
        self.0.get(&source).copied().unwrap_or_default()
    }

    pub fn add(&mut self, source: IpAddr) {
        *self.0.entry(source).or_insert(0) += 1;
    }

    pub fn remove(&mut self, source: IpAddr) {
        if let Some(count) = self.0.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&source);
            }
        }
    }

    pub fn sum(&self) -> usize {
        self.0.values().sum()
    }
}

impl ServerTable {
    pub fn insert(&mut self, id: TransactionId, transaction: ServerTransaction) {
        self.by_key.insert(transaction.key.clone(), id);
        if let Some(key) = &transaction.merge_key {
            self.by_merge_key.insert(key.clone(), id);
        }
        if transaction.is_side {
            self.side.add(transaction.peer.address.ip());
        }
        self.by_id.insert(id, transaction);
    }

    pub fn remove(&mut self, id: TransactionId) -> Option<ServerTransaction> {
        let transaction = self.by_id.remove(&id)?;
        self.by_key.remove(&transaction.key);
        if let Some(key) = &transaction.merge_key {
            self.by_merge_key.remove(key);
        }
        if transaction.is_side {
            self.side.remove(transaction.peer.address.ip());
        }
        Some(transaction)
    }
}

/// A way to a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    pub listener: ListenerId,
    pub transport: Transport,
    pub destination: SocketAddr,
    /// Whom to expect there over TLS.
    pub tls: Option<Arc<TlsPeer>>,
    /// The stream to use; found or opened when something is sent.
    pub connection: Option<ConnectionId>,
}

/// A request of ours.
pub struct ClientTransaction {
    pub machine: ClientMachine,
    pub purpose: Purpose,
    /// Branch, and for a CANCEL what tells it from its INVITE.
    pub key: Box<str>,
    pub method: Method,
    pub hop: Hop,
    /// The request moved to TCP only for its size: where it goes if TCP fails.
    pub over_udp: Option<OverUdp>,
    /// The stream that it went out over has broken, and it went out over another.
    pub moved: bool,
    /// What it takes to send it once more with credentials, where there is an account for it.
    pub again: Option<Box<Again>>,
    pub scheduled: Option<Instant>,
}

/// A request that may be challenged.
pub struct Again {
    pub account: Arc<Account>,
    pub attempt: Attempt,
    pub content: Repeat,
}

/// What of a request is not known from elsewhere.
pub enum Repeat {
    /// It does not belong to a dialog yet, or never will.
    Outside(Box<OutsideContent>),
    /// It belongs to one.
    Within(WithinContent),
}

/// A request inside a dialog, but for what the dialog knows.
pub struct WithinContent {
    pub method: Method,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
}

/// A request that does not belong to a dialog.
pub struct OutsideContent {
    pub method: Method,
    pub uri: SipUri,
    pub routes: Vec<Box<str>>,
    /// With our tag.
    pub from: Box<str>,
    pub local_tag: Box<str>,
    pub to: Box<str>,
    pub call_id: Box<str>,
    pub cseq: u32,
    pub max_forwards: u8,
    pub contact_user: Option<Box<str>>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
}

/// The same request for UDP: all but its Via is as it was.
pub struct OverUdp {
    pub hop: Hop,
    pub bytes: Bytes,
    pub via: Box<str>,
}

pub enum ClientMachine {
    /// With what its ACK and CANCEL need, and the ACKs of the 2xx so far.
    Invite {
        machine: InviteClient,
        sent: Box<SentInvite>,
        acks: Vec<SentAck>,
    },
    Other(NonInviteClient),
}

impl ClientMachine {
    pub fn next_timeout(&self) -> Option<Instant> {
        match self {
            ClientMachine::Invite { machine, .. } => machine.next_timeout(),
            ClientMachine::Other(machine) => machine.next_timeout(),
        }
    }

    pub fn is_terminated(&self) -> bool {
        match self {
            ClientMachine::Invite { machine, .. } => machine.is_terminated(),
            ClientMachine::Other(machine) => machine.is_terminated(),
        }
    }

    pub fn terminate(&mut self) {
        match self {
            ClientMachine::Invite { machine, .. } => machine.terminate(),
            ClientMachine::Other(machine) => machine.terminate(),
        }
    }
}

/// The ACK of a 2xx, sent again when the 2xx comes again.
pub struct SentAck {
    /// The To tag of the 2xx.
    pub tag: Box<str>,
    pub bytes: Bytes,
    pub hop: Hop,
}

/// What a request of ours is for, and so who learns of its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The INVITE that begins a dialog.
    Begin(DialogId),
    /// A request of the call room inside a dialog.
    Within(DialogId),
    /// The BYE of a dialog.
    End(DialogId),
    /// A request of the call room outside dialogs, with its number.
    Outside { cseq: u32 },
    /// A CANCEL, or the BYE of a fork: nobody waits for it.
    Aside,
}

#[derive(Default)]
pub struct ClientTable {
    pub by_id: HashMap<TransactionId, ClientTransaction>,
    pub by_key: HashMap<Box<str>, TransactionId>,
}

/// What the key of a CANCEL has behind the branch that it shares with its INVITE.
pub fn cancel_key(branch: &str) -> Box<str> {
    format!("{branch}\0CANCEL").into()
}

#[derive(Default)]
pub struct DialogTable {
    pub by_id: HashMap<DialogId, Dialog>,
    pub by_local_tag: HashMap<Box<str>, DialogId>,
}

impl DialogTable {
    pub fn insert(&mut self, id: DialogId, dialog: Dialog) {
        self.by_local_tag.insert(dialog.local_tag().into(), id);
        self.by_id.insert(id, dialog);
    }

    pub fn remove(&mut self, id: DialogId) -> Option<Dialog> {
        let dialog = self.by_id.remove(&id)?;
        self.by_local_tag.remove(dialog.local_tag());
        Some(dialog)
    }

    /// The dialog that a request of the peer belongs to.
    pub fn find(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Option<DialogId> {
        let id = *self.by_local_tag.get(local_tag)?;
        self.by_id.get(&id).filter(|dialog| dialog.matches(call_id, remote_tag)).map(|_| id)
    }
}

/// Which streams may be used for the same: those to one address by one transport, and over TLS to one peer, so that
/// what was meant for one name never goes out over a connection that was checked for another (RFC 5923 9.1).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Way {
    pub transport: Transport,
    pub address: SocketAddr,
    pub tls: Option<Arc<TlsPeer>>,
}

/// A stream.
pub struct Connection {
    pub listener: ListenerId,
    pub way: Way,
    pub framer: StreamFramer,
    /// The peer may send us requests.
    pub admitted: bool,
    /// It was accepted, not opened by us.
    pub accepted: bool,
    /// A whole message came over it.
    pub heard: bool,
    /// When it was opened or last brought something.
    pub last_heard: Instant,
    /// When it was last sent a ping.
    pub last_ping: Instant,
    /// Dialogs whose peer it leads to.
    pub dialogs: usize,
    /// Requests of ours that went out over it.
    pub clients: Vec<TransactionId>,
    pub scheduled: Option<Instant>,
}

impl Connection {
    pub fn new(now: Instant, listener: ListenerId, way: Way, admitted: bool, accepted: bool) -> Self {
        Connection {
            listener,
            way,
            framer: StreamFramer::default(),
            admitted,
            accepted,
            heard: false,
            last_heard: now,
            last_ping: now,
            dialogs: 0,
            clients: Vec::new(),
            scheduled: None,
        }
    }

    /// One who may not send us requests has opened it, and it carries no call.
    pub fn is_idle_strangers(&self) -> bool {
        self.accepted && !self.admitted && self.dialogs == 0
    }

    /// When it is closed if nothing more comes.
    pub fn deadline(&self) -> Instant {
        let limit = if self.accepted && !self.heard { STREAM_SILENT_TIME_MAX } else { STREAM_IDLE_TIME_MAX };
        let quiet = self.last_heard + limit;
        self.framer.deadline().map_or(quiet, |incomplete| incomplete.min(quiet))
    }

    /// When a ping is due: the side that opened the stream keeps it open through what stands in between, while a
    /// dialog needs it (RFC 5626 4.4.1). WebSocket has pings of its own.
    pub fn ping_due(&self) -> Option<Instant> {
        let pings = !self.accepted && self.heard && self.dialogs > 0 && !self.way.transport.is_websocket();
        pings.then(|| self.last_heard.max(self.last_ping) + KEEPALIVE_INTERVAL)
    }

    pub fn next_timeout(&self) -> Instant {
        self.ping_due().map_or(self.deadline(), |ping| ping.min(self.deadline()))
    }
}

/// Connections that the endpoint opens have ids from here on, so that they never meet those of the shell.
const OWN_CONNECTIONS: u64 = 1 << 63;

#[derive(Default)]
pub struct ConnectionTable {
    pub by_id: HashMap<ConnectionId, Connection>,
    pub by_way: HashMap<Way, ConnectionId>,
    last_own: u64,
}

impl ConnectionTable {
    pub fn insert(&mut self, id: ConnectionId, connection: Connection) {
        self.by_way.insert(connection.way.clone(), id);
        self.by_id.insert(id, connection);
    }

    pub fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let connection = self.by_id.remove(&id)?;
        if self.by_way.get(&connection.way) == Some(&id) {
            self.by_way.remove(&connection.way);
        }
        Some(connection)
    }

    pub fn next_own_id(&mut self) -> ConnectionId {
        self.last_own += 1;
        ConnectionId(OWN_CONNECTIONS | self.last_own)
    }

    pub fn is_own(id: ConnectionId) -> bool {
        id.0 & OWN_CONNECTIONS != 0
    }
}

/// Hosts that are known to take TCP.
#[derive(Default)]
pub struct TcpPeers {
    known: HashSet<IpAddr>,
    order: VecDeque<IpAddr>,
}

impl TcpPeers {
    pub fn learn(&mut self, ip: IpAddr) {
        if !self.known.insert(ip) {
            return;
        }
        self.order.push_back(ip);
        if self.order.len() > TCP_PEERS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub fn forget(&mut self, ip: IpAddr) {
        if self.known.remove(&ip) {
            self.order.retain(|other| *other != ip);
        }
    }

    pub fn contains(&self, ip: IpAddr) -> bool {
        self.known.contains(&ip)
    }
}

/// Puts another Via into a request that was built.
pub fn with_via(bytes: &Bytes, via_span: &Range<usize>, via: &str) -> Bytes {
    let mut changed = Vec::with_capacity(bytes.len() + via.len());
    changed.extend_from_slice(bytes.get(..via_span.start).unwrap_or_default());
    changed.extend_from_slice(via.as_bytes());
    changed.extend_from_slice(bytes.get(via_span.end..).unwrap_or_default());
    Bytes::from(changed)
}
