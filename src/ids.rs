//! Names of things, and the source of unguessable ones.

use crate::clock::Wall;
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

/// A call, from the first INVITE to the last BYE: 48 bits of the wall clock's milliseconds and 80 random bits, written as
/// `c` and 26 characters (the layout of a ULID). Records and tasks are kept by it, so it is not used twice by any server:
/// a clock that is set back repeats no random bits. Its texts are in the order of its numbers, that of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u128);

impl CallId {
    /// No call's: none begins at the start of time.
    pub const NONE: CallId = CallId(0);
}

/// Characters of a call's id behind the `c`: five bits each, the first with three.
const CALL_ID_CHARS: u32 = 26;

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('c')?;
        (0..CALL_ID_CHARS).rev().try_for_each(|place| {
            let bits = (self.0 >> (place * 5)) as usize & 31;
            f.write_char(char::from(ALPHABET[bits]))
        })
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an id of a call is `c` and 26 letters and digits")]
pub struct NoCallId;

impl std::str::FromStr for CallId {
    type Err = NoCallId;

    fn from_str(text: &str) -> Result<Self, NoCallId> {
        let text =
            text.strip_prefix('c').filter(|text| text.len() == CALL_ID_CHARS as usize).ok_or(NoCallId)?;
        let mut number = 0u128;
        for (place, byte) in text.bytes().enumerate() {
            let bits = ALPHABET.iter().position(|known| *known == byte).ok_or(NoCallId)?;
            // 130 bits have no room in 128.
            if place == 0 && bits > 7 {
                return Err(NoCallId);
            }
            number = (number << 5) | bits as u128;
        }
        Ok(CallId(number))
    }
}

/// Gives calls their ids, each larger than the one before, whatever the clock does.
pub struct CallIds {
    last: u128,
    random: Random,
}

impl CallIds {
    pub fn new(random: Random) -> Self {
        CallIds { last: 0, random }
    }

    /// The id of a call that came in at this moment.
    pub fn next(&mut self, at: Wall) -> CallId {
        let millis = u64::try_from(at.as_unix_micros() / 1_000).unwrap_or(0);
        let random = (u128::from(self.random.next_u64()) << 16) | u128::from(self.random.next_u32() & 0xffff);
        let fresh = (u128::from(millis) << 80) | random;
        // Within a millisecond, and while the clock is behind: some way on from the last, up to 2^32 of 2^80.
        let further = self.last.saturating_add(1 + u128::from(self.random.next_u32()));
        self.last = if fresh >> 80 > self.last >> 80 { fresh } else { further };
        CallId(self.last)
    }
}

/// The 32 characters of Crockford's base 32, in the order of their values and of their bytes.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

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
    fn ids_of_calls_grow_with_time_and_also_while_the_clock_stands_or_is_set_back() {
        let mut ids = CallIds::new(Random::from_seed(3));
        let mut given = Vec::new();
        for second in [100, 200, 200, 50, 50, 201, 1_795_380_337, 0, -5, i64::MAX / 1_000_000, 3] {
            given.extend((0..50).map(|_| ids.next(Wall::from_unix_seconds(second))));
        }
        assert!(given.is_sorted_by(|a, b| a < b), "{given:?}");
        let texts: Vec<String> = given.iter().map(CallId::to_string).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "{texts:?}");
    }

    #[test]
    fn two_servers_and_a_clock_that_is_set_back_over_a_restart_repeat_no_id() {
        let at = |n: i64| Wall::from_unix_micros(1_795_380_337_000_000 + n);
        let run = |seed| {
            let mut ids = CallIds::new(Random::from_seed(seed));
            (0..2_000).map(|n| ids.next(at(n))).collect::<Vec<_>>()
        };
        let all: std::collections::HashSet<_> = (1..=5).flat_map(run).collect();
        assert_eq!(all.len(), 10_000);
        assert_eq!(run(1), run(1), "the same seed gives the same ids");
    }

    #[test]
    fn the_text_of_a_calls_id_is_read_as_what_it_was_and_no_other_text_is_one() {
        let mut ids = CallIds::new(Random::from_seed(9));
        for second in [0, 1, 1_795_380_337, 99_999_999_999] {
            let id = ids.next(Wall::from_unix_seconds(second));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 27);
        }
        assert_eq!(CallId(u128::MAX).to_string().parse(), Ok(CallId(u128::MAX)));
        let good = CallId(1).to_string();
        assert_eq!(good, "c00000000000000000000000001");
        for wrong in [
            "",
            "c",
            "c1795380337000000",
            "00000000000000000000000001",
            "c80000000000000000000000000",
            "c0000000000000000000000000I",
            "c000000000000000000000000001",
            "c0000000000000000000000000é",
        ] {
            assert_eq!(wrong.parse::<CallId>(), Err(NoCallId), "{wrong}");
        }
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::from_seed(1);
        assert!((0..1_000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
