//! Streams: accepted and opened ones, what they bring, and the sending over them and over UDP.

use super::receive::Origin;
use super::schedule::Target;
use super::tables::{ClientMachine, Connection, ConnectionTable, Hop, Way};
use super::{Action, Endpoint};
use crate::clock::Instant;
use crate::ids::ConnectionId;
use crate::sip::message::{Framed, parse_datagram};
use crate::sip::transaction::ClientOutput;
use crate::sip::{ListenerId, Peer, TransactionId, Transport};
use bytes::Bytes;
use std::net::SocketAddr;

/// The stream that was needed is gone and there may not be another.
pub(super) struct NoWay;

impl Endpoint {
    pub(super) fn on_stream_opened(
        &mut self,
        now: Instant,
        id: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        admitted: bool,
        actions: &mut Vec<Action>,
    ) {
        if let Some(known) = self.connections.by_id.get_mut(&id) {
            known.admitted = admitted;
            return;
        }
        if !admitted && self.is_shut_out(peer.ip()) {
            actions.push(Action::CloseStream { connection: id });
            return;
        }
        if ConnectionTable::is_own(id) || !self.has_place(now, actions) {
            self.counters.connections_rejected += 1;
            actions.push(Action::CloseStream { connection: id });
            return;
        }
        let Some(own) = self.config.listeners.get(usize::from(listener.0)) else {
            actions.push(Action::CloseStream { connection: id });
            return;
        };
        let way = Way { transport: own.transport, address: peer, tls: None };
        self.connections.insert(id, Connection::new(now, listener, way, admitted, true));
        self.arm_connection(id);
    }

    pub(super) fn on_stream_data(
        &mut self,
        now: Instant,
        id: ConnectionId,
        bytes: &[u8],
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        if connection.way.transport.is_websocket() {
            return self.on_websocket_message(now, id, bytes, actions);
        }
        connection.framer.push(bytes);
        if connection.heard {
            connection.last_heard = now;
        }
        // What a message sets off may close the connection, so it is looked up anew each time.
        while let Some(connection) = self.connections.by_id.get_mut(&id) {
            let origin = origin_of(id, connection);
            match connection.framer.next(now) {
                None => break,
                Some(Framed::Ping) => {
                    self.counters.pings += 1;
                    actions.push(Action::SendStream { connection: id, bytes: Bytes::from_static(b"\r\n") });
                }
                Some(Framed::Message(message)) => {
                    connection.heard = true;
                    connection.last_heard = now;
                    if origin.peer.transport == Transport::Tcp {
                        self.tcp_peers.learn(origin.peer.address.ip());
                    }
                    self.heard.push((origin.peer, message.to_bytes()));
                    self.on_message(now, origin, message, actions);
                }
                Some(Framed::Rejected(reject)) => self.on_reject(now, origin, &reject, actions),
                Some(Framed::Broken(reject)) => {
                    self.on_reject(now, origin, &reject, actions);
                    self.counters.connections_broken += 1;
                    self.close_stream(now, id, actions);
                }
            }
        }
        self.arm_connection(id);
    }

    /// Over WebSocket a message is whole, whatever its Content-Length says (RFC 7118 5); line ends are a ping there too.
    fn on_websocket_message(
        &mut self,
        now: Instant,
        id: ConnectionId,
        bytes: &[u8],
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        let origin = origin_of(id, connection);
        if connection.heard {
            connection.last_heard = now;
        }
        match parse_datagram(bytes) {
            None => {
                self.counters.pings += 1;
                actions.push(Action::SendStream { connection: id, bytes: Bytes::from_static(b"\r\n") });
            }
            Some(Ok(message)) => {
                connection.heard = true;
                connection.last_heard = now;
                self.heard.push((origin.peer, Bytes::copy_from_slice(bytes)));
                self.on_message(now, origin, message, actions);
            }
            Some(Err(reject)) => {
                self.on_reject(now, origin, &reject, actions);
                if !reject.is_answerable() {
                    self.counters.connections_broken += 1;
                    self.close_stream(now, id, actions);
                }
            }
        }
        self.arm_connection(id);
    }

    /// The connection ended, or could not be opened.
    pub(super) fn on_stream_closed(&mut self, now: Instant, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.remove(id) else { return };
        if !connection.heard && ConnectionTable::is_own(id) {
            self.tcp_peers.forget(connection.way.address.ip());
        }
        for transaction in &connection.clients {
            if !self.move_to_another(now, *transaction, &connection, actions) {
                self.on_transport_failure(now, *transaction, actions);
            }
        }
    }

    /// Sends a request that nothing came back of once more, over a new stream: the peer closed the old one, which was in use
    /// and now idle, while the request was on its way, or has begun anew. False where that was no reason, or there is no other
    /// way: the port that a peer connected from is none that it listens on.
    fn move_to_another(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        broken: &Connection,
        actions: &mut Vec<Action>,
    ) -> bool {
        let is_wanted =
            self.clients.by_id.get(&transaction).is_some_and(|owner| self.is_wanted(owner.purpose));
        let Some(owner) = self.clients.by_id.get_mut(&transaction) else { return false };
        let leads_elsewhere = !broken.accepted || owner.hop.destination != broken.way.address;
        if !is_wanted || owner.moved || owner.over_udp.is_some() || !broken.heard || !leads_elsewhere {
            return false;
        }
        let request = match &owner.machine {
            ClientMachine::Invite { machine, .. } => machine.unanswered(),
            ClientMachine::Other(machine) => machine.unanswered(),
        };
        let Some(request) = request.cloned() else { return false };
        (owner.moved, owner.hop.connection) = (true, None);
        self.counters.retransmissions_sent += 1;
        self.send_outputs(now, transaction, vec![ClientOutput::Send(request)], actions);
        true
    }

    /// Closes a stream from our side.
    pub(super) fn close_stream(&mut self, now: Instant, id: ConnectionId, actions: &mut Vec<Action>) {
        actions.push(Action::CloseStream { connection: id });
        self.on_stream_closed(now, id, actions);
    }

    /// A stream's deadline came up.
    pub(super) fn on_connection_due(&mut self, now: Instant, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        if connection.deadline() <= now {
            let incomplete = connection.framer.deadline().is_some_and(|deadline| deadline <= now);
            if incomplete || connection.dialogs == 0 {
                self.counters.connections_timed_out += 1;
                self.close_stream(now, id, actions);
                return;
            }
            // A trunk may be silent on its connection for the whole of a call.
            connection.last_heard = now;
        }
        if connection.ping_due().is_some_and(|due| due <= now) {
            connection.last_ping = now;
            connection.framer.expect_pong();
            self.counters.pings_sent += 1;
            actions.push(Action::SendStream { connection: id, bytes: Bytes::from_static(b"\r\n\r\n") });
        }
        self.arm_connection(id);
    }

    pub(super) fn arm_connection(&mut self, id: ConnectionId) {
        if let Some(owner) = self.connections.by_id.get_mut(&id) {
            let due = Some(owner.next_timeout());
            self.schedule.arm(Target::Connection(id), due, &mut owner.scheduled);
        }
    }

    pub(super) fn retain_connection(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.by_id.get_mut(&id) {
            connection.dialogs += 1;
        }
        self.arm_connection(id);
    }

    pub(super) fn release_connection(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.by_id.get_mut(&id) {
            connection.dialogs = connection.dialogs.saturating_sub(1);
        }
    }

    /// A client transaction that went out over a stream is over.
    pub(super) fn forget_client_of(&mut self, connection: Option<ConnectionId>, transaction: TransactionId) {
        let known = connection.and_then(|id| self.connections.by_id.get_mut(&id));
        if let Some(connection) = known {
            connection.clients.retain(|other| *other != transaction);
        }
    }

    /// Sends to a hop. A stream is used where there is one to that address, else opened, and noted in the hop.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        hop: &mut Hop,
        bytes: Bytes,
        actions: &mut Vec<Action>,
    ) -> Result<(), NoWay> {
        if hop.transport == Transport::Udp {
            let (listener, destination) = (hop.listener, hop.destination);
            actions.push(Action::SendDatagram { listener, destination, bytes });
            return Ok(());
        }
        let alive = hop.connection.filter(|id| self.connections.by_id.contains_key(id));
        let known = alive.or_else(|| {
            let (transport, address, tls) = (hop.transport, hop.destination, hop.tls.clone());
            self.connections.by_way.get(&Way { transport, address, tls }).copied()
        });
        let connection = match known {
            Some(connection) => connection,
            None => self.connect(now, hop, actions)?,
        };
        hop.connection = Some(connection);
        actions.push(Action::SendStream { connection, bytes });
        Ok(())
    }

    fn connect(&mut self, now: Instant, hop: &Hop, actions: &mut Vec<Action>) -> Result<ConnectionId, NoWay> {
        let (listener, transport, destination, tls) =
            (hop.listener, hop.transport, hop.destination, hop.tls.clone());
        // Whom to expect is known for every request of ours over TLS; a response never opens such a connection.
        let lacks_name = transport.is_secure() && tls.is_none();
        if transport.is_websocket() || lacks_name {
            return Err(NoWay);
        }
        if !self.has_place(now, actions) {
            self.counters.connections_rejected += 1;
            return Err(NoWay);
        }
        let id = self.connections.next_own_id();
        let way = Way { transport, address: destination, tls: tls.clone() };
        self.connections.insert(id, Connection::new(now, listener, way, false, false));
        self.arm_connection(id);
        actions.push(Action::Connect { connection: id, listener, destination, tls });
        Ok(id)
    }

    /// Whether there is a place for one more stream, which a stranger's is closed for where all are taken: the one that has
    /// brought nothing for the longest. A host that may send nothing would else hold them all, an hour with each message.
    fn has_place(&mut self, now: Instant, actions: &mut Vec<Action>) -> bool {
        if self.connections.by_id.len() < self.config.limits.connections_max {
            return true;
        }
        let idle = self.connections.by_id.iter().filter(|(_, connection)| connection.is_idle_strangers());
        let silent = idle.min_by_key(|(id, connection)| (connection.last_heard, **id)).map(|(id, _)| *id);
        let Some(silent) = silent else { return false };
        self.counters.connections_rejected += 1;
        self.close_stream(now, silent, actions);
        true
    }

    /// Sends a response: over the stream that the request came by, else to where its Via leads.
    pub(super) fn send_response(
        &mut self,
        now: Instant,
        peer: Peer,
        reply_to: SocketAddr,
        bytes: Bytes,
        actions: &mut Vec<Action>,
    ) {
        let mut hop = Hop {
            listener: peer.listener,
            transport: peer.transport,
            destination: reply_to,
            tls: None,
            connection: peer.connection,
        };
        // Where no stream can be had the response is lost, as on any network.
        let _ = self.transmit(now, &mut hop, bytes, actions);
    }
}

fn origin_of(id: ConnectionId, connection: &Connection) -> Origin {
    let Way { transport, address, .. } = connection.way;
    let peer = Peer { listener: connection.listener, transport, address, connection: Some(id) };
    Origin { peer, admitted: connection.admitted }
}
