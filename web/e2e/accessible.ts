// Whether a page can be used by everybody, as far as a machine can tell.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect } from "./fixtures";

/** Looks at the page as it is. All pages of a test are looked at, whatever the first one has. */
export async function isAccessible(page: Page, where: string): Promise<void> {
  // Loading files anew, as axe does to read styles, is nothing that the page does itself.
  const { violations } = await new AxeBuilder({ page }).options({ preload: false }).analyze();
  const told = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    at: nodes.map((node) => node.html).slice(0, 3),
  }));
  expect.soft(told, where).toEqual([]);
}

/** Waits until nothing is loading any more. */
export async function isSettled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByLabel("Loading")).toHaveCount(0);
}
