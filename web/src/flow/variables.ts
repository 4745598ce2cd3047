// Which variables a template may read at a step: those that every way to it has set, and those that only some have.

import { type FlowDocument, isObject, type Step, textOf } from "./document";
import { foundOf } from "./found";
import { portsOf, wayOf } from "./ports";

export type Variable = {
  /** As it stands between the braces. */
  path: string;
  text: string;
  /** Every way to the step has set it; others may be empty there. */
  isSure: boolean;
};

const ALWAYS: [path: string, text: string][] = [
  ["call.from", "The caller's number"],
  ["call.to", "The number that was dialled"],
  ["call.fromAreaCode", "The caller's area code"],
  ["call.fromCountryCode", "The caller's country code"],
  ["call.divertedFrom", "Who was called before"],
  ["call.fromName", "The caller's name, as the carrier says it"],
  ["call.numberLabel", "The label of the number that was dialled"],
  ["call.startedAt", "When the call came"],
  ["call.id", "The id of the call"],
  ["call.callKey", "A short key of the call"],
  ["flow.name", "The name of this flow"],
  ["flow.id", "The id of this flow"],
  ["flow.version", "The version of this flow"],
];

/** Asked of the CRM where a flow reads them. */
const CONTACT: [path: string, text: string][] = [
  ["contact.name", "Whom the CRM knows under the caller's number; empty where it knows nobody"],
  ["contact.type", "What kind of record that is: Contact or Lead"],
  ["contact.id", "The id of that record"],
  ["contact.ownerId", "The CRM's user to whom that record belongs"],
  ["owner_id", "The same user"],
];

const DIAL: [path: string, text: string][] = [
  ["dial.result", "What came of ringing"],
  ["dial.agentId", "The agent who answered"],
  ["dial.talkSec", "Seconds of conversation"],
  ["dial.ringSec", "Seconds of ringing"],
  ["dial.sipCode", "The SIP code of the last answer"],
];

const ERROR: [path: string, text: string][] = [
  ["error.code", "What kind of error it was"],
  ["error.step", "The step that failed"],
  ["error.message", "The error in words"],
];

/** What is set where a step is left by a port, with a sentence for each. */
function writesOf(step: Step, port: string): [path: string, text: string][] {
  if (port === "error") {
    return ERROR;
  }
  const config = step.config ?? {};
  const saveAs = textOf(config.saveAs);
  const of = `of “${step.name ?? step.type}”`;
  switch (step.type) {
    case "menu":
      return saveAs && port.startsWith("key:") ? [[saveAs, `The key ${of}`]] : [];
    case "prompt": {
      const status: [string, string] = [`${saveAs}_status`, "ok, no_input or invalid"];
      return saveAs
        ? [...(port === "next" ? [[saveAs, `The digits ${of}`] as [string, string]] : []), status]
        : [];
    }
    case "http":
      return saveAs
        ? [
            [`${saveAs}.status`, `The HTTP status ${of}`],
            [`${saveAs}.body`, `The text of the reply ${of}`],
            [`${saveAs}.json`, `The JSON of the reply ${of}; fields follow after a dot`],
          ]
        : [];
    case "query":
      return saveAs
        ? [
            [`${saveAs}.count`, `How many records ${of}`],
            [`${saveAs}.ids`, `Their ids ${of}`],
            [`${saveAs}.0`, `The first record ${of}; fields follow after a dot`],
            ...foundOf(step).map((path): [string, string] => [
              `${saveAs}.${path}`,
              `Found by ${of.slice(3)}`,
            ]),
          ]
        : [];
    case "callout":
      return saveAs ? [[saveAs, `The reply ${of}; keys follow after a dot`]] : [];
    case "set":
      return Array.isArray(config.variables)
        ? config.variables.filter(isObject).flatMap((variable): [string, string][] => {
            const name = textOf(variable.name);
            return name ? [[name, `Set by ${of.slice(3)}`]] : [];
          })
        : [];
    case "loop":
      return port === "body" && textOf(config.itemName) ? [[textOf(config.itemName), `The item ${of}`]] : [];
    case "subflow":
      return port === "return" && Array.isArray(config.returnVars)
        ? config.returnVars.map((name): [string, string] => [textOf(name), `Taken over from ${of.slice(3)}`])
        : [];
    case "dial":
      return DIAL;
    default:
      return [];
  }
}

/** The variables at a step, the sure ones first. */
export function variablesAt(document: FlowDocument, id: string): Variable[] {
  const words = new Map(ALWAYS);
  const sure = new Map<string, Set<string>>();
  const maybe = new Map<string, Set<string>>();
  const open = [document.entry];
  sure.set(document.entry, new Set());
  maybe.set(document.entry, new Set());
  // Sets of sure ones only shrink and sets of possible ones only grow, so this ends.
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    const step = document.steps[from];
    if (step === undefined) {
      continue;
    }
    for (const { name } of portsOf(step)) {
      const way = wayOf(document, step, name);
      if (way.kind === "end") {
        continue;
      }
      const written = writesOf(step, name);
      for (const [path, text] of written) {
        words.set(path, text);
      }
      const paths = written.map(([path]) => path);
      const mayNow = new Set([...(maybe.get(from) ?? []), ...paths]);
      const sureNow = new Set([...(sure.get(from) ?? []), ...paths]);
      if (flowInto(sure, maybe, way.to, sureNow, mayNow)) {
        open.push(way.to);
      }
    }
  }
  const isSure = sure.get(id) ?? new Set();
  const rest = [...(maybe.get(id) ?? [])].sort((a, b) => Number(isSure.has(b)) - Number(isSure.has(a)));
  return [
    ...rest.map((path) => ({ path, text: words.get(path) ?? "", isSure: isSure.has(path) })),
    ...[...ALWAYS, ...CONTACT].map(([path, text]) => ({ path, text, isSure: true })),
  ];
}

/** Joins what comes along one way with what is known of a step. Says whether that changed anything. */
function flowInto(
  sure: Map<string, Set<string>>,
  maybe: Map<string, Set<string>>,
  to: string,
  sureNow: Set<string>,
  mayNow: Set<string>,
): boolean {
  const knownSure = sure.get(to);
  const knownMay = maybe.get(to);
  if (knownSure === undefined || knownMay === undefined) {
    sure.set(to, sureNow);
    maybe.set(to, mayNow);
    return true;
  }
  const bothSure = new Set([...knownSure].filter((path) => sureNow.has(path)));
  const anyMay = new Set([...knownMay, ...mayNow]);
  const isChanged = bothSure.size !== knownSure.size || anyMay.size !== knownMay.size;
  if (isChanged) {
    sure.set(to, bothSure);
    maybe.set(to, anyMay);
  }
  return isChanged;
}
