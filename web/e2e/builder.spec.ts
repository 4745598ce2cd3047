// The builder: one flow drawn from nothing by mouse and by keyboard, published, called, and watched.

import { isWalkedAndAbandoned, leadNumber } from "./calling";
import {
  addStep,
  drag,
  goTo,
  newFlow,
  panel,
  picture,
  portOf,
  publish,
  showAll,
  step,
  tabTo,
  typeFields,
  wire,
  wireByKeys,
} from "./drawing";
import { expect, test } from "./fixtures";

test("a flow is drawn by mouse, published, called, watched, and its abandoned call found", async ({
  page,
  server,
}) => {
  test.setTimeout(240_000);
  await newFlow(page, "Drawn by mouse");
  // Time, dropped beside: the call begins there.
  const pane = page.locator(".react-flow__pane");
  await page
    .getByRole("button", { name: "Time", exact: true })
    .dragTo(pane, { targetPosition: { x: 150, y: 90 } });
  await panel(page).getByLabel("Name").fill("Office hours");
  for (const day of ["Sat", "Sun"]) {
    await panel(page).getByText(day, { exact: true }).click();
  }
  await panel(page).getByLabel("Opens").fill("00:00");
  await panel(page).getByLabel("Closes").fill("24:00");
  await panel(page).getByRole("button", { name: "Begin the call here" }).click();
  await wire(page, "Office hours", "open", "Greeting");
  // A port that is let go over nothing asks what is to come there.
  await drag(page, portOf(page, "Office hours", "closed"), { x: 120, y: 60 });
  await page
    .getByRole("dialog", { name: "Add a step at this port" })
    .getByRole("option", { name: /^Greeting/ })
    .click();
  await panel(page).getByLabel("Name").fill("Closed");
  await panel(page).getByLabel("Spoken text").fill("We are closed.");
  await page.getByRole("button", { name: /^Lay all steps out/ }).click();
  await showAll(page);
  await wire(page, "Closed", "next", "Hang up");
  await step(page, "Greeting").click();
  await panel(page).getByLabel("Name").fill("Welcome");
  await panel(page).getByLabel("Spoken text").fill("Welcome.");
  // A step that is dropped on a connection comes into it.
  await page
    .getByRole("button", { name: "Menu", exact: true })
    .dragTo(page.locator('.react-flow__edge[data-id="greeting|next"] .react-flow__edge-interaction'));
  await expect(page.getByRole("img", { name: "Next of Welcome leads to Menu" })).toHaveCount(1);
  await panel(page).getByLabel("Spoken text").first().fill("For sales press one, for your region two.");
  await panel(page).getByLabel("What 1 stands for").fill("Sales");
  await panel(page).getByLabel("What 2 stands for").fill("Region");
  await page.getByRole("button", { name: /^Lay all steps out/ }).click();
  await showAll(page);
  await drag(page, portOf(page, "Menu", "key:1"), { x: 60, y: 140 });
  await page
    .getByRole("dialog", { name: "Add a step at this port" })
    .getByRole("option", { name: /^Dial/ })
    .click();
  await panel(page).getByLabel("Name").fill("Ring sales");
  await panel(page).getByLabel("Agents", { exact: true }).fill("carol");
  await page.keyboard.press("Enter");
  await showAll(page);
  await drag(page, portOf(page, "Menu", "key:2"), { x: 60, y: -140 });
  await page
    .getByRole("dialog", { name: "Add a step at this port" })
    .getByRole("option", { name: /^Branch/ })
    .click();
  await panel(page).getByLabel("Name").nth(0).fill("By area");
  await panel(page).getByLabel("Name").nth(1).fill("West coast");
  await panel(page).getByLabel("One of these").fill("415,628");
  await page.keyboard.press("Enter");
  await showAll(page);
  await wire(page, "By area", "b:one", "Ring sales");
  await wire(page, "By area", "no_response", "Hang up");
  await wire(page, "Ring sales", "no_response", "Hang up");
  await wire(page, "Menu", "no_response", "Hang up");
  await page.getByRole("button", { name: /^Lay all steps out/ }).click();
  await showAll(page);
  await page.screenshot({ path: picture("builder") });
  // The flow's own settings, where no step is selected: this caller will not be long.
  await page.locator(".react-flow__pane").click({ position: { x: 10, y: 10 } });
  await panel(page).getByLabel("Short abandon (seconds)").fill("0");
  await panel(page)
    .getByRole("switch", { name: /^Task ends/ })
    .click();
  await publish(page, "Drawn by mouse");
  await expect(page.getByText("Version 1 is live")).toBeVisible();
  await leadNumber(page, "+15550771", "Drawn by mouse");
  await isWalkedAndAbandoned(page, server, "+15550771", "+14155550301");
});

test("the same flow is drawn by the keyboard alone, published, called and watched", async ({
  page,
  server,
}) => {
  test.setTimeout(240_000);
  await page.goto("/flows");
  await tabTo(page, page.getByRole("button", { name: "New call flow" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Name")).toBeFocused();
  await page.keyboard.type("Drawn by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Drawn by keyboard" })).toBeVisible();
  await tabTo(page, step(page, "Greeting"));
  // The greeting becomes the welcome.
  await typeFields(page, [
    ["Name", "Welcome"],
    ["Spoken text", "Welcome."],
  ]);
  // A menu behind it, in the place of what came there: the port is wired anew.
  await addStep(page, "menu");
  await typeFields(page, [
    ["Spoken text", "For sales press one, for your region two."],
    ["What 1 stands for", "Sales"],
    ["What 2 stands for", "Region"],
  ]);
  await page.keyboard.press("Home");
  await expect(step(page, "Welcome")).toBeFocused();
  await wireByKeys(page, "Next", "Menu");
  await page.keyboard.press("ArrowRight");
  await expect(step(page, "Menu")).toBeFocused();
  await wireByKeys(page, "No response", "Hang up");
  // Behind the menu, at its first port that leads nowhere: key 1, then key 2.
  await addStep(page, "dial");
  await typeFields(page, [
    ["Name", "Ring sales"],
    ["Agents", "carol\n"],
  ]);
  await wireByKeys(page, "No response", "Hang up");
  await goTo(page, "Menu");
  await addStep(page, "branch");
  await typeFields(page, [
    ["Name", "By area"],
    ["One of these", "415\n"],
  ]);
  await wireByKeys(page, "one", "Ring sales");
  await wireByKeys(page, "No response", "Hang up");
  // Hours before all that.
  await page.keyboard.press("Escape");
  await addStep(page, "time");
  await typeFields(page, [
    ["Name", "Office hours"],
    ["Opens", "00:00"],
    ["Closes", "24:00"],
  ]);
  for (const day of ["Sat", "Sun"]) {
    await tabTo(page, panel(page).getByRole("checkbox", { name: day }));
    await page.keyboard.press("Space");
  }
  await tabTo(page, panel(page).getByRole("button", { name: "Begin the call here" }));
  await page.keyboard.press("Enter");
  await goTo(page, "Office hours");
  await wireByKeys(page, "Open", "Welcome");
  await addStep(page, "greeting");
  await typeFields(page, [
    ["Name", "Closed"],
    ["Spoken text", "We are closed."],
  ]);
  await wireByKeys(page, "Next", "Hang up");
  await page.keyboard.press("l");
  await page.keyboard.press("Escape");
  await tabTo(page, panel(page).getByLabel("Short abandon (seconds)"));
  await page.keyboard.type("0");
  await tabTo(page, page.getByRole("button", { name: "Publish", exact: true }), 200);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("What is new")).toBeFocused();
  await page.keyboard.type("Drawn by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Version 1 is live")).toBeVisible();
  await leadNumber(page, "+15550772", "Drawn by keyboard");
  await isWalkedAndAbandoned(page, server, "+15550772", "+14155550302");
});

test("fifty edits are undone and done again", async ({ page }) => {
  await newFlow(page, "Undo");
  const greeting = page.locator('.react-flow__node[data-id="greeting"]');
  await greeting.click();
  const [name, note] = [panel(page).getByLabel("Name"), panel(page).getByLabel("Note")];
  for (let edit = 1; edit <= 25; edit++) {
    // Two fields in turn: what is typed into one field is one edit.
    await name.fill(`Greeting ${edit}`);
    await note.fill(`Note ${edit}`);
  }
  for (let undone = 1; undone <= 50; undone++) {
    await page.keyboard.press("Control+z");
    if (undone === 26) {
      await expect(greeting).toContainText("Greeting 12");
      await expect(note).toHaveValue("Note 12");
    }
  }
  await expect(name).toHaveValue("Greeting");
  await expect(note).toHaveValue("");
  await expect(page.getByRole("button", { name: /^Undo/ })).toBeDisabled();
  for (let redone = 1; redone <= 50; redone++) {
    await page.keyboard.press("Control+Shift+Z");
  }
  await expect(greeting).toContainText("Greeting 25");
  await expect(note).toHaveValue("Note 25");
  await expect(page.getByText("Draft saved")).toBeVisible();
});

test("of two editors the second is shown what is different, and chooses", async ({ page, context }) => {
  await newFlow(page, "Conflict");
  const other = await context.newPage();
  await other.goto(page.url());
  await step(other, "Greeting").click();
  await panel(other).getByLabel("Note").fill("Theirs");
  await expect(other.getByText("Draft saved")).toBeVisible();
  await step(page, "Greeting").click();
  await panel(page).getByLabel("Note").fill("Mine");
  const dialog = page.getByRole("dialog", { name: "Somebody else has saved this flow" });
  await expect(dialog).toContainText("the note was “Theirs”, is “Mine”");
  await page.screenshot({ path: picture("builder-conflict") });
  await dialog.getByRole("button", { name: "Take theirs" }).click();
  await expect(panel(page).getByLabel("Note")).toHaveValue("Theirs");
  // The other way round, mine is kept.
  await panel(page).getByLabel("Note").fill("Mine after all");
  await expect(page.getByText("Draft saved")).toBeVisible();
  await panel(other).getByLabel("Note").fill("Theirs again");
  await other.getByRole("dialog").getByRole("button", { name: "Keep mine" }).click();
  await expect(other.getByText("Draft saved")).toBeVisible();
  await page.reload();
  await step(page, "Greeting").click();
  await expect(panel(page).getByLabel("Note")).toHaveValue("Theirs again");
  await other.close();
});
