"""Sound as arrays of floats: level, limiting, trimming, files. Shared by the scripts of this folder."""

import numpy as np
import soundfile
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import resample_poly

RATE = 16_000
# Speech level in the telephone band, and the highest sample: room for resampling and G.711.
SPEECH_DB = -19.0
PEAK_DB = -3.5
# Frames this far below the loudest one are pauses, not speech.
PAUSE_DB = -30.0
FRAME = RATE // 100


def amplitude(db):
    return 10 ** (db / 20)


def decibel(value):
    return 20 * np.log10(np.maximum(value, 1e-9))


def frame_levels(samples, frame):
    """RMS in dBFS of consecutive frames."""
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return decibel(np.sqrt((whole**2).mean(axis=1)))


def telephone_band(samples):
    """What a caller hears of it, at 8 kHz."""
    return resample_poly(samples, 1, RATE // 8_000)


def speech_level(samples):
    """RMS in dBFS of what is speech, not pause, in the telephone band."""
    levels = frame_levels(telephone_band(samples), 160)
    spoken = levels[levels > levels.max() + PAUSE_DB / 2]
    return 10 * np.log10((10 ** (spoken / 10)).mean())


def limit(samples, peak_db=PEAK_DB):
    """Turns the gain down around peaks, 5 ms ahead and after, instead of clipping them."""
    ceiling = amplitude(peak_db)
    needed = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
    reach = RATE // 200
    gain = uniform_filter1d(minimum_filter1d(needed, 2 * reach + 1), reach + 1)
    return samples * gain


def bring_to_level(samples, level_db=SPEECH_DB):
    for _ in range(3):
        samples = limit(samples * amplitude(level_db - speech_level(samples)))
    return samples


def trim(samples, floor_db=-38.0, before_ms=20, after_ms=35):
    """Cuts the silence off both ends and fades what is left of it."""
    levels = frame_levels(samples, FRAME)
    loud = np.flatnonzero(levels > levels.max() + floor_db)
    start = max(0, loud[0] * FRAME - before_ms * RATE // 1000)
    end = min(len(samples), (loud[-1] + 1) * FRAME + after_ms * RATE // 1000)
    cut = samples[start:end].copy()
    fade_in, fade_out = min(len(cut), before_ms * RATE // 2000), min(len(cut), after_ms * RATE // 2000)
    cut[:fade_in] *= np.linspace(0, 1, fade_in)
    cut[-fade_out:] *= np.linspace(1, 0, fade_out)
    return cut


def silence(ms):
    return np.zeros(ms * RATE // 1000)


def write_flac(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = np.round(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
    soundfile.write(path, pcm, rate, format="FLAC", subtype="PCM_16", compression_level=1.0)
