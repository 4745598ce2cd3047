import { expect, test } from "vitest";
import { trafficMarks, walkMarks } from "./marks";

const visit = (step: string, port?: string) => ({
  step,
  name: step,
  kind: "menu",
  enteredAt: "2026-11-23T09:00:00Z",
  keys: [],
  ...(port !== undefined && { port, leftAt: "2026-11-23T09:00:01Z" }),
});

test("the way of a call is marked, and the step that it is in", () => {
  const visits = [visit("menu", "key:9"), visit("menu", "key:1"), visit("ring")];
  expect(walkMarks(visits, true)).toEqual({
    menu: {
      state: "done",
      text: "2 times",
      ports: { "key:9": { state: "done" }, "key:1": { state: "done" } },
    },
    ring: { state: "active" },
  });
  expect(walkMarks(visits, false).ring).toEqual({ state: "done" });
});

test("a call that came back to a step is there again", () => {
  expect(walkMarks([visit("menu", "key:9"), visit("menu")], true).menu?.state).toBe("active");
});

test("traffic says how many came, went, and hung up", () => {
  const marks = trafficMarks([
    { step: "menu", entered: 8, hungUp: 2, answered: 0, seconds: 60, ports: { "key:1": 6, invalid: 0 } },
    { step: "bye", entered: 0, hungUp: 0, answered: 0, seconds: 0, ports: {} },
  ]);
  expect(marks.menu).toEqual({
    count: 8,
    ports: { "key:1": { count: 6, state: "done" }, invalid: { count: 0 } },
    text: "25 % hung up here",
    state: "warning",
  });
  expect(marks.bye).toEqual({ count: 0, ports: {} });
});
