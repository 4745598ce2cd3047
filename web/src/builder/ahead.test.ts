import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askAhead, readDraftOf } from "./ahead";

const server = vi.hoisted(() => ({ asked: [] as string[], fails: false }));

vi.mock("../api/client", () => {
  const reply = async () => {
    if (server.fails) {
      throw new Error("Sign in first.");
    }
    return { data: {}, etag: '"1"' };
  };
  return {
    api: { GET: (path: string) => void server.asked.push(path) },
    answer: reply,
    ask: reply,
  };
});

beforeEach(() => {
  server.asked.length = 0;
  server.fails = false;
});

afterEach(() => vi.useRealTimers());

const drafts = () => server.asked.filter((path) => path === "/flows/{id}/draft").length;

test("a draft that was asked for ahead is not asked for again, and is given once", async () => {
  askAhead("main");
  await readDraftOf("main");
  expect(drafts()).toBe(1);
  await readDraftOf("main");
  expect(drafts()).toBe(2);
});

test("another flow's draft is not taken for it", async () => {
  askAhead("other");
  await readDraftOf("main");
  expect(drafts()).toBe(2);
});

test("one that failed is asked for again, as after signing in", async () => {
  server.fails = true;
  askAhead("main");
  server.fails = false;
  await readDraftOf("main");
  expect(drafts()).toBe(2);
});

test("one that is old is asked for again", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  askAhead("main");
  vi.advanceTimersByTime(6_000);
  await readDraftOf("main");
  expect(drafts()).toBe(2);
});
