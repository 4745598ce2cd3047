// Something that the server tries step by step; each step comes as a line of JSON as soon as it is done.

import { answer, Problem } from "./client";

/** One step: what was tried, what came of it, and what to do about it where it failed. */
export type CheckStep = { name: string; passed: boolean; text: string; remedy?: string };

/** Hands each step on as it comes; ends with the check. */
export async function checkSteps(
  request: Promise<{ data?: ReadableStream | null; error?: unknown; response: Response }>,
  tell: (step: CheckStep) => void,
): Promise<void> {
  const { data } = await answer(request);
  if (data) {
    await eachLine(data, (line) => tell(readStep(line)));
  }
}

/** Calls back for each line that is not empty, the last one also where no line break ends it. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  tell: (line: string) => void,
): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Problem(0, "The server broke the check off.");
    });
    const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const line of lines.filter((text) => text !== "")) {
      tell(line);
    }
    if (done) {
      return;
    }
  }
}

function readStep(line: string): CheckStep {
  const step = JSON.parse(line) as Partial<CheckStep>;
  const { name = "", passed = false, text = "", remedy } = step;
  return remedy === undefined ? { name, passed, text } : { name, passed, text, remedy };
}
