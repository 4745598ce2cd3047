import { describe, expect, it } from "vitest";
import { sampleFlow } from "../test/flow";
import type { FlowDocument } from "./document";
import { cellOf, columnsOf, foundOf, keptPaths, readsOf, withFound } from "./found";
import { variablesAt } from "./variables";

it.each([
  ["SELECT Id FROM Contact", []],
  [
    "WHERE Phone = '{{call.from}}' AND A = '{{ account | digits }}' OR B = '{{call.from}}'",
    ["call.from", "account"],
  ],
  ["{{ open", []],
  ['{{a | default: "x"}}', ["a"]],
])("%s reads %j", (template, paths) => {
  expect(readsOf(template)).toEqual(paths);
});

/** The sample, with a query before its menu. */
function withQuery(): FlowDocument {
  const document = sampleFlow();
  const query = {
    type: "query",
    name: "Look up",
    config: { soql: "", saveAs: "who" },
    on: { found: "menu" },
  };
  return { ...document, entry: "query", steps: { ...document.steps, query } };
}

describe("what a query found", () => {
  const paths = ["0.Id", "0.Owner.Name", "1.Id"];

  it("is kept with its step by the names of the fields, and completes templates behind it", () => {
    const document = withFound(withQuery(), "query", keptPaths(paths));
    expect(foundOf(document.steps.query ?? { type: "" })).toEqual(["0.Id", "0.Owner.Name"]);
    const behind = variablesAt(document, "menu").map(({ path }) => path);
    expect(behind).toEqual(expect.arrayContaining(["who.count", "who.0.Id", "who.0.Owner.Name"]));
    expect(variablesAt(withQuery(), "menu").map(({ path }) => path)).not.toContain("who.0.Id");
  });

  it("changes nothing where it is kept already, or the step is gone", () => {
    const document = withFound(withQuery(), "query", ["0.Id"]);
    expect(withFound(document, "query", ["0.Id"])).toBe(document);
    expect(withFound(document, "nobody", ["0.Id"])).toBe(document);
  });

  it("keeps where the step is drawn and what was noted", () => {
    const document = withFound(sampleFlow(), "menu", ["0.Id"]);
    expect(document.steps.menu?.ui).toEqual({ x: 320, y: 0, found: ["0.Id"] });
  });

  it("that is nonsense is nothing", () => {
    expect(foundOf({ type: "query", ui: { found: [1, "", "0.Id", null] } })).toEqual(["1", "0.Id"]);
    expect(foundOf({ type: "query", ui: { found: "0.Id" } })).toEqual([]);
  });
});

describe("a table of records", () => {
  const records = [
    { Id: "003A", Owner: { Name: "Ann" }, Amount: 5 },
    { Id: "003B", Owner: null, Phone: "+1" },
  ];

  it("has a column for each field that any of them has", () => {
    expect(columnsOf(records)).toEqual(["Id", "Owner.Name", "Amount", "Phone"]);
  });

  it("shows values as text, and nothing where there is none", () => {
    expect(["Id", "Owner.Name", "Amount", "Phone"].map((column) => cellOf(records[0] ?? {}, column))).toEqual(
      ["003A", "Ann", "5", ""],
    );
  });
});
