//! Sound as samples: codecs, resampling, tones, in-band digits, likeness, loss concealment. Knows no packets.
//!
//! Everything here is 8 kHz mono unless its name says otherwise; linear samples are `i16`.

pub mod clip;
pub mod codec;
pub mod coding;
pub mod concealment;
pub mod dtmf_detector;
pub mod likeness;
pub mod resample;
pub mod tones;

pub use clip::Clip;
pub use codec::Codec;
pub use coding::Coding;

/// Samples a second of every leg.
pub const SAMPLE_RATE: u32 = 8_000;
