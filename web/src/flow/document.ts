// A call flow as the server keeps it: `callflow/1`. A draft may be wrong in every field but its frame.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Step = {
  type: string;
  name?: string;
  config?: JsonObject;
  /** Port to step; a port that is missing, or null, leads nowhere. */
  on?: Record<string, string | null>;
  /** Where it is drawn and what people noted on it. The server keeps it and does not read it. */
  ui?: JsonObject;
};

export type FlowDocument = {
  schema: string;
  id: string;
  name: string;
  description?: string;
  settings?: JsonObject;
  entry: string;
  steps: Record<string, Step>;
};

export type Point = { x: number; y: number };

/** What somebody handed us as a flow: a document that can be drawn, or why it is none. */
export function readDocument(value: unknown): { document: FlowDocument } | { error: string } {
  if (!isObject(value)) {
    return { error: "This is not a call flow: it is no JSON object." };
  }
  if (value.schema !== "callflow/1") {
    return { error: 'This is not a call flow: it does not say "schema": "callflow/1".' };
  }
  if (!isObject(value.steps)) {
    return { error: "This call flow has no steps." };
  }
  const wrong = Object.entries(value.steps).find(([, step]) => !isStep(step));
  if (wrong !== undefined) {
    return { error: `The step "${wrong[0]}" cannot be read.` };
  }
  const { id, name, entry } = value;
  return {
    document: {
      ...(value as Partial<FlowDocument>),
      schema: "callflow/1",
      id: typeof id === "string" ? id : "",
      name: typeof name === "string" ? name : "",
      entry: typeof entry === "string" ? entry : "",
      settings: isObject(value.settings) ? value.settings : {},
      steps: value.steps as Record<string, Step>,
    },
  };
}

/** An object of JSON, which no list and no null is. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStep(value: unknown): value is Step {
  if (!isObject(value) || typeof value.type !== "string") {
    return false;
  }
  const { config, on, ui, name } = value;
  const objects = [config, on, ui].every((part) => part === undefined || isObject(part));
  return objects && (name === undefined || typeof name === "string");
}

/** What people call a step: its name, else its id. */
export function stepName(document: FlowDocument, id: string): string {
  return document.steps[id]?.name || id;
}

/** Where a step was put, if it was. */
export function positionOf(step: Step): Point | null {
  const { x, y } = step.ui ?? {};
  return typeof x === "number" && typeof y === "number" ? { x, y } : null;
}

/** What somebody noted on a step. */
export function commentOf(step: Step): string {
  return typeof step.ui?.comment === "string" ? step.ui.comment : "";
}

/** The text of a field that may be a text or a number. */
export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
