import { expect, test } from "vitest";
import { cpuShare, figure, readFigures } from "./figures";

const TEXT = `# HELP cordboard_calls_active Calls in progress.
# TYPE cordboard_calls_active gauge
cordboard_calls_active 3
# TYPE cordboard_calls counter
cordboard_calls_total{direction="in",result="answered"} 12
cordboard_calls_total{direction="out",result="dialled"} 5
# EOF
`;

test("samples are read with their labels", () => {
  const samples = readFigures(TEXT);
  expect(figure(samples, "cordboard_calls_active")).toBe(3);
  expect(figure(samples, "cordboard_calls_total", { result: "answered" })).toBe(12);
  expect(figure(samples, "cordboard_calls_total")).toBe(17);
  expect(figure(samples, "cordboard_nothing")).toBeUndefined();
});

test("what is no sample is passed over", () => {
  expect(readFigures("<html>\n\ncordboard_x NaN\n")).toEqual([]);
});

test("CPU is what was taken between two looks, and nothing where the server was started anew", () => {
  const look = (seconds: number, at: number) => ({ seconds, at });
  expect(cpuShare(look(10, 0), look(11, 4_000))).toBe(0.25);
  expect(cpuShare(look(10, 0), look(1, 4_000))).toBeNull();
  expect(cpuShare(look(10, 0), look(10, 0))).toBeNull();
});
