import { describe, expect, it } from "vitest";
import { sampleFlow } from "../test/flow";
import type { FlowDocument } from "./document";
import {
  addStep,
  align,
  arrange,
  connect,
  copySteps,
  disconnect,
  moveSteps,
  pasteSteps,
  removeSteps,
  renameId,
  setComment,
  setConfig,
  setSetting,
  wrongId,
} from "./edits";
import { edgesOf } from "./graph";

const edges = (document: FlowDocument) =>
  edgesOf(document).map(({ from, port, to }) => `${from} ${port} ${to}`);

describe("adding a step", () => {
  it("gives it an id and a name that no other step has", () => {
    const once = addStep(sampleFlow(), "greeting", { x: 0, y: 0 });
    const twice = addStep(once.document, "greeting", { x: 0, y: 0 });
    expect([once.id, twice.id]).toEqual(["greeting", "greeting_2"]);
    expect(twice.document.steps.greeting_2?.name).toBe("Greeting 2");
  });

  it("at a port that is connected puts it between", () => {
    const { document, id } = addStep(
      sampleFlow(),
      "greeting",
      { x: 0, y: 0 },
      { from: "welcome", port: "next" },
    );
    expect(edges(document)).toContain(`welcome next ${id}`);
    expect(edges(document)).toContain(`${id} next menu`);
  });

  it("to an empty flow makes it the entry", () => {
    const { document, id } = addStep({ ...sampleFlow(), steps: {} }, "hangup", { x: 0, y: 0 });
    expect(document.entry).toBe(id);
  });

  it("leaves all other steps the same objects", () => {
    const before = sampleFlow();
    const { document } = addStep(before, "wait", { x: 0, y: 0 });
    expect(document.steps.menu).toBe(before.steps.menu);
  });
});

describe("wiring", () => {
  it("of a goto is its field", () => {
    const { document, id } = addStep(sampleFlow(), "goto", { x: 0, y: 0 });
    const wired = connect(document, { from: id, port: "next" }, "menu");
    expect(wired.steps[id]?.config).toEqual({ stepId: "menu" });
    expect(edges(wired)).toContain(`${id} next menu`);
    expect(edges(disconnect(wired, [{ from: id, port: "next" }]))).not.toContain(`${id} next menu`);
  });

  it("to a step that is not there does nothing", () => {
    const before = sampleFlow();
    expect(connect(before, { from: "welcome", port: "next" }, "nowhere")).toBe(before);
  });

  it("is taken away by disconnect", () => {
    const after = disconnect(sampleFlow(), [{ from: "menu", port: "key:1" }]);
    expect(after.steps.menu?.on).toEqual({ "key:2": "menu", no_response: "bye" });
  });
});

describe("taking steps out", () => {
  it("leads on along the only way that there was", () => {
    const after = removeSteps(sampleFlow(), ["ring"]);
    expect(edges(after)).toContain("menu key:1 bye");
  });

  it("leads nowhere where there were several", () => {
    const after = removeSteps(sampleFlow(), ["menu"]);
    expect(after.steps.welcome?.on).toEqual({});
  });

  it("moves the entry, and forgets the fallback", () => {
    const after = removeSteps(sampleFlow(), ["welcome", "bye"]);
    expect(after.entry).toBe("menu");
    expect(after.settings).toEqual({});
    expect(after.steps.ring?.on).toEqual({});
  });

  it("ends where the ones taken out lead round in a circle", () => {
    const loop: FlowDocument = {
      ...sampleFlow(),
      entry: "a",
      steps: {
        a: { type: "greeting", on: { next: "b" } },
        b: { type: "greeting", on: { next: "a" } },
        c: { type: "greeting", on: { next: "a" } },
      },
    };
    const after = removeSteps(loop, ["a", "b"]);
    expect(after.steps).toEqual({ c: { type: "greeting", on: {} } });
    expect(after.entry).toBe("c");
  });
});

describe("another id", () => {
  it("is followed by connections, entry, fallback and goto", () => {
    const { document } = addStep(sampleFlow(), "goto", { x: 0, y: 0 });
    const wired = connect(document, { from: "go_to", port: "next" }, "bye");
    const after = renameId(renameId(wired, "bye", "the_end"), "welcome", "hello");
    expect(after.entry).toBe("hello");
    expect(after.settings?.fallback).toBe("the_end");
    expect(edges(after)).toEqual([
      "hello next menu",
      "menu key:1 ring",
      "menu key:2 menu",
      "menu no_response the_end",
      "ring no_response the_end",
      "go_to next the_end",
    ]);
  });

  it("keeps the order of the steps", () => {
    expect(Object.keys(renameId(sampleFlow(), "menu", "ask").steps)).toEqual([
      "welcome",
      "ask",
      "ring",
      "bye",
    ]);
  });

  it.each([
    ["Menu", false],
    ["1st", false],
    ["ring", false],
    ["menu", true],
    ["menu_2", true],
    ["a".repeat(41), false],
  ])("%s", (id, isFine) => {
    expect(wrongId(sampleFlow(), "menu", id) === null).toBe(isFine);
  });
});

describe("setting fields", () => {
  it("lets connections follow a key that is another now", () => {
    const options = { "5": { label: "Sales" }, "2": {} };
    const after = setConfig(sampleFlow(), "menu", { options }, { "key:1": "key:5" });
    expect(after.steps.menu?.on).toEqual({ "key:5": "ring", "key:2": "menu", no_response: "bye" });
  });

  it("drops connections of ports that are gone", () => {
    const after = setConfig(sampleFlow(), "menu", { options: { "2": {} } });
    expect(after.steps.menu?.on).toEqual({ "key:2": "menu", no_response: "bye" });
  });

  it("keeps connections of kinds that nobody knows", () => {
    const strange = { ...sampleFlow(), steps: { x: { type: "voicemail", on: { after: "x" } } } };
    expect(setConfig(strange, "x", { a: 1 }).steps.x?.on).toEqual({ after: "x" });
  });

  it("takes an empty note away", () => {
    const noted = setComment(sampleFlow(), "menu", "Ask legal");
    expect(noted.steps.menu?.ui).toEqual({ x: 320, y: 0, comment: "Ask legal" });
    expect(setComment(noted, "menu", "").steps.menu?.ui).toEqual({ x: 320, y: 0 });
  });

  it("takes a setting away", () => {
    expect(setSetting(sampleFlow(), "fallback", undefined).settings).toEqual({});
  });
});

describe("places", () => {
  it("that are the same change nothing", () => {
    const before = sampleFlow();
    expect(moveSteps(before, { menu: { x: 320, y: 0 } })).toBe(before);
  });

  it("are lined up at the left", () => {
    const after = align(sampleFlow(), ["menu", "ring"], "left");
    expect([after.steps.menu?.ui?.x, after.steps.ring?.ui?.x]).toEqual([320, 320]);
  });

  it("one below the other do not overlap", () => {
    const after = align(sampleFlow(), ["menu", "ring"], "columns");
    expect(Number(after.steps.ring?.ui?.y)).toBeGreaterThan(Number(after.steps.menu?.ui?.y) + 100);
  });

  it("by layout lead from left to right", () => {
    const { steps } = arrange(sampleFlow());
    const xs = ["welcome", "menu", "ring", "bye"].map((id) => Number(steps[id]?.ui?.x));
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(new Set(xs).size).toBe(4);
  });
});

describe("copy and paste", () => {
  it("keeps the connections among the copied steps", () => {
    const pasted = pasteSteps(sampleFlow(), copySteps(sampleFlow(), ["menu", "ring"]));
    expect(pasted?.ids).toEqual(["menu_2", "ring_2"]);
    expect(pasted?.document.steps.menu_2).toMatchObject({
      name: "Main menu 2",
      on: { "key:1": "ring_2", "key:2": "menu_2" },
      ui: { x: 360, y: 40 },
    });
    expect(pasted?.document.steps.menu_2?.on).not.toHaveProperty("no_response");
  });

  it("takes a whole flow as well", () => {
    expect(pasteSteps({ ...sampleFlow(), steps: {} }, JSON.stringify(sampleFlow()))?.ids).toHaveLength(4);
  });

  it.each(["", "hello", "[]", "{}", '{"steps": {}}', '{"steps": {"a": 1}}', '{"steps": {"a": {"type": 1}}}'])(
    "refuses %j",
    (text) => {
      expect(pasteSteps(sampleFlow(), text)).toBeNull();
    },
  );
});
