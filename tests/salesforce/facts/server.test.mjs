import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dataAnswer } from "../api.mjs";
import { Org } from "../org.mjs";
import { exampleSeed, standIn } from "./help.mjs";

const SERVER = fileURLToPath(new URL("../server.mjs", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../seed.example.json", import.meta.url));

async function run(t, ...options) {
  const child = spawn(process.execPath, [SERVER, ...options]);
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const ended = once(child, "exit");
  while (!out.includes("\n")) await Promise.race([once(child.stdout, "data"), ended]);
  return { child, ended, out: () => out, url: JSON.parse(out).url };
}

test("the process says its address in one line, and nothing else", async (t) => {
  const { child, ended, out, url } = await run(t, "--seed", EXAMPLE);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const { totalSize } = await (await fetch(`${url}/_control/records?object=Lead`)).json();
  assert.equal(totalSize, 3);
  child.stdin.end();
  await ended;
  assert.equal(out(), `${JSON.stringify({ url })}\n`);
});

test("the process ends with its standard input", async (t) => {
  const { child, ended } = await run(t);
  child.stdin.end();
  assert.deepEqual(await ended, [0, null]);
});

test("the process ends when it is told to, even while a client is connected", async (t) => {
  const { child, ended, url } = await run(t);
  await fetch(`${url}/services/data`);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});

test("a port can be chosen, and one that is taken is an error", async (t) => {
  const first = await run(t);
  first.child.stdin.end();
  await first.ended;
  const { port } = new URL(first.url);
  assert.equal((await run(t, "--port", port)).url, first.url);
  const child = spawn(process.execPath, [SERVER, "--port", port]);
  t.after(() => child.kill("SIGKILL"));
  const [code] = await Promise.race([once(child, "exit"), once(child.stdout, "data")]);
  assert.equal(code, 1);
});

test("a seed that is not JSON, or not a seed, is an error", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "standin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const text of ["{", '{"records":{"Nope":[{}]}}']) {
    const file = join(folder, "seed.json");
    writeFileSync(file, text);
    const child = spawn(process.execPath, [SERVER, "--seed", file]);
    assert.equal((await once(child, "exit"))[0], 1, text);
  }
});

/** Bytes sent as they are; what comes back until the connection closes. */
function raw(client, bytes) {
  const { port } = new URL(client.url);
  return new Promise((done) => {
    const socket = net.connect(Number(port), "127.0.0.1", () => socket.end(bytes));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => done(text));
    socket.on("close", () => done(text));
  });
}

const line = (first, header = "", body = "") =>
  `${first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}\r\n${body}`;
const NONSENSE = [
  ["bytes that are no request", "\u0000\u0001\u0002 nonsense\r\n\r\n"],
  ["an address that is no path", line("GET http://[/services/data")],
  ["an address of slashes", line("GET //////")],
  ["an escape that is none", line("GET /services/data/v60.0/query?q=%E0%A4%A")],
  ["a body that ends early", line("POST /services/oauth2/token", "Content-Length: 500\r\n", "grant")],
  [
    "a body in pieces that are none",
    line("POST /services/oauth2/token", "Transfer-Encoding: chunked\r\n", "zz\r\n"),
  ],
  ["a token request of odd bytes", line("POST /services/oauth2/token", "Content-Length: 4\r\n", "\u00ff%%=")],
  ["control with odd JSON", line("POST /_control/seed", "Content-Length: 4\r\n", "[[[[")],
  ["a method that is unknown", line("PURGE /services/data")],
];
for (const [what, bytes] of NONSENSE) {
  test(`${what}: the stand-in goes on`, async (t) => {
    const client = await standIn(t);
    await raw(client, bytes);
    assert.equal((await client.data("GET", "/limits")).status, 200);
  });
}

test("ten thousand upserts and ten thousand queries take seconds", () => {
  const org = new Org({ seed: exampleSeed() });
  const ctx = { ...org.context(org.userByName("ada.marsh@example.com")), where: () => "" };
  const start = performance.now();
  for (let i = 0; i < 10_000; i += 1) {
    const segments = ["v60.0", "sobjects", "Task", "Cordboard_Call_Id__c", `call-${i}`];
    dataAnswer(ctx, {
      method: "PATCH",
      segments,
      query: {},
      body: { Subject: "Call", CallObject: `co-${i}`, WhoId: "00QHs000000001AMAQ" },
    });
  }
  for (let i = 0; i < 10_000; i += 1) {
    const q = `SELECT Id, Owner.Name FROM Task WHERE CallObject IN ('co-${i}', 'co-x') OR Cordboard_Call_Id__c = 'CALL-${i}'`;
    const { body } = dataAnswer(ctx, { method: "GET", segments: ["v60.0", "query"], query: { q } });
    assert.equal(body.totalSize, 1);
  }
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds < 10, `${seconds.toFixed(1)} s`);
});
