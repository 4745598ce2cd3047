import { expect, test, vi } from "vitest";
import { offeredFile, Problem, problem } from "./client";

test("of a file that is offered no more than the beginning is taken", async () => {
  const cancel = vi.fn();
  const response = new Response(new ReadableStream({ cancel }));
  Object.defineProperty(response, "url", { value: "http://cordboard.example/api/v1/records.csv" });
  await expect(offeredFile(Promise.resolve({ data: response.body, response }))).resolves.toBe(response.url);
  expect(cancel).toHaveBeenCalledOnce();
});

test("what is refused is a problem, never a file", async () => {
  const details = { title: "Not available now", detail: "as many exports run as may at a time" };
  const init = { status: 503, headers: { "retry-after": "30" } };
  const response = new Response(JSON.stringify(details), init);
  await expect(offeredFile(Promise.resolve({ error: details, response }))).rejects.toEqual(
    new Problem(503, details.detail, [], 30),
  );
});

test("a server that does not answer has offered nothing", async () => {
  await expect(offeredFile(Promise.reject(new TypeError("failed")))).rejects.toThrow(/cannot be reached/);
});

test("a date in Retry-After is not read", () => {
  expect(problem(503, "", "Mon, 23 Nov 2026 00:00:00 GMT").retryAfterSec).toBeNull();
});
