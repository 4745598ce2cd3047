//! What a leg hears for a while, for whoever wants to look at it. Its room is made beforehand, elsewhere.

use crate::audio::SAMPLE_RATE;
use crate::clock::Instant;
use std::time::Duration;

/// Longest recording: what is looked for in it lasts a second, and comes back within some.
const TIME_MAX: Duration = Duration::from_secs(30);
/// A peer's clock may run ahead, and a packet that was on its way comes on top.
const ROOM_BEYOND: Duration = Duration::from_millis(500);

/// Linear samples as they came, at the places where their timestamps put them; what did not come is silence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    pub samples: Vec<i16>,
    pub until: Instant,
    /// When the first of them came.
    pub begun: Option<Instant>,
    /// The timestamp of the present stream's first sample, and its place.
    stream: Option<(u32, usize)>,
}

impl Recording {
    /// From now on for so long, 30 s at the most, with its room. Not for a thread that carries packets.
    pub fn new(now: Instant, time: Duration) -> Self {
        let time = time.min(TIME_MAX);
        let (until, room) = (now + time, samples_of(time + ROOM_BEYOND));
        Recording { samples: Vec::with_capacity(room), until, begun: None, stream: None }
    }

    /// Another stream begins.
    pub fn restart(&mut self) {
        self.stream = None;
    }

    pub fn take(&mut self, now: Instant, timestamp: u32, heard: &[i16]) {
        let begun = *self.begun.get_or_insert(now);
        let here = samples_of(now - begun).max(self.samples.len());
        let (first, base) = *self.stream.get_or_insert((timestamp, here));
        let Ok(steps) = usize::try_from(timestamp.wrapping_sub(first)) else { return };
        let (room, place) = (self.samples.capacity(), base.saturating_add(steps));
        // What comes late is taken where its place is still empty.
        let known = self.samples.len().saturating_sub(place);
        let Some(fresh) = heard.get(known..) else { return };
        if place < room {
            self.samples.resize(place.max(self.samples.len()), 0);
            let left = room - self.samples.len();
            self.samples.extend_from_slice(&fresh[..fresh.len().min(left)]);
        }
    }
}

fn samples_of(time: Duration) -> usize {
    usize::try_from(time.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_where_their_timestamps_put_them_and_what_is_missing_is_silence() {
        let at = Instant::from_millis;
        let mut recording = Recording::new(at(0), Duration::from_millis(100));
        recording.take(at(20), u32::MAX, &[1, 2]);
        recording.take(at(40), 3, &[5, 6]);
        assert_eq!(recording.samples, [1, 2, 0, 0, 5, 6]);
        recording.take(at(40), 2, &[9, 9, 9, 7]);
        assert_eq!(recording.samples, [1, 2, 0, 0, 5, 6, 7], "of what overlaps the first that came stays");
        recording.restart();
        recording.take(at(21), 500_000, &[8]);
        assert_eq!((recording.samples.len(), recording.samples[8]), (9, 8), "by the time that went by");
        assert_eq!(recording.begun, Some(at(20)));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let at = Instant::from_millis;
        let mut recording = Recording::new(at(0), Duration::from_millis(100));
        let room = recording.samples.capacity();
        assert_eq!(room, 4_800);
        (0..10).for_each(|n| recording.take(at(n), n as u32 * 1_000, &[1; 1_000]));
        recording.take(at(50), 3_000_000_000, &[1; 10]);
        assert_eq!((recording.samples.len(), recording.samples.capacity()), (room, room));
    }
}
