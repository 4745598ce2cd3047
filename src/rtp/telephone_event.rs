//! Keys sent as named events. RFC 4733.

use super::SequenceNumber;

/// The keys, each at the number of its event (RFC 4733 section 3.2).
pub const KEYS: &str = "0123456789*#ABCD";
/// Samples after which a sender must begin a new segment of a long event (RFC 4733 section 2.5.1.3).
const LONGEST_SEGMENT: u32 = 0xFFFF;
/// Events remembered, so that packets of an old one that come late do not count as a key. Network disorder
/// reaches back over one or two keys at most; the rest is reserve.
const REMEMBERED: usize = 6;

/// The four bytes of an event. RFC 4733 section 2.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    /// 0 to 15 are keys.
    pub event: u8,
    pub end: bool,
    /// Level in -dBm0, 0 to 63.
    pub volume: u8,
    /// In timestamp units, since the packet's timestamp.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the payload; bytes after the fourth are not looked at.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk()?;
        Some(TelephoneEvent {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    pub fn bytes(&self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | (self.volume & 0x3F), high, low]
    }

    /// The key: `0-9 * # A-D`. None for events that are no keys.
    pub fn digit(&self) -> Option<char> {
        KEYS.as_bytes().get(usize::from(self.event)).map(|&byte| char::from(byte))
    }
}

/// What an event packet means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sighting {
    /// The first packet that came of a key, whichever of its packets that is.
    Key(char),
    /// One more packet of the key that was seen last.
    Same(char),
    /// A late packet of an older key, an event that is no key, or no event at all.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    ended: bool,
    duration: u16,
    newest: SequenceNumber,
}

/// Turns event packets into keys, each once. Packets of one event share SSRC and timestamp; that, not the marker
/// and not the end bit, tells events apart.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    /// The newest first.
    seen: [Option<Seen>; REMEMBERED],
}

impl EventReceiver {
    /// Takes the packet of an event.
    pub fn on_packet(
        &mut self,
        ssrc: u32,
        sequence: SequenceNumber,
        timestamp: u32,
        marker: bool,
        event: TelephoneEvent,
    ) -> Sighting {
        let Some(digit) = event.digit() else { return Sighting::Nothing };
        let place = self.seen.iter().position(|seen| {
            seen.is_some_and(|s| {
                s.ssrc == ssrc
                    && s.event == event.event
                    && (s.timestamp == timestamp || s.is_continued_by(timestamp, marker))
            })
        });
        if let Some(place) = place
            && let Some(seen) = &mut self.seen[place]
            && !seen.is_pressed_again_by(sequence, marker, event)
        {
            seen.note(sequence, timestamp, event);
            return if place == 0 { Sighting::Same(digit) } else { Sighting::Nothing };
        }
        self.seen.rotate_right(1);
        self.seen[0] = Some(Seen {
            ssrc,
            timestamp,
            event: event.event,
            ended: event.end,
            duration: event.duration,
            newest: sequence,
        });
        Sighting::Key(digit)
    }
}

impl Seen {
    /// Whether an event at `timestamp` is the next segment of this one: it begins where this one was left, and
    /// this one was not ended.
    fn is_continued_by(&self, timestamp: u32, marker: bool) -> bool {
        let steps = timestamp.wrapping_sub(self.timestamp);
        !self.ended
            && !marker
            && steps != 0
            && (steps == u32::from(self.duration) || steps == LONGEST_SEGMENT)
    }

    /// Some senders stop their RTP clock between keys, so that the same key pressed again has the old timestamp.
    /// It begins with a marker, after an end.
    fn is_pressed_again_by(&self, sequence: SequenceNumber, marker: bool, event: TelephoneEvent) -> bool {
        self.ended && marker && !event.end && sequence.is_after(self.newest)
    }

    fn note(&mut self, sequence: SequenceNumber, timestamp: u32, event: TelephoneEvent) {
        self.ended |= event.end;
        if timestamp != self.timestamp {
            (self.timestamp, self.duration) = (timestamp, event.duration);
        }
        if sequence.is_after(self.newest) {
            (self.newest, self.duration) = (sequence, event.duration);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (sequence, timestamp, marker, event, end, duration)
    type Row = (u16, u32, bool, u8, bool, u16);

    fn keys(rows: &[Row]) -> String {
        let mut receiver = EventReceiver::default();
        rows.iter()
            .filter_map(|&(sequence, timestamp, marker, event, end, duration)| {
                let event = TelephoneEvent { event, end, volume: 10, duration };
                match receiver.on_packet(1, SequenceNumber(sequence), timestamp, marker, event) {
                    Sighting::Key(digit) => Some(digit),
                    _ => None,
                }
            })
            .collect()
    }

    #[test]
    fn one_event_is_one_key() {
        for (rows, expected, name) in [
            (
                &[
                    (1, 100, true, 1, false, 160),
                    (2, 100, false, 1, false, 320),
                    (3, 100, false, 1, true, 480),
                    (4, 100, false, 1, true, 480),
                    (5, 100, false, 1, true, 480),
                ][..],
                "1",
                "as the RFC has it",
            ),
            (&[(1, 100, false, 1, false, 160), (2, 100, false, 1, true, 320)], "1", "without a marker"),
            (
                &[(1, 100, true, 1, false, 160), (9, 900, true, 1, false, 160)],
                "11",
                "the end of the first is lost",
            ),
            (&[(5, 100, false, 7, true, 480)], "7", "the start is lost"),
            (
                &[(3, 100, false, 1, true, 480), (1, 100, true, 1, false, 160)],
                "1",
                "the end comes before the start",
            ),
            (
                &[
                    (1, 100, true, 1, false, 160),
                    (4, 900, true, 2, false, 160),
                    (3, 100, false, 1, true, 480),
                    (5, 900, false, 2, true, 320),
                ],
                "12",
                "the end comes after the next key began",
            ),
            (
                &[(4, 900, true, 1, true, 160), (2, 100, true, 1, true, 160), (3, 100, false, 1, true, 160)],
                "11",
                "a key is overtaken by the next",
            ),
            (
                &[
                    (1, 100, true, 5, false, 160),
                    (2, 100, false, 5, false, 0xFFFF),
                    (3, 100 + 0xFFFF, false, 5, false, 160),
                    (4, 100 + 0xFFFF, false, 5, true, 400),
                ],
                "5",
                "a long event in segments",
            ),
            (
                &[
                    (1, 100, true, 5, false, 160),
                    (2, 100, false, 5, false, 65_440),
                    (3, 100, false, 5, false, 64),
                    (4, 100, false, 5, true, 224),
                ],
                "5",
                "a long event whose duration wraps",
            ),
            (
                &[(1, 100, true, 5, false, 160), (9, 100 + 0xFFFF, false, 5, true, 160)],
                "5",
                "the end of a segment is lost",
            ),
            (
                &[
                    (65_535, u32::MAX, true, 3, false, 160),
                    (0, u32::MAX, false, 3, true, 320),
                    (1, 800, true, 3, true, 320),
                ],
                "33",
                "numbers wrap",
            ),
            (
                &[(1, 100, true, 1, true, 160), (2, 100, true, 1, false, 160), (3, 100, false, 1, true, 320)],
                "11",
                "a sender whose clock stands between keys",
            ),
            (
                &[(1, 100, true, 16, false, 160), (2, 100, false, 255, true, 160)],
                "",
                "events that are no keys",
            ),
        ] {
            assert_eq!(keys(rows), expected, "{name}");
        }
    }

    #[test]
    fn all_sixteen_keys_are_named() {
        let rows: Vec<Row> = (0..16).map(|n| (n, u32::from(n) * 1_000, true, n as u8, true, 80)).collect();
        assert_eq!(keys(&rows), "0123456789*#ABCD");
    }

    #[test]
    fn a_payload_reads_as_it_was_written_and_a_short_one_is_none() {
        let event = TelephoneEvent { event: 11, end: true, volume: 10, duration: 1_280 };
        assert_eq!(TelephoneEvent::parse(&event.bytes()), Some(event));
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }
}
