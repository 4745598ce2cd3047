//! A piece of audio held in memory at the legs' formats, so that playing it is copying bytes.

use super::{Codec, SAMPLE_RATE};
use std::time::Duration;

/// Decoded once, played by any number of legs.
pub struct Clip {
    pcmu: Box<[u8]>,
    pcma: Box<[u8]>,
}

impl Clip {
    /// From 8 kHz linear samples.
    pub fn from_samples(samples: &[i16]) -> Self {
        let encode = |codec: Codec| samples.iter().map(|&sample| codec.encode(sample)).collect();
        Clip { pcmu: encode(Codec::Pcmu), pcma: encode(Codec::Pcma) }
    }

    /// Samples in the clip; one byte each in either form.
    pub fn len(&self) -> usize {
        self.pcmu.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pcmu.is_empty()
    }

    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.len() as u64 * 1_000_000 / u64::from(SAMPLE_RATE))
    }

    /// The clip in the form that a leg sends.
    pub fn bytes(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_every_sample() {
        let clip = Clip::from_samples(&[0, 1_000, -1_000, i16::MAX, i16::MIN]);
        assert_eq!((clip.len(), clip.duration()), (5, Duration::from_micros(625)));
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let loudest = codec.decode(clip.bytes(codec)[3]);
            assert!(loudest > 31_000, "{codec:?} {loudest}");
        }
    }
}
