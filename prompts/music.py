"""The music on hold: sixteen bars in C for electric piano, pad, bass and a flute-like lead, composed for cordboard.

Every note is added around the end of the piece to its beginning, so that it loops without a seam, and every
tone is made of partials below 3.4 kHz, which a telephone carries. No E5 is held under an F5: the F and the
second partial of the E are nearly the two frequencies of the key 2.
"""

import numpy as np

import sound

RATE = 8_000
# Samples: 0.72 s, 83 beats a minute.
BEAT = 5_760
BEATS = 64
HIGHEST_HZ = 3_300
# Quieter than speech: G.711 is coarse with dense sound, and people talk over it.
MUSIC_DB = -22.0
PEAK_DB = -6.0

# A bar each: bass note, then the chord from below (MIDI numbers, 60 is middle C).
CHORDS = [
    (48, (60, 64, 67, 71)),  # C major 7
    (45, (60, 64, 67, 69)),  # A minor 7
    (53, (60, 65, 69, 72)),  # F major
    (55, (62, 67, 71, 76)),  # G 6
    (48, (60, 64, 67, 71)),
    (52, (62, 64, 67, 71)),  # E minor 7
    (53, (60, 65, 69, 72)),
    (55, (60, 62, 67, 74)),  # G suspended
    (45, (60, 64, 67, 69)),
    (52, (59, 64, 67, 74)),
    (53, (60, 65, 69, 72)),
    (52, (60, 64, 67, 72)),  # C over E
    (50, (60, 62, 65, 69)),  # D minor 7
    (55, (59, 62, 65, 71)),  # G 7
    (48, (59, 64, 67, 74)),  # C major 9
    (55, (60, 62, 65, 69)),  # G 9 suspended, back to the beginning
]

# The order in which the piano takes the four notes of a chord, in half beats.
FIGURE = (0, 2, 1, 3, 2, 1, 3, 2)

# The lead: beat at which a note begins, its length in beats, its pitch.
LEAD = [
    (1, 1, 79), (2, 1, 76), (3, 1.5, 74), (4.5, 2.5, 72),
    (9, 1, 77), (10, 1, 76), (11, 1, 72), (12, 3, 74),
    (17, 1, 79), (18, 1, 81), (19, 1.5, 79), (20.5, 2.5, 76),
    (25, 1, 72), (26, 1, 74), (27, 1, 76), (28, 3, 74),
    (32.5, 1, 76), (33.5, 0.5, 79), (34, 2, 81), (36, 3, 79),
    (40.5, 1, 77), (41.5, 0.5, 76), (42, 2, 77), (44, 3, 76),
    (49, 1, 74), (50, 1, 77), (51, 1, 76), (52, 1.5, 74), (53.5, 1.5, 71),
    (56, 4, 72),
]  # fmt: skip


def hertz(pitch):
    return 440 * 2 ** ((pitch - 69) / 12)


def partials(pitch, weights, time, detune=0.0, vibrato=0.0):
    """A tone of harmonics; `detune` in cents, `vibrato` as depth in parts of the frequency at 5 Hz."""
    base = hertz(pitch + detune / 100)
    turns = base * time
    if vibrato:
        turns = turns - base * vibrato / (2 * np.pi * 5) * np.cos(2 * np.pi * 5 * time)
    tone = np.zeros_like(time)
    for number, weight in enumerate(weights, start=1):
        if number * base < HIGHEST_HZ:
            tone += weight * np.sin(2 * np.pi * number * turns)
    return tone


def rise_and_fall(time, length, rise, fall):
    """An envelope with half-cosine ends; it is over `fall` seconds after `length`."""
    up = 0.5 - 0.5 * np.cos(np.pi * np.clip(time / rise, 0, 1))
    down = 0.5 + 0.5 * np.cos(np.pi * np.clip((time - length) / fall, 0, 1))
    return up * down


def piano(pitch, time, length):
    strike = rise_and_fall(time, length, 0.006, 0.25)
    body = partials(pitch, (1, 0.32, 0.1, 0.05), time) * np.exp(-time / 0.9)
    bell = partials(pitch, (0, 0, 0, 0.22, 0, 0.08), time) * np.exp(-time / 0.12)
    return strike * (body + bell)


def pad(pitch, time, length):
    tones = sum(partials(pitch, (1, 0.4, 0.2, 0.1), time, detune) for detune in (-5, 5))
    return rise_and_fall(time, length, 0.8, 1.2) * tones


def bass(pitch, time, length):
    return rise_and_fall(time, length, 0.02, 0.3) * partials(pitch, (0.7, 0.8, 0.4, 0.2), time) * np.exp(-time / 1.8)


def lead(pitch, time, length):
    return rise_and_fall(time, length, 0.07, 0.25) * partials(pitch, (1, 0.18, 0.07), time, vibrato=0.004)


class Piece:
    """A loop that notes are added to."""

    def __init__(self):
        self.samples = np.zeros(BEATS * BEAT)

    def play(self, instrument, gain, beat, beats, pitch, tail=1.3):
        length = beats * BEAT / RATE
        time = np.arange(int((length + tail) * RATE)) / RATE
        places = (round(beat * BEAT) + np.arange(len(time))) % len(self.samples)
        np.add.at(self.samples, places, gain * instrument(pitch, time, length))


def compose():
    piece = Piece()
    for bar, (root, chord) in enumerate(CHORDS):
        first = bar * 4
        for pitch in chord:
            piece.play(pad, 0.045, first, 4, pitch)
        for half, note in enumerate(FIGURE):
            accent = 1.0 if half % 4 == 0 else 0.75
            piece.play(piano, 0.2 * accent, first + half / 2, 1, chord[note])
        piece.play(bass, 0.26, first, 2.5, root)
        piece.play(bass, 0.18, first + 2.5, 1.5, root)
    for beat, beats, pitch in LEAD:
        piece.play(lead, 0.22, beat, beats, pitch)
    return to_level(piece.samples)


def to_level(samples):
    """Scales to the level; the few highest peaks bend softly, far below clipping."""
    ceiling = sound.amplitude(PEAK_DB)
    for _ in range(4):
        rms = np.sqrt((samples**2).mean())
        samples = ceiling * np.tanh(samples * sound.amplitude(MUSIC_DB) / rms / ceiling)
    return samples
