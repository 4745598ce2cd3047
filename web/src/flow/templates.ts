// Flows to start from. They are laid out when they are opened.

import type { FlowDocument, JsonObject, Step } from "./document";

export type FlowTemplate = {
  id: string;
  name: string;
  text: string;
  steps: Record<string, Step>;
  entry: string;
  fallback?: string;
};

const say = (text: string): JsonObject => ({ kind: "tts", text });
const bye: Step = {
  type: "hangup",
  name: "Goodbye",
  config: { audio: say("Thank you for calling. Goodbye.") },
  on: {},
};
const nobody: Step = {
  type: "greeting",
  name: "Nobody is free",
  config: { audio: say("Nobody is free at the moment. Please call again later.") },
  on: { next: "bye" },
};
/** Agents are chosen by whoever starts from it. */
const ring = (name: string, otherwise = "nobody"): Step => ({
  type: "dial",
  name,
  config: { target: { kind: "users", values: [] } },
  on: { no_response: otherwise },
});
const weekdays: JsonObject = {
  weekly: [{ days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "17:00" }],
};

export const TEMPLATES: FlowTemplate[] = [
  {
    id: "greeting",
    name: "Greeting and goodbye",
    text: "Says one thing and hangs up: a line that is out of use, or the news of the day.",
    entry: "welcome",
    steps: {
      welcome: { type: "greeting", name: "Welcome", config: { audio: say("Welcome.") }, on: { next: "bye" } },
      bye,
    },
  },
  {
    id: "hours",
    name: "Office hours",
    text: "Rings agents while the office is open, and says so where it is closed.",
    entry: "hours",
    fallback: "bye",
    steps: {
      hours: { type: "time", name: "Office hours", config: weekdays, on: { open: "ring", closed: "closed" } },
      ring: ring("Ring the office"),
      nobody,
      closed: {
        type: "greeting",
        name: "Closed",
        config: { audio: say("We are open from Monday to Friday, nine to five.") },
        on: { next: "bye" },
      },
      bye,
    },
  },
  {
    id: "menu",
    name: "Menu",
    text: "Asks what the call is about, and rings the agents for it.",
    entry: "welcome",
    fallback: "bye",
    steps: {
      welcome: {
        type: "greeting",
        name: "Welcome",
        config: { audio: say("Welcome."), bargeIn: true },
        on: { next: "menu" },
      },
      menu: {
        type: "menu",
        name: "Main menu",
        config: {
          prompt: say("For sales, press one. For support, press two."),
          options: { "1": { label: "Sales" }, "2": { label: "Support" } },
        },
        on: { "key:1": "sales", "key:2": "support", no_response: "bye" },
      },
      sales: ring("Sales"),
      support: ring("Support"),
      nobody,
      bye,
    },
  },
  {
    id: "account",
    name: "Account number and look-up",
    text: "Asks for an account number, asks a web service about it, and leads by what that says.",
    entry: "ask",
    fallback: "bye",
    steps: {
      ask: {
        type: "prompt",
        name: "Account number",
        config: {
          prompt: say("Please enter your account number, then press pound."),
          saveAs: "account",
          confirm: "readback",
        },
        on: { next: "look_up", no_response: "bye" },
      },
      look_up: {
        type: "http",
        name: "Look it up",
        config: { url: "https://example.com/accounts/{{account}}", saveAs: "customer" },
        on: { success: "tier", no_response: "ring" },
      },
      tier: {
        type: "branch",
        name: "Which customer",
        config: {
          value: "{{customer.json.tier}}",
          branches: [{ id: "gold", name: "Gold", values: ["gold"] }],
        },
        on: { "b:gold": "ring_gold", any: "ring", none: "ring" },
      },
      ring_gold: ring("Gold desk", "ring"),
      ring: ring("Everybody", "bye"),
      bye,
    },
  },
];

/** A document of a template, for a flow that has its id and name. */
export function fromTemplate(template: FlowTemplate, flow: FlowDocument): FlowDocument {
  const settings = flow.settings ?? {};
  return {
    ...flow,
    entry: template.entry,
    steps: structuredClone(template.steps),
    settings: template.fallback === undefined ? settings : { ...settings, fallback: template.fallback },
  };
}
