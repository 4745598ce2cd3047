//! A stream: the same messages come out of it wherever its bytes are parted.
#![no_main]

use cordboard_fuzz::clock::Instant;
use cordboard_fuzz::sip::message::StreamFramer;
use libfuzzer_sys::fuzz_target;

fn framed(pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = StreamFramer::default();
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(framed) = framer.next(Instant::ZERO) {
            found.push(format!("{framed:?}"));
            if found.len() > 1_000 {
                return found;
            }
        }
    }
    found
}

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    let (first, second) = bytes.split_at(usize::from(at).min(bytes.len()));
    assert_eq!(framed(&[bytes]), framed(&[first, second]));
});
