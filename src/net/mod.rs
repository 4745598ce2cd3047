//! Sockets and threads: one signalling thread that owns the switchboard, media threads that own an engine each,
//! and tokio tasks for streams. All waiting of calls is here.

mod gather;
pub mod media_thread;
pub mod ports;
mod post;
pub mod signalling;
pub mod streams;
mod waker;

pub use waker::Waker;
