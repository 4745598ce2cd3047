// The stand-in as a process: `node server.mjs [--port N] [--seed FILE.json] [--rng SEED]`.
// It says its address in one line of JSON and ends with its standard input, so that no test leaves one behind.
import { readFileSync, realpathSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { requestHandler } from "./http.mjs";
import { Org } from "./org.mjs";

/** Starts one on the loopback address; `{url, org, close()}`. */
export function start({ port = 0, seed = null, rng = 1 } = {}) {
  const org = new Org({ seed, rng });
  // Addresses longer than Salesforce reads must still reach the handler, which answers 414.
  const server = createServer({ maxHeaderSize: 1024 * 1024, keepAliveTimeout: 60_000 }, requestHandler(org));
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, "127.0.0.1", () => {
      org.url = `http://127.0.0.1:${server.address().port}`;
      const close = () => {
        server.closeAllConnections();
        return new Promise((closed) => server.close(closed));
      };
      done({ url: org.url, org, close });
    });
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      seed: { type: "string" },
      rng: { type: "string", default: "1" },
    },
  });
  const seed = values.seed ? JSON.parse(readFileSync(values.seed, "utf8")) : null;
  const { url } = await start({ port: Number(values.port), seed, rng: Number(values.rng) });
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.on("SIGTERM", () => process.exit(0));
  process.stdin.on("end", () => process.exit(0));
  process.stdin.on("error", () => process.exit(0));
  process.stdin.resume();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
