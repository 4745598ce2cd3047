//! Keys that we press: as telephone-events, packet after packet (RFC 4733 section 2.5).

use crate::ids::PlaybackId;
use crate::rtp::telephone_event::{KEYS, TelephoneEvent};
use std::sync::Arc;

/// Samples that a key is held, and samples before the next one: 100 ms each. ITU-T Q.24 has receivers know a key by 40 ms;
/// a gateway that makes tones of the events needs some room beside it.
const HELD: usize = 800;
const PAUSE: usize = 800;
/// The packet that ends an event is sent so often again (section 2.5.1.4).
const REPEATS: u8 = 2;
/// As loud as the tones of a key are made.
const VOLUME: u8 = 8;

/// Keys on their way to a peer that takes telephone-events.
pub struct Press {
    pub id: PlaybackId,
    keys: Arc<str>,
    place: usize,
    /// Samples since the present key began, and the timestamp of its begin.
    held: usize,
    start: u32,
    /// Once it is let go: how long it was held, and how often that was said again.
    released: Option<(u16, u8)>,
}

/// What belongs into a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    Event {
        event: TelephoneEvent,
        /// Of the event's begin.
        start: u32,
        is_first: bool,
    },
    Silence,
}

impl Press {
    /// Characters that are no keys are passed over.
    pub fn new(id: PlaybackId, keys: Arc<str>) -> Self {
        Press { id, keys, place: 0, held: 0, start: 0, released: None }
    }

    /// Whether nothing is left to be pressed.
    pub fn is_over(&self) -> bool {
        self.event().is_none()
    }

    /// The next packet's part, which is of so many samples and would have that timestamp as audio.
    pub fn next(&mut self, samples: usize, timestamp: u32) -> Piece {
        let Some(event) = self.event() else { return Piece::Silence };
        let is_first = self.held == 0;
        if is_first {
            self.start = timestamp;
        }
        self.held += samples;
        let duration = u16::try_from(self.held).unwrap_or(u16::MAX);
        let piece = |duration, end| Piece::Event {
            event: TelephoneEvent { event, end, volume: VOLUME, duration },
            start: self.start,
            is_first,
        };
        match self.released {
            None if self.held < HELD => piece(duration, false),
            None => {
                let piece = piece(duration, true);
                self.released = Some((duration, 0));
                piece
            }
            Some((duration, repeats)) if repeats < REPEATS => {
                let piece = piece(duration, true);
                self.released = Some((duration, repeats + 1));
                piece
            }
            Some((duration, _)) => {
                if self.held >= usize::from(duration) + PAUSE {
                    (self.place, self.held, self.released) = (self.place + 1, 0, None);
                }
                Piece::Silence
            }
        }
    }

    /// Samples since the present key began.
    pub fn held(&self) -> usize {
        self.held
    }

    fn event(&self) -> Option<u8> {
        let events = self.keys.chars().filter_map(|key| KEYS.find(key));
        events.skip(self.place).find_map(|event| u8::try_from(event).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_for_100_ms_its_end_is_said_three_times_and_the_next_comes_after_a_pause() {
        for (samples, ends, whole) in [(80, 800, 1_600), (160, 800, 1_600), (480, 960, 2_400)] {
            let mut press = Press::new(PlaybackId(1), "1 #".into());
            let mut timestamp = 7_000;
            for (event, start) in [(1, 7_000), (11, 7_000 + whole)] {
                let (mut last, mut end_packets) = (0, 0);
                while timestamp < start + whole {
                    let piece = press.next(samples as usize, timestamp);
                    if let Piece::Event { event: sent, start: of, is_first } = piece {
                        assert_eq!((sent.event, of, is_first), (event, start, timestamp == start));
                        last = sent.duration;
                        end_packets += u32::from(sent.end);
                    }
                    timestamp += samples;
                }
                assert_eq!((last, end_packets), (ends, 3), "{samples}");
            }
            assert!(press.is_over());
            assert_eq!(press.next(160, 0), Piece::Silence);
        }
    }
}
