import { describe, expect, it } from "vitest";
import type { Carrier, TrunkState, TrunkStep } from "../../api/trunks";
import {
  callsText,
  conditionOf,
  lastCallText,
  optionsText,
  presetFields,
  registrationText,
  verdict,
  withStep,
} from "./state";

const quiet: TrunkState = {
  id: "carrier",
  isUp: true,
  isWatched: true,
  callsIn: 0,
  callsOut: 0,
  refusedIn: 0,
  refusedOut: 0,
};

describe("a trunk", () => {
  it.each<[Partial<TrunkState>, string]>([
    [{}, "up"],
    [{ isWatched: false }, "unwatched"],
    [{ registration: "registered" }, "up"],
    [{ isUp: false, why: "it does not answer" }, "down"],
    [{ isUp: false, registration: "trying" }, "waiting"],
    [{ isUp: false, registration: "trying", why: "the trunk answered 500" }, "down"],
    [{ isUp: false, registration: "rejected", why: "credentials rejected" }, "refused"],
    [{ isUp: false, registration: "registered" }, "down"],
  ])("%j is %s", (part, condition) => {
    expect(conditionOf({ ...quiet, ...part })).toBe(condition);
  });

  it.each<[Partial<TrunkState>, string | null]>([
    [{}, null],
    [{ registration: "trying" }, "Being tried"],
    [
      { registration: "registered", expiresInS: 90, grantedS: 120 },
      "Registered for 90 s more (120 s were granted)",
    ],
    [{ registration: "failing", expiresInS: 30 }, "Still registered for 30 s more; the refresh fails"],
    [{ registration: "rejected" }, "Refused; it is not tried again by itself"],
    [{ registration: "ended" }, "Taken back"],
  ])("with %j says of its registration %j", (part, text) => {
    expect(registrationText({ ...quiet, ...part })).toBe(text);
  });

  it.each<[Partial<TrunkState>, string]>([
    [{}, "No call has been answered or refused there since"],
    [{ lastAnsweredOut: "2026-01-02T00:00:00Z" }, "The last call over it was answered"],
    [
      {
        lastAnsweredOut: "2026-01-02T00:00:00Z",
        lastRejectOut: { at: "2026-01-01T00:00:00Z", code: 403, text: "403 Forbidden" },
      },
      "The last call over it was answered",
    ],
    [
      {
        lastAnsweredOut: "2026-01-02T00:00:00Z",
        lastRejectOut: { at: "2026-01-03T00:00:00Z", text: "nobody.test has no address" },
      },
      "The last call over it came to nothing",
    ],
  ])("with %j is known by its last call: %s", (part, text) => {
    expect(lastCallText({ ...quiet, ...part })).toContain(text);
  });

  it("has calls beside its limits, and an answer with its time", () => {
    expect([callsText(3, null), callsText(3, 10)]).toEqual(["3", "3 of 10"]);
    const at = "2026-01-01T00:00:00Z";
    expect(optionsText(quiet)).toBeNull();
    expect(optionsText({ ...quiet, lastOptions: { at, text: "200 OK", tookMs: 12 } })).toBe(
      "200 OK after 12 ms",
    );
    expect(optionsText({ ...quiet, lastOptions: { at, text: "it does not answer" } })).toBe(
      "it does not answer",
    );
  });
});

describe("a test", () => {
  const step = (step: string, outcome: TrunkStep["outcome"], target?: string): TrunkStep => ({
    step,
    name: step,
    outcome,
    text: "x",
    ...(target && { target }),
  });

  it("has each step once, in the place where it began", () => {
    const told = [
      step("options", "running", "a"),
      step("options", "ok", "a"),
      step("options", "running", "b"),
      step("options", "failed", "b"),
      step("call", "skipped"),
    ];
    const steps = told.reduce<TrunkStep[]>(withStep, []);
    expect(steps.map(({ step, outcome, target }) => [step, outcome, target])).toEqual([
      ["options", "ok", "a"],
      ["options", "failed", "b"],
      ["call", "skipped", undefined],
    ]);
  });

  it("says at its end what came of it", () => {
    expect(verdict([step("dns", "ok"), step("call", "skipped")])).toBe("No step failed.");
    expect(verdict([step("dns", "failed")])).toBe("One step failed.");
    expect(verdict([step("dns", "failed"), step("call", "failed")])).toBe("2 steps failed.");
    expect(verdict([step("dns", "skipped")])).toBe("There was nothing that could be tried.");
  });
});

describe("a preset", () => {
  const carrier = (trunk: Record<string, unknown>): Carrier => ({
    id: "x",
    name: "X",
    kind: "carrier",
    about: "",
    needs: [],
    notes: [],
    trunk: trunk as Carrier["trunk"],
  });

  it("fills its fields in, and takes those of another away", () => {
    const [one, other] = [carrier({ srtp: "require", priority: 1 }), carrier({ srtp: "off" })];
    expect(presetFields(one, null)).toEqual({ srtp: "require", priority: 1 });
    expect(presetFields(other, one)).toEqual({ srtp: "off", priority: null });
    expect(presetFields(null, other)).toEqual({ srtp: null });
  });
});
