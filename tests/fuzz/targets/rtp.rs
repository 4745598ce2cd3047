//! An RTP packet, and the events in it.
#![no_main]

use cordboard_fuzz::rtp::Packet;
use cordboard_fuzz::rtp::telephone_event::TelephoneEvent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = Packet::parse(bytes) else { return };
    let _ = TelephoneEvent::parse(packet.payload);
    let mut written = Vec::new();
    packet.write(&mut written);
    assert_eq!(Packet::parse(&written), Ok(packet));
});
