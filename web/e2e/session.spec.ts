import { expect, test } from "./fixtures";
import { USER } from "./server";

test.describe("somebody who is not signed in", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  // `signedIn` makes the user.
  test("signs in by password, is where they wanted to be, and signs out", async ({ page, signedIn }) => {
    expect(signedIn.cookies).toHaveLength(1);
    await page.goto("/records");
    await page.getByLabel("Login").fill(USER.login);
    await page.getByRole("textbox", { name: "Password" }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await page.getByRole("textbox", { name: "Password" }).fill(USER.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Call records" })).toBeVisible();
    await page.getByRole("button", { name: /Signed in as/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });
});

test("the demo's call flows are listed", async ({ page }) => {
  await page.goto("/flows");
  await expect(page.getByRole("link", { name: "Main line" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Front desk" })).toBeVisible();
});

test("an address that leads nowhere says so", async ({ page }) => {
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});
