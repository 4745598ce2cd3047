import { describe, expect, it } from "vitest";
import { around, placedInMap } from "./SmallMap";

describe("the small map", () => {
  it("has nothing to show of nothing", () => {
    expect(around([])).toBeNull();
  });

  it("reaches around all steps", () => {
    const boxes = [
      { left: 0, top: 10, right: 240, bottom: 80 },
      { left: 900, top: -50, right: 1_140, bottom: 20 },
    ];
    expect(around(boxes)).toEqual({ left: 0, top: -50, right: 1_140, bottom: 80 });
  });

  it("has a wide flow in its middle, with a margin on both sides", () => {
    const { x, y, scale } = placedInMap({ left: 0, top: 0, right: 1_400, bottom: 90 });
    expect(scale).toBeCloseTo(11.2);
    expect((0 - x) / scale).toBeCloseTo((140 - 125) / 2);
    expect((1_400 - x) / scale).toBeCloseTo((140 + 125) / 2);
    expect((45 - y) / scale).toBeCloseTo(45);
  });

  it("does not blow up a single step", () => {
    expect(placedInMap({ left: 0, top: 0, right: 10, bottom: 10 }).scale).toBeCloseTo(1.12);
  });
});
