// How a state of the console looks: in both colours, on a small window, and as a picture for the documentation.

import type { Page } from "@playwright/test";
import { isAccessible, isSettled } from "./accessible";
import { picture } from "./drawing";
import { expect } from "./fixtures";

/** Looks at the page in both colours; its picture is of the light ones, and of what is seen unless it is to be the whole. */
export async function look(page: Page, name: string, isWhole = false): Promise<void> {
  // A notification covers what is to be seen, and goes by itself.
  await expect(page.locator(".mantine-Notification-root")).toHaveCount(0, { timeout: 15_000 });
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
    await isAccessible(page, `${name} in ${colorScheme}`);
  }
  if (isWhole) {
    await page.evaluate(() => window.scrollTo(0, 0));
  }
  await page.screenshot({ path: picture(name), fullPage: isWhole });
}

/** The page is not wider than a telephone. */
export async function isNarrow(page: Page): Promise<void> {
  const wide = page.viewportSize() ?? { width: 1360, height: 850 };
  await page.setViewportSize({ width: 390, height: 844 });
  await isSettled(page);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect.soft(wider, `${page.url()} is wider than a telephone`).toBeLessThanOrEqual(0);
  await page.setViewportSize(wide);
}
