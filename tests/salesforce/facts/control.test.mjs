import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, APP, BEN, exampleSeed, IDS, standIn } from "./help.mjs";

const make = (client, more) => client.data("POST", "/sobjects/Task", { Subject: "x", ...more });
const records = (client, query) => client.control("GET", `records?${query}`);

test("duplicates of a field are counted in one request", async (t) => {
  const client = await standIn(t);
  for (const CallObject of ["a", "A", "a", "b", "b", "c", null]) await make(client, { CallObject });
  assert.deepEqual(await client.control("GET", "duplicates?object=Task&field=CallObject"), {
    object: "Task",
    field: "CallObject",
    rows: 7,
    values: 3,
    duplicated: 2,
    extra: 3,
    examples: [
      { value: "a", count: 3 },
      { value: "b", count: 2 },
    ],
  });
});

test("where nothing is there twice there are no duplicates", async (t) => {
  const client = await standIn(t);
  const answer = await client.control("GET", "duplicates?object=Task&field=CallObject");
  assert.deepEqual([answer.rows, answer.duplicated, answer.extra], [0, 0, 0]);
});

test("records are told whole, all of them or those with a value", async (t) => {
  const client = await standIn(t);
  await make(client, { CallObject: "a" });
  await make(client, { CallObject: "b" });
  assert.equal((await records(client, "object=Task")).totalSize, 2);
  const { totalSize, records: rows } = await records(client, "object=task&field=callobject&value=B");
  assert.deepEqual([totalSize, rows[0].CallObject, rows[0].Subject], [1, "b", "x"]);
  await make(client, { CallDurationInSeconds: 61 });
  assert.equal((await records(client, "object=Task&field=CallDurationInSeconds&value=61")).totalSize, 1);
});

test("the log tells each request with its query or body, its answer, and who asked", async (t) => {
  const client = await standIn(t);
  await client.query("SELECT Id FROM Lead");
  await make(client, { CallObject: "a" });
  const { count, entries } = await client.control("GET", "log");
  assert.equal(count, 3);
  const [signIn, query, made] = entries;
  assert.deepEqual([signIn.method, signIn.path, signIn.status], ["POST", "/services/oauth2/token", 200]);
  assert.match(signIn.body, /grant_type=client_credentials/);
  assert.deepEqual([query.query.q, query.user, query.trouble], ["SELECT Id FROM Lead", ADA, null]);
  assert.deepEqual([made.body, made.status], [{ Subject: "x", CallObject: "a" }, 201]);
  assert.match(made.at, /^\d{4}-\d\d-\d\dT.*Z$/);
});

const FOUND = [
  ["method=post", 2],
  ["path=/services/data", 2],
  ["status=201", 1],
  ["status=404&method=GET", 1],
  ["path=/services/data&method=PUT", 0],
  ["after=2", 1],
  ["limit=2", 3],
];
for (const [filter, count] of FOUND) {
  test(`the log can be asked for ${filter}`, async (t) => {
    const client = await standIn(t);
    await make(client);
    await client.data("GET", "/sobjects/Nope");
    const answer = await client.control("GET", `log?${filter}`);
    assert.equal(answer.count, count);
    assert.equal(answer.entries.length, filter === "limit=2" ? 2 : count);
  });
}

test("the log can be cleared, and goes on counting", async (t) => {
  const client = await standIn(t);
  await make(client);
  await client.control("DELETE", "log");
  await make(client);
  const { count, entries } = await client.control("GET", "log");
  assert.deepEqual([count, entries[0].n], [1, 3]);
});

test("reset brings back the seed and forgets all else", async (t) => {
  const client = await standIn(t);
  await make(client);
  await client.control("POST", "seed", {
    rules: [{ object: "Task", field: "Subject", when: "blank", message: "x" }],
    permissions: { "*": { objects: { Lead: "none" } } },
  });
  await client.control("POST", "limit", { used: 5, max: 6 });
  await client.control("POST", "trouble", { match: {}, error: { code: "X" } });
  await client.control("POST", "reset");
  assert.equal((await records(client, "object=Task")).totalSize, 0);
  assert.equal((await records(client, "object=Lead")).totalSize, 3);
  assert.equal((await client.data("GET", "/limits")).body[0].errorCode, "INVALID_SESSION_ID");
  await client.signIn();
  const { status, body } = await client.data("POST", "/sobjects/Task", {});
  assert.equal(status, 201);
  assert.equal(body.id, "00THs0000000001MAA");
  assert.deepEqual(await client.control("GET", "limit"), { used: 1, max: 100000 });
});

test("reset without the seed leaves an empty org", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "reset", { seed: false });
  assert.equal((await records(client, "object=User")).totalSize, 0);
});

test("a seed is merged: what it names is changed or added, all else stays", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    records: {
      Lead: [
        { Id: IDS.jonas, Phone: "0100" },
        { LastName: "New", Company: "C" },
      ],
    },
    users: [
      { Id: IDS.ben, Name: "Benjamin Okoro" },
      { Username: "cy@example.com", Name: "Cy" },
    ],
    apps: [{ clientId: APP.id, runAs: BEN }],
  });
  const { body } = await client.query("SELECT LastName, Phone, Company FROM Lead ORDER BY Id");
  assert.equal(body.totalSize, 4);
  const jonas = body.records.find((one) => one.LastName === "Weber");
  assert.deepEqual([jonas.Phone, jonas.Company], ["0100", "Weber & Sons"]);
  assert.equal((await records(client, "object=User")).totalSize, 3);
  await client.signIn();
  const info = (await client.call("GET", "/services/oauth2/userinfo")).body;
  assert.deepEqual([info.preferred_username, info.name, info.active], [BEN, "Benjamin Okoro", true]);
});

test("a seed may hold what the API would not let anybody write", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    records: { Task: [{ WhoId: IDS.converted, CreatedDate: "2020-01-02T03:04:05Z", IsClosed: true }] },
  });
  const [task] = (await records(client, "object=Task")).records;
  assert.deepEqual(
    [task.WhoId, task.CreatedDate, task.IsClosed],
    [IDS.converted, "2020-01-02T03:04:05.000+0000", true],
  );
});

test("one record can be put in alone", async (t) => {
  const client = await standIn(t);
  const { record } = await client.control("POST", "records", {
    object: "Lead",
    record: { LastName: "One", Company: "C" },
  });
  assert.match(record.Id, /^00Q/);
  assert.equal((await client.data("GET", `/sobjects/Lead/${record.Id}`)).body.Name, "One");
});

const REFUSED = [
  ["GET", "records?object=Nope"],
  ["GET", "records"],
  ["GET", "duplicates?object=Task&field=Nope"],
  ["GET", "nothing"],
  ["POST", "tokens", {}],
  ["POST", "seed", 5],
  ["POST", "seed", { records: { Nope: [{}] } }],
  ["POST", "seed", { records: { Lead: [{ Nope: 1 }] } }],
  ["POST", "seed", { records: { Lead: [{ Id: "x" }] } }],
  ["POST", "seed", { records: { Task: [{ ActivityDate: "x" }] } }],
  ["POST", "records", {}],
];
for (const [method, name, body] of REFUSED) {
  test(`control refuses ${method} ${name} ${JSON.stringify(body) ?? ""}`, async (t) => {
    const client = await standIn(t);
    await assert.rejects(client.control(method, name, body), /CONTROL/);
  });
}

test("Apex REST answers what was arranged for the path, and logs the call", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    apex: [
      { path: "ringdna/call", status: 201, body: { ok: true }, delayMs: 80 },
      { path: "/ringdna/call/deep/", body: [1] },
      { path: "only/post", method: "POST", body: "posted" },
    ],
  });
  const start = performance.now();
  const answer = await client.call("POST", "/services/apexrest/ringdna/call", { id: 7 });
  assert.deepEqual([answer.status, answer.body], [201, { ok: true }]);
  assert.ok(performance.now() - start >= 75);
  assert.match(answer.headers.get("sforce-limit-info"), /^api-usage=1\//);
  assert.deepEqual((await client.call("POST", "/services/apexrest/ringdna/call/deep/er", {})).body, [1]);
  assert.equal((await client.call("GET", "/services/apexrest/only/post")).status, 404);
  const { entries } = await client.control("GET", "log?path=/services/apexrest");
  assert.deepEqual([entries.length, entries[0].body, entries[0].status], [3, { id: 7 }, 201]);
});

test("a path for which nothing was arranged is not found", async (t) => {
  const client = await standIn(t);
  const { status, body } = await client.call("POST", "/services/apexrest/ringdna/call", {});
  assert.equal(status, 404);
  assert.deepEqual(body, [
    { message: "Could not find a match for URL /ringdna/call", errorCode: "NOT_FOUND" },
  ]);
});

test("Apex REST needs a session like all else", async (t) => {
  const client = await standIn(t);
  client.token = "x";
  assert.equal((await client.call("POST", "/services/apexrest/x", {})).status, 401);
});

test("the example of a seed is as the README says", () => {
  const seed = exampleSeed();
  const phones = [...seed.records.Lead, ...seed.records.Contact].map((one) => one.Phone);
  for (const spelling of ["(415) 555-0100", "+1 415-555-0101", "4155550102", "415.555.0103"])
    assert.ok(phones.includes(spelling), spelling);
  assert.equal(seed.users.length, 2);
  assert.ok(seed.users.every((user) => user.Id.startsWith("005")));
  assert.equal(seed.records.Lead.filter((lead) => lead.IsConverted).length, 1);
  assert.equal(seed.records.Account.length, 1);
});
