import assert from "node:assert/strict";
import { test } from "node:test";
import { generator } from "../trouble.mjs";
import { ADA, APP, exampleSeed, standIn } from "./help.mjs";

const make = (client, options) =>
  client.data("POST", "/sobjects/Task", { Subject: "x", CallObject: "co" }, options);
const count = async (client) => (await client.control("GET", "records?object=Task")).totalSize;
const trouble = (client, ...rules) => client.control("POST", "trouble", { rules });
const POST = { method: "POST", path: "/services/data" };
const last = async (client) => (await client.control("GET", "log?limit=1")).entries[0];

test("closed before: the client sees no answer and nothing was done", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, closeBefore: true, count: 1 });
  await assert.rejects(make(client), { name: "TypeError" });
  assert.equal(await count(client), 0);
  assert.equal((await last(client)).status, "closed");
  assert.equal((await make(client)).status, 201);
});

test("closed after: the client sees no answer and the write took effect", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, closeAfter: true, count: 1 });
  await assert.rejects(make(client), { name: "TypeError" });
  assert.equal(await count(client), 1);
  assert.deepEqual((await last(client)).trouble, { closeAfter: true });
});

test("hanging: the client waits in vain, and the write took effect only if that was asked", async (t) => {
  const client = await standIn(t);
  for (const [hang, expected] of [
    [true, 0],
    [{ effect: true }, 1],
  ]) {
    await trouble(client, { match: POST, hang });
    await assert.rejects(make(client, { signal: AbortSignal.timeout(150) }), { name: "TimeoutError" });
    assert.equal(await count(client), expected);
    assert.equal((await last(client)).status, "hung");
  }
});

test("latency holds the request back, a delayed answer does so after the write", async (t) => {
  const client = await standIn(t);
  for (const [behaviour, meanwhile] of [
    [{ latencyMs: 200 }, 0],
    [{ answerDelayMs: 200 }, 1],
  ]) {
    await client.control("POST", "reset");
    await client.signIn();
    await trouble(client, { match: POST, ...behaviour });
    const start = performance.now();
    const answer = make(client);
    await new Promise((done) => setTimeout(done, 100));
    assert.equal(await count(client), meanwhile);
    assert.equal((await answer).status, 201);
    assert.ok(performance.now() - start >= 195);
  }
});

test("bad JSON is an answer that stops half way, though the write took effect", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, badJson: true });
  const { status, text, body } = await make(client);
  assert.deepEqual([status, body], [201, undefined]);
  assert.match(text, /^\{"id":"00T/);
  assert.equal(await count(client), 1);
});

test("a huge body has as many bytes as were asked", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, hugeBody: 3_000_000 });
  const { status, text } = await make(client);
  assert.deepEqual([status, text.length], [201, 3_000_000]);
});

test("a redirect leads elsewhere and does nothing", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, redirect: "http://127.0.0.1:1/" });
  const { status, headers } = await make(client);
  assert.deepEqual([status, headers.get("location")], [302, "http://127.0.0.1:1/"]);
  assert.equal(await count(client), 0);
});

// [code, status, words] as Salesforce has them when a test gives the code alone.
const CLASSES = [
  ["API_CURRENTLY_DISABLED", 403, "API is disabled for this User"],
  ["API_DISABLED_FOR_ORG", 403, "The REST API is not enabled for this Organization."],
  ["INVALID_SESSION_ID", 401, "Session expired or invalid"],
  ["REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded."],
  ["UNABLE_TO_LOCK_ROW", 400, "unable to obtain exclusive access to this record"],
  ["SERVER_UNAVAILABLE", 503, "Server Unavailable"],
  ["UNKNOWN_EXCEPTION", 500, /^An unexpected error occurred/],
  ["INSUFFICIENT_ACCESS_OR_READONLY", 403, "insufficient access rights on object id"],
  ["INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", 400, "insufficient access rights on cross-reference id"],
  ["INVALID_CROSS_REFERENCE_KEY", 400, "invalid cross reference id"],
  ["CANNOT_UPDATE_CONVERTED_LEAD", 400, "cannot reference converted lead"],
  ["INACTIVE_OWNER_OR_USER", 400, "operation performed with inactive user"],
  ["ENTITY_IS_DELETED", 404, "entity is deleted"],
  ["NOT_FOUND", 404, "The requested resource does not exist"],
  ["QUERY_TIMEOUT", 400, "QUERY_TIMEOUT"],
  ["constructor", 400, "constructor"],
];
for (const [code, status, words] of CLASSES) {
  test(`the error ${code} can be asked for by its name, and does nothing`, async (t) => {
    const client = await standIn(t);
    await trouble(client, { match: POST, error: { code } });
    const answer = await make(client);
    assert.deepEqual([answer.status, answer.body[0].errorCode], [status, code]);
    if (words instanceof RegExp) assert.match(answer.body[0].message, words);
    else assert.equal(answer.body[0].message, words);
    assert.equal(await count(client), 0);
  });
}

test("an error may have a status, words and headers of its own", async (t) => {
  const client = await standIn(t);
  const error = {
    code: "SERVER_UNAVAILABLE",
    status: 502,
    message: "Later",
    headers: { "Retry-After": "2" },
  };
  await trouble(client, { match: POST, error });
  const { status, body, headers } = await make(client);
  assert.deepEqual([status, body[0].message, headers.get("retry-after")], [502, "Later", "2"]);
});

test("an error at sign-in has the shape of OAuth", async (t) => {
  const client = await standIn(t);
  await trouble(client, {
    match: { path: "/services/oauth2" },
    error: { code: "server_error", message: "Later", status: 500 },
  });
  const { status, body } = await client.oauth({
    grant_type: "client_credentials",
    client_id: APP.id,
    client_secret: APP.secret,
  });
  assert.deepEqual([status, body], [500, { error: "server_error", error_description: "Later" }]);
});

test("an error of single records stands beside the others of their collection", async (t) => {
  const client = await standIn(t);
  await trouble(client, {
    match: { object: "task", operation: "create" },
    every: 2,
    error: { code: "UNABLE_TO_LOCK_ROW" },
  });
  const records = Array.from({ length: 4 }, () => ({ attributes: { type: "Task" } }));
  const { body } = await client.data("POST", "/composite/sobjects", { records });
  assert.deepEqual(
    body.map((one) => one.errors[0]?.statusCode),
    [undefined, "UNABLE_TO_LOCK_ROW", undefined, "UNABLE_TO_LOCK_ROW"],
  );
  assert.equal((await client.data("PATCH", `/sobjects/Task/${body[0].id}`, { Subject: "y" })).status, 204);
});

test("an error of a record may be of an update or a deletion alone", async (t) => {
  const client = await standIn(t);
  const { body } = await make(client);
  await trouble(
    client,
    { match: { object: "Task", operation: "update" }, error: { code: "UNABLE_TO_LOCK_ROW" } },
    { match: { object: "Task", operation: "delete" }, error: { code: "DELETE_FAILED", message: "No" } },
  );
  assert.equal(
    (await client.data("PATCH", `/sobjects/Task/${body.id}`, {})).body[0].errorCode,
    "UNABLE_TO_LOCK_ROW",
  );
  assert.equal((await client.data("DELETE", `/sobjects/Task/${body.id}`)).body[0].errorCode, "DELETE_FAILED");
});

const PICKED = [
  ["every third", { every: 3 }, [0, 0, 1, 0, 0, 1]],
  ["the first two", { count: 2 }, [1, 1, 0, 0, 0, 0]],
  ["those after the first four", { skip: 4 }, [0, 0, 0, 0, 1, 1]],
  ["one, after the first two", { skip: 2, count: 1 }, [0, 0, 1, 0, 0, 0]],
  ["none", { probability: 0 }, [0, 0, 0, 0, 0, 0]],
];
for (const [which, choice, expected] of PICKED) {
  test(`a rule can pick ${which}`, async (t) => {
    const client = await standIn(t);
    await trouble(client, { match: POST, ...choice, error: { code: "SERVER_UNAVAILABLE" } });
    const seen = [];
    for (let i = 0; i < 6; i += 1) seen.push((await make(client)).status === 503 ? 1 : 0);
    assert.deepEqual(seen, expected);
  });
}

test("a rule picks by method and path, one of several of each", async (t) => {
  const client = await standIn(t);
  await trouble(client, {
    match: {
      method: ["patch", "delete"],
      path: ["/services/data/v60.0/limits", "/services/data/v60.0/sobjects/Lead"],
    },
    error: { code: "X" },
  });
  assert.equal((await client.data("GET", "/limits")).status, 200);
  assert.equal((await client.data("DELETE", "/limits")).body[0].errorCode, "X");
  assert.equal((await client.data("DELETE", "/query")).body[0].errorCode, "METHOD_NOT_ALLOWED");
});

test("the first rule that picks a request is the one that holds", async (t) => {
  const client = await standIn(t);
  await trouble(
    client,
    { match: POST, count: 1, error: { code: "A" } },
    { match: POST, error: { code: "B" } },
  );
  assert.deepEqual(
    [(await make(client)).body[0].errorCode, (await make(client)).body[0].errorCode],
    ["A", "B"],
  );
  const { rules } = await client.control("GET", "trouble");
  assert.deepEqual(
    rules.map(({ seen, applied, left }) => [seen, applied, left]),
    [
      [2, 1, 0],
      [1, 1, null],
    ],
  );
});

test("probability follows the seed: the same one picks the same requests, another picks others", async (t) => {
  const run = async (rng) => {
    const client = await standIn(t, { rng });
    await trouble(client, { match: POST, probability: 0.5, error: { code: "X" } });
    const seen = [];
    for (let i = 0; i < 24; i += 1) seen.push((await make(client)).status);
    return seen.join();
  };
  const [first, again, other] = [await run(7), await run(7), await run(8)];
  assert.equal(first, again);
  assert.notEqual(first, other);
  assert.ok(first.includes("201") && first.includes("400"));
});

test("the generator spreads evenly between nought and one", () => {
  const random = generator(1);
  const drawn = Array.from({ length: 10_000 }, random);
  assert.ok(drawn.every((one) => one >= 0 && one < 1));
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02, String(mean));
});

test("down closes everything but control, until it is up again", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "down", { down: true });
  await assert.rejects(make(client), { name: "TypeError" });
  await assert.rejects(client.oauth({ grant_type: "x" }), { name: "TypeError" });
  assert.equal((await client.control("GET", "trouble")).down, true);
  await client.control("POST", "down", { down: false });
  assert.equal((await make(client)).status, 201);
  assert.equal(await count(client), 1);
});

test("slow holds everything back but control", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "slow", { ms: 120 });
  const start = performance.now();
  await client.data("GET", "/limits");
  assert.ok(performance.now() - start >= 115);
  const then = performance.now();
  await client.control("GET", "limit");
  assert.ok(performance.now() - then < 100);
});

test("troubles end when they are deleted", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, error: { code: "X" } });
  await client.control("POST", "slow", { ms: 5 });
  await client.control("DELETE", "trouble");
  assert.equal((await make(client)).status, 201);
  assert.deepEqual(await client.control("GET", "trouble"), { rules: [], down: false, slowMs: 0 });
});

test("one rule sent alone is added to those that are", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: { method: "DELETE" }, error: { code: "X" } });
  const { rules } = await client.control("POST", "trouble", { match: POST, error: { code: "Y" } });
  assert.equal(rules.length, 2);
});

const MISTAKES = [
  { match: POST },
  { match: POST, closeAfterwards: true },
  { match: POST, error: {} },
  { match: { object: "Task" }, closeAfter: true },
  { match: POST, error: { code: "X" }, every: "x" },
  null,
];
for (const rule of MISTAKES) {
  test(`a rule that is not understood is refused: ${JSON.stringify(rule)}`, async (t) => {
    const client = await standIn(t);
    await trouble(client, { match: { method: "DELETE" }, error: { code: "X" } });
    await assert.rejects(trouble(client, rule), /CONTROL/);
    assert.equal((await client.control("GET", "trouble")).rules.length, 1);
  });
}

test("what is arranged in the seed is there from the start", async (t) => {
  const seed = {
    ...exampleSeed(),
    trouble: [{ match: POST, error: { code: "X" } }],
    permissions: { [ADA]: { hidden: { Task: ["Subject"] } } },
  };
  const client = await standIn(t, { seed });
  assert.equal((await make(client)).body[0].errorCode, "X");
});

test("a request that waited while the org was reset writes nothing", async (t) => {
  const client = await standIn(t);
  await trouble(client, { match: POST, latencyMs: 150 });
  const late = assert.rejects(make(client), { name: "TypeError" });
  await new Promise((done) => setTimeout(done, 50));
  await client.control("POST", "reset");
  await late;
  assert.equal(await count(client), 0);
});
