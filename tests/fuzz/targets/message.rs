//! A datagram: what is read is written again, and means the same.
#![no_main]

use cordboard_fuzz::sip::Message;
use cordboard_fuzz::sip::message::parse_datagram;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(Ok(message)) = parse_datagram(bytes) else { return };
    let written = match &message {
        Message::Request(request) => request.to_bytes(),
        Message::Response(response) => response.to_bytes(),
    };
    match parse_datagram(&written) {
        Some(Ok(again)) => assert_eq!(format!("{again:?}"), format!("{message:?}")),
        other => panic!("what was read is not readable when it is written: {other:?}"),
    }
});
