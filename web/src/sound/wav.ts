// Samples as WAVE files, and as what a waveform shows of them.

/** All channels as one. */
export function mono(channels: readonly Float32Array[]): Float32Array {
  const [first] = channels;
  if (first === undefined || channels.length === 1) {
    return first ?? new Float32Array();
  }
  return first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length);
}

/** Quieter than this, of 1, is the noise of a room. */
const SILENCE = 0.01;
/** Left before and after what is heard, in seconds: a sound that begins at once seems cut off. */
const REST = 0.15;

/** Without the silence at both ends: between the click and the first word there is always some. */
export function trimmed(samples: Float32Array, rate: number): Float32Array {
  const isHeard = (sample: number) => Math.abs(sample) > SILENCE;
  const first = samples.findIndex(isHeard);
  if (first < 0) {
    return samples;
  }
  const rest = Math.round(REST * rate);
  const last = samples.findLastIndex(isHeard);
  return samples.slice(Math.max(0, first - rest), last + 1 + rest);
}

/** A WAVE file of 16 bits and one channel. */
export function wavFile(samples: Float32Array, rate: number): Blob {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at: number, word: string) => {
    for (let i = 0; i < word.length; i++) {
      bytes.setUint8(at + i, word.charCodeAt(i));
    }
  };
  text(0, "RIFF");
  bytes.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  // PCM, one channel.
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, samples.length * 2, true);
  for (const [i, sample] of samples.entries()) {
    bytes.setInt16(44 + i * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
  }
  return new Blob([bytes.buffer], { type: "audio/wav" });
}

/** How loud each of so many stretches is, 0 to 1. */
export function loudness(samples: Float32Array, stretches: number): number[] {
  const length = Math.max(1, Math.ceil(samples.length / stretches));
  const found: number[] = [];
  for (let at = 0; at < samples.length; at += length) {
    found.push(
      samples.subarray(at, at + length).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0),
    );
  }
  return found;
}
