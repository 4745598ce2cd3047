//! A connectivity check.
#![no_main]

use cordboard_fuzz::rtp::stun::read_request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    let _ = read_request(datagram, "ours", "theirs", "a password of ours alone");
});
