//! The core rooms, for the fuzzers.

#[path = "../../../src/clock.rs"]
pub mod clock;
#[path = "../../../src/ids.rs"]
pub mod ids;
#[path = "../../../src/stun.rs"]
pub mod stun;
#[path = "../../../src/rtp/mod.rs"]
pub mod rtp;
#[path = "../../../src/sdp/mod.rs"]
pub mod sdp;
#[path = "../../../src/sip/mod.rs"]
pub mod sip;
