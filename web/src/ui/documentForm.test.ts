import { expect, test } from "vitest";
import { Problem } from "../api/client";
import { differing, elsewhere, fieldOf, onTop, tidy } from "./documentForm";

test("what says nothing is not sent", () => {
  expect(tidy({ a: "", b: null, c: [], d: 0, e: false, f: undefined, g: "x" })).toEqual({
    d: 0,
    e: false,
    g: "x",
  });
});

test("documents differ by what they say, not by the order of keys", () => {
  const one = { id: "x", name: "", at: { a: 1, b: 2 } };
  expect(differing(one, { id: "x", name: "", at: { b: 2, a: 1 } })).toEqual([]);
  expect(differing(one, { id: "x", name: "new", at: { a: 1, b: 3 } })).toEqual(["at", "name"]);
});

test("my changes go on top of theirs, field by field", () => {
  const base = { label: "Main", flow: "a", tags: ["x"] };
  const mine = { label: "Sales", flow: "a", tags: ["x"] };
  const theirs = { label: "Main", flow: "b", tags: [] };
  expect(onTop(base, mine, theirs)).toEqual({ label: "Sales", flow: "b", tags: [] });
});

test("a finding belongs to a field, also in the settings of a flow", () => {
  expect(fieldOf("/exception/0/date")).toBe("exception");
  expect(fieldOf("/settings/timeZone")).toBe("timeZone");
  expect(fieldOf("")).toBe("");
});

test("only findings without a field are told above the form", () => {
  const problem = new Problem(422, "wrong", [
    { pointer: "/label", message: "too long" },
    { pointer: "/steps/menu", message: "odd" },
  ]);
  const rest = elsewhere(problem, { label: "Label" });
  expect(rest instanceof Problem && rest.findings.map((finding) => finding.pointer)).toEqual(["/steps/menu"]);
});
