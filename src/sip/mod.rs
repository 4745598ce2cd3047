//! SIP (RFC 3261): messages, transactions, dialogs. Knows no media and no call flow.
//!
//! The door is [`endpoint::Endpoint`]: bytes and the time come in, bytes and [`endpoint::Event`]s go out.

pub mod bans;
pub mod cause;
mod dialog;
pub mod digest;
pub mod endpoint;
pub mod limits;
pub mod locate;
pub mod message;
pub mod refer;
pub mod stun;
mod transaction;
mod transport;

pub use dialog::SessionPolicy;
pub use endpoint::{
    Action, Body, Counters, Counts, Endpoint, EndpointConfig, Event, Failure, Input, Limits, Listener,
    Outgoing, Outside, Reply,
};
pub use message::{CSeq, Host, Message, Method, NameAddr, Params, Request, Response, Scheme, SipUri, Via};

pub use transport::{TlsPeer, Transport};

use crate::ids::ConnectionId;
use std::net::SocketAddr;

/// A dialog, or an INVITE on its way to become one. Never used twice within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogId(pub u64);

/// A request that waits for our response, or a response we wait for. Never used twice within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(pub u64);

/// Index of a listener in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListenerId(pub u8);

/// Where a message came from, or where one is to go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    pub listener: ListenerId,
    pub transport: Transport,
    pub address: SocketAddr,
    /// The stream it came over.
    pub connection: Option<ConnectionId>,
}
