//! Sockets and threads: one signalling thread that owns the switchboard, media threads that own an engine each,
//! and tokio tasks for streams. All waiting of calls is here.

pub mod dns;
pub mod doctor;
mod gather;
pub mod handshake;
pub mod hep;
pub mod media_thread;
pub mod ports;
mod post;
pub mod signalling;
pub mod streams;
pub mod tls;
mod waker;
mod websocket;

pub use waker::Waker;
