//! An estimate of how people would judge a voice, from what its packets went through: the E-model of ITU-T G.107, cut
//! down to loss and delay, for G.711.

/// The rating of a call without any loss or delay (G.107 with its default values).
const BEST: f32 = 93.2;
/// How well G.711 bears loss where the telephone makes up for it, as nearly all do (G.113 appendix I, with G.711
/// appendix I).
const ROBUSTNESS: f32 = 25.1;
/// From here on delay disturbs a conversation (G.107 section 7.4, simplified), in milliseconds.
const DELAY_FELT_MS: f32 = 177.3;

/// A mean opinion score, 1 to 4.4. `loss_percent` of the packets that were sent; `delay_ms` one way without the jitter
/// buffer, which is taken to hold twice the jitter.
pub fn estimate(loss_percent: f32, delay_ms: f32, jitter_ms: f32) -> f32 {
    let delay = delay_ms.max(0.0) + 2.0 * jitter_ms.max(0.0);
    let loss = loss_percent.clamp(0.0, 100.0);
    let by_delay = 0.024 * delay + 0.11 * (delay - DELAY_FELT_MS).max(0.0);
    let by_loss = 95.0 * loss / (loss + ROBUSTNESS);
    let rating = (BEST - by_delay - by_loss).clamp(0.0, 100.0);
    (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_are_those_of_the_standard_s_table() {
        // R of 93.2, 90, 80, 70, 60 and 50 are 4.41, 4.34, 4.02, 3.60, 3.10 and 2.58 (G.107 annex B).
        for (loss, delay, jitter, expected) in [
            (0.0, 0.0, 0.0, 4.41),
            (0.0, 20.0, 5.0, 4.39),
            (0.0, 300.0, 0.0, 3.77),
            (1.0, 20.0, 0.0, 4.31),
            (5.0, 20.0, 0.0, 3.86),
            (20.0, 20.0, 0.0, 2.57),
            (100.0, 20.0, 0.0, 1.13),
            (0.0, 5_000.0, 0.0, 1.0),
        ] {
            let found = estimate(loss, delay, jitter);
            assert!((found - expected).abs() < 0.06, "{loss} % {delay} ms {jitter} ms: {found}");
        }
    }
}
