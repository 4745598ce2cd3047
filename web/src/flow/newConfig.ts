// What a new step is set to: as little as can be said without knowing what it is for.

import type { JsonObject } from "./document";

const CONFIGS: Record<string, JsonObject> = {
  greeting: { audio: { kind: "tts", text: "" } },
  menu: { prompt: { kind: "tts", text: "" }, options: { "1": { label: "" }, "2": { label: "" } } },
  prompt: { prompt: { kind: "tts", text: "" }, saveAs: "digits" },
  branch: { value: "{{call.fromAreaCode}}", branches: [{ id: "one", name: "", values: [] }] },
  split: {
    branches: [
      { id: "a", name: "A", weight: 50 },
      { id: "b", name: "B", weight: 50 },
    ],
  },
  caller_list: { listId: "" },
  time: { weekly: [{ days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "17:00" }] },
  dial: { target: { kind: "users", values: [] } },
  callout: { path: "", saveAs: "reply" },
  query: { soql: "", saveAs: "reply" },
  http: { url: "https://", saveAs: "reply" },
  sms: { body: "" },
  goto: { stepId: "" },
  subflow: { flowId: "" },
  loop: { list: "", itemName: "item" },
  set: { variables: [{ name: "", value: "" }] },
  tag: { key: "", value: "" },
  wait: { seconds: 5 },
};

/** The fields of a new step of a kind. */
export function newConfig(type: string): JsonObject {
  return structuredClone(CONFIGS[type] ?? {});
}
