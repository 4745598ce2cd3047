// Figures of the console: `make bench-console`. They are printed and kept in target/bench-console.json; nothing fails by time.

import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

// The telephones of the live calls send no audio.
process.env.CORDBOARD__MEDIA__INACTIVITY_S = "600";

export default defineConfig({
  ...tests,
  testDir: "measure",
  // What is measured has the machine to itself.
  workers: 1,
  timeout: 600_000,
  use: { ...tests.use, trace: "off" },
});
