import { describe, expect, it } from "vitest";
import { sampleFlow } from "../test/flow";
import { changesOf } from "./changes";
import { type FlowDocument, type JsonObject, readDocument, type Step } from "./document";
import { reachable, readingOrder } from "./graph";
import { heardSounds, outcomeWords, pathMarks, rungWords } from "./ladder";
import { placesOf, withPlaces } from "./layout";
import { portsOf, wayOf, wayWords } from "./ports";
import { complete, completionAt } from "./template";
import { fromTemplate, TEMPLATES } from "./templates";
import { variablesAt } from "./variables";
import { neighbour } from "./walk";

describe("reading a document", () => {
  it("takes a draft that lacks a name", () => {
    expect(readDocument({ schema: "callflow/1", id: "a", steps: {} })).toMatchObject({
      document: { name: "", entry: "" },
    });
  });

  it.each([
    null,
    [],
    "x",
    { schema: "callflow/2" },
    { schema: "callflow/1" },
    { schema: "callflow/1", steps: { a: 1 } },
  ])("refuses %j", (value) => {
    expect(readDocument(value)).toHaveProperty("error");
  });
});

describe("ports", () => {
  const names = (step: Step) => portsOf(step).map((port) => port.name);

  it("of a menu are its keys first", () => {
    expect(names(sampleFlow().steps.menu ?? { type: "" })).toEqual([
      "key:1",
      "key:2",
      "no_input",
      "invalid",
      "error",
      "no_response",
    ]);
  });

  it("of a dial have one for after the call only where it goes on", () => {
    expect(names({ type: "dial" })).not.toContain("after_call");
    expect(names({ type: "dial", config: { afterAnswered: "continue" } })).toContain("after_call");
  });

  it("of a hangup are none", () => {
    expect(names({ type: "hangup" })).toEqual([]);
  });
});

describe("a port that is not connected", () => {
  const way = (document: FlowDocument, id: string, port: string) =>
    wayOf(document, document.steps[id] ?? { type: "" }, port);

  it("falls to the step's no_response", () => {
    expect(way(sampleFlow(), "menu", "no_input")).toEqual({ kind: "port", port: "no_response", to: "bye" });
  });

  it("falls to the flow's fallback", () => {
    expect(way(sampleFlow(), "welcome", "error")).toEqual({ kind: "fallback", to: "bye" });
  });

  it("ends the call where there is none", () => {
    const document = { ...sampleFlow(), settings: {} };
    const found = way(document, "welcome", "error");
    expect(found).toEqual({ kind: "end" });
    expect(wayWords(document, document.steps.welcome ?? { type: "" }, found)).toBe("goodbye");
  });

  it.each([
    ["holiday", { closed: "bye", no_response: "welcome" }, {}, "closed"],
    ["error", { open: "bye", no_response: "welcome" }, {}, "open"],
    ["error", { open: "bye", closed: "welcome" }, { onMissing: "closed" }, "closed"],
  ])("of a time step: %s", (port, on, config, via) => {
    const document: FlowDocument = { ...sampleFlow() };
    document.steps = { ...document.steps, hours: { type: "time", on, config } };
    expect(way(document, "hours", port)).toMatchObject({ kind: "port", port: via });
  });
});

describe("the graph", () => {
  it("knows what nothing leads to", () => {
    const document = sampleFlow();
    document.steps = { ...document.steps, alone: { type: "wait" } };
    expect(reachable(document).has("alone")).toBe(false);
    expect(readingOrder(document)).toEqual(["welcome", "menu", "ring", "bye", "alone"]);
  });
});

describe("places", () => {
  it("stay where people put steps", () => {
    expect(placesOf(sampleFlow()).menu).toEqual({ x: 320, y: 0 });
  });

  it("are new where steps lie on each other", () => {
    const document = sampleFlow();
    document.steps = { ...document.steps, bye: { type: "hangup", ui: { x: 330, y: 20 } } };
    expect(placesOf(document).bye).not.toEqual({ x: 330, y: 20 });
  });

  it("are given to all steps of a flow of 300 with ways all over it, before anybody gives up", () => {
    const steps: Record<string, Step> = {};
    for (let i = 0; i < 300; i++) {
      steps[`s${i}`] = { type: "greeting", on: { next: `s${i + 1}`, error: `s${(i * 7) % 300}` } };
    }
    const began = performance.now();
    const placed = withPlaces({ ...sampleFlow(), entry: "s0", steps });
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(Object.values(placed.steps).every((step) => typeof step.ui?.x === "number")).toBe(true);
  });
});

describe("arrow keys", () => {
  const walk = (id: string, key: string) => neighbour(sampleFlow(), placesOf(sampleFlow()), id, key);

  it("go along connections and back", () => {
    expect(walk("welcome", "ArrowRight")).toBe("menu");
    expect(walk("menu", "ArrowLeft")).toBe("welcome");
    expect(walk("bye", "Home")).toBe("welcome");
    expect(walk("bye", "x")).toBeNull();
  });
});

describe("variables", () => {
  const at = (document: FlowDocument, id: string) => {
    const own = variablesAt(document, id).filter(
      ({ path }) => !/^(call|flow|contact)\.|^owner_id$/.test(path),
    );
    return Object.fromEntries(own.map(({ path, isSure }) => [path, isSure]));
  };

  it("that one way alone sets are not sure", () => {
    expect(at(sampleFlow(), "ring")).toEqual({ choice: true });
    expect(at(sampleFlow(), "menu")).toEqual({ choice: false });
    expect(at(sampleFlow(), "bye")).toMatchObject({ choice: false, "dial.result": false });
    expect(at(sampleFlow(), "welcome")).toEqual({});
  });

  it("of a failed step are there behind its error port", () => {
    const document = sampleFlow();
    const { ring } = document.steps;
    document.steps = {
      ...document.steps,
      ring: { ...ring, type: "dial", on: { error: "sorry", no_response: "bye" } },
      sorry: { type: "greeting", on: {} },
    };
    expect(at(document, "sorry")).toMatchObject({ "error.code": true, choice: true });
  });

  it("are there in a flow that goes in circles", () => {
    expect(variablesAt(sampleFlow(), "menu").some(({ path }) => path === "call.from")).toBe(true);
  });

  it("of who calls are there at each step", () => {
    const paths = variablesAt(sampleFlow(), "welcome").map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["contact.name", "contact.ownerId", "owner_id"]));
  });
});

describe("completion", () => {
  it.each([
    ["Hello {{ca", 10, "ca"],
    ["Hello {{", 8, ""],
    ["{{ call.fr }} x", 10, "call.fr"],
    ["Hello {{a}} b", 13, null],
    ["Hello", 5, null],
    ["{{a | def", 9, null],
  ])("%j at %i", (text, caret, typed) => {
    expect(completionAt(text, caret)?.typed ?? null).toBe(typed);
  });

  it("closes the braces, and keeps those that are there", () => {
    const open = completionAt("Hi {{ca", 7);
    expect(open && complete("Hi {{ca", open, "call.from")).toEqual({ text: "Hi {{call.from}}", caret: 16 });
    const closed = completionAt("Hi {{ca}}!", 7);
    expect(closed && complete("Hi {{ca}}!", closed, "call.from")).toEqual({
      text: "Hi {{call.from}}!",
      caret: 16,
    });
  });
});

describe("changes", () => {
  it("are said in words, and places do not count", () => {
    const before = sampleFlow();
    const after = sampleFlow();
    after.name = "Other";
    const { ring: _, ...rest } = after.steps;
    after.steps = {
      ...rest,
      menu: { ...(rest.menu ?? { type: "menu" }), on: { "key:1": "bye" }, ui: { x: 1, y: 1 } },
      more: { type: "wait", name: "More" },
    };
    expect(changesOf(before, after).map((change) => change.text)).toEqual([
      "The flow's name: “Sample” became “Other”.",
      "“Main menu”: 1 · Sales leads to “Goodbye” (before: “Ring”).",
      "“Main menu”: Key 2 leads nowhere (before: “Main menu”).",
      "“Main menu”: No response leads nowhere (before: “Goodbye”).",
      "“Ring” (Dial) was taken out.",
      "“More” (Wait) was added.",
    ]);
    expect(changesOf(before, sampleFlow(), true)).toEqual([]);
  });
});

describe("a ladder", () => {
  const rungs = [
    { at_ms: 0, event: "step_enter", step: "welcome", name: "Welcome", kind: "greeting" },
    { at_ms: 9, event: "step_leave", step: "welcome", port: "next", ms: 9, vars: [] },
    { at_ms: 9, event: "step_enter", step: "menu", name: "Main menu", kind: "menu" },
  ];

  it("marks the way and where the call is", () => {
    expect(pathMarks(rungs, false)).toEqual({
      welcome: { state: "done", ports: { next: { state: "done" } } },
      menu: { state: "active" },
    });
    expect(pathMarks(rungs, true).menu).toEqual({ state: "done" });
  });

  it("leaves steps of other flows out", () => {
    const other = { at_ms: 10, event: "step_enter", step: "bye", name: "x", kind: "hangup", flow: "hours" };
    expect(pathMarks([...rungs, other], true).bye).toBeUndefined();
  });

  it("says who calls", () => {
    const person = { event: "contact", id: "003A", type: "Contact", name: "Ann Reed", ownerId: "005A" };
    expect(rungWords(sampleFlow(), person)).toBe("The caller is “Ann Reed” (Contact) in the CRM.");
    expect(rungWords(sampleFlow(), { ...person, name: "" })).toBe(
      "The caller is “003A” (Contact) in the CRM.",
    );
  });

  it("has a sentence for each rung, whatever it is", () => {
    expect(rungWords(sampleFlow(), rungs[1] ?? {})).toBe("It leaves by “Next”.");
    expect(rungWords(sampleFlow(), { event: "something_new" })).toBe("something new");
    expect(outcomeWords({ outcome: "disconnected_by_flow" })).toBe("The flow hung up.");
  });
});

describe("templates", () => {
  it.each(TEMPLATES)("$name: each connection leads to a step", (template) => {
    const document = fromTemplate(template, sampleFlow());
    const targets = Object.values(document.steps).flatMap((step) => Object.values(step.on ?? {}));
    expect(
      [document.entry, document.settings?.fallback ?? document.entry, ...targets].every(
        (id) => String(id) in document.steps,
      ),
    ).toBe(true);
    expect(reachable(document).size).toBe(Object.keys(document.steps).length);
    expect(document.id).toBe("sample");
  });
});

describe("what a browser plays of a simulated call", () => {
  it("are the prompts and texts that the caller hears, without what goes on for ever and what others hear", () => {
    const play = (party: string, sounds: JsonObject[], forever = false) => ({
      event: "play",
      party,
      sounds,
      forever,
    });
    const file = { kind: "file", id: "en/menu" };
    const speech = { kind: "speech", text: "Hello", language: "en-US", voice: "default" };
    const rungs = [
      play("caller", [file, { kind: "silence", ms: 500 }, speech]),
      play("alice", [file]),
      play("caller", [{ kind: "music" }, file], true),
      { event: "answer" },
    ];
    expect(heardSounds(rungs)).toEqual([file, speech]);
  });
});
