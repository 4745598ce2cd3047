//! The four transaction machines (RFC 3261 17, RFC 6026), each in a file. A machine owns its bytes and its
//! timers, and tells what to do; it knows no socket and no dialog.

mod invite_client;
mod invite_server;
mod key;
mod non_invite_client;
mod non_invite_server;
mod timer;

pub use invite_client::InviteClient;
pub use invite_server::InviteServer;
pub use key::{merge_key, server_key};
pub use non_invite_client::NonInviteClient;
pub use non_invite_server::NonInviteServer;
pub use timer::{T1, T2, Timer};

use bytes::Bytes;

/// What a client machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientOutput {
    /// Put these bytes on the wire (again).
    Send(Bytes),
    /// Hand the response that was just given up to its user.
    Deliver,
    /// No final response came in time (Timers B and F).
    TimedOut,
    /// Nothing at all came for as long as its user waits. What comes yet is delivered.
    Silent,
}

/// What a server machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerOutput {
    /// Put these bytes on the wire (again).
    Send(Bytes),
    /// The final response of an INVITE was never acknowledged (Timer H).
    NotAcknowledged,
}
