//! SIP (RFC 3261): messages, transactions, dialogs. Knows no media and no call flow.
//!
//! The door is [`endpoint::Endpoint`]: bytes and the time come in, bytes and [`endpoint::Event`]s go out.

pub mod cause;
mod dialog;
pub mod endpoint;
pub mod limits;
pub mod message;
mod transaction;

pub use dialog::SessionPolicy;
pub use endpoint::{
    Action, Body, Counters, Counts, Endpoint, EndpointConfig, Event, Failure, Input, Limits, Listener,
    Outgoing,
};
pub use message::{CSeq, Host, Message, Method, NameAddr, Params, Request, Response, Scheme, SipUri, Via};

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

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As a Via and a `transport` parameter name it: `UDP`, `TCP`.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// Whether the transport itself delivers, so that nothing is sent again (RFC 3261 17).
    pub fn is_reliable(self) -> bool {
        self == Transport::Tcp
    }
}

/// Where a message came from, or where one is to go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    pub listener: ListenerId,
    pub transport: Transport,
    pub address: SocketAddr,
    /// The stream it came over.
    pub connection: Option<ConnectionId>,
}
