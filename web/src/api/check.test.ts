import { expect, test } from "vitest";
import { type CheckStep, checkSteps, eachLine } from "./check";

function stream(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(encoder.encode(piece));
      }
      controller.close();
    },
  });
}

test("lines are whole wherever the pieces break, and the last needs no line break", async () => {
  for (const pieces of [["a\nb\nc"], ["a", "\nb\n\n", "c\n"], ["a\n", "b", "\nc"]]) {
    const lines: string[] = [];
    await eachLine(stream(...pieces), (line) => lines.push(line));
    expect(lines).toEqual(["a", "b", "c"]);
  }
});

test("each step is told as it comes", async () => {
  const data = stream(
    '{"name":"DNS","passed":true,"text":"x"}\n{"name":"TLS","passed":false,"text":"y",',
    '"remedy":"z"}\n',
  );
  const steps: CheckStep[] = [];
  await checkSteps(Promise.resolve({ data, response: new Response() }), (step) => steps.push(step));
  expect(steps).toEqual([
    { name: "DNS", passed: true, text: "x" },
    { name: "TLS", passed: false, text: "y", remedy: "z" },
  ]);
});

test("a refusal is a problem in words", async () => {
  const error = { title: "Conflict", detail: "no CRM is connected" };
  const refused = Promise.resolve({ error, response: new Response(null, { status: 409 }) });
  await expect(checkSteps(refused, () => {})).rejects.toThrow("no CRM is connected");
});
