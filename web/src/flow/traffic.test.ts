import { describe, expect, it } from "vitest";
import { daysOf, lossesOf } from "./traffic";

describe("a period", () => {
  it.each([
    ["today", "2026-03-01T00:30:00Z", { from: "2026-03-01", until: "2026-03-01" }],
    ["week", "2026-03-01T23:30:00Z", { from: "2026-02-23", until: "2026-03-01" }],
    ["month", "2026-01-15T12:00:00Z", { from: "2025-12-17", until: "2026-01-15" }],
    ["all", "2026-01-15T12:00:00Z", {}],
  ] as const)("%s at %s is of whole days, today among them", (period, now, days) => {
    expect(daysOf(period, new Date(now))).toEqual(days);
  });
});

describe("steps in which callers give up", () => {
  it("are those where most do, and none where nobody does", () => {
    const step = (name: string, entered: number, hungUp: number) => ({
      step: name,
      entered,
      hungUp,
      ports: {},
    });
    const losses = lossesOf([step("a", 2, 2), step("b", 100, 9), step("c", 50, 0), step("d", 90, 9)]);
    expect(losses.map(({ step }) => step)).toEqual(["d", "b", "a"]);
    expect(losses[2]?.share).toBe(1);
  });
});
