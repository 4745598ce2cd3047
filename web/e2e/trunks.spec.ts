// Trunks and registrations at work: a trunk that is begun with a preset and leads back to this server, its state, its test
// with all that is well and with what is wrong, telephones that registered, and who is banned.

import type { Page } from "@playwright/test";
import { isSettled } from "./accessible";
import { expect, test } from "./fixtures";
import { isNarrow, look } from "./looks";
import { register, scan } from "./registering";
import { ECHO, ERIN } from "./server";

/** A test makes a call with sound and keys. */
const TESTED = { timeout: 60_000 };

/** Changes the test number of a trunk. */
async function setTestNumber(page: Page, id: string, number: string): Promise<void> {
  await page.goto(`/trunks?edit=${id}`);
  const form = page.getByRole("dialog");
  await form.getByLabel("Test number").fill(number);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form).toHaveCount(0);
}

test("a trunk is begun with a preset, is seen at work, and is tested step by step", async ({
  page,
  server,
}) => {
  test.setTimeout(240_000);
  await page.goto("/trunks?new");
  const form = page.getByRole("dialog");
  await form.getByLabel("Carrier or PBX").click();
  await page.getByRole("option", { name: "Microsoft Teams Direct Routing" }).click();
  await expect(form.getByRole("note")).toContainText(
    "You have to fill in: Calls come from, Calls go out to.",
  );
  await expect(form.getByRole("textbox", { name: "Id" })).toHaveValue("teams");
  await expect(form.getByLabel("Seconds between OPTIONS")).toHaveValue("60");
  await look(page, "trunk-preset");
  // Another preset takes the fields of the first away.
  await form.getByLabel("Carrier or PBX").click();
  await page.getByRole("option", { name: "Asterisk, FreePBX (pjsip)" }).click();
  await expect(form.getByRole("note")).toContainText("re-INVITEs that move media");
  await expect(form.getByLabel("Seconds between OPTIONS")).toHaveValue("");
  await form.getByRole("textbox", { name: "Id" }).fill("back");
  await form.getByRole("textbox", { name: "Calls go out to" }).fill(server.sip);
  await form.getByLabel("Test number").fill(ECHO);
  await form.getByLabel("Seconds between OPTIONS").fill("5");
  await form.getByLabel("Calls out at one time").fill("4");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await expect(form).toHaveCount(0);
  const row = page.getByRole("row", { name: /back/ });
  await expect(row.getByRole("link", { name: "back: Up" })).toBeVisible({ timeout: 20_000 });
  await expect(row).toContainText("0 of 4 out");
  await look(page, "trunks-at-work");
  await isNarrow(page);

  await row.getByRole("link", { name: "back: Up" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "back" })).toBeVisible();
  await expect(page.getByText(/200 OK after \d+ ms\./)).toBeVisible({ timeout: 20_000 });
  // By the keyboard alone.
  await page.getByRole("button", { name: "Test it" }).focus();
  await page.keyboard.press("Enter");
  const steps = page.getByRole("list", { name: "Steps of the test" }).getByRole("listitem");
  await expect(steps.filter({ hasText: /^Audio/ })).toContainText("clearly the same", TESTED);
  await expect(page.getByText("No step failed.")).toBeVisible(TESTED);
  for (const [name, mark] of [
    ["DNS", "Passed"],
    ["OPTIONS", "Passed"],
    ["REGISTER", "Skipped"],
    ["Call", "Passed"],
    ["Keys", "Passed"],
    ["Quality", "Passed"],
  ] as const) {
    await expect(steps.filter({ hasText: new RegExp(`^${name}`) }).getByRole("img")).toHaveAccessibleName(
      mark,
    );
  }
  await look(page, "trunk-tested", true);
  await isNarrow(page);
});

test("what is wrong with a trunk is said with what helps, and a test can be stopped", async ({
  page,
  server,
}) => {
  test.setTimeout(240_000);
  await page.goto("/trunks?new");
  const form = page.getByRole("dialog");
  await form.getByRole("textbox", { name: "Id" }).fill("wrong");
  await form.getByRole("textbox", { name: "Calls go out to" }).fill(server.sip);
  await form.getByLabel("Test number").fill("+15559999");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await expect(form).toHaveCount(0);
  await page.goto("/trunks/wrong");
  await page.getByRole("button", { name: "Test it" }).click();
  await expect(page.getByText("One step failed.")).toBeVisible(TESTED);
  const call = page
    .getByRole("list", { name: "Steps of the test" })
    .getByRole("listitem")
    .filter({ hasText: /^Call/ });
  await expect(call.getByRole("img", { name: "Failed" })).toBeVisible();
  await expect(call).toContainText("+15559999 was refused: 404");
  await expect(call).toContainText("look whether it wants another shape");
  await look(page, "trunk-failing", true);
  // The other end of the same call: why this server refused it.
  await page.goto("/trunks/local");
  await expect(page.getByText(/No Smart Number is \+15559999\./)).toBeVisible({ timeout: 20_000 });
  await look(page, "trunk");

  await setTestNumber(page, "wrong", ECHO);
  await page.goto("/trunks/wrong");
  await page.getByRole("button", { name: "Test it" }).click();
  await expect(page.getByText("Playing a sound until it comes back.")).toBeVisible(TESTED);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("The test was stopped.")).toBeVisible();
  await expect.poll(() => server.log(), TESTED).toContain("the test of the trunk was given up");
  await page.goto("/trunks/nobody");
  await expect(page.getByText("This server knows no trunk nobody yet")).toBeVisible();
});

test("registrations are listed with where they come from, and removed", async ({ page, server }) => {
  await page.goto("/registrations");
  await expect(page.getByText("Nobody is registered", { exact: true })).toBeVisible();
  const source = await register(server.sip, ERIN.id, ERIN.password);
  await page.goto("/agents");
  await page
    .getByRole("row", { name: /Erin Ellis/ })
    .getByRole("link", { name: "where it is registered" })
    .click();
  const row = page.getByRole("row", { name: /erin/ });
  await expect(row).toContainText(`${source} (UDP)`);
  await expect(row).toContainText("Desk telephone 7.1");
  await expect(row).toContainText("urn:uuid:0e2a4b1c");
  await isSettled(page);
  await look(page, "registered");
  await isNarrow(page);
  await row.getByRole("button", { name: `Remove erin at ${source}` }).click();
  await expect(page.getByRole("dialog")).toContainText("comes back when it registers next");
  await look(page, "registration-removed");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("Nobody is registered as erin")).toBeVisible();
  await page.getByRole("link", { name: "All registrations" }).click();
  await expect(page.getByText("Nobody is registered", { exact: true })).toBeVisible();
});

test("a scanner is listed with the reason of its ban, which is lifted", async ({ page, server }) => {
  await page.goto("/bans");
  await expect(page.getByText("Nobody is banned", { exact: true })).toBeVisible();
  // Two loopback hosts, of which one goes on.
  await scan(server.sip, "127.0.0.66", 1);
  await scan(server.sip, "127.0.0.67", 3);
  await expect(page.getByRole("row", { name: /127\.0\.0\.67/ })).toContainText("2", { timeout: 20_000 });
  const row = page.getByRole("row", { name: /127\.0\.0\.66/ });
  await expect(row).toContainText("its User-Agent is that of a scanner: friendly-scanner");
  await expect(row).toContainText(/59:\d\d/);
  await isSettled(page);
  await look(page, "banned");
  await isNarrow(page);
  await row.getByRole("button", { name: "Lift the ban of 127.0.0.66" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("is banned anew");
  await look(page, "ban-lifted");
  await dialog.getByRole("button", { name: "Lift it" }).click();
  await expect(row).toHaveCount(0);
  await expect(page.getByRole("row", { name: /127\.0\.0\.67/ })).toBeVisible();
  await page.goto("/audit");
  await expect(page.getByRole("row", { name: /127\.0\.0\.66/ })).toContainText("it was banned");
});
