//! Numbers that wrap. They have no `<`: which of two is later depends on where one stands.

/// An RTP sequence number. RFC 3550 section 5.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The number `steps` later.
    pub const fn plus(self, steps: u16) -> Self {
        SequenceNumber(self.0.wrapping_add(steps))
    }

    /// Steps from `earlier` to here, negative where `earlier` is the later one: -32,768 to 32,767.
    pub const fn steps_since(self, earlier: SequenceNumber) -> i16 {
        self.0.wrapping_sub(earlier.0) as i16
    }

    pub const fn is_after(self, other: SequenceNumber) -> bool {
        self.steps_since(other) > 0
    }
}

/// Samples from timestamp `earlier` to `later`, negative where `earlier` is the later one.
pub const fn timestamp_steps(later: u32, earlier: u32) -> i32 {
    later.wrapping_sub(earlier) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_after_65535_is_0_and_it_is_later() {
        let last = SequenceNumber(65_535);
        assert_eq!(last.plus(1), SequenceNumber(0));
        assert!(last.plus(1).is_after(last) && !last.is_after(last.plus(1)) && !last.is_after(last));
        assert_eq!(SequenceNumber(2).steps_since(SequenceNumber(65_534)), 4);
        assert_eq!(timestamp_steps(80, u32::MAX - 79), 160);
    }
}
