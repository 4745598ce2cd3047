// What kinds of steps there are, with their fields: from the server's JSON Schema of flow documents.

import { isObject, type Json, type JsonObject } from "./document";

/** A part of a JSON Schema, as far as forms go by it. */
export type FieldSchema = {
  type?: string | string[];
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  pattern?: string;
  required?: string[];
  properties?: Record<string, FieldSchema>;
  items?: FieldSchema;
  additionalProperties?: FieldSchema | boolean;
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  $ref?: string;
};

export type Group = "Talk" | "Decide" | "Ring" | "Look up" | "Go on";

export type StepKind = {
  type: string;
  label: string;
  /** What it does, in a sentence. */
  text: string;
  group: Group;
  fields: Record<string, FieldSchema>;
  required: string[];
  /** Whether this server runs it; what it does not run is drawn and not offered. */
  isOffered: boolean;
};

export type Catalogue = {
  kinds: Record<string, StepKind>;
  settings: Record<string, FieldSchema>;
};

export const GROUPS: Group[] = ["Talk", "Decide", "Ring", "Look up", "Go on"];

const WORDS: Record<string, [label: string, group: Group, text: string]> = {
  greeting: ["Greeting", "Talk", "Plays a text or a prompt."],
  menu: ["Menu", "Talk", "Asks for one key, and each key leads its own way."],
  prompt: ["Prompt", "Talk", "Asks for digits and keeps them, such as an account number."],
  wait: ["Wait", "Talk", "Lets some seconds pass, in silence or with music."],
  time: ["Time", "Decide", "Open or closed, by the hours of now."],
  branch: ["Branch", "Decide", "Leads by a value, such as the caller's area code."],
  split: ["Split", "Decide", "Shares the callers among several ways."],
  caller_list: ["Caller list", "Decide", "Looks whether the caller is on a list."],
  loop: ["Loop", "Decide", "Does the same for each item of a list."],
  dial: ["Dial", "Ring", "Rings agents or a number, and joins the one who answers with the caller."],
  http: ["Web request", "Look up", "Asks a web service and keeps its reply."],
  callout: ["Callout", "Look up", "Asks an Apex class in Salesforce."],
  query: ["Query", "Look up", "Reads records from Salesforce."],
  sms: ["Text message", "Look up", "Sends a text message."],
  set: ["Set variables", "Go on", "Keeps values for later steps."],
  tag: ["Tag", "Go on", "Writes a value into the call record."],
  goto: ["Go to", "Go on", "Goes on at another step of this flow."],
  subflow: ["Run a flow", "Go on", "Runs another call flow and comes back."],
  hangup: ["Hang up", "Go on", "Says goodbye, if wanted, and ends the call."],
  voicemail: ["Voicemail", "Talk", "Records a message."],
  record: ["Record", "Go on", "Starts or stops recording."],
  queue_check: ["Queue check", "Decide", "Looks at a queue."],
  callback: ["Callback", "Ring", "Calls back later."],
};

/** The catalogue out of `GET /schemas/callflow/1`. */
export function readCatalogue(schema: unknown): Catalogue {
  const root = isObject(schema) ? schema : {};
  const definitions = isObject(root.$defs) ? root.$defs : {};
  const kinds: Record<string, StepKind> = {};
  for (const [type, definition] of Object.entries(definitions)) {
    if (type !== "audio") {
      kinds[type] = readKind(type, definition);
    }
  }
  const settings = at(root, "properties", "settings", "properties");
  return { kinds, settings: (settings ?? {}) as Record<string, FieldSchema> };
}

function readKind(type: string, definition: Json): StepKind {
  const fields = at(definition, "properties", "config", "properties");
  const required = isObject(definition) ? at(definition, "properties", "config") : undefined;
  return {
    ...kindWords(type),
    type,
    fields: (fields ?? {}) as Record<string, FieldSchema>,
    required: Array.isArray(required?.required)
      ? required.required.filter((name) => typeof name === "string")
      : [],
    isOffered: fields !== undefined,
  };
}

/** What people call a kind of step, also where there is no catalogue. */
export function kindWords(type: string): { label: string; group: Group; text: string } {
  const [label, group, text] = WORDS[type] ?? [type, "Go on", ""];
  return { label, group, text };
}

function at(value: Json | undefined, ...path: string[]): JsonObject | undefined {
  let here: Json | undefined = value;
  for (const segment of path) {
    here = isObject(here) ? here[segment] : undefined;
  }
  return isObject(here) ? here : undefined;
}
