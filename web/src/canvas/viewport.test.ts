import { describe, expect, it } from "vitest";
import { placesOf } from "../flow/layout";
import { sampleFlow } from "../test/flow";
import { firstView } from "./viewport";

const size = { width: 800, height: 600 };

describe("what is seen first", () => {
  const small = sampleFlow();
  // The same, with its last step so far away that both are seen only when nobody can read them.
  const large = sampleFlow();
  large.steps.bye = { type: "hangup", ui: { x: 9_000, y: 4_000 } };

  it("is all of a flow that can be read then", () => {
    const { zoom, x } = firstView(small, placesOf(small), size, false);
    expect(zoom).toBeGreaterThanOrEqual(0.55);
    expect(x).toBeGreaterThan(0);
    expect(x + (960 + 240) * zoom).toBeLessThan(800);
  });

  it("is the beginning of a larger one, where it is edited", () => {
    expect(firstView(large, placesOf(large), size, false)).toMatchObject({ x: 24, zoom: 0.75 });
    expect(firstView(large, placesOf(large), size, true).zoom).toBeLessThan(0.2);
  });

  it("is something where there is no room, and where there are no steps", () => {
    const plain = { x: 0, y: 0, zoom: 1 };
    expect(firstView(small, placesOf(small), { width: 0, height: 0 }, false)).toEqual(plain);
    expect(firstView({ ...small, steps: {} }, {}, size, false)).toEqual(plain);
  });
});
