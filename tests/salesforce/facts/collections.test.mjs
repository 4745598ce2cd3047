import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleSeed, standIn } from "./help.mjs";

const EXT = "Cordboard_Call_Id__c";
const task = (more) => ({ attributes: { type: "Task" }, ...more });
const count = async (client, object = "Task") =>
  (await client.control("GET", `records?object=${object}`)).totalSize;

test("records of several objects are made in one request, each answered in its place", async (t) => {
  const client = await standIn(t);
  const records = [
    task({ Subject: "a" }),
    { attributes: { type: "Account" }, Name: "New" },
    task({ CallType: "x" }),
    task({ Subject: "b" }),
  ];
  const { status, body } = await client.data("POST", "/composite/sobjects", { allOrNone: false, records });
  assert.equal(status, 200);
  assert.deepEqual(
    body.map((one) => one.success),
    [true, true, false, true],
  );
  assert.deepEqual(
    body.map((one) => one.id?.slice(0, 3)),
    ["00T", "001", undefined, "00T"],
  );
  assert.deepEqual(body[2].errors, [
    {
      statusCode: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
      message: "Call Type: bad value for restricted picklist field: x",
      fields: ["CallType"],
    },
  ]);
  assert.equal(await count(client), 2);
});

test("allOrNone is false unless it is said", async (t) => {
  const client = await standIn(t);
  await client.data("POST", "/composite/sobjects", { records: [task({}), task({ CallType: "x" })] });
  assert.equal(await count(client), 1);
});

test("with allOrNone one failing record takes all others back, and they say so", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/composite/sobjects", {
    allOrNone: true,
    records: [task({}), task({ Nope: 1 }), task({})],
  });
  assert.deepEqual(
    body.map((one) => one.errors[0].statusCode),
    ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD", "ALL_OR_NONE_OPERATION_ROLLED_BACK"],
  );
  assert.ok(body.every((one) => one.success === false && one.id === undefined));
  assert.equal(await count(client), 0);
  assert.equal((await client.query("SELECT COUNT() FROM Task WHERE CallObject = null")).body.totalSize, 0);
});

test("an upsert of many makes those that are not there and changes those that are", async (t) => {
  const seed = exampleSeed();
  seed.records.Task = [{ [EXT]: "two", Subject: "old" }];
  const client = await standIn(t, { seed });
  const records = [
    task({ [EXT]: "one" }),
    task({ [EXT]: "TWO", Subject: "new" }),
    task({ [EXT]: "one", Subject: "again" }),
  ];
  const { status, body } = await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, {
    allOrNone: false,
    records,
  });
  assert.equal(status, 200);
  assert.deepEqual(
    body.map((one) => one.created),
    [true, false, false],
  );
  assert.equal(body[0].id, body[2].id);
  assert.deepEqual(Object.keys(body[0]), ["id", "success", "errors", "created"]);
  const rows = (await client.control("GET", "records?object=Task")).records;
  assert.deepEqual(rows.map((row) => row.Subject).sort(), ["again", "new"]);
});

test("with allOrNone an upsert takes changes back too", async (t) => {
  const seed = exampleSeed();
  seed.records.Task = [{ [EXT]: "one", Subject: "old", CallObject: "co" }];
  const client = await standIn(t, { seed });
  const records = [
    task({ [EXT]: "one", Subject: "new", CallObject: "other" }),
    task({ [EXT]: "two", CallType: "x" }),
  ];
  await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, { allOrNone: true, records });
  const { body } = await client.query("SELECT Subject FROM Task WHERE CallObject = 'co'");
  assert.equal(body.records[0].Subject, "old");
  assert.equal((await client.query("SELECT COUNT() FROM Task WHERE CallObject = 'other'")).body.totalSize, 0);
});

test("each record of an upsert must have its external id and the object of the address", async (t) => {
  const client = await standIn(t);
  const records = [
    task({ Subject: "x" }),
    { attributes: { type: "Lead" }, [EXT]: "x" },
    { [EXT]: "x" },
    null,
    task({ [EXT]: "ok" }),
  ];
  const { body } = await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, { records });
  assert.deepEqual(
    body.map((one) => one.errors[0]?.statusCode),
    ["MISSING_ARGUMENT", "INVALID_TYPE", "INVALID_TYPE", "INVALID_TYPE", undefined],
  );
});

test("an external id that several records have fails that record alone", async (t) => {
  const seed = exampleSeed();
  seed.objects.Task.fields[0].unique = false;
  seed.records.Task = [{ [EXT]: "x" }, { [EXT]: "x" }];
  const client = await standIn(t, { seed });
  const { body } = await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, {
    records: [task({ [EXT]: "x" }), task({ [EXT]: "y" })],
  });
  assert.deepEqual(
    body.map((one) => one.errors[0]?.statusCode),
    ["DUPLICATE_EXTERNAL_ID", undefined],
  );
});

test("two hundred records are taken and one more refuses them all", async (t) => {
  const client = await standIn(t);
  const many = (n) => ({ records: Array.from({ length: n }, (_, i) => task({ [EXT]: `c${i}` })) });
  const refused = await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, many(201));
  assert.deepEqual([refused.status, refused.body[0].errorCode], [400, "EXCEEDED_ID_LIMIT"]);
  assert.equal(await count(client), 0);
  const { body } = await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, many(200));
  assert.ok(body.every((one) => one.created));
});

test("a collection counts as one request", async (t) => {
  const client = await standIn(t);
  const { headers } = await client.data("POST", "/composite/sobjects", {
    records: [task({}), task({}), task({})],
  });
  assert.equal(headers.get("sforce-limit-info"), "api-usage=1/100000");
});

test("a value that cannot be read refuses the whole collection and makes nothing", async (t) => {
  const client = await standIn(t);
  const body =
    '{"records":[{"attributes":{"type":"Task"},"Subject":"a"},\n{"attributes":{"type":"Task"},"CallDurationInSeconds":"abc"}]}';
  const answer = await client.data("POST", "/composite/sobjects", body);
  assert.equal(answer.status, 400);
  assert.match(
    answer.body[0].message,
    /VALUE_STRING value abc or request may be missing a required field at \[line:2, column:55\]$/,
  );
  assert.equal(await count(client), 0);
});

const BODIES = [{}, { records: "x" }, { records: {} }];
for (const body of BODIES) {
  test(`a collection whose body is ${JSON.stringify(body)} is refused`, async (t) => {
    const client = await standIn(t);
    assert.equal((await client.data("POST", "/composite/sobjects", body)).status, 400);
  });
}

test("a collection by a field that is no external id leads nowhere", async (t) => {
  const client = await standIn(t);
  assert.equal((await client.data("PATCH", "/composite/sobjects/Task/Subject", { records: [] })).status, 404);
  assert.equal((await client.data("PATCH", `/composite/sobjects/Nope/${EXT}`, { records: [] })).status, 404);
});

test("an object out of the user's reach is not supported for any record, and not found in an address", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", { permissions: { "*": { objects: { Task: "none" } } } });
  const { body } = await client.data("POST", "/composite/sobjects", {
    records: [task({}), { attributes: { type: "Case" } }],
  });
  assert.deepEqual(
    body.map((one) => one.errors[0]?.statusCode),
    ["INVALID_TYPE", undefined],
  );
  assert.equal((await client.data("PATCH", `/composite/sobjects/Task/${EXT}`, { records: [] })).status, 404);
});
