import { expect, test } from "vitest";
import { detailsOf, idFrom, startingFlow, withDetails } from "./details";

test("an id is made of a name", () => {
  expect(idFrom("Sales & Support")).toBe("sales_support");
  expect(idFrom("  Über 24/7! ")).toBe("uber_24_7");
  expect(idFrom("日本")).toBe("");
  expect(idFrom(`${"x".repeat(39)} y`)).toBe("x".repeat(39));
});

test("details go into the document and come out of it, and the steps stay", () => {
  const body = { ...startingFlow("main", "Main"), settings: { timeZone: "UTC" }, description: "old" };
  const details = {
    ...detailsOf(body),
    name: "New",
    description: "",
    status: "paused" as const,
    timeZone: "",
  };
  const saved = withDetails(details);
  expect(saved).toEqual({ ...startingFlow("main", "Main"), name: "New", settings: { status: "paused" } });
  expect(withDetails(detailsOf(body))).toEqual(body);
});

test("settings that say nothing are left out as a whole", () => {
  expect("settings" in withDetails({ ...detailsOf(startingFlow("a", "A")), language: "" })).toBe(false);
});
