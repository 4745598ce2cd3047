import { expect, test } from "./fixtures";
import { DESK, MUSIC } from "./server";

test("a call appears, walks through its flow, and is hung up from its page", async ({ page, telephone }) => {
  await page.goto("/calls");
  await expect(page.getByText("Nobody is calling right now")).toBeVisible();
  const caller = "+14155550111";
  const phone = await telephone({ scenario: "presses", number: DESK, caller, key: "1", waitMs: 7_000 });
  const row = page.getByRole("row", { name: new RegExp(caller.replace("+", "\\+")) });
  await expect(row).toContainText("Welcome");
  await row.getByRole("link", { name: caller }).click();
  const steps = page.getByRole("list", { name: "Steps of the call" }).getByRole("listitem");
  await expect(steps.filter({ hasText: "Welcome" })).toContainText("Left by: went on");
  await expect(steps.filter({ hasText: "What is it about" })).toContainText("Left by: pressed 1 (Sales)", {
    timeout: 10_000,
  });
  await expect(steps.filter({ hasText: "What is it about" })).toContainText("SIP INFO");
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Hang up" }).click();
  await expect(page.getByText("The call is over")).toBeVisible();
  await phone.passes();
  await page.getByRole("link", { name: "See its record" }).click();
  await expect(page.getByRole("heading", { name: `Call from ${caller}` })).toBeVisible();
  await expect(page.getByText("It was hung up in the console or over the API.").first()).toBeVisible();
});

test("an agent's telephone rings, and then the two talk", async ({ page, server, telephone }) => {
  await telephone({ scenario: "agent", port: server.agentPort, waitMs: 6_000 });
  await page.goto("/calls");
  await telephone({ scenario: "presses", number: DESK, caller: "+14155550122", key: "3", waitMs: 500 });
  const row = page.getByRole("row", { name: /\+14155550122/ });
  await expect(row).toContainText("Ringing");
  await expect(row).toContainText("dora");
  await expect(row).toContainText("Talking", { timeout: 10_000 });
  await row.getByRole("link").click();
  await expect(page.getByText("dora talks to the caller")).toBeVisible();
});

test("who opens a call late sees what came before", async ({ page, telephone }) => {
  await telephone({ scenario: "presses", number: DESK, caller: "+14155550133", key: "9", waitMs: 9_000 });
  // The greeting is over by then; the key comes later, and with it what came before.
  await page.waitForTimeout(5_000);
  await page.goto("/calls");
  await page.getByRole("link", { name: "+14155550133" }).click();
  const steps = page.getByRole("list", { name: "Steps of the call" }).getByRole("listitem");
  await expect(steps.filter({ hasText: "What is it about" })).toContainText("Pressed 9");
  await expect(steps.filter({ hasText: "Welcome" })).toContainText("Left by: went on");
});

test("a caller who gives up is an abandoned call with its last step and a task", async ({
  page,
  telephone,
}) => {
  const caller = "+14155550144";
  const phone = await telephone({ scenario: "hangs_up", number: DESK, caller, waitMs: 4_000 });
  await phone.passes();
  await page.goto("/abandoned");
  const row = page.getByRole("row", { name: new RegExp(caller.replace("+", "\\+")) });
  await expect(row).toContainText("What is it about");
  await row.getByRole("link").click();
  await expect(page.getByText("The caller left in “What is it about”")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Task for the abandoned call" })).toBeVisible();
  await page.goto("/outbox");
  await expect(page.getByRole("row", { name: new RegExp(`Abandoned call from \\${caller}`) })).toBeVisible();
});

test("reports count the calls, and say in which step callers leave", async ({ page, telephone }) => {
  const phone = await telephone({
    scenario: "hangs_up",
    number: DESK,
    caller: "+14155550155",
    waitMs: 2_500,
  });
  await phone.passes();
  await page.goto("/reports");
  await expect(page.getByRole("table")).toContainText("Calls per day");
  await page.getByRole("tab", { name: "Where callers leave" }).click();
  await page.getByRole("combobox", { name: "Call flow" }).click();
  await page.getByRole("option", { name: "Front desk" }).click();
  await expect(page.getByRole("row", { name: /What is it about/ })).toContainText("%");
});

test("the system page says how the server is", async ({ page }) => {
  await page.goto("/system");
  await expect(page.getByText("It takes calls")).toBeVisible();
  await expect(page.getByRole("row", { name: /Database/ })).toContainText("Well");
  await expect(page.getByText(/Version \d+\./)).toBeVisible();
});

test("fifty calls are listed, and found by what is searched", async ({ page, telephone }) => {
  await page.goto("/calls");
  const phones = await telephone({ scenario: "hangs_up", number: MUSIC, count: 50, waitMs: 15_000 });
  await expect(page.getByRole("status").filter({ hasText: "50 calls" })).toBeVisible();
  await page.getByLabel("Search calls").fill("no such caller");
  await expect(page.getByText("No call is like that")).toBeVisible();
  await page.getByLabel("Search calls").fill("");
  await phones.passes();
  await expect(page.getByText("Nobody is calling right now")).toBeVisible();
});
