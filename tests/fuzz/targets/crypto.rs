//! A key in a description: what is read is written again, and means the same.
#![no_main]

use cordboard_fuzz::sdp::crypto::Crypto;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(read) = Crypto::parse(text) else { return };
    assert_eq!(Crypto::parse(&read.line()), Some(read));
});
