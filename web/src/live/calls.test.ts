import { expect, test } from "vitest";
import { CallList, readPiece } from "./calls";
import type { LiveCallItem } from "./model";

const call = (id: string, answered = true): LiveCallItem => ({
  id,
  number: "+1",
  from: "+2",
  to: "+1",
  started: "2026-11-23T09:00:00Z",
  answered,
  legs: [],
});
const ids = (list: CallList) => list.calls().map(({ id }) => id);

test("a list that comes in pieces is shown when it is whole", () => {
  const list = new CallList();
  expect(list.take({ first: true, calls: [call("c2")], ended: [], more: true })).toBe(false);
  expect(ids(list)).toEqual([]);
  expect(list.take({ calls: [call("c1")], ended: [] })).toBe(true);
  expect(ids(list)).toEqual(["c1", "c2"]);
});

test("rows change, calls end, and a new connection begins anew", () => {
  const list = new CallList();
  list.take({ first: true, calls: [call("c1"), call("c2")], ended: [] });
  list.take({ calls: [call("c2", false), call("c3")], ended: ["c1", "c9"] });
  expect(list.calls().map(({ id, answered }) => [id, answered])).toEqual([
    ["c2", false],
    ["c3", true],
  ]);
  list.take({ first: true, calls: [call("c4")], ended: [], more: true });
  expect(ids(list)).toEqual(["c2", "c3"]);
  list.take({ calls: [], ended: [] });
  expect(ids(list)).toEqual(["c4"]);
});

test("what is no piece is passed over", () => {
  const message = (event: string, data: string) => ({ id: "", event, data });
  expect(readPiece(message("calls", '{"calls":[],"ended":[]}'))).toEqual({ calls: [], ended: [] });
  for (const [event, data] of [
    ["message", '{"calls":[],"ended":[]}'],
    ["calls", "{"],
    ["calls", "null"],
  ] as const) {
    expect(readPiece(message(event, data))).toBeNull();
  }
});
