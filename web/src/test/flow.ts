import type { FlowDocument } from "../flow/document";

/** A small flow for tests: a greeting, a menu with two keys, an agent, and a goodbye that is the fallback. */
export function sampleFlow(): FlowDocument {
  return {
    schema: "callflow/1",
    id: "sample",
    name: "Sample",
    settings: { fallback: "bye" },
    entry: "welcome",
    steps: {
      welcome: {
        type: "greeting",
        name: "Welcome",
        config: { audio: { kind: "tts", text: "Hello" } },
        on: { next: "menu" },
        ui: { x: 0, y: 0 },
      },
      menu: {
        type: "menu",
        name: "Main menu",
        config: {
          prompt: { kind: "file", id: "en/menu" },
          options: { "1": { label: "Sales" }, "2": {} },
          saveAs: "choice",
        },
        on: { "key:1": "ring", "key:2": "menu", no_response: "bye" },
        ui: { x: 320, y: 0 },
      },
      ring: {
        type: "dial",
        name: "Ring",
        config: { target: { kind: "users", values: ["alice"] } },
        on: { no_response: "bye" },
        ui: { x: 640, y: 0 },
      },
      bye: { type: "hangup", name: "Goodbye", config: {}, on: {}, ui: { x: 960, y: 0 } },
    },
  };
}
