//! What came of one source: order, loss, jitter. RFC 3550 appendices A.1, A.3 and A.8.

use super::SequenceNumber;
use super::rtcp::ReportBlock;
use crate::clock::Instant;

/// A jump ahead by fewer numbers than this is loss, by more a restart (RFC 3550 A.1).
const MAX_DROPOUT: i32 = 3_000;
/// A jump back by fewer numbers than this is disorder (RFC 3550 A.1).
const MAX_MISORDER: i32 = 100;

/// Statistics of one synchronisation source. The source is known to be the peer by its address, so the
/// probation of A.1 (two packets in sequence) is not asked for.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    /// The number that the count began with, extended.
    base: u32,
    highest: u32,
    received: u32,
    /// The number that would prove a restart.
    restart: Option<SequenceNumber>,
    expected_before: u32,
    received_before: u32,
    /// Jitter in timestamp units, times 16 (A.8).
    jitter: u32,
    transit: Option<u32>,
}

impl Reception {
    /// Begins with the first packet of a source, which is then to be given to [`Reception::on_packet`].
    pub fn new(ssrc: u32, first: SequenceNumber) -> Self {
        // Starts one cycle up, so that a packet from before the first one has a number too.
        let base = 0x1_0000 + u32::from(first.0);
        Reception {
            ssrc,
            base,
            highest: base.wrapping_sub(1),
            received: 0,
            restart: None,
            expected_before: 0,
            received_before: 0,
            jitter: 0,
            transit: None,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Counts a packet of audio that came at `now`.
    pub fn on_packet(&mut self, now: Instant, sequence: SequenceNumber, timestamp: u32) {
        if self.count(sequence) {
            self.update_jitter(now, timestamp);
        }
    }

    /// Counts a packet of a telephone-event. All of an event bear the timestamp of its begin (RFC 4733 section 2.2), which
    /// says nothing of how evenly they came.
    pub fn on_event(&mut self, sequence: SequenceNumber) {
        self.count(sequence);
    }

    /// False for one that does not count, since it is from elsewhere.
    fn count(&mut self, sequence: SequenceNumber) -> bool {
        let steps = i32::from(sequence.steps_since(SequenceNumber(self.highest as u16)));
        if (1..MAX_DROPOUT).contains(&steps) {
            self.highest = self.highest.wrapping_add(steps as u32);
            self.restart = None;
        } else if !(-MAX_MISORDER..=0).contains(&steps) {
            if self.restart != Some(sequence) {
                self.restart = Some(sequence.plus(1));
                return false;
            }
            // Two in a row from elsewhere: the peer started again. What was lost before stays lost.
            let lost = self.lost();
            let next = (self.highest & 0xFFFF_0000).wrapping_add(0x1_0000) + u32::from(sequence.0);
            self.base = next.wrapping_sub(self.received).wrapping_sub(lost as u32);
            self.highest = next;
            self.restart = None;
            self.transit = None;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    fn update_jitter(&mut self, now: Instant, timestamp: u32) {
        // Arrival in units of the 8 kHz clock.
        let arrival = (now.as_micros() / 125) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit {
            let step = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A step over 10 s is a new timestamp base, not a late packet.
            if step < 80_000 {
                self.jitter = (self.jitter + step).saturating_sub((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    /// Packets lost since the beginning; more came than were expected where it is negative (A.3).
    pub fn lost(&self) -> i64 {
        i64::from(self.expected()) - i64::from(self.received)
    }

    /// Packets that came.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Packets that were sent, as far as their numbers say.
    pub fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    /// Interarrival jitter in microseconds.
    pub fn jitter_us(&self) -> u32 {
        (self.jitter >> 4).saturating_mul(125)
    }

    /// The block for our next report; begins a new interval (A.3). The sender report fields stay zero.
    pub fn report(&mut self) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let expected_now = expected.wrapping_sub(self.expected_before);
        let lost_now = i64::from(expected_now) - i64::from(received.wrapping_sub(self.received_before));
        (self.expected_before, self.received_before) = (expected, received);
        let fraction =
            if expected_now == 0 || lost_now <= 0 { 0 } else { (lost_now << 8) / i64::from(expected_now) };
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: self.highest.wrapping_sub(0x1_0000),
            jitter: self.jitter >> 4,
            last_sender_report: 0,
            delay_since: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(reception: &mut Reception, numbers: &[u16]) {
        for &number in numbers {
            reception.on_packet(Instant::ZERO, SequenceNumber(number), 0);
        }
    }

    #[test]
    fn loss_is_what_the_numbers_leave_out() {
        for (numbers, lost, name) in [
            (&[10, 11, 12][..], 0, "in order"),
            (&[10, 11, 14], 2, "two missing"),
            (&[10, 12, 11], 0, "out of order"),
            (&[10, 10, 11], -1, "a duplicate"),
            (&[65_534, 65_535, 0, 2], 1, "over the wrap"),
            (&[10, 40_000, 11], 0, "one stray number"),
            (&[10, 12, 40_000, 40_001, 40_002], 1, "a restart keeps the loss before it"),
            (&[10, 9, 11], -1, "one from before the first"),
        ] {
            let mut reception = Reception::new(1, SequenceNumber(numbers[0]));
            receive(&mut reception, numbers);
            assert_eq!(reception.lost(), lost, "{name}");
        }
    }

    #[test]
    fn a_report_covers_the_interval_since_the_one_before() {
        let mut reception = Reception::new(7, SequenceNumber(0));
        receive(&mut reception, &[0, 1, 3]);
        let report = reception.report();
        assert_eq!((report.ssrc, report.fraction_lost, report.cumulative_lost), (7, 64, 1));
        assert_eq!(report.highest_sequence, 3);
        receive(&mut reception, &[4, 5]);
        assert_eq!((reception.report().fraction_lost, reception.report().cumulative_lost), (0, 1));
    }

    #[test]
    fn jitter_settles_at_the_mean_difference_of_transit_times() {
        let mut reception = Reception::new(1, SequenceNumber(0));
        // Every other packet comes 4 ms late: each transit differs from the one before by 4 ms.
        for n in 0..400u16 {
            let late = if n % 2 == 1 { 4_000 } else { 0 };
            let at = Instant::from_micros(u64::from(n) * 20_000 + late);
            reception.on_packet(at, SequenceNumber(n), u32::from(n) * 160);
        }
        assert!((3_800..=4_000).contains(&reception.jitter_us()), "{}", reception.jitter_us());
    }
}
