import { expect, test } from "vitest";
import type { Schema } from "../api/client";
import { ladderText, lanesOf, shortLine, spanOf } from "./ladder";

const message = (leg: number, direction: "sent" | "received"): Schema<"MessageItem"> => ({
  at: "2026-11-23T09:00:00.000Z",
  direction,
  leg,
  transport: "udp",
  from: "192.0.2.9:5060",
  to: "192.0.2.1:5060",
  firstLine: "SIP/2.0 486 Busy Here",
  text: "SIP/2.0 486 Busy Here\r\nCall-ID: x\r\n\r\n",
});
const ladder: Schema<"LadderItem"> = {
  legs: [
    { leg: 0, party: "caller" },
    { leg: 1, party: "alice" },
    { leg: 3, party: "bob" },
  ],
  messages: [message(0, "received")],
  leftOut: 0,
  isOver: false,
};

test("the caller is on the left, we beside, and the dialled on the right", () => {
  expect(lanesOf(ladder).map((lane) => lane.name)).toEqual(["Caller", "cordboard", "alice", "bob"]);
});

test("arrows go between our lane and the other, and point where the message went", () => {
  expect(spanOf(ladder, message(0, "received"))).toEqual({ from: 0, until: 1, isRight: true });
  expect(spanOf(ladder, message(0, "sent"))).toEqual({ from: 0, until: 1, isRight: false });
  expect(spanOf(ladder, message(3, "sent"))).toEqual({ from: 1, until: 3, isRight: true });
  expect(spanOf(ladder, message(1, "received"))).toEqual({ from: 1, until: 2, isRight: false });
});

test("a message has a short line, and all of them are a text", () => {
  expect(["INVITE sip:a SIP/2.0", "SIP/2.0 486 Busy Here", ""].map(shortLine)).toEqual([
    "INVITE",
    "486 Busy Here",
    "",
  ]);
  expect(ladderText(ladder)).toBe(
    "--- 2026-11-23T09:00:00.000Z received, 192.0.2.9:5060 to 192.0.2.1:5060, UDP\nSIP/2.0 486 Busy Here\nCall-ID: x\n",
  );
});
