import { expect, test } from "vitest";
import { tidy } from "../../ui/documentForm";
import { destinationOf, lead, reshape, shapeOf } from "./destination";

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
