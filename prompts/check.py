"""Measures every sound file of this folder and says what is not as it should be; its exit code is 1 then."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import soundfile

import music
import sound

HERE = Path(__file__).parent
# Seconds of speech for each letter of the text: beyond these a word is missing or the voice has stumbled.
PACE = (0.035, 0.13)
# A word for itself: shorter is clipped, longer drags when digits are read out.
WORD_SECONDS = (0.25, 0.95)
END_SILENCE_MS = 60
LEVEL_TOLERANCE_DB = 1.5
BUILT_IN_BYTES_MAX = 1_500_000
MUSIC_BYTES_MAX = 600_000
MUSIC_SECONDS = (30, 60)


def silent_ends(samples):
    """Milliseconds before and after the speech."""
    levels = sound.frame_levels(samples, sound.RATE // 1000 * 5)
    loud = np.flatnonzero(levels > -50)
    return loud[0] * 5, (len(levels) - 1 - loud[-1]) * 5


def plausible_seconds(text, script):
    letters = sum(c.isalpha() for c in text)
    sentences = sum(text.count(mark) for mark in ".!?")
    if sentences <= 1 and " " not in text:
        return WORD_SECONDS
    pauses = max(0, sentences - 1) * script["voice"]["pause_ms"] / 1000
    return letters * PACE[0] + pauses, letters * PACE[1] + pauses


def check_prompt(path, text, script):
    samples, rate = soundfile.read(path)
    if rate != sound.RATE or samples.ndim != 1:
        return [f"is not {sound.RATE} Hz mono"]
    seconds, level = len(samples) / rate, sound.speech_level(samples)
    peak = sound.decibel(np.abs(samples).max())
    before, after = silent_ends(samples)
    shortest, longest = plausible_seconds(text, script)
    print(f"{path.relative_to(HERE)!s:40} {seconds:6.2f} s {level:6.1f} dBFS, peak {peak:5.1f}, silence {before:2} and {after:2} ms")
    faults = []
    if not shortest <= seconds <= longest:
        faults.append(f"lasts {seconds:.2f} s, not {shortest:.2f} to {longest:.2f}")
    if abs(level - sound.SPEECH_DB) > LEVEL_TOLERANCE_DB:
        faults.append(f"is at {level:.1f} dBFS, not {sound.SPEECH_DB}")
    if peak > -3:
        faults.append(f"peaks at {peak:.1f} dBFS")
    if max(before, after) > END_SILENCE_MS:
        faults.append(f"begins with {before} and ends with {after} ms of silence")
    return faults


def check_music(path):
    samples, rate = soundfile.read(path)
    seconds, level = len(samples) / rate, sound.decibel(np.sqrt((samples**2).mean()))
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    above = spectrum[int(3_400 * len(samples) / rate) :].sum() / spectrum.sum()
    seam, steps = abs(samples[0] - samples[-1]), np.abs(np.diff(samples))
    print(f"{path.relative_to(HERE)!s:40} {seconds:6.2f} s {level:6.1f} dBFS, peak {sound.decibel(np.abs(samples).max()):5.1f}, seam {seam:.4f} of steps up to {steps.max():.4f}")
    faults = []
    if not MUSIC_SECONDS[0] <= seconds <= MUSIC_SECONDS[1]:
        faults.append(f"lasts {seconds:.1f} s")
    if abs(level - music.MUSIC_DB) > 1:
        faults.append(f"is at {level:.1f} dBFS")
    if above > 1e-5:
        faults.append("has sound above 3.4 kHz")
    if seam > steps.max():
        faults.append("clicks where it begins again")
    if path.stat().st_size > MUSIC_BYTES_MAX:
        faults.append(f"has {path.stat().st_size} bytes")
    return faults


def main():
    script = tomllib.loads((HERE / "script.toml").read_text("utf-8"))
    faults = []
    for folder, texts in script["prompts"].items():
        for name, text in texts.items():
            path = HERE / folder / f"{name}.flac"
            faults += [(path, fault) for fault in check_prompt(path, text, script)]
    faults += [(HERE / "music.flac", fault) for fault in check_music(HERE / "music.flac")]
    size = sum(path.stat().st_size for path in (HERE / "en/built-in").glob("*.flac"))
    if size > BUILT_IN_BYTES_MAX:
        faults.append((HERE / "en/built-in", f"has {size} bytes"))
    for path, fault in faults:
        print(f"{path.relative_to(HERE)}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
