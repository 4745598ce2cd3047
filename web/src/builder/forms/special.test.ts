import { expect, it } from "vitest";
import { isShown } from "./special";

it.each([
  ["dial", "fallbackOwner", { target: { kind: "record_owner" } }, true],
  ["dial", "fallbackOwner", { target: { kind: "users", values: [] } }, false],
  // What is wrong there has to be seen.
  ["dial", "fallbackOwner", { target: { kind: "users" }, fallbackOwner: { kind: "user" } }, true],
  ["dial", "ringSec", {}, true],
  ["menu", "fallbackOwner", {}, true],
])("%s.%s with %j is shown: %s", (type, name, config, expected) => {
  expect(isShown(type, name, config)).toBe(expected);
});
