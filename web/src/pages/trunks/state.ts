// How a trunk is, in words.

import type { Carrier, TrunkState, TrunkStep } from "../../api/trunks";
import { sentence } from "../../live/words";
import { whenText } from "../../ui/moments";

export type Condition = "up" | "down" | "refused" | "waiting" | "unwatched";

/**
 * Whether calls go over it. `waiting`: it is not registered yet, and nothing has gone wrong. `unwatched`: they do, and nobody looks
 * whether it is there.
 */
export function conditionOf(state: TrunkState): Condition {
  if (state.registration === "rejected") {
    return "refused";
  }
  if (!state.isWatched) {
    return "unwatched";
  }
  if (state.isUp) {
    return "up";
  }
  return state.registration && state.registration !== "registered" && !state.why ? "waiting" : "down";
}

export const CONDITIONS: Record<Condition, { word: string; color: string }> = {
  up: { word: "Up", color: "teal" },
  down: { word: "Down", color: "red" },
  refused: { word: "Refused", color: "red" },
  waiting: { word: "Registering", color: "yellow" },
  unwatched: { word: "Not watched", color: "gray" },
};

/** What its last call out shows of a trunk that nobody watches. */
export function lastCallText({ lastAnsweredOut: answered, lastRejectOut: reject }: TrunkState): string {
  if (reject && (!answered || Date.parse(reject.at) > Date.parse(answered))) {
    return `The last call over it came to nothing ${whenText(reject.at)}: ${sentence(reject.text)}`;
  }
  return answered
    ? `The last call over it was answered ${whenText(answered)}.`
    : "No call has been answered or refused there since the server was started.";
}

/** How our registration with it is; nothing where we do not register. */
export function registrationText(state: TrunkState): string | null {
  const { registration, expiresInS: left, grantedS: granted } = state;
  const held = left == null ? "" : ` for ${left} s more`;
  const given = granted == null ? "" : ` (${granted} s were granted)`;
  switch (registration) {
    case undefined:
    case null:
      return null;
    case "registered":
      return `Registered${held}${given}`;
    case "failing":
      return `Still registered${held}; the refresh fails`;
    case "rejected":
      return "Refused; it is not tried again by itself";
    case "ended":
      return "Taken back";
    default:
      return "Being tried";
  }
}

/** How many calls there are, beside how many there may be. */
export function callsText(calls: number, most: number | null | undefined): string {
  return most == null ? calls.toLocaleString() : `${calls.toLocaleString()} of ${most.toLocaleString()}`;
}

/** The last OPTIONS without its time. */
export function optionsText({ lastOptions }: TrunkState): string | null {
  if (!lastOptions) {
    return null;
  }
  return lastOptions.tookMs == null ? lastOptions.text : `${lastOptions.text} after ${lastOptions.tookMs} ms`;
}

/** The steps with one more: what became of a step stands in the place of its beginning. */
export function withStep(steps: TrunkStep[], step: TrunkStep): TrunkStep[] {
  const isSame = (other: TrunkStep) => other.step === step.step && other.target === step.target;
  const at = steps.findIndex((other) => isSame(other) && other.outcome === "running");
  return at < 0 ? [...steps, step] : steps.with(at, step);
}

/** What came of a whole test. */
export function verdict(steps: TrunkStep[]): string {
  const failed = steps.filter((step) => step.outcome === "failed").length;
  if (failed > 0) {
    return failed === 1 ? "One step failed." : `${failed} steps failed.`;
  }
  return steps.some((step) => step.outcome === "ok")
    ? "No step failed."
    : "There was nothing that could be tried.";
}

/** What a new trunk gets from a preset: its fields, and nothing of the preset that was chosen before. */
export function presetFields(chosen: Carrier | null, before: Carrier | null): Record<string, unknown> {
  const cleared = Object.fromEntries(Object.keys(before?.trunk ?? {}).map((key) => [key, null]));
  return { ...cleared, ...chosen?.trunk };
}
