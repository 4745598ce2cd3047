// What other systems are told of a call, in words: tasks and records of the CRM, and call records for a webhook.

import type { Schema } from "../../api/client";
import { outcomeText } from "../../live/words";
import { whenText } from "../../ui/moments";

export type OutboxItem = Schema<"OutboxItem">;
export type OutboxState = "waiting" | "claimed" | "parked" | "done" | "dead" | "erased";

/** In the order in which somebody wants to see them. */
export const STATES: Record<OutboxState, { label: string; color: string }> = {
  parked: { label: "Set aside", color: "orange" },
  waiting: { label: "Waiting", color: "cord" },
  claimed: { label: "Being sent", color: "yellow" },
  dead: { label: "Given up", color: "red" },
  done: { label: "Delivered", color: "teal" },
  erased: { label: "Erased", color: "gray" },
};

export function isState(text: string): text is OutboxState {
  return Object.hasOwn(STATES, text);
}

/** The name and the colour of a state, also of one that is not known here. */
export function stateOf(item: OutboxItem): { label: string; color: string } {
  return isState(item.state) ? STATES[item.state] : { label: item.state, color: "gray" };
}

const KINDS: Record<string, string> = {
  crm_task: "Task in the CRM",
  crm_conversation: "Record of the call in the CRM",
  record: "Call record for the web service",
};

/** What it is, for people. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll("_", " ");
}

/** What a row is called: the subject of a task, else its kind. */
export function titleOf(item: OutboxItem): string {
  return (item.kind === "crm_conversation" ? "" : textIn(item.payload, "subject")) || kindText(item.kind);
}

/** Where it is looked at in the other system, and its id there. */
export function resultOf(item: OutboxItem): { id: string; url: string } | null {
  const id = textIn(item.result, "id");
  return id === "" ? null : { id, url: textIn(item.result, "url") };
}

/** Whether it stays as it is until somebody has it tried anew. */
export function canRetry(item: OutboxItem): boolean {
  return item.state === "parked" || item.state === "dead";
}

/** Whether it will be something else soon, without anybody. */
export function isUnderWay(item: OutboxItem): boolean {
  return item.state === "waiting" || item.state === "claimed";
}

/** The server and the id of the call that it tells of; none where its key is of another shape. */
export function callOf(item: OutboxItem): { node: string; callId: string } | null {
  const slash = item.key.indexOf("/");
  return slash > 0 ? { node: item.key.slice(0, slash), callId: item.key.slice(slash + 1) } : null;
}

const FIELDS: Record<string, string> = {
  subject: "Subject",
  comments: "Comments",
  assignTo: "For",
  from: "Caller",
  to: "Dialled",
  number: "Smart Number",
  isAbandoned: "Abandoned",
  contact: "The caller is",
  relatedTo: "Related to",
  agentId: "Agent",
  endedBy: "Ended by",
  outcome: "What became of it",
  outcomeText: "The flow calls it",
  flowId: "Call flow",
  version: "Version",
  start: "Started",
  end: "Ended",
  talkSec: "Seconds of conversation",
  durationSec: "Seconds",
  finalStep: "Last step",
  node: "Server",
  callId: "Call id",
  callKey: "Call key",
  erased: "Caller erased",
};

/** The fields of what is sent, named and in words; long lists and what is empty are left out. */
export function fieldsOf(item: OutboxItem): [name: string, value: string][] {
  return Object.entries(item.payload as Record<string, unknown>).flatMap(
    ([key, value]): [string, string][] => {
      const words = (WORDS[key] ?? valueWords)(value);
      return words === "" ? [] : [[FIELDS[key] ?? spaced(key), words]];
    },
  );
}

/** Fields whose values say it in words of the machine. */
const WORDS: Record<string, (value: unknown) => string> = {
  start: (value) => whenText(valueWords(value)),
  end: (value) => whenText(valueWords(value)),
  outcome: (value) => outcomeText(valueWords(value)),
  erased: (value) => whenText(valueWords(value)),
};

function valueWords(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return String(value);
    case "boolean":
      return value ? "yes" : "no";
    default:
      // A person or a step, by name.
      return textIn(value, "name") || textIn(value, "id");
  }
}

function spaced(key: string): string {
  const words = key.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function textIn(value: unknown, key: string): string {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : "";
  return typeof found === "string" ? found : "";
}
