import { expect, it } from "vitest";
import { isWebAddress } from "./webAddress";

it.each([
  ["https://example.my.salesforce.com/00T", true],
  ["http://127.0.0.1:9000/00T", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["/records", false],
  ["", false],
])("%s is one: %s", (text, expected) => {
  expect(isWebAddress(text)).toBe(expected);
});
