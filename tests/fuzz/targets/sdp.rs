//! An offer and an answer, whatever they say: an answer of ours is one that can be read.
#![no_main]

use cordboard_fuzz::sdp::{Capability, Description, Local, accept_answer, answer, offer};
use libfuzzer_sys::fuzz_target;

const CAPABILITIES: &[Capability] = &[
    Capability::fixed("PCMU", 0),
    Capability::fixed("PCMA", 8),
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(theirs) = Description::parse(bytes) else { return };
    let local = Local { rtp_port: 20_000, ..Local::default() };
    if let Ok((ours, _)) = answer(&theirs, CAPABILITIES, &local) {
        let text = ours.to_string();
        let again = Description::parse(text.as_bytes()).expect("an answer of ours can be read");
        assert_eq!(again.media.len(), theirs.media.len(), "RFC 3264 section 6: as many streams");
    }
    let ours = offer(CAPABILITIES, &[0, 1], &[(101, 8_000)], 20, &local);
    let _ = accept_answer(&ours, &theirs, CAPABILITIES, None);
});
