// Calls in progress, as the list and the events of the server tell of them. Pure: what comes in is given, nothing is asked.

import type { Schema } from "../api/client";
import type { Person } from "../api/crm";

export type LiveCallItem = Schema<"LiveCallItem">;
export type LegState = Schema<"LegStateName">;

/** A variable that a step set, cut. */
export type Variable = { name: string; value: string };

/** What an event says beside its call and its time. */
export type What =
  | { event: "started"; number: string; from: string; to: string; flowId?: string; version?: number }
  | { event: "answered" }
  | { event: "step_entered"; step: string; name: string; kind: string; flow?: string; version?: number }
  | { event: "step_left"; step: string; port: string; vars?: Variable[] }
  | { event: "replied"; step: string; asked: string; result: string; ms: number }
  | { event: "key"; step: string; digit: string; source: string }
  | ({ event: "contact" } & Person)
  | { event: "step_failed"; step: string; code: string; message: string }
  | { event: "leg"; leg: number; party: string; state: LegState }
  | { event: "ended"; reason: string; outcome?: string };

export type LiveEvent = { callId: string; at: string } & What;

/** An event with its number in the run of the server. */
export type Numbered = { number: number; event: LiveEvent };

/** A call that is watched, with what was heard of it. */
export type WatchedCall = LiveCallItem & {
  /** What was heard of it, in order. */
  log: Numbered[];
  /** Whom the CRM knows under the caller's number. */
  contact?: Person;
  ended?: { at: string; reason: string; outcome?: string };
};

/** Of one call; the oldest are dropped, as a caller may go round a menu for an hour. */
export const LOG_MAX = 500;

const EVENTS = new Set<string>([
  "started",
  "answered",
  "step_entered",
  "step_left",
  "key",
  "replied",
  "contact",
  "step_failed",
  "leg",
  "ended",
]);

/** The event in a message, or null where it is none that is known here. */
export function readEvent(data: string): LiveEvent | null {
  try {
    const value: unknown = JSON.parse(data);
    const isKnown =
      typeof value === "object" &&
      value !== null &&
      "callId" in value &&
      "at" in value &&
      "event" in value &&
      EVENTS.has(String(value.event));
    return isKnown ? (value as LiveEvent) : null;
  } catch {
    return null;
  }
}

/** The call after an event; the same one where nothing changed. An event that is known already changes nothing. */
export function applied(call: WatchedCall | undefined, { number, event }: Numbered): WatchedCall {
  const before = call ?? unknown(event);
  const last = before.log.at(-1);
  if (last !== undefined && last.number >= number) {
    return before;
  }
  const log = [...before.log.slice(-(LOG_MAX - 1)), { number, event }];
  return { ...changed(before, event), log };
}

/** A call of which nothing but an event is known yet; the list tells the rest. */
function unknown(event: LiveEvent): WatchedCall {
  return {
    id: event.callId,
    number: "",
    from: "",
    to: "",
    started: event.at,
    answered: false,
    legs: [],
    log: [],
  };
}

function changed(call: WatchedCall, event: LiveEvent): WatchedCall {
  switch (event.event) {
    case "started":
      return {
        ...call,
        number: event.number,
        from: event.from,
        to: event.to,
        flowId: event.flowId ?? null,
        version: event.version ?? null,
        started: event.at,
      };
    case "answered":
      return { ...call, answered: true };
    case "step_entered":
      return { ...call, step: { id: event.step, name: event.name, entered: event.at } };
    case "contact": {
      const { id, type, name, ownerId, url } = event;
      return { ...call, contact: { id, type, name, ownerId, ...(url && { url }) } };
    }
    case "leg": {
      const others = call.legs.filter((leg) => leg.leg !== event.leg);
      const { leg, party, state } = event;
      return { ...call, legs: state === "ended" ? others : [...others, { leg, party, state }] };
    }
    case "ended":
      return {
        ...call,
        legs: [],
        ended: { at: event.at, reason: event.reason, ...(event.outcome && { outcome: event.outcome }) },
      };
    default:
      return call;
  }
}

/** The call with what the list says of it, which may be half a second older than the events. */
export function listed(call: WatchedCall | undefined, item: LiveCallItem): WatchedCall {
  if (call === undefined) {
    return { ...item, log: [] };
  }
  const isBehind = call.step && item.step && Date.parse(call.step.entered) > Date.parse(item.step.entered);
  const step = isBehind ? call.step : (item.step ?? call.step);
  const hasLegEvents = call.log.some(({ event }) => event.event === "leg");
  return {
    ...item,
    ...(step && { step }),
    answered: call.answered || item.answered,
    legs: hasLegEvents ? call.legs : item.legs,
    log: call.log,
    ...(call.contact && { contact: call.contact }),
    ...(call.ended && { ended: call.ended }),
  };
}

/** How far a call has come, for the list. */
export type Stage = "arriving" | "flow" | "ringing" | "talking";

export function stageOf(call: LiveCallItem): Stage {
  if (call.legs.some((leg) => leg.state === "connected")) {
    return "talking";
  }
  if (call.legs.length > 0) {
    return "ringing";
  }
  return call.answered ? "flow" : "arriving";
}

/** Whom the caller talks to, or whose telephones ring. */
export function partiesOf(call: LiveCallItem): string[] {
  const connected = call.legs.filter((leg) => leg.state === "connected");
  return (connected.length > 0 ? connected : call.legs).map((leg) => leg.party);
}
