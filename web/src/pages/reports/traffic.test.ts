import { expect, test } from "vitest";
import { perDay, perHour, share } from "./traffic";

const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 30).toISOString();
const calls = [
  { start: at(20, 9), outcome: "answered" },
  { start: at(20, 9), outcome: "abandoned_in_flow" },
  { start: at(22, 17), outcome: "short_abandon" },
  { start: at(22, 9), outcome: null },
];

test("each day of the period has its count, also one without a call", () => {
  const days = perDay(calls, new Date(2026, 10, 20, 12), new Date(2026, 10, 23));
  expect(days.map((day) => [day.calls, day.answered, day.abandoned])).toEqual([
    [2, 1, 1],
    [0, 0, 0],
    [2, 0, 1],
  ]);
});

test("a call outside the period counts for no day", () => {
  expect(perDay(calls, new Date(2026, 10, 21), new Date(2026, 10, 22)).map((day) => day.calls)).toEqual([0]);
});

test("hours of all days are counted together", () => {
  const hours = perHour(calls);
  expect(hours).toHaveLength(24);
  expect([hours[9]?.calls, hours[17]?.calls, hours[0]?.calls]).toEqual([3, 1, 0]);
});

test("of nothing there is no share", () => {
  expect([share(1, 0), share(1, 3), share(0, 3)]).toEqual(["", "33 %", "0 %"]);
});
