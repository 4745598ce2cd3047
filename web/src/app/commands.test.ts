import { expect, it } from "vitest";
import { actionCommands, fits, pageCommands } from "./commands";

it.each([
  ["Call flows", "flow", true],
  ["Call flows", "  flow call ", true],
  ["Call flows", "", true],
  ["Call flows", "call agent", false],
])("%s for %j: %s", (text, typed, found) => {
  expect(fits(text, typed)).toBe(found);
});

it("pages and actions are those that the role may see and do", () => {
  const may = (permission: string) => permission === "setup.read";
  expect(pageCommands(may, "schedules").map(({ path }) => path)).toEqual(["/schedules"]);
  expect(pageCommands(may, "live calls")).toEqual([]);
  expect(actionCommands(may, "").map(({ path }) => path)).toEqual(["/profile"]);
  expect(actionCommands(() => true, "new flow").map(({ path }) => path)).toEqual(["/flows?new"]);
});
