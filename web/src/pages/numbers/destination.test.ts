import { expect, test } from "vitest";
import { tidy } from "../../ui/documentForm";
import { destinationOf, lead, missingOf, reshape, shapeOf } from "./destination";

test("a number leads to one place", () => {
  expect(destinationOf({ e164: "+1", flow: "main" })).toBe("flow");
  expect(destinationOf({ e164: "+1", user: "alice" })).toBe("user");
  expect(destinationOf({ e164: "+1", service: "echo" })).toBe("echo");
  expect(destinationOf({ e164: "+1", assignment: "none" })).toBe("none");
  expect(destinationOf({ e164: "+1" })).toBe("flow");
});

test("another choice takes the one before out", () => {
  const before = { e164: "+1", flow: "main", assignment: "flow" as const };
  expect(tidy({ ...before, ...lead("none") })).toEqual({ e164: "+1", assignment: "none" });
  expect(tidy({ ...before, ...lead("echo") })).toEqual({ e164: "+1", service: "echo" });
});

test("the text stays when a number becomes a prefix", () => {
  const number = { ...{ e164: "+1555", flow: "main" }, ...reshape({ e164: "+1555" }, "prefix") };
  expect(shapeOf(number)).toBe("prefix");
  expect(tidy(number)).toEqual({ prefix: "+1555", flow: "main" });
});

test("an agent can be chosen before one is named", () => {
  expect(destinationOf({ e164: "+1", flow: "main", ...lead("user") })).toBe("user");
});

test("a number says what it lacks", () => {
  const fields = (number: Parameters<typeof missingOf>[0]) => missingOf(number).map((one) => one.pointer);
  expect(fields({ e164: "" })).toEqual(["/e164", "/flow"]);
  expect(fields({ prefix: "", ...lead("user") })).toEqual(["/prefix", "/user"]);
  expect(fields({ e164: "+1", ...lead("none") })).toEqual([]);
});
