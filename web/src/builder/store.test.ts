import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodesOf } from "../canvas/elements";
import { renameStep } from "../flow/edits";
import { withFound } from "../flow/found";
import { placesOf } from "../flow/layout";
import { sampleFlow } from "../test/flow";
import { findingMarks, findingsAt, placeOf } from "./findings";
import { builderOf, createBuilderStore, type Finding } from "./store";

describe("the past", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is taken back edit by edit, fifty times and more", () => {
    const builder = builderOf(createBuilderStore(sampleFlow()));
    for (let i = 0; i < 60; i++) {
      builder.edit((document) => renameStep(document, "menu", `Menu ${i}`));
    }
    for (let i = 0; i < 60; i++) {
      builder.undo();
    }
    expect(builder.store.getState().document.steps.menu?.name).toBe("Main menu");
    builder.redo();
    expect(builder.store.getState().document.steps.menu?.name).toBe("Menu 0");
  });

  it("has what is typed into a field without a pause as one edit", () => {
    const builder = builderOf(createBuilderStore(sampleFlow()));
    const type = (name: string) =>
      builder.edit((document) => renameStep(document, "menu", name), "name menu");
    type("A");
    vi.advanceTimersByTime(200);
    type("AB");
    vi.advanceTimersByTime(2_000);
    type("ABC");
    builder.undo();
    expect(builder.store.getState().document.steps.menu?.name).toBe("AB");
    builder.undo();
    expect(builder.store.getState().document.steps.menu?.name).toBe("Main menu");
  });

  it("does not have what is noted beside the flow", () => {
    const builder = builderOf(createBuilderStore(sampleFlow()));
    builder.edit((document) => renameStep(document, "menu", "Other"));
    builder.note((document) => withFound(document, "menu", ["0.Id"]));
    expect(builder.store.getState().document.steps.menu?.ui).toHaveProperty("found");
    builder.undo();
    expect(builder.store.getState().document.steps.menu?.name).toBe("Main menu");
    expect(builder.store.temporal.getState().pastStates).toEqual([]);
  });

  it("does not count selections", () => {
    const builder = builderOf(createBuilderStore(sampleFlow()));
    builder.select(["menu"]);
    expect(builder.store.temporal.getState().pastStates).toEqual([]);
  });
});

describe("findings", () => {
  const finding = (pointer: string, severity: Finding["severity"]): Finding => ({
    code: "E04",
    message: "Empty.",
    remedy: "",
    pointer,
    severity,
  });

  it("know their step and field", () => {
    expect(placeOf("/steps/menu/config/options/1~12")).toEqual({ step: "menu", field: "config/options/1/2" });
    expect(placeOf("/settings/timeZone")).toEqual({ step: null, field: "settings/timeZone" });
  });

  it("are marked at their step; an error outweighs warnings", () => {
    const marks = findingMarks([
      finding("/steps/menu/on", "warning"),
      finding("/steps/menu/config", "error"),
      finding("/steps/ring", "note"),
    ]);
    expect(marks).toEqual({ menu: { state: "failed", count: 2, text: "!" } });
  });

  it("below a field are the field's", () => {
    const all = [finding("/steps/menu/config/prompt/text", "error")];
    expect(findingsAt(all, "menu", "config/prompt")).toHaveLength(1);
    expect(findingsAt(all, "menu", "config/pro")).toHaveLength(0);
  });
});

describe("nodes of the canvas", () => {
  it("are the same objects where their steps are the same", () => {
    const document = sampleFlow();
    const shown = {
      document,
      places: placesOf(document),
      marks: undefined,
      readOnly: false,
      selected: new Set<string>(),
    };
    const before = nodesOf(shown, []);
    const after = nodesOf({ ...shown, document: renameStep(document, "ring", "Ring Alice") }, before);
    expect(after.filter((node, i) => node !== before[i]).map((node) => node.id)).toEqual(["ring"]);
  });
});
