import { expect, it } from "vitest";
import type { JsonObject } from "./document";
import { summaryOf } from "./summary";

it.each<[JsonObject, string]>([
  [{ target: { kind: "users", values: ["alice", "bob"] } }, "alice, bob"],
  [{ target: { kind: "record_owner" } }, "The record's owner"],
  [
    { target: { kind: "record_owner" }, fallbackOwner: { kind: "user", value: "alice" } },
    "The record's owner, else alice",
  ],
])("a dial with %j is “%s”", (config, text) => {
  expect(summaryOf({ type: "dial", config })).toBe(text);
});
