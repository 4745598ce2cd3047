//! Session descriptions: the text (RFC 8866) and what offer and answer agree on (RFC 3264). Knows no SIP.

pub mod crypto;
mod fixed;
pub mod handshake;
mod offer_answer;
mod text;

pub use crypto::{KeyAndSalt, Protected, Protection, Suite, Wish};
pub use handshake::{
    AgreedHandshake, FingerprintHash, LocalHandshake, PeerFingerprint, Setup, wants_handshake,
};
pub use offer_answer::{
    Agreed, Capability, Direction, Local, Refusal, TelephoneEvent, accept_answer, answer, offer,
};
pub use text::{Attribute, Connection, Description, Malformed, Media};
