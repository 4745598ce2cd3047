//! Puts the packets of a stream that is decoded back in order, and says what is missing.
//!
//! What hangs behind it (tone detection, packets cut anew) has no clock of its own, so a packet that is next in
//! order leaves at once. Only a gap makes the buffer wait, as long as packets of this stream have lately been late.

use super::SequenceNumber;
use super::sequence::timestamp_steps;
use crate::clock::Instant;
use std::time::Duration;

/// Longest payload kept out of order: 60 ms of G.711, the longest packet time of a leg. What Opus packs beyond that is lost of a
/// packet that was overtaken.
pub const LONGEST_PAYLOAD: usize = 480;
/// Packets kept behind a gap. At 20 ms that is 160 ms, more than the longest wait lets gather.
const CAPACITY: usize = 8;
/// A wait for one packet of 20 ms that was overtaken by its successor.
const SHORTEST_WAIT: Duration = Duration::from_millis(25);
/// Longer would hold up keys and speech more than a lost packet hurts them.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// The wait shrinks by a tenth after so many packets that were not late: 2 s.
const CALM: u32 = 100;
/// A step of timestamps over 1 s is not a gap to be filled but a new beginning.
const LONGEST_GAP: i32 = 8_000;
/// Numbers this far from the expected one belong to another run of the stream.
const STRAY: i16 = 64;

/// What comes out, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    Audio {
        payload_type: u8,
        timestamp: u32,
        payload: &'a [u8],
    },
    /// So many samples are missing.
    Lost {
        samples: u32,
    },
    /// The stream begins, or begins again elsewhere.
    Restart,
}

#[derive(Clone, Copy)]
struct Slot {
    sequence: SequenceNumber,
    timestamp: u32,
    payload_type: Option<u8>,
    len: usize,
    payload: [u8; LONGEST_PAYLOAD],
}

#[derive(Clone, Copy)]
struct Position {
    sequence: SequenceNumber,
    /// Where the next audio would begin if nothing is left out.
    timestamp: u32,
}

/// One stream in order.
pub struct JitterBuffer {
    slots: [Option<Slot>; CAPACITY],
    next: Option<Position>,
    /// The number that would prove that the stream goes on elsewhere.
    restart: Option<SequenceNumber>,
    /// When the gap in front of the kept packets is given up.
    give_up: Option<Instant>,
    wait: Duration,
    calm: u32,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        JitterBuffer {
            slots: [None; CAPACITY],
            next: None,
            restart: None,
            give_up: None,
            wait: SHORTEST_WAIT * 2,
            calm: 0,
        }
    }
}

impl JitterBuffer {
    /// Forgets the stream, not its habits.
    pub fn reset(&mut self) {
        self.slots = [None; CAPACITY];
        (self.next, self.restart, self.give_up) = (None, None, None);
    }

    /// When [`JitterBuffer::expire`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.give_up
    }

    /// A packet came. `payload_type` is none for one without audio, which only keeps its number from being
    /// missed. What is now in order goes to `each`.
    pub fn push(
        &mut self,
        now: Instant,
        sequence: SequenceNumber,
        timestamp: u32,
        payload_type: Option<u8>,
        payload: &[u8],
        each: &mut impl FnMut(Frame<'_>),
    ) {
        let steps = self.next.map_or(0, |next| sequence.steps_since(next.sequence));
        let stray = steps.unsigned_abs() > STRAY as u16;
        if stray && self.restart.replace(sequence.plus(1)) != Some(sequence) {
            // One packet from elsewhere is a very late one; two in a row are a stream.
            return;
        }
        if stray || self.next.is_none() {
            self.reset();
            self.next = Some(Position { sequence, timestamp });
            each(Frame::Restart);
            self.emit(sequence, timestamp, payload_type, payload, each);
            return;
        }
        if steps < 0 {
            // Its place was given up already, or it is a duplicate. Wait longer next time.
            self.wait = (self.wait + self.wait / 2).min(LONGEST_WAIT);
            self.calm = 0;
            return;
        }
        self.restart = None;
        if steps == 0 {
            self.emit(sequence, timestamp, payload_type, payload, each);
            self.calm_down();
        } else {
            self.keep(now, sequence, timestamp, payload_type, payload, each);
        }
        self.drain(now, each);
    }

    /// Gives up gaps that have been waited for long enough.
    pub fn expire(&mut self, now: Instant, each: &mut impl FnMut(Frame<'_>)) {
        while self.give_up.is_some_and(|at| at <= now) {
            self.skip_gap();
            self.drain(now, each);
        }
    }

    fn keep(
        &mut self,
        now: Instant,
        sequence: SequenceNumber,
        timestamp: u32,
        payload_type: Option<u8>,
        payload: &[u8],
        each: &mut impl FnMut(Frame<'_>),
    ) {
        if self.slots.iter().flatten().any(|slot| slot.sequence == sequence) {
            return;
        }
        if self.slots.iter().all(Option::is_some) {
            let follows = self.first_kept().is_some_and(|first| sequence.is_after(first));
            if follows {
                self.skip_gap();
                self.drain(now, each);
            }
            // The packet itself may be what comes first.
            if !follows || self.next.is_some_and(|next| next.sequence == sequence) {
                self.emit(sequence, timestamp, payload_type, payload, each);
                return;
            }
        }
        let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) else { return };
        let mut bytes = [0; LONGEST_PAYLOAD];
        let len = payload.len().min(LONGEST_PAYLOAD);
        bytes[..len].copy_from_slice(&payload[..len]);
        *free = Some(Slot { sequence, timestamp, payload_type, len, payload: bytes });
        if self.give_up.is_none() {
            self.give_up = Some(now + self.wait);
        }
    }

    /// Moves to the first packet that is kept.
    fn skip_gap(&mut self) {
        self.give_up = None;
        if let (Some(first), Some(next)) = (self.first_kept(), &mut self.next) {
            next.sequence = first;
        }
    }

    fn first_kept(&self) -> Option<SequenceNumber> {
        let next = self.next?.sequence;
        let kept = self.slots.iter().flatten().map(|slot| slot.sequence);
        kept.min_by_key(|sequence| sequence.steps_since(next))
    }

    fn drain(&mut self, now: Instant, each: &mut impl FnMut(Frame<'_>)) {
        let mut moved = false;
        while let Some(next) = self.next
            && let Some(place) =
                self.slots.iter().position(|s| s.is_some_and(|slot| slot.sequence == next.sequence))
            && let Some(slot) = self.slots[place].take()
        {
            let payload = &slot.payload[..slot.len];
            self.emit(slot.sequence, slot.timestamp, slot.payload_type, payload, each);
            moved = true;
        }
        if self.slots.iter().all(Option::is_none) {
            self.give_up = None;
        } else if moved || self.give_up.is_none() {
            self.give_up = Some(now + self.wait);
        }
    }

    fn emit(
        &mut self,
        sequence: SequenceNumber,
        timestamp: u32,
        payload_type: Option<u8>,
        payload: &[u8],
        each: &mut impl FnMut(Frame<'_>),
    ) {
        let Some(next) = &mut self.next else { return };
        next.sequence = sequence.plus(1);
        let Some(payload_type) = payload_type else { return };
        let gap = timestamp_steps(timestamp, next.timestamp);
        if !(0..=LONGEST_GAP).contains(&gap) {
            each(Frame::Restart);
        } else if gap > 0 {
            each(Frame::Lost { samples: gap as u32 });
        }
        next.timestamp = timestamp.wrapping_add(payload.len() as u32);
        each(Frame::Audio { payload_type, timestamp, payload });
    }

    fn calm_down(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            self.calm = 0;
            self.wait = (self.wait - self.wait / 10).max(SHORTEST_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stream {
        buffer: JitterBuffer,
        out: String,
    }

    impl Stream {
        fn new() -> Self {
            Stream { buffer: JitterBuffer::default(), out: String::new() }
        }

        /// Packet `n` of 20 ms, whose payload is its number.
        fn push(&mut self, at_ms: u64, n: u16) {
            let payload = [n as u8; 160];
            let out = &mut self.out;
            self.buffer.push(
                Instant::from_millis(at_ms),
                SequenceNumber(n),
                u32::from(n).wrapping_mul(160),
                Some(0),
                &payload,
                &mut |frame| note(out, frame),
            );
        }

        fn expire(&mut self, at_ms: u64) {
            let out = &mut self.out;
            self.buffer.expire(Instant::from_millis(at_ms), &mut |frame| note(out, frame));
        }
    }

    fn note(out: &mut String, frame: Frame<'_>) {
        match frame {
            Frame::Audio { payload, .. } => out.push_str(&format!("{} ", payload[0])),
            Frame::Lost { samples } => out.push_str(&format!("-{samples} ")),
            Frame::Restart => out.push_str("| "),
        }
    }

    #[test]
    fn packets_leave_in_order_whatever_order_they_came_in() {
        for (order, expected, name) in [
            (&[1, 2, 3, 4][..], "| 1 2 3 4 ", "in order"),
            (&[1, 3, 2, 4], "| 1 2 3 4 ", "two swapped"),
            (&[1, 4, 3, 2, 5], "| 1 2 3 4 5 ", "three turned round"),
            (&[1, 2, 2, 3, 3], "| 1 2 3 ", "duplicates"),
            (&[2, 1, 3], "| 2 3 ", "one from before the beginning"),
            (&[1, 2, 900, 901, 902], "| 1 2 | 133 134 ", "a jump"),
            (&[200, 201, 7, 202], "| 200 201 202 ", "a packet that comes seconds late"),
        ] {
            let mut stream = Stream::new();
            for (index, &n) in order.iter().enumerate() {
                stream.push(index as u64 * 5, n);
            }
            assert_eq!(stream.out, expected, "{name}");
        }
    }

    #[test]
    fn a_gap_is_given_up_after_the_wait_and_its_length_is_told() {
        let mut stream = Stream::new();
        stream.push(0, 1);
        stream.push(40, 3);
        assert_eq!(stream.buffer.deadline(), Some(Instant::from_millis(90)));
        stream.expire(89);
        assert_eq!(stream.out, "| 1 ");
        stream.expire(90);
        assert_eq!((stream.out.as_str(), stream.buffer.deadline()), ("| 1 -160 3 ", None));
    }

    #[test]
    fn a_full_buffer_gives_up_its_gap_at_once() {
        let mut stream = Stream::new();
        stream.push(0, 1);
        for n in 3..=11 {
            stream.push(1, n);
        }
        assert_eq!(stream.out, "| 1 -160 3 4 5 6 7 8 9 10 11 ");
    }

    #[test]
    fn a_packet_that_comes_before_all_that_a_full_buffer_keeps_leaves_before_them() {
        let mut stream = Stream::new();
        for n in [1, 4, 5, 6, 7, 8, 9, 10, 11, 3, 12] {
            stream.push(1, n);
        }
        assert_eq!(stream.out, "| 1 -160 3 4 5 6 7 8 9 10 11 12 ");
    }

    #[test]
    fn the_wait_grows_when_packets_come_too_late_and_shrinks_when_they_do_not() {
        let mut stream = Stream::new();
        stream.push(0, 1);
        for n in [3, 5, 7] {
            stream.push(0, n);
            stream.expire(1_000);
            stream.push(1_000, n - 1);
        }
        assert_eq!(stream.buffer.wait, LONGEST_WAIT);
        for n in 8..3_000 {
            stream.push(2_000, n);
        }
        assert_eq!(stream.buffer.wait, SHORTEST_WAIT);
    }

    #[test]
    fn under_loss_disorder_and_duplicates_what_comes_out_is_in_order_and_accounts_for_every_sample() {
        let mut random = crate::ids::Random::from_seed(3);
        let mut buffer = JitterBuffer::default();
        // Packet n leaves at n * 20 ms and takes up to 120 ms; a tenth is lost, a tenth comes twice.
        let mut arrivals: Vec<(u64, u16)> = Vec::new();
        for n in 0..5_000u16 {
            for _ in 0..[0, 1, 1, 1, 1, 1, 1, 1, 1, 2][random.below(10) as usize] {
                arrivals.push((u64::from(n) * 20 + u64::from(random.below(120)), n));
            }
        }
        arrivals.sort_unstable();
        let mut end = None;
        let mut heard = 0;
        let mut each = |frame: Frame<'_>| match frame {
            Frame::Audio { timestamp, payload, .. } => {
                assert!(end.is_none_or(|end| end == timestamp), "{timestamp} after {end:?}");
                end = Some(timestamp + payload.len() as u32);
                heard += 1;
            }
            Frame::Lost { samples } => end = end.map(|end| end + samples),
            Frame::Restart => assert_eq!(end, None, "there is one beginning"),
        };
        for (at, n) in arrivals {
            let now = Instant::from_millis(at);
            buffer.expire(now, &mut each);
            let timestamp = u32::from(n) * 160;
            buffer.push(now, SequenceNumber(n), timestamp, Some(0), &[0; 160], &mut each);
        }
        assert!(heard > 4_300, "{heard} of about 4,500 packets were heard");
    }

    #[test]
    fn packets_without_audio_are_not_missed() {
        let mut stream = Stream::new();
        stream.push(0, 1);
        let out = &mut stream.out;
        let mut silent = |n: u16| {
            stream.buffer.push(Instant::ZERO, SequenceNumber(n), 320, None, &[0; 4], &mut |f| note(out, f));
        };
        silent(2);
        silent(3);
        stream.push(0, 4);
        assert_eq!(stream.out, "| 1 -320 4 ");
    }

    #[test]
    fn numbers_and_timestamps_wrap() {
        let mut buffer = JitterBuffer::default();
        let mut out = String::new();
        for (n, timestamp) in [(65_534, u32::MAX - 159), (0, 160), (65_535, 0), (1, 320)] {
            buffer.push(Instant::ZERO, SequenceNumber(n), timestamp, Some(8), &[n as u8; 160], &mut |f| {
                note(&mut out, f)
            });
        }
        assert_eq!(out, "| 254 255 0 1 ");
    }
}
