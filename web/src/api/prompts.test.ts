import { expect, test } from "vitest";
import { promptIdFrom, wavOf } from "./prompts";

test("an id is made of the name of a file", () => {
  expect(promptIdFrom("Office closed.mp3")).toBe("office_closed");
  expect(promptIdFrom("Menü-2.v1.wav")).toBe("menu-2_v1");
  expect(promptIdFrom("???.wav")).toBe("");
});

test("an id with folders is one part of the path", () => {
  expect(wavOf("en/welcome")).toBe("/api/v1/prompts/en%2Fwelcome/wav");
});
