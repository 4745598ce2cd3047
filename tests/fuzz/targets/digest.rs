//! Challenges and credentials: what is read is written again, and means the same.
#![no_main]

use cordboard_fuzz::sip::digest::{Challenge, Credentials};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for challenge in Challenge::read_all(text) {
        let written = challenge.write();
        assert_eq!(format!("{:?}", Challenge::read_all(&written)), format!("{:?}", [challenge]), "{written}");
    }
    if let Some(read) = Credentials::read(text) {
        let written = read.write();
        assert_eq!(format!("{:?}", Credentials::read(&written)), format!("{:?}", Some(read)), "{written}");
    }
});
