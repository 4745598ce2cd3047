import { expect, test } from "vitest";
import { hoursOf, hoursText, kindOf, onDays, spanOf, tidyException } from "./exceptions";

test("one day or several", () => {
  expect(onDays("2026-12-24", "2026-12-24")).toEqual({ date: "2026-12-24", from: null, to: null });
  expect(onDays("2026-12-24", "2026-12-26")).toEqual({ date: null, from: "2026-12-24", to: "2026-12-26" });
  expect(onDays("2026-12-24", "")).toEqual({ date: "2026-12-24", from: null, to: null });
  expect(spanOf({ date: "2026-12-24" })).toEqual({ first: "2026-12-24", last: "2026-12-24" });
  expect(spanOf({ from: "2026-12-24", to: "2026-12-26" })).toEqual({
    first: "2026-12-24",
    last: "2026-12-26",
  });
});

test("hours go to times and back, up to midnight", () => {
  const hours = hoursOf({ hours: ["10:00-14:00", "20:00-24:00"] });
  expect(hours).toEqual([
    { open: "10:00", close: "14:00" },
    { open: "20:00", close: "00:00" },
  ]);
  expect(hoursText(hours)).toEqual(["10:00-14:00", "20:00-24:00"]);
});

test("what it is goes by its hours where it does not say", () => {
  expect(kindOf({ date: "2026-01-01" })).toBe("holiday");
  expect(kindOf({ date: "2026-01-01", hours: ["10:00-11:00"] })).toBe("hours");
  expect(kindOf({ date: "2026-01-01", kind: "closed" })).toBe("closed");
});

test("only what says something is sent, and hours only where they count", () => {
  const exception = { name: "", date: "2026-01-01", from: null, yearly: false, kind: "closed" as const };
  expect(tidyException({ ...exception, hours: ["10:00-11:00"] })).toEqual({
    date: "2026-01-01",
    kind: "closed",
  });
});
