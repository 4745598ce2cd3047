//! Whether a sound is heard in a recording, and where: normalised cross-correlation.

/// Of the sound every so many samples are compared at each place, and all of them where that is most alike.
const STRIDE: usize = 3;
/// Around the best place all samples are compared as well, so far to either side.
const AROUND: usize = 2;

/// Where a sound is heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Found {
    /// 1 is the same sound, louder or softer, or with its sign turned round; 0 nothing of it.
    pub likeness: f32,
    /// The sample of the recording at which it begins.
    pub at: usize,
    /// How much louder it is there than it was, in decibels.
    pub gain_db: f32,
}

/// The place in `whole` that is most like `part`; none where either is silent, or `part` the longer one. It takes some
/// ten milliseconds for a second of sound in three: nothing for a thread that carries calls.
pub fn find(part: &[i16], whole: &[i16]) -> Option<Found> {
    let last = whole.len().checked_sub(part.len())?;
    let part: Vec<f32> = part.iter().map(|sample| f32::from(*sample)).collect();
    let whole: Vec<f32> = whole.iter().map(|sample| f32::from(*sample)).collect();
    let score = |place: usize, stride: usize| {
        let mut sums = Sums::default();
        let there = whole.get(place..).unwrap_or_default();
        for (a, b) in part.iter().step_by(stride).zip(there.iter().step_by(stride)) {
            sums.take(*a, *b);
        }
        sums
    };
    let best = |places: std::ops::RangeInclusive<usize>, stride: usize| {
        let scores = places.map(|place| (place, score(place, stride)));
        scores.max_by(|(_, a), (_, b)| a.likeness().total_cmp(&b.likeness()))
    };
    let (near, _) = best(0..=last, STRIDE)?;
    let (at, sums) = best(near.saturating_sub(AROUND)..=(near + AROUND).min(last), 1)?;
    let is_silent = sums.of_part <= 0.0 || sums.of_whole <= 0.0;
    (!is_silent).then(|| Found {
        likeness: sums.likeness(),
        at,
        gain_db: 20.0 * (sums.product.abs() / sums.of_part).max(f32::MIN_POSITIVE).log10(),
    })
}

#[derive(Default)]
struct Sums {
    product: f32,
    of_part: f32,
    of_whole: f32,
}

impl Sums {
    fn take(&mut self, part: f32, whole: f32) {
        self.product += part * whole;
        self.of_part += part * part;
        self.of_whole += whole * whole;
    }

    fn likeness(&self) -> f32 {
        let size = (self.of_part * self.of_whole).sqrt();
        if size > 0.0 { self.product.abs() / size } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Codec, tones};
    use crate::ids::Random;

    /// White noise of that loudness.
    fn noise(count: usize, loudness: u32) -> Vec<i16> {
        let mut random = Random::from_seed(3);
        (0..count).map(|_| (random.below(2 * loudness + 1) as i32 - loudness as i32) as i16).collect()
    }

    #[test]
    fn a_sound_is_found_where_it_is_however_loud_through_codecs_and_noise() {
        let sweep = tones::sweep();
        for (percent, loudness, least) in [(100, 0, 0.99), (25, 50, 0.99), (-50, 50, 0.99), (10, 500, 0.6)] {
            let mut whole = noise(16_000, loudness);
            for (place, sample) in sweep.iter().enumerate() {
                let coded = Codec::Pcma.decode(Codec::Pcma.encode(*sample));
                whole[3_217 + place] += (i32::from(coded) * percent / 100) as i16;
            }
            let found = find(&sweep, &whole).unwrap();
            assert!(found.likeness > least && found.at == 3_217, "{percent}: {found:?}");
            let gain = 20.0 * (percent as f32 / 100.0).abs().log10();
            assert!((found.gain_db - gain).abs() < 0.5, "{percent}: {found:?}");
        }
    }

    #[test]
    fn noise_another_sound_and_silence_are_not_alike() {
        let sweep = tones::sweep();
        for whole in [noise(16_000, 8_000), tones::ringback(), tones::dtmf('5', -10.0, 2_000).unwrap()] {
            let found = find(&sweep, &whole).unwrap();
            assert!(found.likeness < 0.2, "{found:?}");
        }
        assert_eq!(find(&sweep, &vec![0; 16_000]), None);
        assert_eq!(find(&sweep, &sweep[1..]), None);
        assert_eq!(find(&[], &[]), None);
    }
}
