// Five hundred calls that walk through a flow: what the page of live calls gets of them, and what that costs the media threads.

import { expect, test } from "../e2e/fixtures";
import { Telephone } from "../e2e/sipp";
import { median, tell } from "./figures";

const NUMBER = "+15550199";
const CALLS = 500;
const WINDOW_S = 10;
const ROUNDS = 5;

/** A menu that nobody answers; it leads to its twin, and that one back. */
const ask = (name: string, next: string) => ({
  type: "menu",
  name,
  config: {
    prompt: { kind: "file", id: "en/once-more" },
    options: { "1": {} },
    timeoutSec: 1,
    maxNoInput: 1,
  },
  on: { "key:1": next, no_input: next, no_response: next },
});

/** Each call goes on and on. */
const WALKING = {
  schema: "callflow/1",
  id: "walking",
  name: "Walking",
  entry: "ask",
  settings: {},
  steps: { ask: ask("Ask", "again"), again: ask("Ask again", "ask") },
};

test("five hundred live calls", async ({ page, server, request, context }) => {
  const { csrfToken } = await (await request.get("/api/v1/session")).json();
  const headers = { "x-csrf-token": csrfToken };
  const made = await request.post("/api/v1/flows", { data: WALKING, headers });
  expect(made.status(), await made.text()).toBe(201);
  const { etag = "" } = made.headers();
  const live = await request.post("/api/v1/flows/walking/publish", {
    data: { comment: "Walks" },
    headers: { ...headers, "if-match": etag },
  });
  expect(live.ok(), await live.text()).toBe(true);
  await request.post("/api/v1/numbers", { data: { e164: NUMBER, flow: "walking" }, headers });
  const phones = await Telephone.start(server, {
    scenario: "hangs_up",
    number: NUMBER,
    count: CALLS,
    waitMs: 400_000,
    secondsMax: 500,
  });
  await expect
    .poll(async () => (await (await request.get("/readyz")).json()).calls, { timeout: 60_000 })
    .toBe(CALLS);

  const without: number[] = [];
  const looked: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await ticksIn(server, WINDOW_S));
    await page.goto("/calls");
    await expect(page.getByRole("status").filter({ hasText: `${CALLS} calls` })).toBeVisible();
    looked.push(await ticksIn(server, WINDOW_S));
    await page.goto("about:blank");
  }
  // The stream as the page gets it, beside it: pieces and bytes of ten seconds, after the whole list.
  await page.goto("/system");
  const stream = await page.evaluate(countStream, WINDOW_S);
  await phones.end();
  await context.close();

  tell({
    name: "pieces of the stream with 500 walking calls",
    value: stream.pieces / stream.seconds,
    unit: "/s",
    bar: "4",
  });
  tell({ name: "size of the stream", value: stream.bytes / stream.seconds / 1_000, unit: "kB/s", bar: "50" });
  tell({ name: "media threads without the page, of a core", value: median(without) / WINDOW_S, unit: "%" });
  tell({
    name: "media threads with the page beside those without, median of pairs",
    value: 100 * (median(looked.map((ticks, at) => ticks / (without[at] ?? ticks))) - 1),
    unit: "% more",
    bar: "5",
  });
});

/** CPU ticks that the media threads take in so many seconds; a tick a second is a hundredth of a core. */
async function ticksIn(server: { ticksOf: (name: string) => number }, seconds: number): Promise<number> {
  const before = server.ticksOf("media");
  await new Promise((done) => setTimeout(done, seconds * 1_000));
  return server.ticksOf("media") - before;
}

/** Reads the stream of the list for a while, within the page: what came from one piece, without it, to the last. */
async function countStream(seconds: number): Promise<{ pieces: number; bytes: number; seconds: number }> {
  const over = new AbortController();
  const response = await fetch("/api/v1/events?view=calls", { signal: over.signal });
  const reader = response.body?.getReader();
  const counted = { pieces: 0, bytes: 0, seconds: 0 };
  // The whole list comes first, at once.
  const ready = performance.now() + 2_000;
  let begin = 0;
  const text = new TextDecoder();
  while (reader && (begin === 0 || performance.now() < begin + seconds * 1_000)) {
    const { done, value } = await reader.read();
    const now = performance.now();
    if (done) {
      break;
    }
    if (begin > 0) {
      counted.pieces += text
        .decode(value)
        .split("\n\n")
        .filter((piece) => piece.includes("data:")).length;
      counted.bytes += value.length;
      counted.seconds = (now - begin) / 1_000;
    } else if (now > ready) {
      begin = now;
    }
  }
  over.abort();
  return counted;
}
