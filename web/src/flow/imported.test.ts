import { expect, it } from "vitest";
import { sampleFlow } from "../test/flow";
import { readBrought } from "./imported";

it.each([
  ["a flow of ours", JSON.stringify(sampleFlow()), "flow"],
  ["the same with the mark of a text editor in front", `\uFEFF${JSON.stringify(sampleFlow())}`, "flow"],
  ["a definition of Studio", '{"states": []}', "studio"],
  ["what Studio's REST API gives", '{"friendly_name": "x", "definition": {"states": [{}]}}', "studio"],
  ["another object", '{"definition": 1}', "none"],
  ["a list", "[]", "none"],
  ["no JSON", "states:", "none"],
])("%s is told by what is in it", (_, text, kind) => {
  expect(readBrought(text).kind).toBe(kind);
});
