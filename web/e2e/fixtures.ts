// What tests of the console begin with: a running server, somebody who is signed in, and telephones that are ended.

import { test as base, type Page } from "@playwright/test";
import { Server, USER } from "./server";
import { Telephone } from "./sipp";
import { StandIn } from "./standIn";

type StorageState = Awaited<ReturnType<ReturnType<Page["context"]>["storageState"]>>;

type Line = Parameters<typeof Telephone.start>[1];

type Fixtures = {
  /** Starts a telephone; it is ended with the test. */
  telephone: (line: Line) => Promise<Telephone>;
};

type WorkerFixtures = {
  /** Whether the server is connected to the stand-in for Salesforce. */
  hasCrm: boolean;
  standIn: StandIn | null;
  server: Server;
  signedIn: StorageState;
};

export const test = base.extend<Fixtures, WorkerFixtures>({
  hasCrm: [false, { option: true, scope: "worker" }],

  standIn: [
    async ({ hasCrm }, use) => {
      const standIn = hasCrm ? await StandIn.start() : null;
      await use(standIn);
      standIn?.stop();
    },
    { scope: "worker" },
  ],

  server: [
    async ({ standIn }, use) => {
      const server = await Server.start(standIn);
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],

  /** The first user, made by the link of the log. */
  signedIn: [
    async ({ server, browser }, use) => {
      const context = await browser.newContext({ baseURL: server.url });
      const page = await context.newPage();
      await page.goto(server.setUpPath());
      await page.getByLabel("Login").fill(USER.login);
      await page.getByLabel("Name").fill(USER.name);
      await page.getByRole("textbox", { name: "Password" }).fill(USER.password);
      await page.getByRole("button", { name: "Make the first user" }).click();
      await page.getByRole("heading", { name: "Call flows" }).waitFor();
      const state = await context.storageState();
      await context.close();
      await use(state);
    },
    { scope: "worker", timeout: 120_000 },
  ],

  baseURL: ({ server }, use) => use(server.url),
  storageState: ({ signedIn }, use) => use(signedIn),

  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    // What the Content-Security-Policy refuses, React finds odd, or does not load.
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of (401|404|412|422)/.test(message.text())) {
        errors.push(message.text());
      }
    });
    await use(page);
    base.expect(errors, "errors in the browser's console").toEqual([]);
  },

  telephone: async ({ server, signedIn, playwright }, use) => {
    const telephones: Telephone[] = [];
    await use(async (line) => {
      const telephone = await Telephone.start(server, line);
      telephones.push(telephone);
      return telephone;
    });
    for (const telephone of telephones) {
      await telephone.end();
    }
    // The server does not know yet that they are gone; the next test wants to begin with no calls.
    const request = await playwright.request.newContext({ baseURL: server.url, storageState: signedIn });
    const { csrfToken } = await (await request.get("/api/v1/session")).json();
    const { items } = await (await request.get("/api/v1/calls?limit=200")).json();
    for (const { id } of items) {
      await request.delete(`/api/v1/calls/${id}`, { headers: { "x-csrf-token": csrfToken } });
    }
    await request.dispose();
  },
});

export { expect } from "@playwright/test";
