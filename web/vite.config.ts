import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running server. */
const server = process.env.CORDBOARD_URL ?? "http://127.0.0.1:8080";

const proxy = Object.fromEntries(
  ["/api", "/readyz", "/metrics"].map((path) => [path, { target: server, changeOrigin: true }]),
);

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    // The server's Content-Security-Policy takes scripts, styles and fonts of its own origin alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    target: "es2023",
  },
  server: { host: "127.0.0.1", proxy },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/test/setup.ts"] },
});
