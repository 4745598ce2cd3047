import { expect, test } from "vitest";
import { StreamReader } from "./sse";

test("events come out whole, however the text is cut", () => {
  const text = 'id: run.7\ndata: {"a":1}\n\n: alive\n\nevent: missed\r\ndata: {"count":3}\r\n\r\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const reader = new StreamReader();
    const messages = [...reader.feed(text.slice(0, cut)), ...reader.feed(text.slice(cut))];
    expect(messages).toEqual([
      { id: "run.7", event: "message", data: '{"a":1}' },
      { id: "run.7", event: "missed", data: '{"count":3}' },
    ]);
  }
});

test("lines of data are joined, and comments and unknown fields are passed over", () => {
  const reader = new StreamReader();
  expect(reader.feed("data: one\ndata:two\nretry: 5\n:x\n\ndata\n\n")).toEqual([
    { id: "", event: "message", data: "one\ntwo" },
    { id: "", event: "message", data: "" },
  ]);
});

test("an event that the stream breaks off in is not given", () => {
  expect(new StreamReader().feed("data: half")).toEqual([]);
});
