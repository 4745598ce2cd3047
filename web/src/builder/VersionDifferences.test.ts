import { expect, it } from "vitest";
import { changesOf } from "../flow/changes";
import { removeSteps, setConfig } from "../flow/edits";
import { sampleFlow } from "../test/flow";
import { withRemoved } from "./VersionDifferences";

it("a difference is drawn with what was taken out, each step marked with what became of it", () => {
  const before = sampleFlow();
  const { bye: _, ...others } = before.steps;
  const old = { ...before, steps: others };
  const now = setConfig(removeSteps(before, ["ring"]), "welcome", { audio: { kind: "tts", text: "Hi" } });
  const { document, marks } = withRemoved(old, now, changesOf(old, now));
  expect(Object.keys(document.steps).sort()).toEqual(["bye", "menu", "ring", "welcome"]);
  const states = Object.fromEntries(Object.entries(marks).map(([step, mark]) => [step, mark.state]));
  expect(states).toEqual({ bye: "added", menu: "changed", ring: "removed", welcome: "changed" });
});
