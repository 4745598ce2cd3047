//! How a leg's audio is at this moment, looked at once a second beside the path of packets: what is told when it turns
//! bad or good again, and the figures for whoever asks.

use super::leg::Leg;
use super::{Event, Output, Statistics, Unsecured};
use crate::clock::Instant;
use std::net::SocketAddr;
use std::time::Duration;

/// How often a leg is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks that loss is counted over: long enough for a share of some hundred packets.
const LOOKS: usize = 5;
/// Nobody pauses a stream of packets for so long; people wait that long before they say "hello?".
const SILENT: Duration = Duration::from_secs(3);
/// A share of lost packets from which on words are lost, whatever a telephone makes up; and the one at which it is good
/// again, lower so that nothing flickers.
const LOSS_BAD: u8 = 5;
const LOSS_GOOD: u8 = 3;
/// More than a usual jitter buffer of 40 to 60 ms evens out; and good again.
const JITTER_BAD_MS: u16 = 50;
const JITTER_GOOD_MS: u16 = 30;
/// Packets that cannot be used, in the time of the looks: a stream in another codec has some hundred, a stray one is none.
const UNUSABLE_BAD: u32 = 25;

/// What is wrong with a leg's audio, and how much when it was told.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Condition {
    /// No audio was taken since then, for three seconds at least, while the peer may send.
    pub silent_since: Option<Instant>,
    /// Audio came before.
    pub was_heard: bool,
    /// In place of it packets came from there in the last seconds, and were refused.
    pub refused: Option<SocketAddr>,
    /// Percent of the last seconds' packets that were lost on the way to us; 0 where it is no trouble.
    pub loss: u8,
    /// Milliseconds; 0 where it is no trouble.
    pub jitter_ms: u16,
    /// Percent of our packets that the peer says it lost; 0 where it is no trouble.
    pub loss_there: u8,
    /// Packets that are no audio in a codec that was agreed come all the time.
    pub is_unusable: bool,
    /// No keys, without which nothing is sent and nothing is taken.
    pub unsecured: Option<Unsecured>,
}

impl Condition {
    /// Whether it is the same trouble, however large.
    fn is_like(&self, other: &Condition) -> bool {
        let kinds = |c: &Condition| {
            (
                c.silent_since.is_some(),
                c.refused,
                c.loss > 0,
                c.jitter_ms > 0,
                c.loss_there > 0,
                c.is_unusable,
                c.unsecured,
            )
        };
        kinds(self) == kinds(other)
    }
}

/// All that is known of a leg's audio now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figures {
    pub statistics: Statistics,
    /// RTP with its headers.
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Where the peer's SDP says it is, and where its packets are taken from.
    pub sdp: SocketAddr,
    pub source: SocketAddr,
    /// Since the last packet of audio; `None` where none came.
    pub since_last: Option<Duration>,
    /// Percent of the last five seconds' packets that were lost on the way to us.
    pub loss_percent: f32,
    /// Percent that the peer's last report says was lost on the way there.
    pub loss_there_percent: f32,
    pub condition: Condition,
    /// Milliseconds of audio in a packet that we send.
    pub ptime_ms: u8,
}

impl Figures {
    /// An estimate of what people would say of what comes to us, 1 to 4.4; none where nothing comes.
    pub fn opinion(&self) -> Option<f32> {
        let since = self.since_last?;
        (since < SILENT).then(|| self.statistics.opinion(self.loss_percent, self.ptime_ms))
    }
}

/// What a leg remembers between two looks.
#[derive(Debug)]
pub struct Watch {
    next: Instant,
    /// Expected, received and unusable packets at the last looks, the oldest at `oldest`.
    looks: [(u32, u32, u32); LOOKS],
    oldest: usize,
    /// Since when audio could be there.
    pub since: Instant,
    pub last_audio: Option<Instant>,
    /// Who was refused last, and when.
    pub refused: Option<(SocketAddr, Instant)>,
    /// The peer's last report: lost since the one before, in 256ths.
    pub fraction_lost_there: u8,
    pub bytes_received: u64,
    told: Condition,
}

impl Watch {
    pub fn new(now: Instant) -> Self {
        Watch {
            next: now + LOOK_EVERY,
            looks: [(0, 0, 0); LOOKS],
            oldest: 0,
            since: now,
            last_audio: None,
            refused: None,
            fraction_lost_there: 0,
            bytes_received: 0,
            told: Condition::default(),
        }
    }

    /// Audio, or another stream of it, is awaited from now on.
    pub fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    fn heard_last(&self) -> Instant {
        self.last_audio.map_or(self.since, |at| at.max(self.since))
    }

    fn loss_there_percent(&self) -> f32 {
        f32::from(self.fraction_lost_there) * 100.0 / 256.0
    }
}

impl Leg {
    /// Looks at the leg where it is time to, and tells what changed.
    pub fn look(&mut self, now: Instant, out: &mut Output) {
        if now < self.watch.next {
            return;
        }
        self.watch.next = now + LOOK_EVERY;
        let condition = self.condition(now);
        let here = self.count();
        if let Some(place) = self.watch.looks.get_mut(self.watch.oldest) {
            *place = here;
        }
        self.watch.oldest = (self.watch.oldest + 1) % LOOKS;
        if !condition.is_like(&self.watch.told) {
            out.events.push(Event::Condition { leg: self.id, condition });
        }
        self.watch.told = condition;
    }

    pub fn figures(&self, now: Instant) -> Figures {
        Figures {
            statistics: self.statistics(),
            bytes_received: self.watch.bytes_received,
            bytes_sent: self.sender.bytes(),
            sdp: self.config.remote_rtp,
            source: self.rtp_source.current(),
            since_last: self.watch.last_audio.map(|at| now.since(at)),
            loss_percent: self.loss_percent(),
            loss_there_percent: self.watch.loss_there_percent(),
            condition: self.condition(now),
            ptime_ms: self.config.ptime_ms,
        }
    }

    fn condition(&self, now: Instant) -> Condition {
        let (watch, told) = (&self.watch, &self.watch.told);
        let heard_last = watch.heard_last();
        // Whoever wants to hear nothing has put us on hold: with music or without, whatever its SDP says.
        let is_awaited = self.config.receive_enabled && self.config.send;
        let is_silent = is_awaited && now.since(heard_last) >= SILENT;
        let percent = |percent: f32, was: u8| {
            let percent = percent.round().clamp(0.0, 100.0) as u8;
            let is_bad = percent >= LOSS_BAD || (was > 0 && percent > LOSS_GOOD);
            if is_bad { percent } else { 0 }
        };
        let jitter_ms = u16::try_from(self.statistics().jitter_us / 1_000).unwrap_or(u16::MAX);
        let is_jittery = jitter_ms >= JITTER_BAD_MS || (told.jitter_ms > 0 && jitter_ms > JITTER_GOOD_MS);
        let unusable = self.count().2.saturating_sub(self.oldest_look().2);
        Condition {
            silent_since: is_silent.then_some(heard_last),
            was_heard: watch.last_audio.is_some(),
            refused: watch
                .refused
                .filter(|(_, at)| is_silent && now.since(*at) < SILENT)
                .map(|(from, _)| from),
            // Of a stream that stands still there is nothing to say but that.
            loss: if is_silent { 0 } else { percent(self.loss_percent(), told.loss) },
            jitter_ms: if is_jittery && !is_silent { jitter_ms } else { 0 },
            loss_there: percent(watch.loss_there_percent(), told.loss_there),
            is_unusable: unusable >= UNUSABLE_BAD,
            unsecured: self.handshake.as_ref().and_then(|handshake| handshake.trouble(now)),
        }
    }

    fn count(&self) -> (u32, u32, u32) {
        let (expected, received) = self.reception.as_ref().map_or((0, 0), |r| (r.expected(), r.received()));
        (expected, received, self.totals.packets_bad as u32)
    }

    fn oldest_look(&self) -> (u32, u32, u32) {
        self.watch.looks.get(self.watch.oldest).copied().unwrap_or_default()
    }

    fn loss_percent(&self) -> f32 {
        let (now, before) = (self.count(), self.oldest_look());
        let expected = now.0.wrapping_sub(before.0);
        let received = now.1.wrapping_sub(before.1);
        // Another stream began meanwhile: its count is told from the next looks on.
        if now.0 < before.0 || now.1 < before.1 || expected == 0 {
            return 0.0;
        }
        expected.saturating_sub(received) as f32 * 100.0 / expected as f32
    }
}
