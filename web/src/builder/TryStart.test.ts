import { expect, it } from "vitest";
import { sampleFlow } from "../test/flow";
import { schedulesOf } from "./TryStart";

it("the schedules that a flow asks for are named once each", () => {
  const flow = sampleFlow();
  const time = (scheduleId: string) => ({ type: "time", config: { scheduleId } });
  const steps = { ...flow.steps, a: time("office"), b: time("office"), c: time("desk"), d: time("") };
  expect(schedulesOf({ ...flow, steps })).toEqual(["office", "desk"]);
  expect(schedulesOf(flow)).toEqual([]);
});
