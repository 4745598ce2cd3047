import assert from "node:assert/strict";
import { test } from "node:test";
import { IDS, standIn } from "./help.mjs";

const BASE = "/services/data/v60.0";
const part = (referenceId, method, path, body) => ({
  referenceId,
  method,
  url: BASE + path,
  ...(body ? { body } : {}),
});
const HALTED = [
  {
    errorCode: "PROCESSING_HALTED",
    message: "The transaction was rolled back since another operation in the same transaction failed.",
  },
];
const count = async (client, object = "Task") =>
  (await client.control("GET", `records?object=${object}`)).totalSize;

async function composite(client, parts, more = {}, options) {
  const { status, body } = await client.data(
    "POST",
    "/composite",
    { ...more, compositeRequest: parts },
    options,
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body.compositeResponse;
}

test("each part is answered with its body, headers, status and reference", async (t) => {
  const client = await standIn(t);
  const [made, gone] = await composite(client, [
    part("made", "POST", "/sobjects/Task", { Subject: "x" }),
    part("gone", "GET", "/sobjects/Nope"),
  ]);
  const id = made.body.id;
  assert.deepEqual(made, {
    body: { id, success: true, errors: [] },
    httpHeaders: { Location: `${BASE}/sobjects/Task/${id}` },
    httpStatusCode: 201,
    referenceId: "made",
  });
  assert.deepEqual(gone, {
    body: [{ message: "The requested resource does not exist", errorCode: "NOT_FOUND" }],
    httpHeaders: {},
    httpStatusCode: 404,
    referenceId: "gone",
  });
});

test("a later part uses what an earlier one answered, in its address and its body", async (t) => {
  const client = await standIn(t);
  const answers = await composite(client, [
    part(
      "who",
      "GET",
      `/query?q=${encodeURIComponent("SELECT Id, Name FROM Lead WHERE LastName = 'Weber'")}`,
    ),
    part("task", "POST", "/sobjects/Task", {
      WhoId: "@{who.records[0].Id}",
      Subject: "Call with @{who.records[0].Name}",
    }),
    part("show", "GET", "/sobjects/Task/@{task.id}?fields=Subject,WhoId"),
  ]);
  assert.equal(answers[2].body.Subject, "Call with Jonas Weber");
  assert.equal(answers[2].body.WhoId, IDS.jonas);
});

test("a reference to a failed part, to what is not there, or to a later part halts its own part", async (t) => {
  const client = await standIn(t);
  const answers = await composite(client, [
    part("bad", "POST", "/sobjects/Task", { CallType: "x" }),
    part("a", "POST", "/sobjects/Task", { Subject: "@{bad.id}" }),
    part("b", "POST", "/sobjects/Task", { Subject: "@{late.id}" }),
    part("list", "GET", "/limits"),
    part("c", "POST", "/sobjects/Task", { Subject: "@{list.constructor}" }),
    part("late", "POST", "/sobjects/Task", { Subject: "x" }),
  ]);
  assert.deepEqual(
    answers.map((one) => one.httpStatusCode),
    [400, 400, 400, 200, 400, 201],
  );
  assert.deepEqual(answers[1].body, [
    {
      message: "Invalid reference specified. No value for bad.id found in bad",
      errorCode: "PROCESSING_HALTED",
    },
  ]);
});

test("a reference to a field with nothing in it gives nothing, and before version 52 is an error", async (t) => {
  const client = await standIn(t);
  const parts = [
    part("lead", "GET", `/sobjects/Lead/${IDS.jonas}?fields=Title,MobilePhone`),
    part("task", "POST", "/sobjects/Task", { Description: "@{lead.Title}", Subject: "Title: @{lead.Title}" }),
  ];
  const [, task] = await composite(client, parts);
  assert.equal(task.httpStatusCode, 201);
  const { records } = await client.control("GET", "records?object=Task");
  assert.deepEqual([records[0].Description, records[0].Subject], [null, "Title: "]);
  const [, before] = await composite(client, parts, {}, { version: "v51.0" });
  assert.equal(before.body[0].errorCode, "PROCESSING_HALTED");
});

test("without allOrNone the parts stand each for itself", async (t) => {
  const client = await standIn(t);
  const answers = await composite(client, [
    part("a", "POST", "/sobjects/Task", {}),
    part("b", "POST", "/sobjects/Task", { Nope: 1 }),
    part("c", "POST", "/sobjects/Task", {}),
  ]);
  assert.deepEqual(
    answers.map((one) => one.httpStatusCode),
    [201, 400, 201],
  );
  assert.equal(await count(client), 2);
});

test("with allOrNone one failing part takes the others back, before it and after", async (t) => {
  const client = await standIn(t);
  const answers = await composite(
    client,
    [
      part("a", "POST", "/sobjects/Task", {}),
      part("b", "PATCH", `/sobjects/Lead/${IDS.jonas}`, { Title: "New" }),
      part("c", "DELETE", `/sobjects/Opportunity/${IDS.opportunity}`),
      part("d", "POST", "/sobjects/Task", { Nope: 1 }),
      part("e", "POST", "/sobjects/Task", { Nope: 1 }),
    ],
    { allOrNone: true },
  );
  assert.deepEqual(
    answers.map((one) => one.httpStatusCode),
    [400, 400, 400, 400, 400],
  );
  assert.deepEqual(answers[0].body, HALTED);
  assert.equal(answers[3].body[0].errorCode, "INVALID_FIELD");
  assert.deepEqual(answers[4], { body: HALTED, httpHeaders: {}, httpStatusCode: 400, referenceId: "e" });
  assert.equal(await count(client), 0);
  assert.equal(
    (await client.query("SELECT Title FROM Lead WHERE LastName = 'Weber'")).body.records[0].Title,
    null,
  );
  assert.equal((await client.data("GET", `/sobjects/Opportunity/${IDS.opportunity}`)).status, 200);
});

// The four cases of the reference: [outer, inner, tasks left, success of the good record, status of the other part].
const NESTED = [
  [false, false, 1, true, 201],
  [false, true, 0, false, 201],
  [true, true, 0, false, 400],
  [true, false, 0, true, 400],
];
for (const [outer, inner, left, success, status] of NESTED) {
  test(`a collection with allOrNone ${inner} in a composite with allOrNone ${outer} leaves ${left} record`, async (t) => {
    const client = await standIn(t);
    const records = [
      { attributes: { type: "Task" }, Subject: "good" },
      { attributes: { type: "Task" }, Nope: 1 },
    ];
    const [before, collection, contact] = await composite(
      client,
      [
        part("account", "POST", "/sobjects/Account", { Name: "Before" }),
        part("tasks", "POST", "/composite/sobjects", { allOrNone: inner, records }),
        part("contact", "POST", "/sobjects/Contact", { LastName: "Smith" }),
      ],
      { allOrNone: outer },
    );
    assert.equal(collection.httpStatusCode, 200);
    assert.equal(collection.body[0].success, success);
    assert.equal(contact.httpStatusCode, status);
    assert.equal(await count(client), left);
    assert.equal(before.httpStatusCode, status);
    assert.equal(await count(client, "Account"), outer ? 1 : 2);
    assert.equal(await count(client, "Contact"), outer ? 3 : 4);
  });
}

const good = (n) => part(`r${n}`, "GET", "/limits");
const REFUSED = [
  ["more than 25 parts", Array.from({ length: 26 }, (_, n) => good(n))],
  ["a reference used twice", [good(1), good(1)]],
  ["a part without a reference", [{ method: "GET", url: `${BASE}/limits` }]],
  ["a part without an address", [{ method: "GET", referenceId: "a" }]],
  ["a part that is nothing", [null]],
  ["an unknown method", [{ ...good(1), method: "get" }]],
  ["a sign in a reference that may not be there", [part("r[1]", "GET", "/limits")]],
  ["a header that belongs to the whole", [{ ...good(1), httpHeaders: { authorization: "Bearer x" } }]],
  ["no list", "x"],
];
for (const [what, parts] of REFUSED) {
  test(`a composite with ${what} is refused whole`, async (t) => {
    const client = await standIn(t);
    assert.equal((await client.data("POST", "/composite", { compositeRequest: parts })).status, 400);
  });
}

test("twenty-five parts are taken, and count as one request", async (t) => {
  const client = await standIn(t);
  const answers = await composite(
    client,
    Array.from({ length: 25 }, (_, n) => good(n)),
  );
  assert.ok(answers.every((one) => one.httpStatusCode === 200));
  assert.equal((await client.control("GET", "limit")).used, 1);
});

test("an address that leads out of the data API fails its own part", async (t) => {
  const client = await standIn(t);
  const urls = [
    "/services/oauth2/token",
    "http://[",
    "/services/data/v60.0/sobjects/%zz",
    "/services/data/v60.0/composite",
    "",
  ];
  const answers = await composite(
    client,
    urls.map((url, n) => ({ ...good(n), url })),
  );
  assert.ok(
    answers.every((one) => one.httpStatusCode >= 400),
    JSON.stringify(answers),
  );
  assert.equal(answers[0].body[0].errorCode, "INVALID_INPUT");
});
