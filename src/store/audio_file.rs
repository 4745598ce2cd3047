//! Prompt files of any usual format, decoded to 8 kHz once when they are loaded.

use super::cut_off::{self, Missing};
use crate::audio;
use crate::audio::resample::To8k;
use std::io::Cursor;
use std::time::Duration;
use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// Endings of the files that are taken for prompts.
pub const EXTENSIONS: [&str; 7] = ["wav", "mp3", "ogg", "oga", "flac", "m4a", "mp4"];
/// A prompt of an hour is a mistake, and would take 60 MB of memory.
const LENGTH_MAX: Duration = Duration::from_secs(3_600);
/// As many as 7.1 surround has; more are no recording of a voice.
const CHANNELS_MAX: usize = 8;
/// An hour of CD audio in WAV has 635 MB; compressed prompts stay far below this.
pub const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why a file is no prompt.
#[derive(Debug, thiserror::Error)]
pub enum AudioFileError {
    #[error("no sound format that is known: wav, mp3, ogg, flac, m4a")]
    Format,
    #[error("the file is cut off: its header says {announced:.1} s, there are {there:.1} s")]
    CutOff {
        /// Seconds.
        announced: f64,
        there: f64,
    },
    #[error("the file has no audio track")]
    NoTrack,
    #[error("the audio is in a codec that is not known here: {0}")]
    Codec(String),
    #[error("the audio is broken: {0}")]
    Broken(String),
    #[error("the file holds no sound")]
    Empty,
    #[error("the audio is longer than {0} s")]
    TooLong(u64),
    #[error("the audio has {0} channels; at most {CHANNELS_MAX} are taken")]
    Channels(usize),
    #[error("the audio cannot be brought to 8 kHz: {0}")]
    Resample(#[from] audio::resample::ResampleError),
}

/// What a file holds.
pub struct Decoded {
    /// At 8 kHz.
    pub samples: Vec<i16>,
    /// Of the file, in Hz.
    pub rate: u32,
}

/// Decodes a whole file to 8 kHz mono.
pub fn decode(bytes: Vec<u8>, extension: &str) -> Result<Vec<i16>, AudioFileError> {
    Ok(read(&bytes, extension, LENGTH_MAX)?.samples)
}

/// The same of a file that was taken before: one that is cut off is played as far as it goes.
pub fn decode_kept(bytes: &[u8], extension: &str) -> Result<Vec<i16>, AudioFileError> {
    Ok(read_all(bytes, extension, LENGTH_MAX)?.0.samples)
}

/// Decodes a file that lasts no longer than `length_max`, and says how it was recorded. What is wrong with it shows at
/// the first packet that says so: a small file may stand for gigabytes of sound.
pub fn read(bytes: &[u8], extension: &str, length_max: Duration) -> Result<Decoded, AudioFileError> {
    match read_all(bytes, extension, length_max)? {
        (_, Some(Missing { announced, there })) => Err(AudioFileError::CutOff { announced, there }),
        (decoded, None) => Ok(decoded),
    }
}

/// What a file holds, and what is missing of it.
fn read_all(
    bytes: &[u8],
    extension: &str,
    length_max: Duration,
) -> Result<(Decoded, Option<Missing>), AudioFileError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| {
            tracing::debug!(%error, "a file is no sound");
            AudioFileError::Format
        })?;
    let track = format.default_track(TrackType::Audio).ok_or(AudioFileError::NoTrack)?;
    let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or(AudioFileError::NoTrack)?;
    check(parameters.sample_rate, parameters.channels.as_ref().map(Channels::count))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|e| AudioFileError::Codec(e.to_string()))?;
    let track_id = track.id;
    let seconds = |frames: u64| parameters.sample_rate.map(|rate| frames as f64 / f64::from(rate));
    let announced = track.num_frames.and_then(seconds);
    let mut spoilt = 0;
    let (mut sound, mut interleaved) = (Sound::new(length_max), Vec::<f32>::new());
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => packet,
            Ok(Some(_)) => continue,
            Ok(None) | Err(Symphonia::ResetRequired) => break,
            // A file that was cut off: what came before is used.
            Err(Symphonia::IoError(_)) if !sound.is_empty() => break,
            Err(error) => return Err(AudioFileError::Broken(error.to_string())),
        };
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => {
                spoilt += packet.dur.get();
                continue;
            }
            Err(error) => return Err(AudioFileError::Broken(error.to_string())),
        };
        let (rate, channels) = (decoded.spec().rate(), decoded.num_planes().max(1));
        check(Some(rate), Some(channels))?;
        decoded.copy_to_vec_interleaved(&mut interleaved);
        sound.push(&interleaved, channels, rate)?;
    }
    let decoded = sound.finish()?;
    // Packets that cannot be decoded are there all the same.
    let there =
        decoded.samples.len() as f64 / f64::from(audio::SAMPLE_RATE) + track_seconds(spoilt, decoded.rate);
    let missing = cut_off::wav(bytes).or_else(|| cut_off::other(bytes, announced?, there));
    Ok((decoded, missing))
}

fn track_seconds(frames: u64, rate: u32) -> f64 {
    frames as f64 / f64::from(rate.max(1))
}

/// Whether a recording is of a kind that is taken, as far as is known.
fn check(rate: Option<u32>, channels: Option<usize>) -> Result<(), AudioFileError> {
    if let Some(rate) = rate.filter(|rate| !audio::resample::RATES.contains(rate)) {
        return Err(audio::resample::ResampleError::Rate(rate).into());
    }
    match channels {
        Some(channels) if channels > CHANNELS_MAX => Err(AudioFileError::Channels(channels)),
        _ => Ok(()),
    }
}

/// What was decoded so far, at 8 kHz.
struct Sound {
    samples_max: u64,
    samples: Vec<i16>,
    stream: Option<To8k>,
}

impl Sound {
    fn new(length_max: Duration) -> Self {
        let samples_max = length_max.as_secs() * u64::from(audio::SAMPLE_RATE);
        Sound { samples_max, samples: Vec::new(), stream: None }
    }

    fn is_empty(&self) -> bool {
        self.length() == 0
    }

    fn length(&self) -> u64 {
        self.samples.len() as u64 + self.stream.as_ref().map_or(0, To8k::length)
    }

    fn push(&mut self, interleaved: &[f32], channels: usize, rate: u32) -> Result<(), AudioFileError> {
        let stream = match self.stream.take() {
            Some(stream) if stream.rate() == rate => stream,
            // Recordings that were put one behind the other may change their rate.
            old => {
                self.end(old)?;
                To8k::new(rate)?
            }
        };
        self.stream.insert(stream).push(interleaved, channels)?;
        if self.length() > self.samples_max {
            return Err(AudioFileError::TooLong(self.samples_max / u64::from(audio::SAMPLE_RATE)));
        }
        Ok(())
    }

    fn end(&mut self, stream: Option<To8k>) -> Result<(), AudioFileError> {
        let Some(stream) = stream else { return Ok(()) };
        let samples = stream.finish()?;
        if self.samples.is_empty() {
            // Not copied: it is all there is, but for the rarest of files.
            self.samples = samples;
        } else {
            self.samples.extend(samples);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Decoded, AudioFileError> {
        let stream = self.stream.take().ok_or(AudioFileError::Empty)?;
        let rate = stream.rate();
        self.end(Some(stream))?;
        if self.samples.is_empty() {
            return Err(AudioFileError::Empty);
        }
        self.samples.shrink_to_fit();
        Ok(Decoded { samples: self.samples, rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of one frame of `silent_flac`, the most that a frame has.
    const FRAME: u32 = 65_535;

    fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), |crc, _| {
                let carry = crc >> (bits - 1) & 1;
                ((crc << 1) ^ (carry * polynomial)) & ((1 << bits) - 1)
            })
        })
    }

    /// A FLAC file of silence: some 15 bytes for each 65,535 samples.
    fn silent_flac(rate: u32, channels: u8, frames: u32) -> Vec<u8> {
        let mut file = b"fLaC\x80\0\0\x22".to_vec();
        file.extend_from_slice(&[0xff; 4]);
        file.extend_from_slice(&[0; 6]);
        let samples = u64::from(FRAME) * u64::from(frames);
        let numbers = u64::from(rate) << 44 | u64::from(channels - 1) << 41 | 15 << 36 | samples;
        file.extend_from_slice(&numbers.to_be_bytes());
        file.extend_from_slice(&[0; 16]);
        for number in 0..frames {
            let mut frame = vec![0xff, 0xf8, 0x70, (channels - 1) << 4 | 0x08];
            let number = char::from_u32(number).unwrap_or_else(|| panic!("{number} has another form"));
            frame.extend_from_slice(number.encode_utf8(&mut [0; 4]).as_bytes());
            frame.extend_from_slice(&(FRAME as u16 - 1).to_be_bytes());
            frame.push(crc(&frame, 0x07, 8) as u8);
            // A constant for each channel.
            (0..channels).for_each(|_| frame.extend_from_slice(&[0, 0, 0]));
            frame.extend_from_slice(&(crc(&frame, 0x8005, 16) as u16).to_be_bytes());
            file.extend_from_slice(&frame);
        }
        file
    }

    #[test]
    fn a_small_file_that_stands_for_minutes_is_decoded_to_what_callers_hear() {
        let file = silent_flac(384_000, 1, 352);
        assert!(file.len() < 6_000, "{} bytes", file.len());
        let decoded = read(&file, "flac", LENGTH_MAX).unwrap();
        let expected = (u64::from(FRAME) * 352).div_ceil(48) as usize;
        assert_eq!((decoded.samples.len(), decoded.rate), (expected, 384_000));
        assert!(decoded.samples.capacity() < expected + 8_000);
    }

    #[test]
    fn decoding_ends_where_a_file_becomes_too_long() {
        // Days of sound, which would take minutes to decode.
        let file = silent_flac(8_000, 2, 50_000);
        let error = read(&file, "flac", Duration::from_secs(10)).err().unwrap();
        assert!(matches!(error, AudioFileError::TooLong(10)), "{error}");
        assert_eq!(error.to_string(), "the audio is longer than 10 s");
    }

    #[test]
    fn a_rate_or_channels_that_are_not_taken_are_told_before_anything_is_decoded() {
        let error = read(&silent_flac(500_000, 1, 1), "flac", LENGTH_MAX).err().unwrap();
        assert!(error.to_string().contains("a rate of 500000 Hz is outside"), "{error}");
        assert!(matches!(check(Some(8_000), Some(9)), Err(AudioFileError::Channels(9))));
        assert!(check(None, None).is_ok());
    }

    #[test]
    fn a_file_that_breaks_off_is_refused_and_one_that_was_taken_before_is_played_as_far_as_it_goes() {
        let mut file =
            b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data"
                .to_vec();
        file.extend_from_slice(&32_000u32.to_le_bytes());
        file.resize(file.len() + 32_000, 0);
        assert_eq!(read(&file, "wav", LENGTH_MAX).unwrap().samples.len(), 16_000);
        let cut = &file[..1_000];
        let error = read(cut, "wav", LENGTH_MAX).err().unwrap().to_string();
        assert_eq!(error, "the file is cut off: its header says 2.0 s, there are 0.1 s");
        let kept = decode_kept(cut, "wav").unwrap();
        assert!((1..=480).contains(&kept.len()), "{}", kept.len());
    }
}
