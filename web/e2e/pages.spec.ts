// Every page of the navigation: accessible in light and dark, not wider than a telephone, and a picture for the documentation.

import type { Page } from "@playwright/test";
import { isAccessible, isSettled } from "./accessible";
import { picture } from "./drawing";
import { expect, test } from "./fixtures";
import { DESK } from "./server";

/** Some calls of each kind, so that pages have something to show. */
test.beforeAll(async ({ server }) => {
  const { Telephone } = await import("./sipp");
  const callers = ["+14155550161", "+14155550162", "+442079460163"];
  const phones = await Promise.all(
    callers.map((caller, at) =>
      Telephone.start(server, { scenario: "hangs_up", number: DESK, caller, waitMs: 1_500 + at * 1_000 }),
    ),
  );
  await Promise.all(phones.map((phone) => phone.passes()));
});

async function pages(page: Page): Promise<string[]> {
  await page.goto("/");
  const links = page.getByRole("navigation", { name: "Pages" }).getByRole("link");
  await links.first().waitFor();
  return links.evaluateAll((found) =>
    found.map((link) => new URL((link as HTMLAnchorElement).href).pathname),
  );
}

for (const scheme of ["light", "dark"] as const) {
  test(`every page is accessible in ${scheme} colours`, async ({ page, telephone }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme: scheme });
    await telephone({ scenario: "presses", number: DESK, caller: "+14155550171", key: "9", waitMs: 1_000 });
    await telephone({ scenario: "presses", number: DESK, caller: "+14155550172", key: "9", waitMs: 2_000 });
    for (const path of await pages(page)) {
      await page.goto(path);
      await isSettled(page);
      await isAccessible(page, `${path} in ${scheme}`);
      if (scheme === "light") {
        await page.screenshot({ path: picture(path.slice(1).replaceAll("/", "-")) });
      }
    }
  });

  test(`a live call and a record are accessible in ${scheme} colours`, async ({ page, telephone }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await telephone({ scenario: "presses", number: DESK, caller: "+14155550173", key: "9", waitMs: 8_000 });
    await page.goto("/calls");
    await page.getByRole("link", { name: "+14155550173" }).click();
    await expect(page.getByText("Pressed 9")).toBeVisible();
    await expect(page.getByRole("region", { name: /drawn/ })).toContainText("What is it about");
    await isSettled(page);
    await isAccessible(page, "a live call");
    if (scheme === "light") {
      await page.screenshot({ path: picture("call"), fullPage: true });
    }
    await page.goto("/abandoned");
    await page
      .getByRole("row", { name: /\+442079460163/ })
      .getByRole("link")
      .click();
    await expect(page.getByText("Why it ended", { exact: true })).toBeVisible();
    await isSettled(page);
    await isAccessible(page, "a record");
    if (scheme === "light") {
      await page.screenshot({ path: picture("record"), fullPage: true });
    }
    await page.goto("/reports");
    await page.getByRole("tab", { name: "Where callers leave" }).click();
    await expect(page.getByRole("table")).toBeVisible();
    await isAccessible(page, "where callers leave");
    if (scheme === "light") {
      await page.screenshot({ path: picture("reports-steps") });
    }
  });
}

test("list and live pages fit a telephone", async ({ page, telephone }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await telephone({ scenario: "stays", number: DESK, caller: "+14155550174" });
  for (const path of [
    "/flows",
    "/calls",
    "/records",
    "/abandoned",
    "/reports",
    "/crm",
    "/outbox",
    "/system",
  ]) {
    await page.goto(path);
    await isSettled(page);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(wider, `${path} is wider than the window`).toBeLessThanOrEqual(0);
  }
  await page.goto("/calls");
  await page.getByRole("link", { name: "+14155550174" }).click();
  await expect(page.getByRole("list", { name: "Steps of the call" })).toBeVisible();
});
