//! Protected packets: garbage opens nothing, and what was protected opens after it.
#![no_main]

use cordboard_fuzz::rtp::srtp::{MasterKey, Profile, Protect, Unprotect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, u16, Vec<Vec<u8>>)| {
    let (short, sequence, garbage) = input;
    let profile = if short { Profile::Tag32 } else { Profile::Tag80 };
    let key = MasterKey::new(&[7; 16], &[9; 14]);
    let (mut protect, mut unprotect) = (Protect::new(profile, &key), Unprotect::new(profile, &key));
    for mut bytes in garbage {
        let _ = unprotect.rtcp(&mut bytes.clone());
        let _ = unprotect.rtp(&mut bytes);
    }
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]);
    let plain = packet.clone();
    protect.rtp(&mut packet, 0);
    assert_eq!(unprotect.rtp(&mut packet), Ok(&plain[..]));
});
