import { expect, test } from "vitest";
import {
  applied,
  type LiveCallItem,
  type LiveEvent,
  listed,
  partiesOf,
  readEvent,
  stageOf,
  type WatchedCall,
  type What,
} from "./model";
import { recordedVisits, walkOf } from "./path";

const second = (at: number) => `2026-11-23T09:00:${String(at).padStart(2, "0")}Z`;
const event = (at: number, what: What): LiveEvent => ({ callId: "c1", at: second(at), ...what });
const started: What = { event: "started", number: "+1", from: "+2", to: "+1", flowId: "main", version: 3 };
const entered = (step: string): What => ({
  event: "step_entered",
  step,
  name: step.toUpperCase(),
  kind: "menu",
});

/** The call after events, numbered from `first`, a second apart. */
function after(whats: What[], first = 0): WatchedCall {
  let call: WatchedCall | undefined;
  whats.forEach((what, at) => {
    call = applied(call, { number: first + at, event: event(first + at, what) });
  });
  if (call === undefined) {
    throw new Error("no event");
  }
  return call;
}

const item: LiveCallItem = {
  id: "c1",
  number: "+1",
  from: "+2",
  to: "+1",
  flowId: "main",
  version: 3,
  started: second(0),
  answered: true,
  step: { id: "ask", name: "Ask", entered: second(1) },
  legs: [],
};

test("a call goes from its arrival through its flow to a conversation and its end", () => {
  const whats: What[] = [
    started,
    { event: "answered" },
    entered("menu"),
    { event: "leg", leg: 1, party: "alice", state: "ringing" },
    { event: "leg", leg: 1, party: "alice", state: "connected" },
    { event: "ended", reason: "caller_hung_up", outcome: "answered" },
  ];
  expect(whats.map((_, at) => stageOf(after(whats.slice(0, at + 1))))).toEqual([
    "arriving",
    "flow",
    "flow",
    "ringing",
    "talking",
    "flow",
  ]);
  expect(partiesOf(after(whats.slice(0, 5)))).toEqual(["alice"]);
  expect(after(whats).ended).toEqual({ at: second(5), reason: "caller_hung_up", outcome: "answered" });
});

test("whom the CRM knows stays with the call, whatever a list that is read later says", () => {
  const ann = { id: "003A", type: "Contact", name: "Ann Reed", ownerId: "005A", url: "https://crm/003A" };
  const call = after([started, { event: "contact", ...ann }, entered("menu")]);
  expect(call.contact).toEqual(ann);
  expect(listed(call, item).contact).toEqual(ann);
  expect(readEvent(JSON.stringify(event(1, { event: "contact", ...ann })))).toMatchObject(ann);
});

test("an event that is known changes nothing", () => {
  const call = after([started, entered("menu")]);
  expect(applied(call, { number: 1, event: event(1, entered("menu")) })).toBe(call);
});

test("a list that is older than the events sets no call back", () => {
  const call = after([started, entered("ask"), entered("menu")]);
  const merged = listed(call, item);
  expect(merged.step?.id).toBe("menu");
  expect(merged.answered).toBe(true);
  expect(merged.log).toBe(call.log);
});

test("a call that was never heard of is as the list says", () => {
  expect(listed(undefined, item)).toEqual({ ...item, log: [] });
  expect(walkOf(listed(undefined, item)).visits.map((visit) => visit.step)).toEqual(["ask"]);
});

test("keys, failures and telephones stand where they happened", () => {
  const walk = walkOf(
    after([
      started,
      entered("menu"),
      { event: "key", step: "menu", digit: "1", source: "rfc4733" },
      { event: "replied", step: "menu", asked: "http", result: "200", ms: 40 },
      { event: "step_left", step: "menu", port: "key:1", vars: [{ name: "name", value: "Ann" }] },
      entered("ring"),
      { event: "leg", leg: 1, party: "bob", state: "dialled" },
      { event: "step_failed", step: "ring", code: "timeout", message: "too late" },
      { event: "ended", reason: "caller_hung_up" },
    ]),
  );
  expect(walk.visits[0]?.keys.map((key) => key.digit)).toEqual(["1"]);
  expect(walk.visits[0]?.replies).toEqual([{ asked: "http", result: "200", ms: 40 }]);
  expect(walk.visits[0]?.vars).toEqual([{ name: "name", value: "Ann" }]);
  expect(walk.visits[1]?.failure?.code).toBe("timeout");
  expect(walk.visits[1]?.leftAt).toBe(second(8));
  expect(walk.legs.map((leg) => leg.party)).toEqual(["bob"]);
});

test("what is no event of a call is passed over", () => {
  expect(
    ["", "1", "null", '{"event":"key"}', '{"callId":"c","at":"t","event":"new"}'].map(readEvent),
  ).toEqual([null, null, null, null, null]);
});

test("a record's keys belong to the step that the call was in", () => {
  const visits = recordedVisits({
    start: second(0),
    end: second(9),
    path: [
      { step: "welcome", port: "next", enteredAt: second(0) },
      { step: "menu", enteredAt: second(4) },
    ],
    keys: [
      { digit: "5", source: "in_band", msFromStart: 1_000 },
      { digit: "2", source: "rfc4733", msFromStart: 5_500 },
    ],
  });
  expect(visits.map(({ step, leftAt, keys }) => [step, leftAt, keys.map((key) => key.digit)])).toEqual([
    ["welcome", second(4), ["5"]],
    ["menu", second(9), ["2"]],
  ]);
});
