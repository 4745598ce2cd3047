// What the canvas shows of calls: the way of one, or the traffic of many.

import type { Schema } from "../api/client";
import type { Marks, PortMark, StepMark } from "../canvas/marks";
import type { Visit } from "./path";

/** The way of a call: where it was, by which ports it went, and where it is. */
export function walkMarks(visits: readonly Visit[], isLive: boolean): Marks {
  const marks: Marks = {};
  visits.forEach((visit, at) => {
    const before = marks[visit.step];
    const isHere = isLive && at === visits.length - 1 && visit.leftAt === undefined;
    const mark: StepMark = { ...before, state: isHere ? "active" : visit.failure ? "failed" : "done" };
    const count = visits.filter((other) => other.step === visit.step).length;
    if (count > 1) {
      mark.text = `${count} times`;
    }
    if (visit.port !== undefined) {
      mark.ports = { ...before?.ports, [visit.port]: { state: "done" } };
    }
    marks[visit.step] = mark;
  });
  return marks;
}

/** How many calls came into each step, hung up there, and went which way. */
export function trafficMarks(steps: readonly Schema<"StepCountItem">[]): Marks {
  return Object.fromEntries(
    steps.map((count): [string, StepMark] => {
      const ports = Object.entries(count.ports).map(([port, left]): [string, PortMark] => [
        port,
        { count: left, ...(left > 0 && { state: "done" }) },
      ]);
      const share = count.entered === 0 ? 0 : Math.round((count.hungUp / count.entered) * 100);
      return [
        count.step,
        {
          count: count.entered,
          ports: Object.fromEntries(ports),
          ...(count.hungUp > 0 && { text: `${share} % hung up here`, state: "warning" }),
        },
      ];
    }),
  );
}
