import { expect, test } from "vitest";
import { Problem } from "../api/client";
import { problemText } from "./problemText";

test.each([
  [new Problem(422, "more than 3 records are meant"), "More than 3 records are meant."],
  [new Problem(503, "two run", [], 30), "Two run. Try again in 30 seconds."],
  [new Problem(503, "it is busy", [], 1), "It is busy. Try again in a second."],
  [new Problem(503, "send it again in 5 s", [], 5), "Send it again in 5 s."],
  [new Problem(429, "too many tries", [], 9), "Too many tries."],
  [new Error("no"), "No."],
  ["thrown", "Something went wrong."],
])("%s is said in sentences", (error, text) => {
  expect(problemText(error)).toBe(text);
});
