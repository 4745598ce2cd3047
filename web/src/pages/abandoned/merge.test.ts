import { expect, test } from "vitest";
import { mergedByTime } from "./merge";

const merged = (...parts: { items: number[]; hasMore: boolean }[]) => mergedByTime(parts, (item) => item);

test("whole lists are merged, the latest first", () => {
  expect(merged({ items: [9, 5], hasMore: false }, { items: [8, 1], hasMore: false })).toEqual([9, 8, 5, 1]);
});

test("what a list's next page may stand before is held back", () => {
  expect(merged({ items: [9, 5], hasMore: true }, { items: [8, 1], hasMore: false })).toEqual([9, 8, 5]);
  expect(merged({ items: [9, 5], hasMore: true }, { items: [8, 7], hasMore: true })).toEqual([9, 8, 7]);
});

test("an empty list holds nothing back", () => {
  expect(merged({ items: [], hasMore: false }, { items: [2], hasMore: false })).toEqual([2]);
});
