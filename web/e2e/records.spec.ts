// Call records that leave the server as files, and callers who are taken out of them.

import type { Download, Page } from "@playwright/test";
import { isAccessible, isSettled } from "./accessible";
import { tabTo } from "./drawing";
import { expect, test } from "./fixtures";
import { isNarrow, look } from "./looks";
import { DESK, MUSIC, type Server } from "./server";
import { Telephone } from "./sipp";

/** Nobody else of these tests has such numbers. */
const ANN = "+493055501";
const BOB = "+14155550177";
const EVE = "+14155550178";

/** Each calls once, gives up in the first menu, and is in the database. */
test.beforeAll(async ({ server, signedIn, playwright }) => {
  const phones = await Promise.all([
    Telephone.start(server, { scenario: "hangs_up", number: MUSIC, caller: ANN, waitMs: 500 }),
    ...[BOB, EVE].map((caller) =>
      Telephone.start(server, { scenario: "hangs_up", number: DESK, caller, waitMs: 4_500 }),
    ),
  ]);
  await Promise.all(phones.map((phone) => phone.passes()));
  const request = await playwright.request.newContext({ baseURL: server.url, storageState: signedIn });
  await expect
    .poll(async () => (await (await request.get("/api/v1/records")).json()).items.length)
    .toBeGreaterThanOrEqual(3);
  await request.dispose();
});

async function exported(page: Page, item: string): Promise<Download> {
  const downloaded = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: item }).click();
  return downloaded;
}

async function linesOf(file: Download): Promise<string[]> {
  const text = Buffer.concat(await (await file.createReadStream()).toArray()).toString();
  return text.trim().split(/\r?\n/);
}

/** Opens the menu whose button has the focus, and goes to its first item, by the keyboard. */
async function openMenu(page: Page): Promise<void> {
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem").first()).toBeFocused();
}

/** The record's page of somebody who gave up. */
async function openRecord(page: Page, caller: string): Promise<void> {
  await page.goto(`/records?caller=${encodeURIComponent(caller)}`);
  await expect(page.getByRole("table").getByRole("row")).toHaveCount(2);
  await page.getByRole("table").getByRole("link").click();
  await expect(page.getByRole("heading", { name: `Call from ${caller}` })).toBeVisible();
}

test("records that are searched are kept as a file, of each kind", async ({ page }) => {
  await page.goto("/records");
  await page.getByLabel("Caller begins with").fill("+4930");
  await expect(page.getByRole("table").getByRole("row")).toHaveCount(2);
  await expect(page).toHaveURL(/caller=%2B4930/);
  const table = await exported(page, "CSV A table");
  expect(table.suggestedFilename()).toMatch(/^records-\d{4}-\d\d-\d\d\.csv$/);
  const [head, row, ...more] = await linesOf(table);
  expect(head).toMatch(/^callId,callKey,/);
  expect(row).toContain(ANN);
  expect(more).toEqual([]);
  await expect(page.getByText("The download has begun.")).toBeVisible();
  const [names, cdr] = await linesOf(await exported(page, "CSV as from Asterisk"));
  expect(names).toMatch(/^clid,src,dst,/);
  expect(cdr).toContain(ANN);
  const lines = await exported(page, "JSON lines");
  expect(lines.suggestedFilename()).toMatch(/\.jsonl$/);
  const records = (await linesOf(lines)).map((line) => JSON.parse(line));
  expect(records).toHaveLength(1);
  expect(records[0].from).toBe(ANN);
});

test("an export is begun by the keyboard, and looked at", async ({ page }) => {
  await page.goto("/records");
  await isSettled(page);
  const button = page.getByRole("button", { name: "Export" });
  await tabTo(page, button);
  await openMenu(page);
  await look(page, "records-export");
  const downloaded = page.waitForEvent("download");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect((await linesOf(await downloaded))[0]).toMatch(/^clid,src,dst,/);
  await expect(button).toBeFocused();
  await isNarrow(page);
});

test("what the server refuses is said in words, and no file is made of it", async ({
  browser,
  server,
  signedIn,
}) => {
  // A window of its own: that something does not load is what is looked at.
  const context = await browser.newContext({ baseURL: server.url, storageState: signedIn });
  const page = await context.newPage();
  const files: Download[] = [];
  page.on("download", (file) => files.push(file));
  let refusal = { status: 422, detail: "more than 1000000 records are meant: ask for a shorter period" };
  await page.route("**/api/v1/records.csv*", (route) =>
    route.fulfill({
      status: refusal.status,
      headers: { "content-type": "application/problem+json", "retry-after": "30" },
      body: JSON.stringify({ title: "Refused", ...refusal }),
    }),
  );
  await page.goto("/records");
  const begin = async () => {
    await page.getByRole("button", { name: "Export" }).click();
    await page.getByRole("menuitem", { name: "CSV A table" }).click();
  };
  await begin();
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("More than 1000000 records are meant: ask for a shorter period.");
  refusal = { status: 503, detail: "as many exports run as may at a time" };
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(alert).toContainText("As many exports run as may at a time. Try again in 30 seconds.");
  await isAccessible(page, "an export that is refused");
  await page.unroute("**/api/v1/records.csv*");
  const downloaded = page.waitForEvent("download");
  await alert.getByRole("button", { name: "Try again" }).click();
  await downloaded;
  await expect(alert).toHaveCount(0);
  expect(files).toHaveLength(1);
  // Who is not signed in any more sees where to sign in.
  await context.clearCookies();
  await begin();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(files).toHaveLength(1);
  await context.close();
});

test("a file that is refused after all is none, and the page stays", async ({ page }) => {
  // The browser loads it with a parameter that the server does not know.
  await page.addInitScript(() => {
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () {
      this.href += "?nonsense=1";
      click.call(this);
    };
  });
  await page.goto("/records");
  const file = await exported(page, "JSON lines");
  expect(file.url()).toMatch(/nonsense=1$/);
  expect(await file.failure()).not.toBeNull();
  await expect(page.getByRole("heading", { name: "Call records" })).toBeVisible();
});

test("a caller is erased from a record's page, by the keyboard, and nobody else is", async ({ page }) => {
  await openRecord(page, BOB);
  const address = page.url();
  await tabTo(page, page.getByRole("button", { name: "Erase this caller …" }));
  await page.keyboard.press("Enter");
  const form = page.getByRole("dialog", { name: "Erase a caller" });
  await expect(form.getByLabel("Number of the caller")).toHaveValue(BOB);
  const digits = form.getByLabel("Its last four digits");
  await expect(digits).toBeFocused();
  const erase = form.getByRole("button", { name: "Erase the caller" });
  await page.keyboard.type("0178");
  await expect(erase).toBeDisabled();
  await digits.clear();
  await page.keyboard.type("0177");
  await expect(erase).toBeEnabled();
  await look(page, "erase-caller");
  await page.keyboard.press("Enter");
  const answer = page.getByRole("dialog", { name: "What was erased" });
  const told = answer.getByText(/^Erased from 1 call record and \d rows? of the outbox\.$/);
  await expect(told).toBeFocused();
  const places = answer.getByRole("region", { name: "Looked for as" }).getByRole("listitem");
  await expect(places.getByText(BOB, { exact: true })).toBeVisible();
  await expect(places.getByText("4155550177", { exact: true })).toBeVisible();
  const left = answer.getByRole("region", { name: "Not reached, and yours to do" });
  await expect(left.getByRole("listitem").filter({ hasText: "backups" })).toBeVisible();
  await expect(left.getByText("cordboard records erase NUMBER --file FILE")).toBeVisible();
  await look(page, "caller-erased");
  await isNarrow(page);
  // What is left to do is not lost by a slip.
  await page.keyboard.press("Escape");
  await expect(answer).toBeVisible();
  await tabTo(page, answer.getByRole("button", { name: "Done" }));
  await page.keyboard.press("Enter");
  await expect(answer).toHaveCount(0);
  // The page was read anew meanwhile.
  expect(page.url()).toBe(address);
  await expect(page.getByRole("heading", { name: "Call from an erased caller" })).toBeVisible();
  await expect(page.getByText(/^The caller was erased: /)).toBeVisible();
  await expect(page.getByText("The caller left in “What is it about”")).toBeVisible();
  await expect(page.getByText(BOB)).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Erase this caller …" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Try again: / })).toHaveCount(0);
  await look(page, "record-erased", true);
  await page.getByRole("link", { name: "All call records" }).click();
  await expect(page.getByRole("row", { name: /anonymous/ })).toHaveCount(1);
  await expect(page.getByRole("row", { name: new RegExp(`\\${EVE}`) })).toHaveCount(1);
  const lines = await linesOf(await exported(page, "JSON lines"));
  expect(lines.filter((line) => line.includes(BOB.slice(1)))).toEqual([]);
  expect(lines.filter((line) => line.includes(EVE))).toHaveLength(1);
});

test("a caller is erased from the list by a number as people write it", async ({ page }) => {
  await page.goto("/records");
  await expect(page.getByRole("row", { name: new RegExp(`\\${EVE}`) })).toHaveCount(1);
  const menu = page.getByRole("button", { name: "More", exact: true });
  await tabTo(page, menu);
  await openMenu(page);
  await page.keyboard.press("Enter");
  const form = page.getByRole("dialog", { name: "Erase a caller" });
  await expect(form.getByLabel("Number of the caller")).toBeFocused();
  // Nothing is done, and the keyboard is where it was.
  await page.keyboard.press("Escape");
  await expect(form).toHaveCount(0);
  await expect(menu).toBeFocused();
  await openMenu(page);
  await page.keyboard.press("Enter");
  await form.getByLabel("Number of the caller").fill("++");
  await form.getByLabel("The same once more").fill("++");
  await form.getByRole("button", { name: "Erase the caller" }).click();
  const answer = page.getByRole("dialog", { name: "What was erased" });
  await expect(answer.getByText("No call record and no row of the outbox has this caller.")).toBeVisible();
  await answer.getByRole("button", { name: "Done" }).click();
  await menu.click();
  await page.getByRole("menuitem", { name: "Erase a caller …" }).click();
  await form.getByLabel("Number of the caller").fill("+1 (415) 555-0178");
  await form.getByLabel("Its last four digits").fill("0178");
  await form.getByRole("button", { name: "Erase the caller" }).click();
  await expect(answer.getByText(/^Erased from 1 call record /)).toBeVisible();
  // The list behind the dialog is another one already.
  await expect(page.getByText(EVE)).toHaveCount(1);
  await answer.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText(EVE)).toHaveCount(0);
  await page.goto("/audit");
  await expect(page.getByRole("row", { name: /erased: caller/ }).first()).toContainText("0178");
});

test("what an erasure fails with is said in words", async ({ browser, server, signedIn }) => {
  // A window of its own: that something does not load is what is looked at.
  const context = await browser.newContext({ baseURL: server.url, storageState: signedIn });
  const page = await context.newPage();
  await page.route("**/api/v1/records/erase", (route) =>
    route.fulfill({
      status: 503,
      headers: { "content-type": "application/problem+json", "retry-after": "5" },
      body: JSON.stringify({ title: "Not now", detail: "another caller is erased at this moment" }),
    }),
  );
  await openRecord(page, ANN);
  await page.getByRole("button", { name: "Erase this caller …" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Its last four digits").fill("5501");
  await form.getByRole("button", { name: "Erase the caller" }).click();
  const words = "Another caller is erased at this moment. Try again in 5 seconds.";
  await expect(form.getByRole("alert")).toContainText(words);
  await isAccessible(page, "an erasure that failed");
  await form.getByRole("button", { name: "Keep the caller" }).click();
  await expect(form).toHaveCount(0);
  await expect(page.getByRole("heading", { name: `Call from ${ANN}` })).toBeVisible();
  await context.close();
});

test.describe("somebody who sees calls alone", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("exports records, and erases nobody", async ({ page, server, signedIn, playwright }) => {
    const login = await addSupervisor(server, signedIn, playwright);
    await page.goto(`/records?caller=${encodeURIComponent(ANN)}`);
    await page.getByLabel("Login").fill(login.login);
    await page.getByRole("textbox", { name: "Password" }).fill(login.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("table").getByRole("row")).toHaveCount(2);
    expect(await linesOf(await exported(page, "CSV A table"))).toHaveLength(2);
    await expect(page.getByRole("button", { name: "More", exact: true })).toHaveCount(0);
    await page.getByRole("table").getByRole("link").click();
    await expect(page.getByRole("heading", { name: `Call from ${ANN}` })).toBeVisible();
    await expect(page.getByRole("button", { name: "Erase this caller …" })).toHaveCount(0);
  });
});

type Api = {
  request: { newContext: (options: object) => Promise<import("@playwright/test").APIRequestContext> };
};

async function addSupervisor(server: Server, storageState: object, { request: api }: Api) {
  const login = { login: "sue", password: "another long password" };
  const request = await api.newContext({ baseURL: server.url, storageState });
  const { csrfToken } = await (await request.get("/api/v1/session")).json();
  const made = await request.post("/api/v1/users", {
    headers: { "x-csrf-token": csrfToken },
    data: { ...login, name: "Sue", role: "supervisor" },
  });
  expect(made.status()).toBe(201);
  await request.dispose();
  return login;
}
