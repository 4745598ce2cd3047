//! A compound of RTCP packets.
#![no_main]

use cordboard_fuzz::rtp::rtcp::Compound;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, &[u8])| {
    let _ = Compound::parse(input.1, input.0);
});
