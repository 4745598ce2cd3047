//! The codecs of a leg. G.711 is one byte a sample, so a payload's length is its duration.

use audio_codec_algorithms as g711;

/// A codec that a leg can speak. RFC 3551 section 4.5.14 (G.711).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0.
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
}

impl Codec {
    /// The byte that sounds like nothing.
    pub const fn silence(self) -> u8 {
        match self {
            Codec::Pcmu => 0xFF,
            Codec::Pcma => 0xD5,
        }
    }

    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Codec::Pcmu => g711::decode_ulaw(byte),
            Codec::Pcma => g711::decode_alaw(byte),
        }
    }

    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Codec::Pcmu => g711::encode_ulaw(sample),
            Codec::Pcma => g711::encode_alaw(sample),
        }
    }

    /// Decodes as many bytes as fit in `samples` and says how many did.
    pub fn decode_into(self, bytes: &[u8], samples: &mut [i16]) -> usize {
        let count = bytes.len().min(samples.len());
        for (sample, &byte) in samples.iter_mut().zip(bytes) {
            *sample = self.decode(byte);
        }
        count
    }

    /// Appends `samples` to `bytes` in this codec.
    pub fn encode_onto(self, samples: &[i16], bytes: &mut Vec<u8>) {
        bytes.extend(samples.iter().map(|&sample| self.encode(sample)));
    }

    /// Appends `payload`, which is in this codec, to `bytes` in the codec `to` (G.711, tables 3 and 4).
    pub fn convert_onto(self, to: Codec, payload: &[u8], bytes: &mut Vec<u8>) {
        match (self, to) {
            (Codec::Pcmu, Codec::Pcma) => {
                bytes.extend(payload.iter().map(|&byte| g711::convert_ulaw_to_alaw(byte)));
            }
            (Codec::Pcma, Codec::Pcmu) => {
                bytes.extend(payload.iter().map(|&byte| g711::convert_alaw_to_ulaw(byte)));
            }
            _ => bytes.extend_from_slice(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_decodes_to_nothing_audible() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            assert!(codec.decode(codec.silence()).abs() <= 8, "{codec:?}");
        }
    }

    #[test]
    fn a_sample_survives_each_law_within_its_step() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            for sample in (-32_000..=32_000i32).step_by(37) {
                let back = i32::from(codec.decode(codec.encode(sample as i16)));
                // A step is at most a sixteenth of its segment, which starts at half the sample.
                let step = (sample.abs() / 16).max(16);
                assert!((back - sample).abs() <= step, "{codec:?} {sample} came back as {back}");
            }
        }
    }

    #[test]
    fn going_to_the_other_law_and_back_stays_within_a_step_of_both() {
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            let all: Vec<u8> = (0..=255).collect();
            let (mut there, mut back) = (Vec::new(), Vec::new());
            from.convert_onto(to, &all, &mut there);
            to.convert_onto(from, &there, &mut back);
            for (before, after) in all.iter().zip(&back) {
                let (a, b) = (i32::from(from.decode(*before)), i32::from(from.decode(*after)));
                assert!((a - b).abs() <= (a.abs() / 10).max(16), "{from:?} {a} became {b}");
            }
        }
    }
}
