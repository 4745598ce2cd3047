// A flow of 300 steps: opening it, dragging in it, and what is said of an edit.

import type { Page } from "@playwright/test";
import { bigFlow } from "../e2e/bigFlow";
import { middleOf, panel, step } from "../e2e/drawing";
import { expect, test } from "../e2e/fixtures";
import { median, tell } from "./figures";
import { frameCosts } from "./trace";

const ROUNDS = 7;

test("a flow of three hundred steps", async ({ page, browser, request }) => {
  const { csrfToken } = await (await request.get("/api/v1/session")).json();
  const document = bigFlow();
  const made = await request.post("/api/v1/flows", {
    data: document,
    headers: { "x-csrf-token": csrfToken },
  });
  expect(made.status(), await made.text()).toBe(201);

  const opened: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.goto("/flows");
    await expect(page.getByRole("link", { name: document.name })).toBeVisible();
    const start = Date.now();
    await page.goto("/flows/big");
    await step(page, "Welcome").waitFor();
    opened.push(Date.now() - start);
  }
  tell({
    name: "from the address to a canvas of 301 steps, median",
    value: median(opened),
    unit: "ms",
    bar: "1,000",
  });

  await step(page, "Welcome").click();
  await browser.startTracing(page, {
    categories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "devtools.timeline.frame"],
  });
  const { x, y } = await middleOf(step(page, "Welcome"));
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let move = 1; move <= 120; move++) {
    await page.mouse.move(x + move, y + Math.round(40 * Math.sin(move / 12)));
  }
  await page.mouse.up();
  const costs = frameCosts(await browser.stopTracing());
  expect(costs.length).toBeGreaterThan(30);
  tell({
    name: "a step dragged: script and layout of a frame, median",
    value: median(costs),
    unit: "ms",
    bar: "8",
  });

  const said: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // An empty text is an error of the step; a word takes it back. Timed in the page, from the edit to the mark.
    const text = panel(page).getByLabel("Spoken text");
    await text.fill("Welcome.");
    await expect(step(page, "Welcome")).not.toHaveText(/!/);
    said.push(await timedUntilMarked(page));
  }
  tell({
    name: "from an edit to what is wrong with it, median",
    value: median(said),
    unit: "ms",
    bar: "100",
  });
});

/** Empties the spoken text within the page, and waits there for the mark on the step. */
function timedUntilMarked(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const field = [...document.querySelectorAll("textarea")].find(({ value }) => value === "Welcome.");
    const node = document.querySelector('.react-flow__node[data-id="welcome"]');
    if (!field || !node) {
      throw new Error("the fields of the step are not there");
    }
    const isMarked = () => node.querySelector('[data-state="failed"]') !== null;
    const start = performance.now();
    const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set;
    set?.call(field, "");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    while (!isMarked()) {
      await new Promise((done) => requestAnimationFrame(done));
      if (performance.now() - start > 10_000) {
        throw new Error("nothing was said of the edit");
      }
    }
    return performance.now() - start;
  });
}
