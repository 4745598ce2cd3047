// A flow that was drawn gets a number, is called, and watched.

import { expect, type Page } from "@playwright/test";
import { Caller } from "./caller";
import type { Server } from "./server";

/** Makes a Smart Number that leads to a flow, on its page. */
export async function leadNumber(page: Page, number: string, flow: string): Promise<void> {
  await page.goto("/numbers");
  await page.getByRole("button", { name: "Add a number" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox", { name: "Number", exact: true }).fill(number);
  await form.getByRole("combobox", { name: "Call flow" }).click();
  await page.getByRole("option", { name: new RegExp(flow) }).click();
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("link", { name: number, exact: true })).toBeVisible();
}

/** A caller comes to the menu of the drawn flow and hangs up in it: seen on the canvas, and as an abandoned call. */
export async function isWalkedAndAbandoned(
  page: Page,
  server: Server,
  number: string,
  from: string,
): Promise<void> {
  await page.goto("/calls");
  const call = await Caller.call(server.sip, number, from);
  await page.getByRole("link", { name: from }).click();
  const canvas = page.getByRole("region", { name: /drawn/ });
  await expect(canvas.getByRole("group", { name: /^Office hours, / })).toContainText("the call was here");
  await expect(canvas.getByRole("group", { name: /^Menu, / })).toContainText("the call is here");
  await expect(canvas.getByRole("group", { name: /^Welcome, / })).toContainText("the call was here");
  await call.hangUp();
  await expect(page.getByText("The call is over")).toBeVisible();
  await page.goto("/abandoned");
  const row = page.getByRole("row", { name: new RegExp(`\\${from}`) });
  await expect(row).toContainText("Menu");
  await row.getByRole("link").first().click();
  await expect(page.getByText("The caller left in “Menu”")).toBeVisible();
}
