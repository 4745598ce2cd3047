// What is different between two documents of a flow: in words, and by step for the canvas.

import { fieldLabel } from "../builder/forms/labels";
import { kindWords } from "./catalogue";
import { commentOf, type FlowDocument, type Json, positionOf, type Step, stepName } from "./document";
import { portLabel } from "./ports";

export type Change = {
  /** The step, where it is about one. */
  step?: string;
  what: "added" | "removed" | "changed";
  text: string;
};

/** All that changed from one document to another. Notes and places count where `withNotes` says so. */
export function changesOf(from: FlowDocument, to: FlowDocument, withNotes = false): Change[] {
  const changes: Change[] = [];
  for (const field of ["name", "description"] as const) {
    if ((from[field] ?? "") !== (to[field] ?? "")) {
      changes.push({
        what: "changed",
        text: `The flow's ${field}: ${words(from[field])} became ${words(to[field])}.`,
      });
    }
  }
  if (from.entry !== to.entry) {
    changes.push({
      what: "changed",
      step: to.entry,
      text: `The call begins at ${quoted(to, to.entry)} now.`,
    });
  }
  for (const name of union(from.settings, to.settings)) {
    const [a, b] = [from.settings?.[name], to.settings?.[name]];
    if (!same(a, b)) {
      changes.push({
        what: "changed",
        text: `The setting “${fieldLabel(name)}”: ${words(a)} became ${words(b)}.`,
      });
    }
  }
  for (const id of union(from.steps, to.steps)) {
    changes.push(...stepChanges(from, to, id, withNotes));
  }
  if (withNotes) {
    changes.push(...movedSteps(from, to));
  }
  return changes;
}

function stepChanges(from: FlowDocument, to: FlowDocument, id: string, withNotes: boolean): Change[] {
  const [a, b] = [from.steps[id], to.steps[id]];
  if (a === undefined) {
    return [
      { what: "added", step: id, text: `${quoted(to, id)} (${kindWords(b?.type ?? "").label}) was added.` },
    ];
  }
  if (b === undefined) {
    return [
      { what: "removed", step: id, text: `${quoted(from, id)} (${kindWords(a.type).label}) was taken out.` },
    ];
  }
  const changes: Change[] = [];
  const say = (text: string) =>
    changes.push({ what: "changed", step: id, text: `${quoted(to, id)}: ${text}` });
  if (a.type !== b.type) {
    say(`is a ${kindWords(b.type).label} now, no ${kindWords(a.type).label}.`);
  }
  if ((a.name ?? "") !== (b.name ?? "")) {
    say(`was called ${words(a.name)}.`);
  }
  for (const field of union(a.config, b.config)) {
    const [x, y] = [a.config?.[field], b.config?.[field]];
    if (!same(x, y)) {
      say(`“${fieldLabel(field)}” was ${words(x)}, is ${words(y)}.`);
    }
  }
  for (const port of union(a.on, b.on)) {
    const [x, y] = [a.on?.[port] ?? null, b.on?.[port] ?? null];
    if (x !== y) {
      const leads = y === null ? "leads nowhere" : `leads to ${quoted(to, y)}`;
      say(`${portLabel(b, port)} ${leads} (before: ${x === null ? "nowhere" : quoted(from, x)}).`);
    }
  }
  if (withNotes && commentOf(a) !== commentOf(b)) {
    say(`the note was ${words(a.ui?.comment)}, is ${words(b.ui?.comment)}.`);
  }
  return changes;
}

function movedSteps(from: FlowDocument, to: FlowDocument): Change[] {
  const place = (step: Step | undefined) => JSON.stringify(step && positionOf(step));
  const moved = Object.keys(to.steps).filter(
    (id) => id in from.steps && place(from.steps[id]) !== place(to.steps[id]),
  );
  const [only] = moved;
  if (only === undefined) {
    return [];
  }
  return [
    {
      what: "changed",
      text: moved.length === 1 ? `${quoted(to, only)} was moved.` : `${moved.length} steps were moved.`,
    },
  ];
}

/** Two values that say the same, whatever the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return false;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]))
    );
  }
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return union(x, y).every((key) => same(x[key], y[key]));
}

function union(a: object | undefined, b: object | undefined): string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
}

function quoted(document: FlowDocument, id: string): string {
  return `“${stepName(document, id)}”`;
}

function words(value: Json | undefined): string {
  if (value === undefined || value === null || value === "") {
    return "empty";
  }
  const text = typeof value === "string" ? `“${value}”` : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
