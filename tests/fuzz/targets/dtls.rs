//! Datagrams of a handshake, to the side that waits for it.
#![no_main]

use cordboard_fuzz::clock::{Instant, SystemClock};
use cordboard_fuzz::rtp::dtls::{Association, Identity, Role};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::new(SystemClock::start().origin()).expect("an identity"));

fuzz_target!(|datagrams: Vec<&[u8]>| {
    let fingerprints = Arc::from([IDENTITY.fingerprint(1).clone()]);
    let mut now = Instant::from_millis(1);
    let mut association = Association::new(now, &IDENTITY, 0, Role::Server, fingerprints);
    for datagram in datagrams {
        now = Instant::from_micros(now.as_micros() + 10_000);
        let _ = association.receive(now, datagram, &mut |_| {});
    }
});
