//! One key is one digit, whether it comes as a telephone-event, as a tone, by SIP INFO, or in several ways at once.
//!
//! Each way sees a press at most once, so a second sighting by the same way is a second press. Sightings by
//! different ways are one press when their times are close. Telephone-events are the authority: tones near one
//! are its echo however often they are seen, for a gateway may chop the tone it sends beside the event.

use super::DigitSource;
use crate::clock::Instant;
use std::time::Duration;

/// How far a tone may be from its event: the detector needs 25 to 50 ms, the jitter buffer up to 100.
const TONE_WINDOW: Duration = Duration::from_millis(120);
/// How far an INFO may be from the media: it is sent at the end of a press and, where its datagram is lost,
/// again after 500 ms (RFC 3261 timer E).
const INFO_WINDOW: Duration = Duration::from_millis(800);
/// Keys remembered: more than anyone presses within the windows.
const REMEMBERED: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Key {
    digit: char,
    from: Instant,
    to: Instant,
    /// By which ways it was seen, as bits.
    seen: u8,
}

/// The keys of one leg, lately.
#[derive(Clone, Debug, Default)]
pub struct DigitMerge {
    keys: [Option<Key>; REMEMBERED],
    /// Where the next key goes: the oldest one's place.
    oldest: usize,
}

impl DigitMerge {
    /// A key was seen from `from` to `to`. True where it is a new one, false where it was told already.
    pub fn is_new(&mut self, digit: char, source: DigitSource, from: Instant, to: Instant) -> bool {
        let mut authority = false;
        for step in 0..REMEMBERED {
            let place = (self.oldest + step) % REMEMBERED;
            let Some(key) = &mut self.keys[place] else { continue };
            if key.digit != digit || !key.is_near(source, from, to) {
                continue;
            }
            if key.seen & bit(source) == 0 {
                key.seen |= bit(source);
                (key.from, key.to) = (key.from.min(from), key.to.max(to));
                return false;
            }
            authority |= key.seen & bit(DigitSource::Rfc4733) != 0;
        }
        if authority && source == DigitSource::InBand {
            return false;
        }
        self.keys[self.oldest] = Some(Key { digit, from, to, seen: bit(source) });
        self.oldest = (self.oldest + 1) % REMEMBERED;
        true
    }

    /// The newest telephone-event with this key is still pressed at `to`.
    pub fn prolong(&mut self, digit: char, to: Instant) {
        let newest_first = (1..=REMEMBERED).map(|back| (self.oldest + REMEMBERED - back) % REMEMBERED);
        for place in newest_first {
            if let Some(key) = &mut self.keys[place]
                && key.digit == digit
                && key.seen & bit(DigitSource::Rfc4733) != 0
            {
                key.to = key.to.max(to);
                return;
            }
        }
    }
}

impl Key {
    fn is_near(&self, source: DigitSource, from: Instant, to: Instant) -> bool {
        let by_info = source == DigitSource::Info || self.seen == bit(DigitSource::Info);
        let window = if by_info { INFO_WINDOW } else { TONE_WINDOW };
        from <= self.to + window && self.from <= to + window
    }
}

const fn bit(source: DigitSource) -> u8 {
    match source {
        DigitSource::Rfc4733 => 1,
        DigitSource::InBand => 2,
        DigitSource::Info => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::DigitSource::{InBand, Info, Rfc4733};
    use super::*;

    /// (way, digit, from ms, to ms)
    type Row = (DigitSource, char, u64, u64);

    fn merged(rows: &[Row]) -> String {
        let mut merge = DigitMerge::default();
        rows.iter()
            .filter(|&&(source, digit, from, to)| {
                let new = merge.is_new(digit, source, Instant::from_millis(from), Instant::from_millis(from));
                if source == Rfc4733 {
                    merge.prolong(digit, Instant::from_millis(to));
                }
                new
            })
            .map(|row| row.1)
            .collect()
    }

    #[test]
    fn a_press_is_one_key_however_many_ways_see_it() {
        for (rows, expected, name) in [
            (&[(Rfc4733, '1', 1_000, 1_080)][..], "1", "an event"),
            (&[(Rfc4733, '1', 1_000, 1_080), (InBand, '1', 1_050, 1_050)], "1", "an event, then its tone"),
            (&[(InBand, '1', 1_000, 1_000), (Rfc4733, '1', 1_090, 1_200)], "1", "a tone, then its event"),
            (&[(Rfc4733, '1', 1_000, 2_500), (InBand, '1', 2_600, 2_600)], "1", "a tone after a long event"),
            (
                &[(InBand, '1', 1_000, 1_000), (Rfc4733, '1', 1_010, 1_100), (Info, '1', 1_700, 1_700)],
                "1",
                "all three ways, the INFO sent again",
            ),
            (
                &[(Info, '1', 1_000, 1_000), (InBand, '1', 1_300, 1_300), (Rfc4733, '1', 1_310, 1_400)],
                "1",
                "the INFO first",
            ),
            (
                &[(Rfc4733, '1', 1_000, 1_200), (InBand, '1', 1_060, 1_060), (InBand, '1', 1_160, 1_160)],
                "1",
                "a tone chopped by the gateway",
            ),
            (&[(Rfc4733, '1', 1_000, 1_080), (InBand, '2', 1_050, 1_050)], "12", "different keys"),
            (&[(InBand, '1', 1_000, 1_000), (InBand, '1', 1_090, 1_090)], "11", "two quick tones"),
            (&[(Rfc4733, '1', 1_000, 1_040), (Rfc4733, '1', 1_080, 1_120)], "11", "two quick events"),
            (&[(Info, '1', 1_000, 1_000), (Info, '1', 1_100, 1_100)], "11", "two quick INFOs"),
            (
                &[
                    (Rfc4733, '1', 1_000, 1_060),
                    (InBand, '1', 1_050, 1_050),
                    (Rfc4733, '1', 1_110, 1_170),
                    (InBand, '1', 1_160, 1_160),
                ],
                "11",
                "two quick presses, each as event and tone",
            ),
            (
                &[
                    (InBand, '1', 1_000, 1_000),
                    (Rfc4733, '1', 1_010, 1_060),
                    (InBand, '1', 1_110, 1_110),
                    (Rfc4733, '1', 1_120, 1_180),
                    (Info, '1', 1_190, 1_190),
                    (Info, '1', 1_300, 1_300),
                ],
                "11",
                "two quick presses, each in three ways",
            ),
            (
                &[(InBand, '1', 1_000, 1_000), (Rfc4733, '1', 1_500, 1_600)],
                "11",
                "a tone long before an event",
            ),
            (
                &[(Info, '1', 1_000, 1_000), (Rfc4733, '1', 2_000, 2_100)],
                "11",
                "an INFO long before an event",
            ),
        ] {
            assert_eq!(merged(rows), expected, "{name}");
        }
    }

    #[test]
    fn a_hundred_keys_in_a_row_are_a_hundred() {
        let rows: Vec<Row> = (0..100).map(|n| (InBand, '7', n * 100, n * 100)).collect();
        assert_eq!(merged(&rows).len(), 100);
    }
}
