//! A datagram: what is read is written again, and means the same.
#![no_main]

use cordboard_fuzz::sip::Message;
use cordboard_fuzz::sip::message::{Fault, parse_datagram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(Ok(message)) = parse_datagram(bytes) else { return };
    let written = match &message {
        Message::Request(request) => request.to_bytes(),
        Message::Response(response) => response.to_bytes(),
    };
    match parse_datagram(&written) {
        // Written it may be longer: a space behind each colon, what stands for a byte that is no UTF-8, a Content-Length.
        Some(Err(reject)) if reject.fault == Fault::HeadTooLarge => {}
        Some(Ok(again)) => assert_eq!(format!("{again:?}"), format!("{message:?}")),
        other => panic!("what was read is not readable when it is written: {other:?}"),
    }
});
