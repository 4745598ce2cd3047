//! Prompt files of any usual format, decoded to 8 kHz once when they are loaded.

use crate::audio;
use std::io::Cursor;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// Endings of the files that are taken for prompts.
pub const EXTENSIONS: [&str; 7] = ["wav", "mp3", "ogg", "oga", "flac", "m4a", "mp4"];
/// A prompt of an hour is a mistake, and would take 60 MB of memory.
const SECONDS_MAX: u64 = 3_600;
/// An hour of CD audio in WAV has 635 MB; compressed prompts stay far below this.
pub const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why a file is no prompt.
#[derive(Debug, thiserror::Error)]
pub enum AudioFileError {
    #[error("the file is not audio of a format that is known here (wav, mp3, ogg/vorbis, flac, m4a): {0}")]
    Format(String),
    #[error("the file has no audio track")]
    NoTrack,
    #[error("the audio is in a codec that is not known here: {0}")]
    Codec(String),
    #[error("the audio is broken: {0}")]
    Broken(String),
    #[error("the file holds no sound")]
    Empty,
    #[error("the audio is longer than {SECONDS_MAX} s")]
    TooLong,
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
    Ok(read(bytes, extension)?.samples)
}

/// Decodes a whole file, and says how it was recorded.
pub fn read(bytes: Vec<u8>, extension: &str) -> Result<Decoded, AudioFileError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|e| AudioFileError::Format(e.to_string()))?;
    let track = format.default_track(TrackType::Audio).ok_or(AudioFileError::NoTrack)?;
    let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or(AudioFileError::NoTrack)?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|e| AudioFileError::Codec(e.to_string()))?;
    let track_id = track.id;
    let (mut mono, mut rate, mut interleaved) = (Vec::<f32>::new(), 0u32, Vec::<f32>::new());
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => packet,
            Ok(Some(_)) => continue,
            Ok(None) | Err(Symphonia::ResetRequired) => break,
            // A file that was cut off: what came before is used.
            Err(Symphonia::IoError(_)) if !mono.is_empty() => break,
            Err(error) => return Err(AudioFileError::Broken(error.to_string())),
        };
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => continue,
            Err(error) => return Err(AudioFileError::Broken(error.to_string())),
        };
        rate = decoded.spec().rate();
        let channels = decoded.num_planes().max(1);
        decoded.copy_to_vec_interleaved(&mut interleaved);
        mono.extend(
            interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32),
        );
        if mono.len() as u64 > SECONDS_MAX * u64::from(rate) {
            return Err(AudioFileError::TooLong);
        }
    }
    if mono.is_empty() {
        Err(AudioFileError::Empty)
    } else {
        Ok(Decoded { samples: audio::resample::to_8k_mono(&mono, 1, rate)?, rate })
    }
}
