//! How audio is coded on the wire. The engine itself works with G.711: what is coded otherwise becomes that where it has
//! to be understood (keys, another coding at the other end, prompts), and is passed on as it came where it has not.

use super::Codec;
use audio_codec::g722::{Bitrate, G722Decoder, G722Encoder};
use audio_codec::g729::{G729Decoder, G729Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use ropus::{Application, Channels, DecodeMode};

/// A coding that a leg can speak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Coding {
    /// G.711.
    Law(Codec),
    /// G.722 at 64 kbit/s, whose RTP clock is 8 kHz for a reason of history (RFC 3551 section 4.5.2).
    G722,
    /// G.729 without silence suppression (annex B off); its SID frames are read as silence.
    G729,
    /// Opus (RFC 6716, RFC 7587).
    Opus,
}

/// Samples of the longest packet that is understood: 120 ms, the longest of Opus.
pub const LONGEST_PACKET: usize = 960;
/// Bytes of a G.729 frame of 10 ms, and of one that tells of silence (SID).
const G729_FRAME: usize = 10;
const G729_SID: usize = 2;
/// Samples of a G.729 frame.
const G729_SAMPLES: usize = 80;
/// Half of what takes most: speech of 8 kHz sounds the same, for a third of the time (`docs/bench.md`).
const OPUS_COMPLEXITY: u8 = 3;
/// Most bytes that a coder makes of one packet: Opus has none longer than 1,275 (RFC 6716 section 3.4).
const LONGEST_CODED: usize = 1_280;

impl Coding {
    pub const PCMU: Coding = Coding::Law(Codec::Pcmu);
    pub const PCMA: Coding = Coding::Law(Codec::Pcma);

    /// What the engine works with.
    pub fn law(self) -> Codec {
        match self {
            Coding::Law(codec) => codec,
            Coding::G722 | Coding::G729 | Coding::Opus => Codec::Pcmu,
        }
    }

    pub fn is_law(self) -> bool {
        matches!(self, Coding::Law(_))
    }

    /// Steps of the RTP clock for each of 8 kHz.
    pub fn clock_scale(self) -> u32 {
        if self == Coding::Opus { 6 } else { 1 }
    }

    /// The longest packet time not above that which a packet can have, in milliseconds.
    pub fn packet_time_ms(self, wanted: u8) -> u8 {
        match (self, wanted) {
            // RFC 6716 section 2.1.4 has no frames of 30 and 50 ms.
            (Coding::Opus, 30) => 20,
            (Coding::Opus, 50) => 40,
            _ => wanted,
        }
    }

    /// How many samples of 8 kHz a payload holds; none where no coder makes such a one.
    pub fn samples(self, payload: &[u8]) -> Option<usize> {
        let samples = match self {
            Coding::Law(_) => return Some(payload.len()).filter(|samples| *samples > 0),
            Coding::G722 => payload.len(),
            Coding::G729 => {
                let whole = payload.len() / G729_FRAME * G729_SAMPLES;
                match payload.len() % G729_FRAME {
                    0 => whole,
                    G729_SID => whole + G729_SAMPLES,
                    _ => return None,
                }
            }
            Coding::Opus => opus_samples(payload)?,
        };
        (1..=LONGEST_PACKET).contains(&samples).then_some(samples)
    }
}

/// RFC 6716 sections 3.1 and 3.2: the configuration says how long a frame is, the code how many there are.
fn opus_samples(payload: &[u8]) -> Option<usize> {
    let (&first, rest) = payload.split_first()?;
    let configuration = first >> 3;
    let frame = match (configuration, configuration & 3) {
        (0..=11, 0) => 80,
        (0..=11, 1) => 160,
        (0..=11, 2) => 320,
        (0..=11, _) => 480,
        (12..=15, n) => 80 << (n & 1),
        (_, n) => 20 << n,
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(rest.first()? & 0x3F),
    };
    Some(frame * frames)
}

/// What was heard in another coding, as G.711 (µ-law).
pub struct Decoder {
    kind: DecoderKind,
    samples: Box<[i16; LONGEST_PACKET]>,
}

enum DecoderKind {
    G722(Box<G722Decoder>),
    G729(Box<G729Decoder>),
    Opus(Box<ropus::Decoder>),
}

impl Decoder {
    /// None for G.711, which needs none.
    pub fn new(coding: Coding) -> Option<Self> {
        let kind = match coding {
            Coding::Law(_) => return None,
            // The lower half of its band is all that the engine has: 8 kHz, without a filter in between.
            Coding::G722 => {
                DecoderKind::G722(Box::new(G722Decoder::with_options(Bitrate::Mode1_64000, false, true)))
            }
            Coding::G729 => DecoderKind::G729(Box::new(G729Decoder::new())),
            Coding::Opus => DecoderKind::Opus(Box::new(ropus::Decoder::new(8_000, Channels::Mono).ok()?)),
        };
        Some(Decoder { kind, samples: Box::new([0; LONGEST_PACKET]) })
    }

    pub fn coding(&self) -> Coding {
        match self.kind {
            DecoderKind::G722(_) => Coding::G722,
            DecoderKind::G729(_) => Coding::G729,
            DecoderKind::Opus(_) => Coding::Opus,
        }
    }

    /// Puts a payload into `bytes` as µ-law. False where it cannot be understood; then nothing is put there.
    pub fn decode(&mut self, payload: &[u8], bytes: &mut Vec<u8>) -> bool {
        let Some(expected) = self.coding().samples(payload) else { return false };
        let samples = &mut self.samples[..];
        let count = match &mut self.kind {
            DecoderKind::G722(decoder) => decoder.decode_into(payload, samples).ok(),
            DecoderKind::G729(decoder) => {
                let speech = payload.len() / G729_FRAME * G729_FRAME;
                let count = decoder.decode_into(payload.get(..speech).unwrap_or_default(), samples).ok();
                // What a SID frame tells of is silence here.
                if let Some(silence) = samples.get_mut(count.unwrap_or(0)..expected) {
                    silence.fill(0);
                }
                count.map(|_| expected)
            }
            DecoderKind::Opus(decoder) => decoder.decode(payload, samples, DecodeMode::Normal).ok(),
        };
        let Some(heard) = count.and_then(|count| samples.get(..count)).filter(|heard| !heard.is_empty())
        else {
            return false;
        };
        Codec::Pcmu.encode_onto(heard, bytes);
        true
    }
}

/// What is to be said in another coding.
pub struct Encoder {
    kind: EncoderKind,
    samples: Box<[i16; LONGEST_PACKET]>,
    coded: Box<[u8; LONGEST_CODED]>,
    /// What is about to be encoded.
    written: Vec<u8>,
}

enum EncoderKind {
    G722(Box<(Doubler, G722Encoder)>),
    G729(Box<G729Encoder>),
    Opus(Box<ropus::Encoder>),
}

/// 8 kHz to 16 kHz: what lies between two samples comes of the twelve around it.
struct Doubler {
    /// The oldest first.
    last: [f32; DOUBLER_TAPS],
    weights: [f32; DOUBLER_TAPS],
}

const DOUBLER_TAPS: usize = 12;

impl Doubler {
    fn new() -> Self {
        // A sinc half a sample off, under a Hann window.
        let weight = |tap: usize| {
            let at = tap as f32 - (DOUBLER_TAPS as f32 - 1.0) / 2.0;
            let sinc = (std::f32::consts::PI * at).sin() / (std::f32::consts::PI * at);
            sinc * (std::f32::consts::PI * at / DOUBLER_TAPS as f32).cos().powi(2)
        };
        Doubler { last: [0.0; DOUBLER_TAPS], weights: std::array::from_fn(weight) }
    }

    /// Two samples for one, six samples later.
    fn double(&mut self, sample: i16) -> [i16; 2] {
        self.last.rotate_left(1);
        self.last[DOUBLER_TAPS - 1] = f32::from(sample);
        let between: f32 = self.last.iter().zip(&self.weights).map(|(sample, weight)| sample * weight).sum();
        [self.last[DOUBLER_TAPS / 2 - 1] as i16, between as i16]
    }
}

impl Encoder {
    /// None for G.711, which needs none.
    pub fn new(coding: Coding) -> Option<Self> {
        let kind = match coding {
            Coding::Law(_) => return None,
            Coding::G722 => EncoderKind::G722(Box::new((Doubler::new(), G722Encoder::new()))),
            Coding::G729 => EncoderKind::G729(Box::new(G729Encoder::new())),
            Coding::Opus => {
                let builder = ropus::Encoder::builder(8_000, Channels::Mono, Application::Voip);
                EncoderKind::Opus(Box::new(builder.complexity(OPUS_COMPLEXITY).build().ok()?))
            }
        };
        let (samples, coded) = (Box::new([0; LONGEST_PACKET]), Box::new([0; LONGEST_CODED]));
        Some(Encoder { kind, samples, coded, written: Vec::with_capacity(LONGEST_PACKET) })
    }

    pub fn coding(&self) -> Coding {
        match self.kind {
            EncoderKind::G722(_) => Coding::G722,
            EncoderKind::G729(_) => Coding::G729,
            EncoderKind::Opus(_) => Coding::Opus,
        }
    }

    /// Appends what `write` puts down in that law to `bytes`.
    pub fn encode_own(&mut self, law: Codec, bytes: &mut Vec<u8>, write: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut written = std::mem::take(&mut self.written);
        written.clear();
        write(&mut written);
        self.encode(law, &written, bytes);
        self.written = written;
    }

    /// Appends what is in `payload`, in that law, to `bytes`. A length that no frame has becomes nothing.
    pub fn encode(&mut self, law: Codec, payload: &[u8], bytes: &mut Vec<u8>) {
        let count = law.decode_into(payload, &mut self.samples[..]);
        let samples = self.samples.get(..count).unwrap_or_default();
        let coded = &mut self.coded[..];
        let len = match &mut self.kind {
            EncoderKind::G722(parts) => {
                let (doubler, encoder) = &mut **parts;
                for (sample, place) in samples.iter().zip(coded.iter_mut()) {
                    // Two samples are one byte.
                    let _ = encoder.encode_into(&doubler.double(*sample), std::slice::from_mut(place));
                }
                Some(samples.len())
            }
            EncoderKind::G729(encoder) => encoder.encode_into(samples, coded).ok(),
            EncoderKind::Opus(encoder) => encoder.encode(samples, coded).ok(),
        };
        bytes.extend_from_slice(len.and_then(|len| coded.get(..len)).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 3] = [Coding::G722, Coding::G729, Coding::Opus];

    /// A voice: pulses of 108 to 132 a second through two formants, under a slow envelope.
    fn voice(count: usize) -> Vec<i16> {
        let (mut phase, mut formants) =
            (0.0f32, [(600.0f32, 80.0f32, [0.0f32; 2]), (1_400.0, 120.0, [0.0; 2])]);
        let mut sample = |n: usize| {
            let t = n as f32 / 8_000.0;
            phase += (120.0 + 12.0 * (5.0 * t).sin()) / 8_000.0;
            let mut level = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            for (frequency, width, [last, before]) in &mut formants {
                let radius = (-std::f32::consts::PI * *width / 8_000.0).exp();
                let turn = (std::f32::consts::TAU * *frequency / 8_000.0).cos();
                let rung = level + 2.0 * radius * turn * *last - radius * radius * *before;
                (*before, *last) = (*last, rung);
                level = rung;
            }
            (level * 2_500.0 * (0.6 + 0.4 * (9.0 * t).sin())) as i16
        };
        (0..count).map(&mut sample).collect()
    }

    /// The highest correlation over a delay of up to 30 ms.
    fn likeness(a: &[i16], b: &[i16]) -> f64 {
        let at = |delay: usize| {
            let pairs = || a.iter().zip(&b[delay..]).map(|(a, b)| (f64::from(*a), f64::from(*b)));
            let product: f64 = pairs().map(|(a, b)| a * b).sum();
            let (energy_a, energy_b): (f64, f64) =
                (pairs().map(|p| p.0 * p.0).sum(), pairs().map(|p| p.1 * p.1).sum());
            product / (energy_a * energy_b).sqrt()
        };
        (0..240).map(at).fold(f64::MIN, f64::max)
    }

    #[test]
    fn speech_survives_each_coding_in_packets_of_every_time() {
        let spoken = voice(16_000);
        for coding in ALL {
            for packet in [80, 160, 320, 480] {
                let (mut encoder, mut decoder) =
                    (Encoder::new(coding).unwrap(), Decoder::new(coding).unwrap());
                let mut heard = Vec::new();
                for samples in spoken.chunks_exact(packet) {
                    let (mut law, mut coded, mut back) = (Vec::new(), Vec::new(), Vec::new());
                    Codec::Pcmu.encode_onto(samples, &mut law);
                    encoder.encode(Codec::Pcmu, &law, &mut coded);
                    assert_eq!(coding.samples(&coded), Some(packet), "{coding:?}");
                    assert!(decoder.decode(&coded, &mut back), "{coding:?}");
                    assert_eq!(back.len(), packet, "{coding:?}");
                    heard.extend(back.iter().map(|byte| Codec::Pcmu.decode(*byte)));
                }
                let likeness = likeness(&spoken[..12_000], &heard);
                assert!(likeness > 0.8, "{coding:?} at {packet}: {likeness}");
            }
        }
    }

    #[test]
    fn the_length_of_a_packet_is_told_by_its_first_bytes() {
        for (coding, payload, samples) in [
            (Coding::PCMU, vec![0; 160], Some(160)),
            (Coding::G722, vec![0; 160], Some(160)),
            (Coding::G729, vec![0; 20], Some(160)),
            (Coding::G729, vec![0; 12], Some(160)),
            (Coding::G729, vec![0; 13], None),
            (Coding::Opus, vec![0x08], Some(160)),
            (Coding::Opus, vec![0x18], Some(480)),
            (Coding::Opus, vec![0x78], Some(160)),
            (Coding::Opus, vec![0xF9], Some(320)),
            (Coding::Opus, vec![0xFB, 0x03], Some(480)),
            (Coding::Opus, vec![0x1B, 0x3F], None),
            (Coding::Opus, vec![0x1B], None),
            (Coding::Opus, vec![], None),
            (Coding::PCMA, vec![], None),
        ] {
            assert_eq!(coding.samples(&payload), samples, "{coding:?} {payload:?}");
        }
    }

    #[test]
    fn whatever_comes_is_decoded_to_what_its_length_says_or_refused() {
        let mut random = crate::ids::Random::from_seed(7);
        for coding in ALL {
            let mut decoder = Decoder::new(coding).unwrap();
            for _ in 0..20_000 {
                let payload: Vec<u8> = (0..random.below(180)).map(|_| random.below(256) as u8).collect();
                let mut bytes = Vec::new();
                let understood = decoder.decode(&payload, &mut bytes);
                assert_eq!(understood, !bytes.is_empty(), "{coding:?}");
                assert!(bytes.len() <= LONGEST_PACKET);
                assert!(
                    bytes.is_empty() || Some(bytes.len()) == coding.samples(&payload),
                    "{coding:?} {payload:?}"
                );
            }
        }
    }
}
