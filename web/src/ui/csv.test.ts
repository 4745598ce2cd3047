import { expect, test } from "vitest";
import { csvText } from "./csv";

test("cells are quoted where they must be, and numbers of telephones stay as they are", () => {
  expect(
    csvText(
      ["a", "b"],
      [
        ["+15550100", 'say "hi", twice'],
        ["x\ny", null],
        ["-5", 7],
      ],
    ),
  ).toBe('a,b\r\n+15550100,"say ""hi"", twice"\r\n"x\ny",\r\n-5,7\r\n');
});

test("what a spreadsheet would run as a formula is text", () => {
  expect(csvText(["a"], [["=1+1"], ["@x"], ["+cmd|' /C calc'!A0"], ["-1+1"]])).toBe(
    "a\r\n'=1+1\r\n'@x\r\n'+cmd|' /C calc'!A0\r\n'-1+1\r\n",
  );
});
