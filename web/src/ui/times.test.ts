import { expect, test } from "vitest";
import { showLength, showSize, toLocalInput } from "./times";

test("lengths are short where they are small", () => {
  expect([0, 505, 9_940, 9_960, 65_000, 3_723_000].map(showLength)).toEqual([
    "0:00",
    "0.5 s",
    "9.9 s",
    "0:10",
    "1:05",
    "1:02:03",
  ]);
});

test("sizes are in the unit that people would use", () => {
  expect([812, 12_400, 1_230_000].map(showSize)).toEqual(["812 bytes", "12 kB", "1.2 MB"]);
});

test("a moment goes into an input and comes back to the minute", () => {
  const at = "2026-11-23T09:30:00.000Z";
  expect(new Date(toLocalInput(at)).toISOString()).toBe(at);
  expect(toLocalInput("never")).toBe("");
});
