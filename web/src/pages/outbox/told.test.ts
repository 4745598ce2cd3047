import { describe, expect, it } from "vitest";
import {
  callOf,
  canRetry,
  fieldsOf,
  isUnderWay,
  kindText,
  type OutboxItem,
  resultOf,
  stateOf,
  titleOf,
} from "./told";

function item(part: object): OutboxItem {
  const bare = { id: 1, kind: "crm_task", key: "n1/c01", payload: {}, attempts: 1, state: "waiting" };
  return { ...bare, created: "2026-01-01T00:00:00Z", due: "2026-01-01T00:00:00Z", ...part } as OutboxItem;
}

describe("a row of the outbox", () => {
  it.each([
    [{ payload: { subject: "Ring back" } }, "Ring back"],
    [{ payload: { subject: "" } }, "Task in the CRM"],
    [{ kind: "crm_conversation", payload: { subject: "Ring back" } }, "Record of the call in the CRM"],
    [{ kind: "record", payload: {} }, "Call record for the web service"],
    [{ kind: "new_kind", payload: {} }, "new kind"],
  ])("%j is called %s", (part, title) => {
    expect(titleOf(item(part))).toBe(title);
    expect(kindText("record")).toBe("Call record for the web service");
  });

  it.each([
    ["parked", "Set aside", true, false],
    ["dead", "Given up", true, false],
    ["waiting", "Waiting", false, true],
    ["claimed", "Being sent", false, true],
    ["done", "Delivered", false, false],
    ["erased", "Erased", false, false],
    ["other", "other", false, false],
  ])("that is %s is “%s”; tried anew by hand: %s, by itself: %s", (state, label, byHand, byItself) => {
    const row = item({ state });
    expect([stateOf(row).label, canRetry(row), isUnderWay(row)]).toEqual([label, byHand, byItself]);
  });

  it("says that its caller was erased", () => {
    const row = item({ state: "erased", payload: { erased: "2026-11-23T00:00:00Z" } });
    expect(fieldsOf(row).map(([name]) => name)).toEqual(["Caller erased"]);
  });

  it("leads to its call, and to what it became", () => {
    expect(callOf(item({}))).toEqual({ node: "n1", callId: "c01" });
    expect(callOf(item({ key: "other" }))).toBeNull();
    expect(resultOf(item({}))).toBeNull();
    expect(resultOf(item({ result: { id: "00T", url: "https://x/00T" } }))).toEqual({
      id: "00T",
      url: "https://x/00T",
    });
    expect(resultOf(item({ result: { id: "00T" } }))).toEqual({ id: "00T", url: "" });
  });

  it("shows its fields in words, and leaves out what is long or empty", () => {
    const payload = {
      subject: "Ring back",
      comments: "",
      isAbandoned: true,
      talkSec: 0,
      outcome: "abandoned_in_flow",
      finalStep: { id: "menu", name: "Main menu", secondsIn: 3 },
      contact: { id: "003", name: "" },
      somethingNew: "x",
      path: [{ step: "menu" }],
    };
    expect(fieldsOf(item({ payload }))).toEqual([
      ["Subject", "Ring back"],
      ["Abandoned", "yes"],
      ["Seconds of conversation", "0"],
      ["What became of it", "Gave up in the call flow"],
      ["Last step", "Main menu"],
      ["The caller is", "003"],
      ["Something new", "x"],
    ]);
  });
});
