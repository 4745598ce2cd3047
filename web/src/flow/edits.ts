// Changes of a flow. Each gives a new document in which all that was not touched is the same object.

import { kindWords } from "./catalogue";
import {
  type FlowDocument,
  isObject,
  type Json,
  type JsonObject,
  type Point,
  positionOf,
  type Step,
  stepName,
  textOf,
} from "./document";
import { edgesOf } from "./graph";
import { arranged, heightOf, STEP_WIDTH } from "./layout";
import { newConfig } from "./newConfig";
import { fallbackOf, portsOf } from "./ports";

export type PortRef = { from: string; port: string };

/** Longest name of a step, and longest id. */
const NAME_MAX = 60;
const ID_MAX = 40;

/** Adds a step. With `from` that port leads to it, and where it led, the new step goes on. */
export function addStep(
  document: FlowDocument,
  type: string,
  at: Point,
  from?: PortRef,
): { document: FlowDocument; id: string } {
  const { label } = kindWords(type);
  const id = freeId(document, idOf(label));
  const step: Step = {
    type,
    name: freeName(document, label),
    config: newConfig(type),
    on: {},
    ui: { x: at.x, y: at.y },
  };
  let next: FlowDocument = { ...document, steps: { ...document.steps, [id]: step } };
  if (!Object.hasOwn(document.steps, document.entry)) {
    next = { ...next, entry: id };
  }
  if (from === undefined) {
    return { document: next, id };
  }
  const led = edgesOf(document).find((edge) => edge.from === from.from && edge.port === from.port)?.to;
  next = connect(next, from, id);
  const first = portsOf(step)[0];
  if (led !== undefined && first !== undefined) {
    next = connect(next, { from: id, port: first.name }, led);
  }
  return { document: next, id };
}

/** A place for a step that comes after another: at its right, below what lies there. */
export function placeAfter(document: FlowDocument, id: string): Point {
  const step = document.steps[id];
  const { x, y } = (step && positionOf(step)) ?? { x: 0, y: 0 };
  return freePlace(document, { x: x + STEP_WIDTH + 96, y });
}

/** The place itself, or one further down that nothing lies on. */
export function freePlace(document: FlowDocument, at: Point): Point {
  const boxes = Object.values(document.steps).map((step) => ({
    ...(positionOf(step) ?? { x: 0, y: 0 }),
    height: heightOf(step),
  }));
  let { y } = at;
  for (let i = 0; i <= boxes.length; i++) {
    const hit = boxes.find(
      (box) => Math.abs(box.x - at.x) < STEP_WIDTH && y < box.y + box.height && box.y < y + 120,
    );
    if (hit === undefined) {
      break;
    }
    y = hit.y + hit.height + 32;
  }
  return { x: at.x, y };
}

/** Leads a port to a step. */
export function connect(document: FlowDocument, { from, port }: PortRef, to: string): FlowDocument {
  const step = document.steps[from];
  if (step === undefined || !Object.hasOwn(document.steps, to)) {
    return document;
  }
  if (step.type === "goto") {
    return withStep(document, from, { ...step, config: { ...step.config, stepId: to } });
  }
  return withStep(document, from, { ...step, on: { ...step.on, [port]: to } });
}

/** Takes connections away. */
export function disconnect(document: FlowDocument, ports: PortRef[]): FlowDocument {
  return ports.reduce((next, { from, port }) => {
    const step = next.steps[from];
    if (step === undefined) {
      return next;
    }
    return step.type === "goto"
      ? withStep(next, from, { ...step, config: { ...step.config, stepId: "" } })
      : withStep(next, from, { ...step, on: without(step.on ?? {}, [port]) });
  }, document);
}

/** Takes steps out. A way that led through one that has one way on, leads on. */
export function removeSteps(document: FlowDocument, ids: readonly string[]): FlowDocument {
  const gone = new Set(ids.filter((id) => Object.hasOwn(document.steps, id)));
  if (gone.size === 0) {
    return document;
  }
  const heir = (id: string) => heirOf(document, id, gone);
  const steps: Record<string, Step> = {};
  for (const [id, step] of Object.entries(document.steps)) {
    if (!gone.has(id)) {
      steps[id] = redirected(step, (to) => (gone.has(to) ? heir(to) : to));
    }
  }
  const settings = document.settings ?? {};
  const fallback = textOf(settings.fallback);
  return {
    ...document,
    steps,
    entry: gone.has(document.entry) ? (heir(document.entry) ?? Object.keys(steps)[0] ?? "") : document.entry,
    settings: gone.has(fallback) ? without(settings, ["fallback"]) : settings,
  };
}

/** Where a call goes that would have come to a step which is taken out: along its only connection. */
function heirOf(document: FlowDocument, start: string, gone: Set<string>): string | null {
  const seen = new Set<string>();
  let id = start;
  while (gone.has(id) && !seen.has(id)) {
    seen.add(id);
    const targets = new Set(
      edgesOf(document)
        .filter((edge) => edge.from === id)
        .map((edge) => edge.to),
    );
    const [only] = targets;
    if (targets.size !== 1 || only === undefined) {
      return null;
    }
    id = only;
  }
  return gone.has(id) ? null : id;
}

/** A step whose connections lead elsewhere; null for nowhere. */
function redirected(step: Step, to: (id: string) => string | null): Step {
  let next = step;
  for (const [port, old] of Object.entries(step.on ?? {})) {
    const target = old === null ? null : to(old);
    if (target !== old) {
      const on = next.on ?? {};
      next = { ...next, on: target === null ? without(on, [port]) : { ...on, [port]: target } };
    }
  }
  if (step.type === "goto") {
    const old = textOf(step.config?.stepId);
    const target = old === "" ? "" : (to(old) ?? "");
    if (target !== old) {
      next = { ...next, config: { ...step.config, stepId: target } };
    }
  }
  return next;
}

/** What people call the step. */
export function renameStep(document: FlowDocument, id: string, name: string): FlowDocument {
  const step = document.steps[id];
  return step === undefined ? document : withStep(document, id, { ...step, name: name.slice(0, NAME_MAX) });
}

/** Why a step cannot have an id, or null where it can. */
export function wrongId(document: FlowDocument, old: string, id: string): string | null {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(id)) {
    return "A small letter, then small letters, digits and _; 40 at the most.";
  }
  return id !== old && Object.hasOwn(document.steps, id) ? "Another step has this id." : null;
}

/** Gives a step another id; all that leads to it follows. */
export function renameId(document: FlowDocument, old: string, id: string): FlowDocument {
  if (old === id || !Object.hasOwn(document.steps, old) || wrongId(document, old, id) !== null) {
    return document;
  }
  const follow = (to: string) => (to === old ? id : to);
  const steps = Object.entries(document.steps).map(([key, step]): [string, Step] => [
    follow(key),
    redirected(step, follow),
  ]);
  const settings = document.settings ?? {};
  return {
    ...document,
    entry: follow(document.entry),
    settings: settings.fallback === old ? { ...settings, fallback: id } : settings,
    steps: Object.fromEntries(steps),
  };
}

/** Sets a step's fields. `ports` says which ports have another name now; connections of ports that are gone go too. */
export function setConfig(
  document: FlowDocument,
  id: string,
  config: JsonObject,
  ports: Record<string, string> = {},
): FlowDocument {
  const step = document.steps[id];
  if (step === undefined) {
    return document;
  }
  const renamed = Object.entries(step.on ?? {}).map(([port, to]): [string, string | null] => [
    ports[port] ?? port,
    to,
  ]);
  const bare = { ...step, config, on: Object.fromEntries(renamed) };
  if (step.type === "goto") {
    return withStep(document, id, { ...bare, on: {} });
  }
  const known = new Set(portsOf({ ...bare, on: {} }).map((port) => port.name));
  const isKnownKind = portsOf({ type: step.type, on: {} }).length > 0 || step.type === "hangup";
  const on = isKnownKind
    ? Object.entries(bare.on).filter(([port]) => known.has(port))
    : Object.entries(bare.on);
  return withStep(document, id, { ...bare, on: Object.fromEntries(on) });
}

/** What people note on a step; empty takes it away. */
export function setComment(document: FlowDocument, id: string, comment: string): FlowDocument {
  const step = document.steps[id];
  if (step === undefined) {
    return document;
  }
  const ui = comment === "" ? without(step.ui ?? {}, ["comment"]) : { ...step.ui, comment };
  return withStep(document, id, { ...step, ui });
}

export function setEntry(document: FlowDocument, id: string): FlowDocument {
  return { ...document, entry: id };
}

/** Sets a field of the flow's settings; `undefined` takes it away. */
export function setSetting(document: FlowDocument, name: string, value: Json | undefined): FlowDocument {
  const settings = document.settings ?? {};
  return {
    ...document,
    settings: value === undefined ? without(settings, [name]) : { ...settings, [name]: value },
  };
}

/** Puts steps elsewhere. */
export function moveSteps(document: FlowDocument, places: Record<string, Point>): FlowDocument {
  let isChanged = false;
  const steps = { ...document.steps };
  for (const [id, { x, y }] of Object.entries(places)) {
    const step = steps[id];
    const old = step && positionOf(step);
    if (step !== undefined && (old?.x !== x || old.y !== y)) {
      steps[id] = { ...step, ui: { ...step.ui, x, y } };
      isChanged = true;
    }
  }
  return isChanged ? { ...document, steps } : document;
}

export type Alignment = "left" | "top" | "columns" | "rows";

/** Lines steps up: at their left or upper sides, or with equal gaps in a column or a row. */
export function align(document: FlowDocument, ids: readonly string[], how: Alignment): FlowDocument {
  const boxes = ids.flatMap((id) => {
    const step = document.steps[id];
    return step === undefined
      ? []
      : [{ id, ...(positionOf(step) ?? { x: 0, y: 0 }), height: heightOf(step) }];
  });
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  const places: Record<string, Point> = {};
  let { x, y } = { x: left, y: top };
  const sorted = boxes.sort((a, b) => (how === "rows" ? a.x - b.x : a.y - b.y));
  for (const box of sorted) {
    places[box.id] = {
      left: { x: left, y: box.y },
      top: { x: box.x, y: top },
      columns: { x: left, y },
      rows: { x, y: top },
    }[how];
    x += STEP_WIDTH + 48;
    y += box.height + 32;
  }
  return moveSteps(document, places);
}

/** Puts all steps where their connections lead from left to right. */
export function arrange(document: FlowDocument): FlowDocument {
  return moveSteps(document, arranged(document));
}

/** Steps as text for the clipboard. */
export function copySteps(document: FlowDocument, ids: readonly string[]): string {
  const steps = Object.fromEntries(
    ids.flatMap((id) => {
      const step = document.steps[id];
      return step === undefined ? [] : [[id, step]];
    }),
  );
  return JSON.stringify({ cordboard: "steps/1", steps }, null, 2);
}

/** Puts copied steps, or all steps of a whole flow, beside what is there. Null where the text is neither. */
export function pasteSteps(
  document: FlowDocument,
  text: string,
  at?: Point,
): { document: FlowDocument; ids: string[] } | null {
  const copied = readSteps(text);
  if (copied === null) {
    return null;
  }
  const ids = new Map<string, string>();
  let next = document;
  const places = Object.values(copied).map((step) => positionOf(step) ?? { x: 0, y: 0 });
  const corner = { x: Math.min(...places.map((p) => p.x)), y: Math.min(...places.map((p) => p.y)) };
  const shift = at === undefined ? { x: 40, y: 40 } : { x: at.x - corner.x, y: at.y - corner.y };
  for (const [id, step] of Object.entries(copied)) {
    const fresh = freeId(next, /^[a-z][a-z0-9_]*$/.test(id) ? id : idOf(id));
    const place = positionOf(step) ?? { x: 0, y: 0 };
    const name = freeName(next, step.name || kindWords(step.type).label);
    ids.set(id, fresh);
    next = {
      ...next,
      steps: {
        ...next.steps,
        [fresh]: { ...step, name, ui: { ...step.ui, x: place.x + shift.x, y: place.y + shift.y } },
      },
    };
  }
  for (const fresh of ids.values()) {
    const step = next.steps[fresh];
    if (step !== undefined) {
      next = withStep(
        next,
        fresh,
        redirected(step, (to) => ids.get(to) ?? null),
      );
    }
  }
  return { document: next, ids: [...ids.values()] };
}

function readSteps(text: string): Record<string, Step> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || !isObject(value.steps) || Object.keys(value.steps).length === 0) {
    return null;
  }
  const steps: Record<string, Step> = {};
  for (const [id, step] of Object.entries(value.steps)) {
    if (!isObject(step) || typeof step.type !== "string") {
      return null;
    }
    const { config, on, ui, name } = step;
    steps[id] = {
      type: step.type,
      config: isObject(config) ? config : {},
      on: isObject(on) ? (on as Record<string, string | null>) : {},
      ui: isObject(ui) ? ui : {},
      ...(typeof name === "string" && { name }),
    };
  }
  return steps;
}

/** Whether `settings.fallback` names the step. */
export function isFallback(document: FlowDocument, id: string): boolean {
  return fallbackOf(document) === id;
}

function withStep(document: FlowDocument, id: string, step: Step): FlowDocument {
  return { ...document, steps: { ...document.steps, [id]: step } };
}

/** An object without some of its keys. */
export function without<T>(object: Record<string, T>, keys: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "");
  return id.slice(0, ID_MAX) || "step";
}

function freeId(document: FlowDocument, wanted: string): string {
  for (let n = 1; ; n++) {
    const end = n === 1 ? "" : `_${n}`;
    const id = wanted.slice(0, ID_MAX - end.length) + end;
    if (!Object.hasOwn(document.steps, id)) {
      return id;
    }
  }
}

function freeName(document: FlowDocument, wanted: string): string {
  const taken = new Set(Object.keys(document.steps).map((id) => stepName(document, id)));
  const bare = wanted.replace(/ \d+$/, "");
  for (let n = 1; ; n++) {
    const end = n === 1 ? "" : ` ${n}`;
    const name = n === 1 ? wanted : bare.slice(0, NAME_MAX - end.length) + end;
    if (!taken.has(name)) {
      return name;
    }
  }
}
