//! cordboard: a SIP/RTP telephony media server.
//!
//! The rooms, a line each. `ARCHITECTURE.md` says who may import whom; `tests/layers.rs` holds it.

pub mod clock;
pub mod config;
pub mod hidden;
pub mod ids;
pub mod stun;

// Core rooms: an event and the time in, a list of actions out. They never wait.
pub mod audio;
pub mod call;
pub mod flow;
pub mod media;
pub mod registrar;
pub mod rtp;
pub mod sdp;
pub mod sip;

// Shells: the outside world, one each.
pub mod api;
pub mod cli;
pub mod net;
pub mod server;
pub mod services;
pub mod store;

// The tests' databases (tests/support/database.rs) name the crate from inside and from outside.
#[cfg(test)]
extern crate self as cordboard;
