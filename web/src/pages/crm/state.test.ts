import { describe, expect, it } from "vitest";
import { attention, conditionOf, tasksText, usedShare } from "./state";

const quiet = { waiting: 0, parked: 0, dead: 0 };
const well = { kind: "salesforce", isFailing: false, lastSuccess: "2026-01-01T00:00:00Z", outbox: quiet };

describe("the connection", () => {
  it.each([
    [well, "well"],
    [{ ...well, isFailing: true }, "failing"],
    [{ isFailing: false, outbox: quiet, kind: "salesforce" }, "unused"],
    [{ isFailing: false, outbox: quiet }, "none"],
  ])("%j is %s", (state, condition) => {
    expect(conditionOf(state)).toBe(condition);
  });

  it("needs nobody where all is well, whatever waits", () => {
    expect(attention({ ...well, outbox: { ...quiet, waiting: 9 } })).toEqual([]);
  });

  it("says what somebody has to look at", () => {
    const said = attention({ ...well, isFailing: true, outbox: { waiting: 0, parked: 1, dead: 1200 } });
    expect(said).toEqual([
      "Salesforce did not take the last request.",
      "One thing that another system was to be told is set aside: somebody has to look at the reason.",
      `${(1200).toLocaleString()} things that other systems were to be told are given up after many tries.`,
    ]);
  });

  it("that is taken out says nothing of its last request, and what is set aside stays", () => {
    const said = attention({ isFailing: true, outbox: { ...quiet, parked: 2 } });
    expect(said).toEqual([
      "2 things that other systems were to be told are set aside: somebody has to look at the reason.",
    ]);
  });
});

it.each([
  [{ used: 0, all: 100 }, 0],
  [{ used: 25, all: 100 }, 25],
  [{ used: 200, all: 100 }, 100],
  [{ used: 0, all: 0 }, 100],
])("of the day's requests %j are %i %%", (requests, share) => {
  expect(usedShare(requests)).toBe(share);
});

it.each([
  ["all", "every call"],
  ["none", "no call"],
  ["other", "other"],
  [null, ""],
])("tasks: %s is “%s”", (word, text) => {
  expect(tasksText(word)).toBe(text);
});
