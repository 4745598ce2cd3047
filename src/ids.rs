//! Names of things, and the source of unguessable ones.

use rand::{Rng, SeedableRng};
use std::fmt;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number_id!(
    /// A call, from the first INVITE to the last BYE. Never used twice within a run.
    CallId, "c"
);
number_id!(
    /// One SIP dialog with its media. Never used twice within a run.
    LegId, "l"
);
number_id!(
    /// One playback on one leg. Never used twice within a call.
    PlaybackId, "p"
);
number_id!(
    /// A bound pair of media ports (RTP even, RTCP odd), used by one leg after the other.
    PortId, "m"
);
number_id!(
    /// A TCP connection. Never used twice within a run.
    ConnectionId, "t"
);

/// Bytes as text, two digits each.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Tags, branches, SSRCs and call keys. In production seeded by the system, in tests by a number,
/// so that a run can be repeated.
#[derive(Clone)]
pub struct Random(rand_chacha::ChaCha12Rng);

impl Random {
    /// Seeded by the operating system.
    pub fn from_system() -> Self {
        Random(rand_chacha::ChaCha12Rng::from_rng(&mut rand::rng()))
    }

    pub fn from_seed(seed: u64) -> Self {
        Random(rand_chacha::ChaCha12Rng::seed_from_u64(seed))
    }

    /// An independent source whose sequence follows from this one's.
    pub fn fork(&mut self) -> Self {
        Random(rand_chacha::ChaCha12Rng::from_rng(&mut self.0))
    }

    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 where `end` is 0. The bias is below 2^-32 for the sizes used here.
    pub fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(end)) >> 32) as u32
    }

    /// `N` lower-case letters and digits, five random bits each.
    pub fn token<const N: usize>(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = String::with_capacity(N);
        let mut bits = 0u64;
        for i in 0..N {
            if i % 12 == 0 {
                bits = self.next_u64();
            }
            text.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        text
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_a_fork_gives_others() {
        let (mut a, mut b) = (Random::from_seed(7), Random::from_seed(7));
        assert_eq!(a.token::<20>(), b.token::<20>());
        assert_ne!(a.fork().token::<20>(), b.token::<20>());
        assert_eq!(a.token::<0>(), "");
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::from_seed(1);
        assert!((0..1_000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
