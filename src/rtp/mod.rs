//! RTP and RTCP (RFC 3550), telephone-events (RFC 4733), the jitter buffer, and what comes before packets: connectivity checks
//! and the handshake for keys. Bytes and numbers, no sockets.

pub mod dtls;
pub mod jitter_buffer;
pub mod opinion;
pub mod packet;
pub mod reception;
pub mod rtcp;
pub mod sequence;
pub mod srtp;
pub mod stun;
pub mod telephone_event;

pub use packet::{Packet, PacketError};
pub use sequence::SequenceNumber;
