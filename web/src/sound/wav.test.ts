import { describe, expect, it } from "vitest";
import { loudness, mono, trimmed, wavFile } from "./wav";

describe("a WAVE file", () => {
  it("has a header that says its rate and length, and samples of 16 bits that are never beyond full scale", async () => {
    const bytes = new DataView(await wavFile(new Float32Array([0, 1, -1, 2, 0.5]), 48_000).arrayBuffer());
    const text = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map((i) => bytes.getUint8(at + i)));
    expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
    expect([bytes.getUint32(4, true), bytes.getUint32(24, true), bytes.getUint32(40, true)]).toEqual([
      46, 48_000, 10,
    ]);
    expect([0, 1, 2, 3, 4].map((i) => bytes.getInt16(44 + i * 2, true))).toEqual([
      0, 32_767, -32_767, 32_767, 16_384,
    ]);
  });
});

describe("what was recorded", () => {
  it("is one channel, the mean of all", () => {
    expect([...mono([new Float32Array([1, 0]), new Float32Array([0, 0.5])])]).toEqual([0.5, 0.25]);
    expect([...mono([])]).toEqual([]);
  });

  it("loses the silence at its ends but for a rest, and nothing within", () => {
    const samples = new Float32Array(1_000);
    samples[400] = 0.5;
    samples[600] = -0.5;
    expect(trimmed(samples, 1_000)).toHaveLength(150 + 201 + 150);
    expect(trimmed(samples, 10_000)).toHaveLength(1_000);
    expect(trimmed(new Float32Array(10), 1_000)).toHaveLength(10);
  });

  it("is as loud in each stretch as its loudest sample", () => {
    expect(loudness(new Float32Array([0, 0.5, -0.75, 0.25, 1]), 3)).toEqual([0.5, 0.75, 1]);
    expect(loudness(new Float32Array(), 3)).toEqual([]);
  });
});
