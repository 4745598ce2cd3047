//! The door of the room: bytes and the time in, bytes and events out.

mod challenged;
mod compose;
mod door;
mod offence;
mod originate;
mod receive;
mod referred;
mod refusal;
mod reliable;
mod respond;
mod responses;
mod schedule;
mod serve;
mod sessions;
mod streams;
mod tables;
mod timeouts;
mod types;
mod words;

pub use referred::Standing;
pub use types::{
    Action, Body, Counters, Counts, Doors, EndpointConfig, Event, Failure, Input, Limits, Listener, Outgoing,
    Outside, Refusal, Reply,
};
pub use words::warning_value;

use crate::clock::{Budget, Instant};
use crate::ids::{ConnectionId, Random};
use crate::sip::bans::Bans;
use crate::sip::dialog::Phase;
use crate::sip::digest::{Account, Session};
use crate::sip::locate::{self, Blocked};
use crate::sip::{DialogId, ListenerId, Peer, TransactionId, Transport};
use bytes::Bytes;
use compose::OwnAddress;
use refusal::{Apart, Knocks, SourceLimit};
use schedule::{Schedule, Target};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tables::{ClientMachine, ClientTable, ConnectionTable, DialogTable, PerSource, ServerTable, TcpPeers};

/// All SIP of the server: transactions, dialogs and the streams they run over.
///
/// Whatever comes in, in whatever order: each method takes the time and puts what is to be done into the
/// caller's list. Ids that are not, or no longer, known are no error: what was meant is already over.
///
/// What is left to the call room: which numbers there are, bodies (415 and 488), and what to do with a 408 or
/// 481 to a request inside a dialog (RFC 3261 12.2.1.2: end it).
pub struct Endpoint {
    config: EndpointConfig,
    own: Vec<OwnAddress>,
    random: Random,
    /// Keeps the tags of responses that leave no state from being guessed.
    secret: u64,
    last_id: u64,
    counters: Counters,
    schedule: Schedule,
    servers: ServerTable,
    clients: ClientTable,
    dialogs: DialogTable,
    connections: ConnectionTable,
    half_open: PerSource,
    refusals: SourceLimit,
    offences: Apart<SourceLimit>,
    /// Who is not answered.
    pub bans: Bans,
    knocks: Apart<Knocks>,
    stun: SourceLimit,
    /// Of all sources together.
    stun_of_all: Budget,
    doors: Doors,
    refusal: Refusal,
    not_yet: Budget,
    refusals_told: Budget,
    /// Of those who are admitted.
    faults_told: Budget,
    tcp_peers: TcpPeers,
    /// Targets that are put back, whoever found that they do not answer.
    pub blocked: Blocked,
    /// What peers have asked of us, by the owner of the account.
    digests: HashMap<Box<str>, (Arc<Account>, Session)>,
    /// Messages that came over streams in the last input.
    heard: Vec<(Peer, Bytes)>,
}

impl Endpoint {
    pub fn new(config: EndpointConfig, mut random: Random) -> Self {
        Endpoint {
            own: config.listeners.iter().map(OwnAddress::of).collect(),
            bans: Bans::new(config.bans.clone()),
            config,
            secret: random.next_u64(),
            random,
            last_id: 0,
            counters: Counters::default(),
            schedule: Schedule::default(),
            servers: ServerTable::default(),
            clients: ClientTable::default(),
            dialogs: DialogTable::default(),
            connections: ConnectionTable::default(),
            half_open: PerSource::default(),
            refusals: SourceLimit::of_refusals(),
            offences: Apart::new(SourceLimit::of_offences),
            knocks: Apart::new(Knocks::new),
            stun: SourceLimit::of_stun(),
            stun_of_all: Budget::default(),
            doors: Doors::default(),
            refusal: Refusal::default(),
            not_yet: Budget::default(),
            refusals_told: Budget::default(),
            faults_told: Budget::default(),
            tcp_peers: TcpPeers::default(),
            blocked: Blocked::default(),
            digests: HashMap::new(),
            heard: Vec::new(),
        }
    }

    /// Says what strangers are told from now on, and who is none of those that have a stream open.
    pub fn set_strangers(
        &mut self,
        refusal: Refusal,
        is_admitted: impl Fn(ConnectionId, Transport, SocketAddr) -> bool,
    ) {
        self.refusal = refusal;
        for (id, connection) in self.connections.by_id.iter_mut().filter(|(_, one)| one.accepted) {
            connection.admitted = is_admitted(*id, connection.way.transport, connection.way.address);
        }
    }

    /// Says what those may ask who are not admitted.
    pub fn set_doors(&mut self, doors: Doors) {
        self.doors = doors;
    }

    /// Lets the requests of a stream in, or not any more: who is at its other end has shown who it is.
    pub fn set_admitted(&mut self, connection: ConnectionId, admitted: bool) {
        if let Some(known) = self.connections.by_id.get_mut(&connection) {
            known.admitted = admitted;
        }
    }

    /// The tag that our responses in this transaction have in To.
    pub fn own_tag(&self, transaction: TransactionId) -> Option<&str> {
        self.servers.by_id.get(&transaction).map(|owner| &*owner.to_tag)
    }

    /// Takes in what happened outside.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, actions: &mut Vec<Action>) {
        self.heard.clear();
        match input {
            Input::Datagram { listener, source, bytes, admitted } => {
                self.on_datagram(now, listener, source, bytes, admitted, actions);
            }
            Input::StreamOpened { connection, listener, peer, admitted } => {
                self.on_stream_opened(now, connection, listener, peer, admitted, actions);
            }
            Input::StreamData { connection, bytes } => self.on_stream_data(now, connection, bytes, actions),
            Input::StreamClosed { connection } => self.on_stream_closed(now, connection, actions),
        }
        self.trim_schedule();
    }

    /// Runs the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.bans.expire(now);
        while let Some((due, target)) = self.schedule.pop_due(now) {
            self.on_due(now, due, target, actions);
        }
        self.trim_schedule();
    }

    /// When [`Endpoint::handle_timeout`] next has something to do. Now and then it turns out to be nothing.
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.schedule.next(), self.bans.next_end()].into_iter().flatten().min()
    }

    /// Takes the messages that came over streams in the last input, whole and in their order. A datagram is one.
    pub fn take_heard(&mut self) -> Vec<(Peer, Bytes)> {
        std::mem::take(&mut self.heard)
    }

    /// Our end and the peer's of a stream that is open, and its transport.
    pub fn peer_of(&self, connection: ConnectionId) -> Option<(ListenerId, Transport, SocketAddr)> {
        let known = self.connections.by_id.get(&connection)?;
        Some((known.listener, known.way.transport, known.way.address))
    }

    /// Where peers reach a listener; where they are told a name, what it is bound to.
    pub fn own_socket(&self, listener: ListenerId) -> SocketAddr {
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        self.config.listeners.get(usize::from(listener.0)).map_or(any, |own| {
            own.advertise_host.parse().map_or(own.bind, |ip| SocketAddr::new(ip, own.advertise_port))
        })
    }

    /// The listener that sends to a target.
    pub fn listener_toward(&self, target: &locate::Target) -> ListenerId {
        self.config.listener_toward(target)
    }

    /// The target of a host that nobody has to look up: it is numeric, and just one listener can send there. Where none
    /// can, or our address on the way decides between several, the way has to be looked at.
    pub fn plain_target(&self, destination: &locate::Destination) -> Option<locate::Target> {
        let target = destination.numeric()?;
        let fits = |one: &&Listener| {
            one.transport == target.transport && one.bind.is_ipv4() == target.address.is_ipv4()
        };
        (self.config.listeners.iter().filter(fits).count() == 1).then_some(target)
    }

    /// The Call-ID of an INVITE of ours that waits for its answer.
    pub fn call_id_of(&self, dialog: DialogId) -> Option<&str> {
        match &self.dialogs.by_id.get(&dialog)?.phase {
            Phase::Outgoing(outgoing) => Some(&outgoing.call_id),
            _ => None,
        }
    }

    /// What is kept now.
    pub fn counts(&self) -> Counts {
        Counts {
            server_transactions: self.servers.by_id.len(),
            client_transactions: self.clients.by_id.len(),
            dialogs: self.dialogs.by_id.len(),
            connections: self.connections.by_id.len(),
            timers: self.schedule.len(),
            half_open: self.half_open.sum(),
        }
    }

    /// What happened since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn next_transaction_id(&mut self) -> TransactionId {
        self.last_id += 1;
        TransactionId(self.last_id)
    }

    fn next_dialog_id(&mut self) -> DialogId {
        self.last_id += 1;
        DialogId(self.last_id)
    }

    fn new_tag(&mut self) -> Box<str> {
        self.random.token::<16>().into()
    }

    fn new_branch(&mut self) -> String {
        format!("z9hG4bK{}", self.random.token::<20>())
    }

    fn own_address(&self, listener: ListenerId) -> Option<&OwnAddress> {
        self.own.get(usize::from(listener.0))
    }

    /// Forgets a dialog. What of the peer's requests is unanswered gets an answer, so that nothing waits.
    fn remove_dialog(&mut self, now: Instant, id: DialogId, actions: &mut Vec<Action>) {
        let Some(dialog) = self.dialogs.remove(id) else { return };
        if let Some(connection) = dialog.state().and_then(|state| state.peer.connection) {
            self.release_connection(connection);
        }
        if let Phase::Established(established) = &dialog.phase
            && let Some(answer) = established.unacknowledged.iter().find(|answer| answer.is_first)
        {
            self.half_open.remove(answer.peer.address.ip());
        }
        if let Phase::Established(established) = &dialog.phase {
            self.abandon_reinvite(now, established.invite_out);
        }
        for transaction in dialog.requests {
            self.close_request(now, transaction, actions);
        }
    }

    /// The dialog of a re-INVITE of ours is over, so nobody limits any more how long it waits.
    fn abandon_reinvite(&mut self, now: Instant, reinvite: Option<TransactionId>) {
        let Some(id) = reinvite else { return };
        if let Some(ClientMachine::Invite { machine, .. }) =
            self.clients.by_id.get_mut(&id).map(|owner| &mut owner.machine)
        {
            machine.abandon(now);
            self.arm_client(id);
        }
    }

    fn trim_schedule(&mut self) {
        let (servers, clients) = (&self.servers.by_id, &self.clients.by_id);
        let (dialogs, connections) = (&self.dialogs.by_id, &self.connections.by_id);
        self.schedule.trim(|due, target| {
            let scheduled = match target {
                Target::Server(id) => servers.get(&id).and_then(|owner| owner.scheduled),
                Target::Client(id) => clients.get(&id).and_then(|owner| owner.scheduled),
                Target::Dialog(id) => dialogs.get(&id).and_then(|owner| owner.scheduled),
                Target::Connection(id) => connections.get(&id).and_then(|owner| owner.scheduled),
            };
            scheduled == Some(due)
        });
    }

    fn arm_server(&mut self, id: TransactionId) {
        if let Some(owner) = self.servers.by_id.get_mut(&id) {
            self.schedule.arm(Target::Server(id), owner.machine.next_timeout(), &mut owner.scheduled);
        }
    }

    fn arm_client(&mut self, id: TransactionId) {
        if let Some(owner) = self.clients.by_id.get_mut(&id) {
            self.schedule.arm(Target::Client(id), owner.machine.next_timeout(), &mut owner.scheduled);
        }
    }

    fn arm_dialog(&mut self, id: DialogId) {
        if let Some(owner) = self.dialogs.by_id.get_mut(&id) {
            self.schedule.arm(Target::Dialog(id), owner.next_timeout(), &mut owner.scheduled);
        }
    }
}

#[cfg(test)]
mod tests;
