import { describe, expect, it } from "vitest";
import { type Box, type Link, layered } from "./layers";

const box = (id: string, height = 100): Box => ({ id, height });
const link = (from: string, to: string, offset = 0): Link => ({ from, to, offset });

function columns(boxes: Box[], links: Link[]): Record<string, number> {
  return Object.fromEntries([...layered(boxes, links, "a")].map(([id, { column }]) => [id, column]));
}

describe("columns", () => {
  it("stand behind all that lead to them", () => {
    const links = [link("a", "b"), link("a", "c"), link("b", "c"), link("c", "d")];
    expect(
      columns(
        ["a", "b", "c", "d"].map((id) => box(id)),
        links,
      ),
    ).toEqual({ a: 0, b: 1, c: 2, d: 3 });
  });

  it("are found where links lead back, to themselves, or to what is not there", () => {
    const links = [link("a", "b"), link("b", "a"), link("b", "b"), link("b", "x"), link("y", "a")];
    expect(columns([box("a"), box("b"), box("alone")], links)).toEqual({ a: 0, b: 1, alone: 0 });
  });
});

describe("boxes of a column", () => {
  it("follow the ports that lead to them from above, and one that is alone is level with its port", () => {
    const boxes = [box("a"), box("low"), box("high")];
    const places = layered(boxes, [link("a", "high", -20), link("a", "low", 20)], "a");
    expect(places.get("high")?.y).toBeLessThan(places.get("low")?.y ?? 0);
    const one = layered([box("a"), box("b")], [link("a", "b", 20)], "a");
    expect((one.get("b")?.y ?? 0) - (one.get("a")?.y ?? 0)).toBeCloseTo(20);
  });

  it("never lie on each other, however many there are and however they are linked", () => {
    const boxes = Array.from({ length: 200 }, (_, i) => box(i === 0 ? "a" : `b${i}`, 60 + (i % 7) * 30));
    const links = boxes.flatMap(({ id }, i) =>
      [1, 7, 31].map((step) => link(id, boxes[(i + step) % boxes.length]?.id ?? "", step)),
    );
    const places = layered(boxes, links, "a");
    for (const upper of boxes) {
      for (const lower of boxes) {
        const [a, b] = [places.get(upper.id), places.get(lower.id)];
        if (upper !== lower && a && b && a.column === b.column && a.y <= b.y) {
          expect(b.y - a.y).toBeGreaterThanOrEqual((upper.height + lower.height) / 2 + 35.9);
        }
      }
    }
  });
});
