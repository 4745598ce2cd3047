// The ways out of a step, and where each of them leads. The same rules as the server's `flow::port`.

import { type FlowDocument, isObject, type Step, textOf } from "./document";

export type Port = {
  /** As the document says it: `next`, `key:1`, `b:bay`. */
  name: string;
  /** As people read it. */
  label: string;
  /** Taken where things do not go as meant; drawn quieter. */
  isSide: boolean;
};

/** Where a port leads: to a step, or by way of another port, of the flow's fallback, or to the built-in goodbye. */
export type Way =
  | { kind: "step"; to: string }
  | { kind: "port"; port: string; to: string }
  | { kind: "fallback"; to: string }
  | { kind: "end" };

const LABELS: Record<string, string> = {
  next: "Next",
  error: "Error",
  no_input: "Nothing pressed",
  invalid: "Wrong key",
  no_response: "No response",
  any: "Any other value",
  none: "No value",
  open: "Open",
  closed: "Closed",
  holiday: "Holiday",
  no_answer: "No answer",
  busy: "Busy",
  unavailable: "Unavailable",
  rejected: "Rejected",
  failed: "Failed",
  after_call: "After the call",
  body: "For each",
  completed: "Completed",
  empty: "Empty list",
  break: "Ended early",
  match: "On the list",
  no_match: "Not on the list",
  return: "Came back",
  success: "Success",
  http_error: "Error reply",
  found: "Found",
  not_found: "Not found",
};

const PORTS: Record<string, string[]> = {
  greeting: ["next", "error"],
  set: ["next", "error"],
  tag: ["next", "error"],
  wait: ["next", "error"],
  callout: ["next", "error"],
  sms: ["next", "error"],
  query: ["found", "not_found", "error"],
  http: ["success", "http_error", "error"],
  menu: ["no_input", "invalid", "error"],
  prompt: ["next", "no_input", "invalid", "error"],
  branch: ["any", "none", "error"],
  split: [],
  caller_list: ["match", "no_match", "error"],
  time: ["open", "closed", "holiday", "error"],
  dial: ["no_answer", "busy", "unavailable", "rejected", "failed", "after_call", "error"],
  subflow: ["return", "error"],
  loop: ["body", "completed", "empty", "break", "error"],
};

const SIDE = new Set([
  "error",
  "no_input",
  "invalid",
  "no_response",
  "holiday",
  "busy",
  "unavailable",
  "rejected",
  "failed",
  "empty",
  "break",
  "http_error",
]);

/** The ports of a step, the ones of its options first, `no_response` last. None for steps that end the call. */
export function portsOf(step: Step): Port[] {
  if (step.type === "hangup") {
    return [];
  }
  if (step.type === "goto") {
    return [port("next", "Goes on at")];
  }
  const fixed = PORTS[step.type];
  if (fixed === undefined) {
    return Object.keys(step.on ?? {}).map((name) => port(name));
  }
  const names = fixed.filter((name) => isPossible(step, name));
  return [...optionPorts(step), ...names.map((name) => port(name)), port("no_response")];
}

/** What a port is called where its step is not at hand. */
export function portLabel(step: Step | undefined, name: string): string {
  const known = step && portsOf(step).find((port) => port.name === name);
  return known ? known.label : (LABELS[name] ?? name.replace(/^key:/, "Key ").replace(/^b:/, ""));
}

/** Whether a step can be left by a port at all, as it is set. */
function isPossible(step: Step, name: string): boolean {
  if (name === "after_call") {
    return step.config?.afterAnswered === "continue" || typeof step.on?.after_call === "string";
  }
  if (name === "return") {
    return step.config?.mode !== "jump";
  }
  return true;
}

function optionPorts(step: Step): Port[] {
  if (step.type === "menu" && isObject(step.config?.options)) {
    return Object.entries(step.config.options).map(([key, option]) => {
      const label = isObject(option) ? textOf(option.label) : "";
      return port(`key:${key}`, label ? `${key} · ${label}` : `Key ${key}`);
    });
  }
  if ((step.type === "branch" || step.type === "split") && Array.isArray(step.config?.branches)) {
    return step.config.branches.filter(isObject).map((branch) => {
      const label = textOf(branch.name) || textOf(branch.id);
      const share = step.type === "split" ? ` · ${textOf(branch.weight)} %` : "";
      return port(`b:${textOf(branch.id)}`, `${label}${share}`);
    });
  }
  return [];
}

function port(name: string, label?: string): Port {
  return { name, label: label ?? LABELS[name] ?? name, isSide: SIDE.has(name) };
}

/** The step that a port is connected to, where there is such a step. */
export function target(document: FlowDocument, step: Step, port: string): string | null {
  const to = step.type === "goto" ? textOf(step.config?.stepId) : step.on?.[port];
  return typeof to === "string" && Object.hasOwn(document.steps, to) ? to : null;
}

/** Where a port leads, connected or not. */
export function wayOf(document: FlowDocument, step: Step, port: string): Way {
  const to = target(document, step, port);
  if (to !== null) {
    return { kind: "step", to };
  }
  for (const other of standIns(step, port)) {
    const to = target(document, step, other);
    if (to !== null) {
      return { kind: "port", port: other, to };
    }
  }
  const fallback = fallbackOf(document);
  return fallback === null ? { kind: "end" } : { kind: "fallback", to: fallback };
}

/** The step that the flow's `fallback` names. */
export function fallbackOf(document: FlowDocument): string | null {
  const fallback = document.settings?.fallback;
  return typeof fallback === "string" && Object.hasOwn(document.steps, fallback) ? fallback : null;
}

/** Where a port leads, in a few words. */
export function wayWords(document: FlowDocument, step: Step, way: Way): string {
  const name = (id: string) => document.steps[id]?.name || id;
  switch (way.kind) {
    case "step":
      return name(way.to);
    case "port":
      return `as ${portLabel(step, way.port)}`;
    case "fallback":
      return `${name(way.to)} (fallback)`;
    case "end":
      return "goodbye";
  }
}

function standIns(step: Step, port: string): string[] {
  const missing = step.config?.onMissing === "closed" ? "closed" : "open";
  const first = step.type === "time" && port === "error" ? [missing] : [];
  const rest: Record<string, string[]> = {
    no_response: [],
    empty: ["completed", "no_response"],
    holiday: ["closed", "no_response"],
  };
  return [...first, ...(rest[port] ?? ["no_response"])];
}
