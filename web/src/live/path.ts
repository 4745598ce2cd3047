// The way of a call through its flow, step by step: out of the events of a live call or out of a call's record.

import type { Numbered, Variable, WatchedCall } from "./model";

export type PathKey = { at: string; digit: string; source: string };

/** One time that a call was in a step. */
export type Visit = {
  step: string;
  /** Empty where only the flow's document knows it. */
  name: string;
  kind: string;
  /** Where it is a step of a sub-flow. */
  flow?: string;
  version?: number;
  enteredAt: string;
  leftAt?: string;
  port?: string;
  keys: PathKey[];
  /** What other systems said to it. */
  replies?: { asked: string; result: string; ms: number }[];
  /** Variables that it set. */
  vars?: Variable[];
  failure?: { code: string; message: string };
};

/** Something a telephone that was dialled did. */
export type LegNews = { at: string; leg: number; party: string; state: string };

export type Walk = {
  visits: Visit[];
  legs: LegNews[];
  /** Whether all from the call's start is there. */
  isWhole: boolean;
};

/** What was heard of a call, as its way. */
export function walkOf(call: WatchedCall): Walk {
  const walk: Walk = { visits: [], legs: [], isWhole: call.log[0]?.event.event === "started" };
  for (const { event } of call.log) {
    take(walk, event);
  }
  // Nothing was heard of it yet but where it stands.
  if (walk.visits.length === 0 && call.step) {
    const { id, name, entered } = call.step;
    walk.visits.push({ step: id, name, kind: "", enteredAt: entered, keys: [] });
  }
  return walk;
}

function take(walk: Walk, event: Numbered["event"]): void {
  // A step may be left or fail that was entered before anybody listened.
  const open = walk.visits.findLast((visit) => visit.leftAt === undefined);
  switch (event.event) {
    case "step_entered": {
      const { step, name, kind, flow, version } = event;
      const of = { ...(flow !== undefined && { flow }), ...(version !== undefined && { version }) };
      walk.visits.push({ step, name, kind, ...of, enteredAt: event.at, keys: [] });
      break;
    }
    case "step_left": {
      const left = walk.visits.findLast((visit) => visit.leftAt === undefined && visit.step === event.step);
      if (left) {
        left.leftAt = event.at;
        left.port = event.port;
        if (event.vars) {
          left.vars = event.vars;
        }
      }
      break;
    }
    case "replied": {
      const { asked, result, ms } = event;
      const asking = walk.visits.findLast((visit) => visit.step === event.step);
      if (asking) {
        asking.replies = [...(asking.replies ?? []), { asked, result, ms }];
      }
      break;
    }
    case "key":
      open?.keys.push({ at: event.at, digit: event.digit, source: event.source });
      break;
    case "step_failed": {
      const failed = walk.visits.findLast((visit) => visit.step === event.step);
      if (failed) {
        failed.failure = { code: event.code, message: event.message };
      }
      break;
    }
    case "leg":
      walk.legs.push({ at: event.at, leg: event.leg, party: event.party, state: event.state });
      break;
    case "ended":
      if (open) {
        open.leftAt = event.at;
      }
      break;
    default:
      break;
  }
}

/** What a call's record says of its way. */
export type RecordedPath = {
  start: string;
  end: string;
  path?: { step: string; port?: string; enteredAt: string; flow?: string; version?: number }[];
  keys?: { digit: string; source: string; msFromStart: number }[];
};

/** The way in a call's record; a key belongs to the step that the call was in when it was pressed. */
export function recordedVisits(record: RecordedPath): Visit[] {
  const path = record.path ?? [];
  const visits = path.map(
    (visit, at): Visit => ({
      ...visit,
      name: "",
      kind: "",
      leftAt: path[at + 1]?.enteredAt ?? record.end,
      keys: [],
    }),
  );
  const start = Date.parse(record.start);
  for (const key of record.keys ?? []) {
    const pressed = start + key.msFromStart;
    const within = visits.findLast((visit) => Date.parse(visit.enteredAt) <= pressed) ?? visits[0];
    within?.keys.push({ at: new Date(pressed).toISOString(), digit: key.digit, source: key.source });
  }
  return visits;
}
