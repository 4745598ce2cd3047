//! A network that loses, delays, reorders and repeats datagrams, SIP and RTP alike.

use cordboard::clock::Instant;
use cordboard::ids::Random;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Network {
    /// Per cent of datagrams that never arrive, each way.
    pub loss: u32,
    /// Per cent that arrive twice.
    pub repeated: u32,
    pub delay_ms: u32,
    /// Up to so much more delay for each datagram by itself: what is sent later may arrive earlier.
    pub jitter_ms: u32,
}

impl Network {
    pub const PERFECT: Network = Network { loss: 0, repeated: 0, delay_ms: 1, jitter_ms: 0 };

    /// Somewhere between a good line and one that loses `loss_max` per cent.
    pub fn some(random: &mut Random, loss_max: u32) -> Self {
        Network {
            loss: random.below(loss_max + 1),
            repeated: random.below(11),
            delay_ms: 1 + random.below(150),
            jitter_ms: [0, 5, 60, 300][random.below(4) as usize],
        }
    }

    pub fn is_lossless(&self) -> bool {
        (self.loss, self.repeated, self.jitter_ms) == (0, 0, 0)
    }

    /// When copies of a datagram that is sent now arrive.
    pub fn arrivals(&self, now: Instant, random: &mut Random) -> impl Iterator<Item = Instant> + use<> {
        let mut one = |arrives: bool| {
            let micros = self.delay_ms * 1_000 + random.below(self.jitter_ms * 1_000 + 1);
            arrives.then(|| now + Duration::from_micros(micros.into()))
        };
        if self.is_lossless() {
            return [one(true), None].into_iter().flatten();
        }
        let first = one(true);
        let second = one(true);
        let arrives = random.below(100) >= self.loss;
        let repeated = random.below(100) < self.repeated;
        [first.filter(|_| arrives), second.filter(|_| arrives && repeated)].into_iter().flatten()
    }
}
