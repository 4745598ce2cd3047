// What a person does on the canvas, by mouse and by keyboard.

import { resolve } from "node:path";
import { expect, type Locator, type Page } from "@playwright/test";

/** Where a picture for the documentation goes. */
export function picture(name: string): string {
  return resolve(import.meta.dirname, `../../docs/console/${name}.png`);
}

/** Makes a flow with one greeting and one hangup, and opens it. */
export async function newFlow(page: Page, name: string): Promise<void> {
  await page.goto("/flows");
  await page.getByRole("button", { name: "New call flow" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(step(page, "Greeting")).toBeVisible();
}

/** A step on the canvas, by its name. */
export function step(page: Page, name: string): Locator {
  return page.getByRole("group", { name: new RegExp(`^${name}, `) });
}

/** The dot at which the connection of a port begins. */
export function portOf(page: Page, name: string, port: string): Locator {
  return step(page, name).locator(`.react-flow__handle.source[data-handleid="${port}"]`);
}

/** Drags from the middle of one thing to another, or to a place so far from it. */
export async function drag(page: Page, from: Locator, to: Locator | { x: number; y: number }): Promise<void> {
  const start = await middleOf(from);
  const end = "x" in to ? { x: start.x + to.x, y: start.y + to.y } : await middleOf(to);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
}

export async function middleOf(what: Locator): Promise<{ x: number; y: number }> {
  const box = await what.boundingBox();
  if (box === null) {
    throw new Error(`${what} is not to be seen`);
  }
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Leads a port to a step with the mouse. */
export async function wire(page: Page, from: string, port: string, to: string): Promise<void> {
  await drag(page, portOf(page, from, port), step(page, to).locator(".react-flow__handle.target"));
  await expect(page.getByRole("img", { name: new RegExp(`of ${from} leads to ${to}$`) })).not.toHaveCount(0);
}

/** The panel beside the canvas. */
export function panel(page: Page): Locator {
  return page.getByRole("tabpanel");
}

/** Publishes the draft for everybody. */
export async function publish(page: Page, comment: string): Promise<void> {
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Publish the draft" });
  await dialog.getByLabel("What is new").fill(comment);
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(dialog).toHaveCount(0);
}

/** Presses Tab until something has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, to: Locator, most = 120): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    if (await to.evaluate((element) => element === document.activeElement, null, { timeout: 5_000 })) {
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${to}`);
}

/** Shows the whole flow. */
export async function showAll(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Fit View" }).click();
  await settled(page);
}

/** Waits until the canvas moves no more. */
async function settled(page: Page): Promise<void> {
  const transform = () =>
    page.locator(".react-flow__viewport").evaluate((element) => element.style.transform);
  let before = "";
  await expect
    .poll(async () => {
      const last = before;
      before = await transform();
      return last === before;
    })
    .toBe(true);
}

/** Adds a step of a kind behind the selected one: A, a word, Enter. */
export async function addStep(page: Page, kind: string): Promise<void> {
  await page.keyboard.press("a");
  const field = page.getByRole("combobox", { name: "Search steps" });
  await expect(field).toBeFocused();
  await page.keyboard.type(kind);
  await page.keyboard.press("Enter");
  await expect(field).toHaveCount(0);
  await isOnStep(page);
}

/** Wires a port of the selected step: W, the port, Enter, the step, Enter. */
export async function wireByKeys(page: Page, port: string, to: string): Promise<void> {
  await page.keyboard.press("w");
  await expect(page.getByRole("combobox", { name: "Search ports" })).toBeFocused();
  await page.keyboard.type(port);
  await page.keyboard.press("Enter");
  await choose(page, to);
}

/** Finds a step by its name: Ctrl+F, the name, Enter. */
export async function goTo(page: Page, name: string): Promise<void> {
  await page.keyboard.press("Control+f");
  await choose(page, name);
  await expect(step(page, name)).toBeFocused();
}

async function choose(page: Page, name: string): Promise<void> {
  const field = page.getByRole("combobox", { name: "Search by name, text or id" });
  await expect(field).toBeFocused();
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await expect(field).toHaveCount(0);
  await isOnStep(page);
}

/** Types into fields of the selected step, one after the other as Tab comes by them, and goes back to the canvas. */
export async function typeFields(page: Page, fields: [label: string, text: string][]): Promise<void> {
  await page.keyboard.press("Enter");
  for (const [label, text] of fields) {
    await tabTo(page, panel(page).getByLabel(label).and(page.locator("input, textarea")).first());
    await page.keyboard.press("Control+a");
    for (const part of text.split(/(\n)/)) {
      await (part === "\n" ? page.keyboard.press("Enter") : page.keyboard.type(part));
    }
  }
  await page.keyboard.press("Escape");
  await isOnStep(page);
}

/** Waits until a step of the canvas has the focus. */
async function isOnStep(page: Page): Promise<void> {
  await expect(page.locator(".react-flow__node:focus")).toHaveCount(1);
}
