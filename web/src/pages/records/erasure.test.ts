import { expect, test } from "vitest";
import { callerOf, confirmationOf, erasedText, kept, unerased, withCommands } from "./erasure";
import type { TroubleRecord } from "./record";

test.each([
  ["+1 (415) 555-0123", "digits", "0123"],
  ["sip:4155550123", "digits", "0123"],
  [" 101 ", "whole", "101"],
  ["alice", "whole", "alice"],
  ["", "whole", ""],
])("for “%s” the %s are typed once more: “%s”", (number, kind, text) => {
  expect(confirmationOf(number)).toEqual({ kind, text });
});

test.each([
  [0, 0, "No call record and no row of the outbox has this caller."],
  [1, 0, "Erased from 1 call record and no rows of the outbox."],
  [0, 1, "Erased from no call records and 1 row of the outbox."],
  [12, 3, "Erased from 12 call records and 3 rows of the outbox."],
])("%i records and %i rows are told", (records, outboxRows, text) => {
  expect(erasedText({ records, outboxRows })).toBe(text);
});

test("commands are told from the text around them", () => {
  expect(withCommands("run `erase --file FILE` for each")).toEqual([
    { text: "run ", isCommand: false },
    { text: "erase --file FILE", isCommand: true },
    { text: " for each", isCommand: false },
  ]);
  expect(withCommands("`a`")).toEqual([{ text: "a", isCommand: true }]);
});

test("a caller has a number, was erased, or never had one", () => {
  expect(callerOf({ from: "+14155550123" })).toBe("+14155550123");
  expect(callerOf({ from: "", erased: "2026-11-23T00:00:00Z" })).toBe("erased");
  expect(callerOf({ from: "" })).toBe("anonymous");
});

test("a text that was erased, or that an older record lacks, is not shown", () => {
  expect([kept("404 Not Found"), kept("(erased)"), kept(undefined)]).toEqual([
    "404 Not Found",
    undefined,
    undefined,
  ]);
});

test("a trouble whose sentences were erased is told by what is left", () => {
  const trouble: TroubleRecord = {
    at: "2026-11-23T00:00:09Z",
    party: "caller",
    kind: "no_audio",
    severity: "error",
    text: "(erased)",
    remedy: "(erased)",
  };
  const texts = (...troubles: TroubleRecord[]) =>
    unerased(troubles).map(({ text, remedy }) => [text, remedy]);
  expect(texts(trouble, { ...trouble, party: "(erased)", kind: "loss" })).toEqual([
    ["The caller: no audio came.", ""],
    ["A telephone that was rung: much audio was lost on the way to us.", ""],
  ]);
  expect(texts({ ...trouble, party: "alice" })).toEqual([["alice: no audio came.", ""]]);
  expect(texts({ ...trouble, text: "No audio.", remedy: "Ask." })).toEqual([["No audio.", "Ask."]]);
});
