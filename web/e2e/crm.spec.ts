// The CRM in the console, with the server connected to the stand-in for Salesforce: its connection, tasks that are set aside,
// queries that are tried, whom the CRM knows. Each new state is looked at in both colours.

import type { Page } from "@playwright/test";
import { isAccessible, isSettled } from "./accessible";
import { newFlow, panel, step } from "./drawing";
import { test as base, expect } from "./fixtures";
import { isNarrow, look } from "./looks";
import { DESK, KNOWN } from "./server";
import { ADA, GRACE, type StandIn } from "./standIn";

type Fixtures = { org: StandIn };

const test = base.extend<Fixtures>({
  /** The stand-in; what was arranged in it ends with the test. */
  org: async ({ standIn }, use) => {
    if (standIn === null) {
      throw new Error("there is no stand-in");
    }
    await use(standIn);
    await standIn.endTrouble();
  },
});

test.use({ hasCrm: true });

/** Delivering and trying anew take some seconds. */
const DELIVERED = { timeout: 30_000 };

/** Calls, gives up in the first menu, and gives the record's page. */
async function abandons(page: Page, caller: string): Promise<void> {
  await expect(async () => {
    await page.goto("/abandoned");
    await page
      .getByRole("row", { name: new RegExp(`\\${caller}`) })
      .getByRole("link")
      .click({ timeout: 2_000 });
  }).toPass();
  await expect(page.getByRole("heading", { name: `Call from ${caller}` })).toBeVisible();
}

test("the connection is tested: all is well, then what is wrong is said with a remedy", async ({
  page,
  org,
}) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Salesforce and CRM" }).click();
  await page.getByRole("button", { name: "Test it" }).click();
  await expect(page.getByText("All is well.")).toBeVisible();
  const steps = page.getByRole("list", { name: "What was tried" }).getByRole("listitem");
  await expect(steps.filter({ hasText: "Sign in" })).toContainText("ada.marsh@example.com");
  await expect(page.getByText("Salesforce is connected")).toBeVisible();
  await look(page, "crm-connected", true);
  await isNarrow(page);
  await org.control("trouble", {
    match: { path: "/services/data/v62.0/sobjects/Task/describe" },
    error: { code: "REQUEST_LIMIT_EXCEEDED", status: 403, message: "TotalRequests Limit exceeded." },
  });
  await page.getByRole("button", { name: "Test it again" }).click();
  await expect(page.getByText("One thing is wrong.")).toBeVisible();
  const task = steps.filter({ hasText: "Write tasks" });
  await expect(task.getByRole("img", { name: "Failed" })).toBeVisible();
  await expect(task).toContainText("TotalRequests Limit exceeded");
  await expect(task).toContainText("Company Information");
  await look(page, "crm-failing", true);
  await page.goto("/system");
  await expect(page.getByText("Salesforce did not take the last request.")).toBeVisible();
  await isAccessible(page, "the system page with the banner");
  await page.getByRole("link", { name: "Its connection" }).click();
  await expect(page).toHaveURL(/\/crm$/);
  await org.endTrouble();
  await org.control("seed", { permissions: { "*": { objects: { Task: "read" } } } });
  await page.getByRole("button", { name: "Test it" }).click();
  await expect(task).toContainText("The user may not make records of Task");
  await org.control("seed", { permissions: { "*": {} } });
  await page.getByRole("button", { name: "Test it again" }).click();
  await expect(page.getByText("All is well.")).toBeVisible();
});

test("an abandoned call becomes a task, and its record leads there", async ({ page, org, telephone }) => {
  const phone = await telephone({
    scenario: "hangs_up",
    number: DESK,
    caller: GRACE.number,
    waitMs: 4_000,
  });
  await phone.passes();
  const subject = `Abandoned call from ${GRACE.number}`;
  await expect.poll(async () => (await org.tasks(subject)).length, DELIVERED).toBe(1);
  const [task] = await org.tasks(subject);
  expect(task?.WhoId).toBe(GRACE.id);
  await abandons(page, GRACE.number);
  const link = page.getByRole("link", { name: /^Task in the CRM/ });
  await expect(link).toHaveAttribute("href", new RegExp(`^${org.url}/.*${task?.Id}`));
  await expect(page.getByText("Delivered", { exact: true })).toBeVisible();
  await look(page, "record-delivered", true);
  await isNarrow(page);
});

test("a task that a rule refuses is set aside with its words, and tried anew", async ({
  page,
  org,
  telephone,
}) => {
  const words = "Say who rings back.";
  await org.control("seed", {
    rules: [
      {
        object: "Task",
        field: "Subject",
        when: "contains Abandoned call",
        message: words,
        errorOn: "Subject",
      },
    ],
  });
  const caller = "+14155550199";
  const phone = await telephone({ scenario: "hangs_up", number: DESK, caller, waitMs: 4_000 });
  await phone.passes();
  await page.goto("/outbox");
  // Its fields are rows of a table within it.
  const row = page.getByRole("row", { name: new RegExp(`Abandoned call from \\${caller}`) }).first();
  await expect(async () => {
    await page.goto("/outbox?state=parked");
    await expect(row).toContainText(words, { timeout: 1_000 });
  }).toPass(DELIVERED);
  await expect(page.getByRole("combobox", { name: "State" })).toHaveValue("Set aside");
  await row.getByText("Its fields").click();
  await expect(row).toContainText("Last step");
  await look(page, "outbox-set-aside");
  await isNarrow(page);
  await page.goto("/abandoned");
  await expect(page.getByRole("link", { name: "What is set aside" })).toBeVisible();
  await look(page, "abandoned-set-aside");
  await abandons(page, caller);
  await expect(page.getByText(words)).toBeVisible();
  await look(page, "record-set-aside", true);
  await org.endTrouble();
  await page.getByRole("button", { name: /^Try again: / }).click();
  await expect(page.getByText("Delivered", { exact: true })).toBeVisible(DELIVERED);
  expect(await org.tasks(`Abandoned call from ${caller}`)).toHaveLength(1);
});

test("a query is tried, and what it finds completes a greeting", async ({ page }) => {
  await newFlow(page, "Looks up");
  const pane = page.locator(".react-flow__pane");
  await page
    .getByRole("button", { name: "Query", exact: true })
    .dragTo(pane, { targetPosition: { x: 200, y: 120 } });
  const form = panel(page);
  await form.getByRole("button", { name: "Begin the call here" }).click();
  const statement = form.getByRole("textbox", { name: "SOQL" });
  await statement.fill("SELECT Id, Name, Owner.Name FROM Contact WHERE Phone = '{{call.from}}'");
  await statement.press("Escape");
  await form.getByLabel("Keep as variable").fill("who");
  await form.getByLabel("Value of call.from").fill("415.555.0103");
  await form.getByRole("button", { name: "Test query" }).click();
  const found = form.getByRole("region", { name: "Records that were found" });
  await expect(found.getByRole("row").nth(1)).toContainText("Grace Lindqvist");
  await expect(found.getByRole("columnheader")).toHaveCount(3);
  await expect(found.getByRole("columnheader", { name: "Owner.Name" })).toBeVisible();
  await form.getByText("The statement that was sent").click();
  await expect(form.getByText("Phone = '415.555.0103' LIMIT 1")).toBeVisible();
  await form.getByRole("button", { name: "Test query" }).evaluate((button) => button.scrollIntoView());
  await look(page, "builder-query");
  // Its way leads to the greeting, whose text completes the fields of the record.
  await step(page, "Query").click();
  await form.getByRole("combobox", { name: /^Found of Query/ }).click();
  await page.getByRole("option", { name: /Greeting/ }).click();
  await step(page, "Greeting").click();
  const text = form.getByLabel("Spoken text");
  await text.fill("Hello {{who.0.Own");
  await page.getByRole("option", { name: /^who\.0\.Owner\.Name/ }).click();
  await expect(text).toHaveValue("Hello {{who.0.Owner.Name}}");
  // What was found is still known after the page is loaded anew.
  await expect(page.getByText("Draft saved")).toBeVisible();
  await page.reload();
  await step(page, "Greeting").click();
  await form.getByLabel("Spoken text").fill("Hello {{who.0.");
  await expect(page.getByRole("option", { name: /^who\.0\.Name/ })).toBeVisible();
  await form.getByLabel("Spoken text").fill("Hello.");
  // What Salesforce does not take is said below the statement.
  await step(page, "Query").click();
  await statement.fill("SELECT Nothing__c FROM Contact");
  await statement.press("Escape");
  await form.getByRole("button", { name: "Test query" }).click();
  await expect(form.getByRole("alert").filter({ hasText: "Nothing__c" })).toBeVisible();
  await form.getByRole("button", { name: "Test query" }).evaluate((button) => button.scrollIntoView());
  await look(page, "builder-query-refused");
});

test("the task of a flow is shown while its fields are written", async ({ page }) => {
  await page.goto("/flows/desk/details");
  await isSettled(page);
  const task = page.getByRole("region", { name: "Preview of the task" });
  await expect(task).toContainText("Abandoned call from +14155550123");
  await page.getByRole("textbox", { name: "Task subject" }).fill("{{call.from}} gave up in {{flow.name}}");
  await expect(task).toContainText("+14155550123 gave up in Front desk");
  const assign = page
    .getByRole("combobox", { name: "Assign abandoned call" })
    .or(page.getByLabel("Assign abandoned call"));
  await assign.first().fill("carol");
  await expect(task).toContainText("neither a user of the CRM nor an agent with a CRM user");
  await task.scrollIntoViewIfNeeded();
  await look(page, "flow-details-task-problem");
  await assign.first().fill("do");
  await page.getByRole("option", { name: "Dora Dean (dora)" }).click();
  await expect(task).not.toContainText("neither");
  await task.getByText("By the CRM’s names").click();
  await expect(task.getByRole("row", { name: /OwnerId/ })).toContainText(ADA);
  await task.getByRole("textbox", { name: "As if this number called" }).fill(GRACE.number);
  await expect(task).toContainText(`${GRACE.number} gave up in Front desk`);
  await expect(task.getByRole("row", { name: /WhoId/ })).toContainText(GRACE.id);
  await task.scrollIntoViewIfNeeded();
  await look(page, "flow-details-task");
  await isNarrow(page);
});

test("whom the CRM knows is shown while the call goes on, and the owner is rung", async ({
  page,
  server,
  telephone,
}) => {
  await telephone({ scenario: "agent", port: server.agentPort, waitMs: 500 });
  await page.goto("/calls");
  const phone = await telephone({
    scenario: "presses",
    number: KNOWN,
    caller: GRACE.number,
    key: "1",
    waitMs: 4_000,
  });
  const row = page.getByRole("row", { name: new RegExp(`\\${GRACE.number}`) });
  await row.getByRole("link").click();
  await expect(page.getByRole("link", { name: new RegExp(`^${GRACE.name}`) })).toBeVisible();
  await expect(page.getByText("dora talks to the caller")).toBeVisible();
  await look(page, "call-known");
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Hang up" }).click();
  await phone.passes();
  await page.getByRole("link", { name: "See its record" }).click();
  await expect(page.getByRole("link", { name: new RegExp(`^${GRACE.name}`) })).toHaveAttribute(
    "href",
    new RegExp(GRACE.id),
  );
});

test("the owner of a record is rung in the simulator; otherwise somebody else", async ({ page }) => {
  await page.goto("/flows/known");
  await step(page, "Ring the owner").click();
  const form = panel(page);
  await expect(form.getByRole("group", { name: "Otherwise" })).toBeVisible();
  await expect(
    form.getByRole("group", { name: "Task in the CRM" }).getByLabel("Subject of the task"),
  ).toBeVisible();
  await look(page, "builder-owner");
  await page.getByRole("tab", { name: "Try it" }).click();
  const begin = form.getByRole("button", { name: /^Call/ });
  await begin.click();
  await form.getByRole("textbox", { name: "Owner of the record" }).fill("dora");
  await form.getByRole("button", { name: "It is a contact" }).scrollIntoViewIfNeeded();
  await look(page, "builder-who-calls");
  await form.getByRole("button", { name: "It is a contact" }).click();
  const log = form.getByRole("log", { name: "What happened" });
  await expect(log).toContainText("The caller is “Ann Reed” (Contact) in the CRM.");
  await form.getByRole("button", { name: "1", exact: true }).click();
  await expect(log).toContainText("dora is dialled.");
  await begin.click();
  await form.getByRole("button", { name: "It knows nobody" }).click();
  await form.getByRole("button", { name: "1", exact: true }).click();
  await expect(log).toContainText("carol is dialled.");
  await expect(log).not.toContainText("in the CRM");
  // Another kind of target takes the fallback with it.
  await page.getByRole("tab", { name: "Fields" }).click();
  await step(page, "Ring the owner").click();
  await form.getByRole("group", { name: "Who is rung" }).getByLabel("Kind").click();
  await page.getByRole("option", { name: "One agent" }).click();
  await expect(form.getByRole("group", { name: "Otherwise" })).toHaveCount(0);
});

test("an agent is given a user of the CRM", async ({ page }) => {
  await page.goto("/agents?edit=dora");
  const form = page.getByRole("dialog");
  await expect(form.getByLabel("CRM user")).toHaveValue(ADA);
  await form.getByLabel("CRM user").fill("two words");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByText(/is no id of a user/)).toBeVisible();
  await form.getByLabel("CRM user").scrollIntoViewIfNeeded();
  await look(page, "agent-crm-user");
});
