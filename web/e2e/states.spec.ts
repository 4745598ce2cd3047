// What the navigation does not lead to: the builder's panels, forms, one's own page, signing in, and what is shown when
// something is missing or fails.

import type { Page } from "@playwright/test";
import { isAccessible, isSettled } from "./accessible";
import { panel, picture, showAll, step } from "./drawing";
import { expect, test } from "./fixtures";

for (const scheme of ["light", "dark"] as const) {
  const look = async (page: Page, name: string) => {
    await isAccessible(page, `${name} in ${scheme}`);
    if (scheme === "light") {
      await page.screenshot({ path: picture(name) });
    }
  };

  test(`the builder's panels are accessible in ${scheme} colours`, async ({ page }) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto("/flows/main");
    await showAll(page);
    await look(page, "builder-flow");
    await page.locator(".react-flow__node").first().click();
    await look(page, "builder-fields");
    await page.getByRole("tab", { name: "Problems" }).click();
    await look(page, "builder-problems");
    await page.getByRole("tab", { name: "Try it" }).click();
    await panel(page).getByRole("button", { name: "Call", exact: true }).click();
    await expect(panel(page).getByRole("group", { name: "Dial pad" })).toBeVisible();
    await look(page, "builder-try-it");
    await page.getByRole("tab", { name: "Versions" }).click();
    await expect(panel(page).getByText("Version 1")).toBeVisible();
    await look(page, "builder-versions");
    await page.getByRole("tab", { name: "Traffic" }).click();
    await isSettled(page);
    await look(page, "builder-traffic");
    await page.getByRole("tab", { name: "Fields" }).click();
    await page.getByText("Outline", { exact: true }).click();
    await expect(page.getByRole("region", { name: "Steps of the flow" })).toBeVisible();
    await look(page, "builder-outline");
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, "builder-publish");
  });

  test(`forms and one's own pages are accessible in ${scheme} colours`, async ({ page }) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto("/flows/main/details");
    await isSettled(page);
    await look(page, "flow-details");
    await page.goto("/numbers");
    await page.getByRole("link", { name: "+15550100", exact: true }).click();
    await expect(page.getByRole("dialog").getByRole("button", { name: "Save" })).toBeVisible();
    await look(page, "number");
    await page.goto("/numbers?test=%2B15550100");
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, "number-test");
    for (const path of ["profile", "licences"]) {
      await page.goto(`/${path}`);
      await isSettled(page);
      await look(page, path);
    }
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, "palette");
  });

  test(`what is missing or fails is said accessibly in ${scheme} colours`, async ({
    browser,
    server,
    signedIn,
    viewport,
  }) => {
    test.setTimeout(120_000);
    // A window of its own: that something does not load is what is looked at.
    const wanted = { baseURL: server.url, colorScheme: scheme, viewport };
    const context = await browser.newContext({ ...wanted, storageState: signedIn });
    const page = await context.newPage();
    await page.goto("/nowhere");
    await look(page, "not-found");
    await page.goto("/flows/nobody");
    await expect(page.getByRole("alert")).toBeVisible();
    await look(page, "no-such-flow");
    const problem = {
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ title: "Unavailable", status: 503, detail: "the database is away" }),
    };
    await page.route("**/api/v1/records*", (route) => route.fulfill(problem));
    await page.goto("/records");
    await expect(page.getByRole("alert")).toContainText(/database is away/);
    await look(page, "records-error");
    await page.route("**/api/v1/events*", (route) => route.abort());
    await page.goto("/calls");
    await expect(page.getByText("The connection to the server broke.")).toBeVisible();
    await look(page, "calls-error");
    const stranger = await browser.newContext({ ...wanted, storageState: { cookies: [], origins: [] } });
    const signIn = await stranger.newPage();
    await signIn.goto("/flows");
    await expect(signIn.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await look(signIn, "sign-in");
    await stranger.close();
    await context.close();
  });
}

test("a step that has no place in a window as small as a telephone is still found in the outline", async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/flows/main");
  await page.getByText("Outline", { exact: true }).click();
  const region = page.getByRole("region", { name: "Steps of the flow" });
  await expect(region).toBeVisible();
  await expect(step(page, "nothing")).toHaveCount(0);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider).toBeLessThanOrEqual(0);
});
