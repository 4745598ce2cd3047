import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  fullyParallel: false,
  // Two servers, each with real calls behind it: as many as the usual machine has cores.
  workers: 2,
  retries: 0,
  reporter: [["list"]],
  // The longest takes half a minute on a quiet machine; one that builds beside it is several times slower.
  timeout: 180_000,
  // A machine that builds beside it is slow.
  expect: { timeout: 10_000 },
  use: {
    browserName: "chromium",
    viewport: { width: 1360, height: 850 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // In a container there is no user namespace for the browser's own sandbox.
      args: ["--no-sandbox"],
    },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    // A click that finds nothing to click on says so before the test is over.
    actionTimeout: 20_000,
  },
});
