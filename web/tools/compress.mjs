// Writes NAME.gz beside each text file of the build: the server sends it to whoever takes gzip, and compresses nothing itself.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

const folder = new URL("../dist/app", import.meta.url).pathname;

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  // index.html gets a nonce for each answer.
  if (!statSync(path).isFile() || name === "index.html" || !/\.(js|css|svg|json|txt)$/.test(name)) continue;
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
}
