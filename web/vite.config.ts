import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { licences } from "./tools/licences.mjs";

/** Where `npm run dev` finds a running server. */
const server = process.env.CORDBOARD_URL ?? "http://127.0.0.1:8080";

const proxy = Object.fromEntries(
  ["/api", "/readyz", "/metrics"].map((path) => [path, { target: server, changeOrigin: true }]),
);

/** The list of licences as a module; where one may not be there, there is no build. */
const licenceList = {
  name: "licences",
  resolveId: (id: string) => (id === "virtual:licences" ? "\0licences" : null),
  load: (id: string) =>
    id === "\0licences" ? `export const licences = ${JSON.stringify(licences(import.meta.dirname))};` : null,
};

export default defineConfig({
  plugins: [react(), licenceList],
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    // For tools/budget.mjs, which takes it away again.
    manifest: true,
    // The server's Content-Security-Policy takes scripts, styles and fonts of its own origin alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    target: "es2023",
  },
  server: { host: "127.0.0.1", proxy },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/test/setup.ts"] },
});
