// What a browser loads before it shows a page, compressed: a build whose pages are heavier than said here fails.
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const app = new URL("../dist/app", import.meta.url).pathname;

/** In bytes: two seconds on a line of 1.6 Mbit/s. */
const PAGE_MAX = 400_000;
/** The editor has the canvas with it. */
const EDITOR_MAX = 600_000;
const EDITOR = "src/builder/BuilderPage.tsx";

const manifest = JSON.parse(readFileSync(join(app, ".vite/manifest.json"), "utf8"));

/** The files of a chunk and of all that it cannot do without. */
function filesOf(key, files = new Set()) {
  const chunk = manifest[key];
  if (chunk === undefined || files.has(chunk.file)) {
    return files;
  }
  files.add(chunk.file);
  for (const style of chunk.css ?? []) {
    files.add(style);
  }
  for (const other of chunk.imports ?? []) {
    filesOf(other, files);
  }
  return files;
}

const size = (files) => [...files].reduce((sum, file) => sum + statSync(join(app, `${file}.gz`)).size, 0);
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const first = filesOf(entry);
const pages = Object.keys(manifest).filter((key) => /^src\/.*Page\.tsx$/.test(key));

let heaviest = { page: "the first page", bytes: size(first) };
let isOver = false;
for (const page of pages) {
  const bytes = size(new Set([...first, ...filesOf(page)]));
  const most = page === EDITOR ? EDITOR_MAX : PAGE_MAX;
  if (bytes > most) {
    process.stderr.write(`${page} loads ${bytes} bytes; it may load ${most}\n`);
    isOver = true;
  }
  if (page !== EDITOR && bytes > heaviest.bytes) {
    heaviest = { page, bytes };
  }
}
rmSync(join(app, ".vite"), { recursive: true });
if (isOver) {
  process.exit(1);
}
const kilobytes = Math.round(heaviest.bytes / 1000);
process.stdout.write(`heaviest page but the editor: ${heaviest.page}, ${kilobytes} kB compressed\n`);
