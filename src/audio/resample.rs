//! Prompts of any rate and channel count become 8 kHz mono, once, at full quality.

use super::SAMPLE_RATE;
use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};
use std::ops::RangeInclusive;

/// Rates taken: from the lowest of old telephone recordings to twice the highest of studio formats.
pub const RATES: RangeInclusive<u32> = 4_000..=384_000;

/// Why a recording could not be brought to 8 kHz.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    #[error("a rate of {0} Hz is outside {min} to {max} Hz", min = RATES.start(), max = RATES.end())]
    Rate(u32),
    #[error("a recording without channels")]
    NoChannels,
    #[error("the resampler cannot be set up: {0}")]
    SetUp(#[from] rubato::ResamplerConstructionError),
    #[error("the resampler failed: {0}")]
    Failed(#[from] rubato::ResampleError),
}

/// Mixes interleaved samples (±1.0 is full scale) of any channel count down to one channel at 8 kHz.
/// A last frame that lacks channels is left out; what is over full scale is clipped.
pub fn to_8k_mono(interleaved: &[f32], channels: usize, rate: u32) -> Result<Vec<i16>, ResampleError> {
    if channels == 0 {
        return Err(ResampleError::NoChannels);
    }
    let mut stream = To8k::new(rate)?;
    stream.push(interleaved, channels)?;
    stream.finish()
}

/// A recording that becomes 8 kHz mono as it comes: besides the result it holds one block of 100 ms, so that minutes
/// at a high rate take no more memory than what callers hear of them.
pub struct To8k {
    rate: u32,
    /// None where the rate is right already.
    resampler: Option<Fft<f32>>,
    /// What came and makes no whole block yet.
    block: Vec<f32>,
    block_frames: usize,
    /// Samples of the filter's own delay that are still to be left out.
    delay: usize,
    /// Frames that came.
    frames: u64,
    samples: Vec<i16>,
}

impl To8k {
    pub fn new(rate: u32) -> Result<Self, ResampleError> {
        if !RATES.contains(&rate) {
            return Err(ResampleError::Rate(rate));
        }
        let resampler = if rate == SAMPLE_RATE { None } else { Some(resampler(rate)?) };
        let block_frames = resampler.as_ref().map_or(0, Resampler::input_frames_next);
        let delay = resampler.as_ref().map_or(0, Resampler::output_delay);
        let block = Vec::with_capacity(block_frames);
        Ok(To8k { rate, resampler, block, block_frames, delay, frames: 0, samples: Vec::new() })
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes interleaved samples; a last frame that lacks channels is left out.
    pub fn push(&mut self, interleaved: &[f32], channels: usize) -> Result<(), ResampleError> {
        if channels == 0 {
            return Err(ResampleError::NoChannels);
        }
        let share = 1.0 / channels as f32;
        for frame in interleaved.chunks_exact(channels) {
            let sample = frame.iter().sum::<f32>() * share;
            self.frames += 1;
            if self.resampler.is_none() {
                self.samples.push(to_i16(sample));
                continue;
            }
            self.block.push(sample);
            if self.block.len() == self.block_frames {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Samples that come of what was pushed.
    pub fn length(&self) -> u64 {
        (self.frames * u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.rate))
    }

    /// The whole, once nothing more comes.
    pub fn finish(mut self) -> Result<Vec<i16>, ResampleError> {
        let length = self.length() as usize;
        // The filter gives the last of it when silence follows.
        while self.samples.len() < length {
            self.block.resize(self.block_frames, 0.0);
            self.flush()?;
        }
        self.samples.truncate(length);
        Ok(self.samples)
    }

    /// Resamples a whole block.
    fn flush(&mut self) -> Result<(), ResampleError> {
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        let block = std::mem::take(&mut self.block);
        let input =
            InterleavedOwned::new_from(block, 1, self.block_frames).map_err(|_| ResampleError::NoChannels)?;
        let output = resampler.process(&input, None)?.take_data();
        self.block = input.take_data();
        self.block.clear();
        let late = self.delay.min(output.len());
        self.delay -= late;
        self.samples.extend(output.into_iter().skip(late).map(to_i16));
        Ok(())
    }
}

fn resampler(rate: u32) -> Result<Fft<f32>, ResampleError> {
    // Blocks of 100 ms in one piece: shorter ones move the filter's edge down into the voice band
    // (10 dB are lost at 3.4 kHz with the crate's own choice).
    let block = rate as usize / 10;
    let window = WindowFunction::BlackmanHarris2;
    Ok(Fft::new_custom(rate as usize, SAMPLE_RATE as usize, block, 1, 1, window, FixedSync::Input)?)
}

fn to_i16(sample: f32) -> i16 {
    // A cast saturates, and takes what is not a number for 0.
    (sample * 32_767.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hertz: f32, seconds: f32, channels: usize) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .flat_map(|n| {
                let value = 0.5 * (std::f32::consts::TAU * hertz * n as f32 / rate as f32).sin();
                std::iter::repeat_n(value, channels)
            })
            .collect()
    }

    /// Level against the tone that went in, in decibels.
    fn level(samples: &[i16]) -> f32 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let power: f32 = middle.iter().map(|&s| f32::from(s).powi(2)).sum::<f32>() / middle.len() as f32;
        10.0 * (power / (0.5f32 * 32_767.0 / 2.0f32.sqrt()).powi(2)).max(1e-12).log10()
    }

    #[test]
    fn the_voice_band_passes_and_what_would_fold_back_does_not() {
        for (rate, hertz, least, most) in [
            (44_100, 300.0, -0.2, 0.2),
            (44_100, 3_400.0, -0.2, 0.2),
            (44_100, 3_700.0, -0.5, 0.2),
            (44_100, 4_300.0, -200.0, -55.0),
            (44_100, 6_000.0, -200.0, -55.0),
            (48_000, 3_400.0, -0.2, 0.2),
            (16_000, 3_400.0, -0.2, 0.2),
            (22_050, 5_000.0, -200.0, -55.0),
            (11_025, 3_400.0, -0.2, 0.2),
            (6_000, 1_000.0, -0.2, 0.2),
        ] {
            let out = to_8k_mono(&sine(rate, hertz, 1.0, 1), 1, rate).unwrap();
            let got = level(&out);
            assert!((least..=most).contains(&got), "{hertz} Hz at {rate} Hz came out at {got} dB");
        }
    }

    #[test]
    fn duration_is_kept_to_a_sample_and_channels_are_averaged() {
        for (rate, channels) in [(8_000, 2), (44_100, 2), (48_000, 6), (12_345, 1), (44_099, 1)] {
            let out = to_8k_mono(&sine(rate, 400.0, 0.75, channels), channels, rate).unwrap();
            assert!(out.len().abs_diff(6_000) <= 1, "{rate} Hz: {} samples", out.len());
            assert!(level(&out).abs() < 0.3, "{rate} Hz: {} dB", level(&out));
        }
    }

    #[test]
    fn what_comes_in_pieces_sounds_as_it_does_in_one_and_no_more_than_a_block_is_held() {
        for rate in [8_000, 44_100, 44_099, 384_000] {
            let whole = sine(rate, 400.0, 1.3, 2);
            let mut stream = To8k::new(rate).unwrap();
            for piece in whole.chunks(2 * 577) {
                stream.push(piece, 2).unwrap();
                assert!(stream.block.capacity() <= rate as usize / 10, "{rate} Hz");
            }
            assert_eq!(stream.finish().unwrap(), to_8k_mono(&whole, 2, rate).unwrap(), "{rate} Hz");
        }
    }

    #[test]
    fn what_is_no_recording_is_an_error_and_an_empty_one_is_empty() {
        assert!(matches!(to_8k_mono(&[0.0], 0, 8_000), Err(ResampleError::NoChannels)));
        assert!(matches!(to_8k_mono(&[0.0], 1, 0), Err(ResampleError::Rate(0))));
        assert!(matches!(to_8k_mono(&[0.0], 1, 4_000_000), Err(ResampleError::Rate(_))));
        assert_eq!(to_8k_mono(&[], 2, 44_100).unwrap(), [0i16; 0]);
        assert_eq!(to_8k_mono(&[f32::NAN, 9.0, -9.0], 1, 8_000).unwrap(), [0, i16::MAX, i16::MIN]);
    }
}
