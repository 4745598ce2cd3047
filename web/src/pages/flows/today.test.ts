import { expect, it } from "vitest";
import { dayOf, sumByFlow } from "./today";

it("calls of today are summed up by flow, and those given up apart", () => {
  const item = (flow: string | undefined, outcome: string, calls: number) => ({
    hour: "2026-11-23T09:00:00Z",
    ...(flow && { flow }),
    outcome,
    calls,
    seconds: 1,
  });
  const sums = sumByFlow([
    item("main", "answered", 3),
    item("main", "abandoned_in_flow", 2),
    item("main", "abandoned_ringing", 1),
    item("other", "disconnected_by_flow", 4),
    item(undefined, "answered", 9),
  ]);
  expect([...sums]).toEqual([
    ["main", { calls: 6, abandoned: 3 }],
    ["other", { calls: 4, abandoned: 0 }],
  ]);
});

it("today goes from midnight to midnight of this place", () => {
  const now = new Date(2026, 10, 23, 15, 30);
  const { from, until } = dayOf(now);
  expect([new Date(from), new Date(until)]).toEqual([new Date(2026, 10, 23), new Date(2026, 10, 24)]);
});
