// What happened in a simulated call: as marks on the canvas, and in words.

import type { Marks, PortMark, StepMark } from "../canvas/marks";
import { type FlowDocument, isObject, type Json, type JsonObject, stepName, textOf } from "./document";
import { portLabel } from "./ports";

/** One thing that happened. */
export type Rung = JsonObject;

/** The way of the call: steps and ports that it came by, and where it is. A step of another flow is not on this canvas. */
export function pathMarks(rungs: readonly Rung[], isOver: boolean): Marks {
  const marks: Record<string, StepMark> = {};
  let here: string | null = null;
  let isInside = true;
  for (const rung of rungs) {
    const step = textOf(rung.step);
    if (rung.event === "step_enter") {
      isInside = rung.flow === undefined;
      if (isInside) {
        here = step;
        marks[step] = { ...marks[step], state: marks[step]?.state === "failed" ? "failed" : "done" };
      }
    } else if (rung.event === "step_leave" && marks[step] !== undefined) {
      const ports: Record<string, PortMark> = {
        ...marks[step].ports,
        [textOf(rung.port)]: { state: "done" },
      };
      marks[step] = { ...marks[step], ports };
    } else if (rung.event === "step_error" && isInside && marks[step] !== undefined) {
      marks[step] = { ...marks[step], state: "failed", text: textOf(rung.code) };
    }
  }
  if (here !== null && !isOver) {
    marks[here] = { ...marks[here], state: "active" };
  }
  return marks;
}

/** What happened, in a sentence; null for what nobody needs to read. */
export function rungWords(document: FlowDocument, rung: Rung): string | null {
  const name = textOf(rung.name) || stepName(document, textOf(rung.step));
  const target = textOf(rung.target);
  const step = document.steps[textOf(rung.step)];
  switch (rung.event) {
    case "step_enter":
      return `“${name}” begins${rung.flow === undefined ? "" : ` in the flow ${textOf(rung.flow)}`}.`;
    case "step_leave": {
      const set = Array.isArray(rung.vars) ? rung.vars.map(setWords).join(", ") : "";
      return `It leaves by “${portLabel(step, textOf(rung.port))}”${set && `; ${set}`}.`;
    }
    case "step_error":
      return `“${name}” failed: ${textOf(rung.message)} (${textOf(rung.code)}).`;
    case "fallback":
      return `“${portLabel(step, textOf(rung.port))}” is not connected: on to ${rung.to === "end" ? "goodbye" : `“${stepName(document, textOf(rung.to))}”`}.`;
    case "key":
      return `Key ${textOf(rung.digit)}.`;
    case "tag":
      return `The record keeps ${textOf(rung.key)} = ${textOf(rung.value)}.`;
    case "contact":
      return `The caller is “${textOf(rung.name) || textOf(rung.id)}” (${textOf(rung.type)}) in the CRM.`;
    case "tts_late":
      return "The spoken text came too late.";
    case "answer":
      return "The caller is answered.";
    case "ringing":
      return "The caller hears ringing.";
    case "play":
      return `${rung.party === "caller" ? "The caller" : textOf(rung.party)} hears ${soundWords(rung.sounds)}.`;
    case "playback_end":
    case "playback_stop":
      return null;
    default:
      return partyWords(rung, target);
  }
}

function partyWords(rung: Rung, target: string): string {
  switch (rung.event) {
    case "dial":
      return `${target} is dialled.`;
    case "dial_ringing":
      return `${target} rings.`;
    case "dial_answered":
      return `${target} answers.`;
    case "dial_failed":
      return `${target} is not reached: ${textOf(rung.cause).replaceAll("_", " ")}.`;
    case "dial_cancel":
      return `${target} stops ringing.`;
    case "dial_hang_up":
      return `We hang up on ${target}.`;
    case "dialled_hung_up":
      return `${target} hangs up.`;
    case "connect":
      return `The caller and ${target} talk.`;
    case "hand_over":
      return `The trunk is asked to bring the caller to ${target}.`;
    case "handed_over":
      return `${target} has the caller; the call has left.`;
    case "caller_hang_up":
      return "The caller hangs up.";
    case "hang_up":
      return "We hang up.";
    case "ask":
      return `Asks (${textOf(rung.kind)}): ${target}`;
    case "reply":
      return rung.error === undefined ? "The reply is there." : `No usable reply: ${textOf(rung.error)}.`;
    default:
      return textOf(rung.event).replaceAll("_", " ");
  }
}

function setWords(pair: Json): string {
  return Array.isArray(pair) ? `${textOf(pair[0])} = ${textOf(pair[1])}` : "";
}

function soundWords(sounds: Json | undefined): string {
  const list = Array.isArray(sounds) ? sounds.filter(isObject) : [];
  const words = list.map(
    (sound) => textOf(sound.text) || textOf(sound.id) || textOf(sound.kind).replaceAll("_", " "),
  );
  return words.length === 0 ? "nothing" : words.map((word) => `“${word}”`).join(", ");
}

/** A prompt of the library, or a text with its variables filled in. */
export type Heard =
  | { kind: "file"; id: string }
  | { kind: "speech"; text: string; language: string; voice: string };

/** What the caller hears in these, of what a browser can play. */
export function heardSounds(rungs: readonly Rung[]): Heard[] {
  return rungs
    .filter((rung) => rung.event === "play" && rung.party === "caller" && rung.forever !== true)
    .flatMap((rung) => (Array.isArray(rung.sounds) ? rung.sounds.filter(isObject) : []))
    .flatMap((sound): Heard[] => {
      if (sound.kind === "file") {
        return [{ kind: "file", id: textOf(sound.id) }];
      }
      const { text, language, voice } = sound;
      const speech = { text: textOf(text), language: textOf(language), voice: textOf(voice) };
      return sound.kind === "speech" ? [{ kind: "speech", ...speech }] : [];
    });
}

/** How a call ended, in words. */
export function outcomeWords(outcome: unknown): string {
  if (!isObject(outcome)) {
    return "";
  }
  const words: Record<string, string> = {
    answered: "An agent answered.",
    abandoned_in_flow: "The caller hung up within the flow.",
    abandoned_ringing: "The caller hung up while agents rang.",
    short_abandon: "The caller hung up almost at once.",
    disconnected_by_flow: "The flow hung up.",
    loop_guard: "The call went in a circle and was ended.",
    error: "An error ended the call.",
  };
  const kind = textOf(outcome.outcome);
  return words[kind] ?? kind.replaceAll("_", " ");
}
