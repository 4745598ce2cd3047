import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, exampleSeed, IDS, standIn } from "./help.mjs";

const EXT = "Cordboard_Call_Id__c";

test("a record is made with 201, its id, and its address", async (t) => {
  const client = await standIn(t);
  const { status, body, headers } = await client.data("POST", "/sobjects/Task", {
    Subject: "Call",
    CallType: "Inbound",
  });
  assert.equal(status, 201);
  assert.match(body.id, /^00T[0-9A-Za-z]{15}$/);
  assert.deepEqual(body, { id: body.id, success: true, errors: [] });
  assert.equal(headers.get("location"), `/services/data/v60.0/sobjects/Task/${body.id}`);
});

test("what Salesforce fills in by itself is filled in", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/sobjects/Task", {
    Subject: "Call",
    Status: "Completed",
    WhoId: IDS.grace,
  });
  const { body: task } = await client.data("GET", `/sobjects/Task/${body.id}`);
  assert.equal(task.OwnerId, IDS.ada);
  assert.equal(task.CreatedById, IDS.ada);
  assert.match(task.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
  assert.equal(task.IsClosed, true);
  assert.match(task.CompletedDateTime, /\+0000$/);
  assert.equal(task.TaskSubtype, "Task");
  assert.equal(task.Priority, "Normal");
  assert.equal(task.AccountId, IDS.account);
  assert.deepEqual(task.attributes, { type: "Task", url: `/services/data/v60.0/sobjects/Task/${body.id}` });
});

test("values come back in the form in which Salesforce keeps them", async (t) => {
  const client = await standIn(t);
  const sent = {
    ringdna__Start_Time__c: "2026-03-04T10:00:00.987+02:00",
    ringdna__Voicemail__c: "true",
    ringdna__Duration_Seconds__c: "61.5",
    ringdna__Queue__c: "",
    ringdna__Lead__c: IDS.jonas.slice(0, 15),
    ringdna__Call_Flow__c: 7,
  };
  const { body } = await client.data("POST", "/sobjects/ringdna__Conversation__c", sent);
  const { body: record } = await client.data("GET", `/sobjects/ringdna__Conversation__c/${body.id}`);
  assert.equal(record.ringdna__Start_Time__c, "2026-03-04T08:00:00.000+0000");
  assert.equal(record.ringdna__Voicemail__c, true);
  assert.equal(record.ringdna__Duration_Seconds__c, 61.5);
  assert.equal(record.ringdna__Queue__c, null);
  assert.equal(record.ringdna__Lead__c, IDS.jonas);
  assert.equal(record.ringdna__Call_Flow__c, "7");
  assert.equal(record.Name, "CONV-000001");
});

test("a day may be given for a date as a whole time", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/sobjects/Task", { ActivityDate: "2026-03-04T23:00:00Z" });
  assert.equal(
    (await client.data("GET", `/sobjects/Task/${body.id}?fields=ActivityDate`)).body.ActivityDate,
    "2026-03-04",
  );
});

test("names of objects and fields are understood in any case", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/sobjects/task", { subject: "Call" });
  assert.equal((await client.data("GET", `/sobjects/TASK/${body.id}?fields=SUBJECT`)).body.Subject, "Call");
});

test("a record is changed with 204 and no body, and only what is sent changes", async (t) => {
  const client = await standIn(t);
  const { status, text } = await client.data("PATCH", `/sobjects/Lead/${IDS.jonas}`, { Title: "Buyer" });
  assert.deepEqual([status, text], [204, ""]);
  const { body } = await client.data("GET", `/sobjects/Lead/${IDS.jonas}?fields=Title,Company`);
  assert.deepEqual([body.Title, body.Company], ["Buyer", "Weber & Sons"]);
});

test("a person's whole name follows its parts", async (t) => {
  const client = await standIn(t);
  await client.data("PATCH", `/sobjects/Lead/${IDS.jonas}`, { FirstName: null, LastName: "Weber-Lang" });
  assert.equal((await client.data("GET", `/sobjects/Lead/${IDS.jonas}?fields=Name`)).body.Name, "Weber-Lang");
});

test("a POST that says PATCH is a PATCH", async (t) => {
  const client = await standIn(t);
  assert.equal(
    (await client.data("POST", `/sobjects/Lead/${IDS.jonas}?_HttpMethod=PATCH`, { Title: "Buyer" })).status,
    204,
  );
});

test("an id of fifteen characters leads to the record", async (t) => {
  const client = await standIn(t);
  assert.equal((await client.data("GET", `/sobjects/Lead/${IDS.jonas.slice(0, 15)}`)).body.Id, IDS.jonas);
});

test("a record that was deleted is found by nothing", async (t) => {
  const client = await standIn(t);
  assert.equal((await client.data("DELETE", `/sobjects/Opportunity/${IDS.opportunity}`)).status, 204);
  assert.equal((await client.query("SELECT COUNT() FROM Opportunity")).body.totalSize, 0);
  for (const [method, body] of [["GET"], ["PATCH", { Amount: 1 }], ["DELETE"]]) {
    const answer = await client.data(method, `/sobjects/Opportunity/${IDS.opportunity}`, body);
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.body, [
      { message: "entity is deleted", errorCode: "ENTITY_IS_DELETED", fields: [] },
    ]);
  }
});

// [version, status and body when made, status and body when changed]; the id is put in for ID.
const UPSERTS = [
  [
    "v46.0",
    201,
    { id: "ID", success: true, errors: [], created: true },
    200,
    { id: "ID", success: true, errors: [], created: false },
  ],
  [
    "v60.0",
    201,
    { id: "ID", success: true, errors: [], created: true },
    200,
    { id: "ID", success: true, errors: [], created: false },
  ],
  ["v45.0", 201, { id: "ID", success: true, errors: [] }, 204, undefined],
];
for (const [version, made, madeBody, changed, changedBody] of UPSERTS) {
  test(`in ${version} an upsert answers ${made} when it makes a record and ${changed} when it changes one`, async (t) => {
    const client = await standIn(t);
    const path = `/sobjects/Task/${EXT}/call-1`;
    const first = await client.data("PATCH", path, { Subject: "One" }, { version });
    const id = first.body.id;
    assert.deepEqual([first.status, first.body], [made, { ...madeBody, id }]);
    const second = await client.data("PATCH", path, { Subject: "Two" }, { version });
    assert.deepEqual([second.status, second.body], [changed, changedBody && { ...changedBody, id }]);
    assert.equal((await client.control("GET", "records?object=Task")).totalSize, 1);
    assert.equal((await client.data("GET", `${path}?fields=Subject`)).body.Subject, "Two");
  });
}

test("an external id is found in any case, and with signs that an address must escape", async (t) => {
  const client = await standIn(t);
  const path = `/sobjects/Task/${EXT}/${encodeURIComponent("a/b c?%")}`;
  assert.equal((await client.data("PATCH", path, { Subject: "One" })).status, 201);
  assert.equal(
    (await client.data("PATCH", path.toUpperCase().replace("/SOBJECTS", "/sobjects"), { Subject: "Two" }))
      .status,
    200,
  );
  assert.equal((await client.control("GET", "records?object=Task")).records[0][EXT], "a/b c?%");
});

test("several records with one external id are answered with 300 and their addresses", async (t) => {
  const seed = exampleSeed();
  seed.objects.Task.fields[0].unique = false;
  seed.records.Task = [{ [EXT]: "x" }, { [EXT]: "X" }];
  const client = await standIn(t, { seed });
  for (const [method, body] of [["GET"], ["PATCH", { Subject: "y" }], ["DELETE"]]) {
    const answer = await client.data(method, `/sobjects/Task/${EXT}/x`, body);
    assert.equal(answer.status, 300);
    assert.equal(answer.body.length, 2);
    assert.match(answer.body[0], /^\/services\/data\/v60\.0\/sobjects\/Task\/00T/);
  }
});

test("an upsert told only to update makes nothing", async (t) => {
  const client = await standIn(t);
  const { status, body } = await client.data("PATCH", `/sobjects/Task/${EXT}/call-1?updateOnly=true`, {
    Subject: "One",
  });
  assert.deepEqual([status, body[0].errorCode], [404, "NOT_FOUND"]);
  assert.equal((await client.control("GET", "records?object=Task")).totalSize, 0);
});

test("a field that is no external id, or is not there, leads nowhere", async (t) => {
  const client = await standIn(t);
  for (const field of ["Subject", "Nope__c"]) {
    const { status, body } = await client.data("PATCH", `/sobjects/Task/${field}/x`, {});
    assert.deepEqual(
      [status, body[0].message],
      [404, `Provided external ID field does not exist or is not accessible: ${field}`],
    );
  }
});

test("without the seed the external id of calls is on neither object", async (t) => {
  const { objects, ...seed } = exampleSeed();
  const client = await standIn(t, { seed });
  for (const object of ["Task", "ringdna__Conversation__c"]) {
    assert.equal((await client.data("PATCH", `/sobjects/${object}/${EXT}/x`, {})).status, 404);
  }
});

test("a lookup may name its record by an external id", async (t) => {
  const seed = exampleSeed();
  seed.objects.Lead = { fields: [{ label: "Row Key", externalId: true }] };
  seed.records.Lead[0].Row_Key__c = "K-1";
  const client = await standIn(t, { seed });
  const { body } = await client.data("POST", "/sobjects/ringdna__Conversation__c", {
    ringdna__Lead__r: { Row_Key__c: "k-1" },
  });
  const record = (await client.data("GET", `/sobjects/ringdna__Conversation__c/${body.id}`)).body;
  assert.equal(record.ringdna__Lead__c, IDS.jonas);
  const missing = await client.data("POST", "/sobjects/ringdna__Conversation__c", {
    ringdna__Lead__r: { Row_Key__c: "K-2" },
  });
  assert.deepEqual(missing.body, [
    {
      message: "Foreign key external ID: k-2 not found for field Row_Key__c in entity Lead",
      errorCode: "INVALID_FIELD",
    },
  ]);
  const none = await client.data("POST", "/sobjects/ringdna__Conversation__c", {
    ringdna__Lead__r: { Nope__c: "K-2" },
  });
  assert.equal(none.body[0].errorCode, "INVALID_FIELD");
});

const LOST = [
  ["GET", "/sobjects/Nope__c", 404, "NOT_FOUND"],
  ["POST", "/sobjects/Nope__c", 404, "NOT_FOUND"],
  ["GET", "/sobjects/Task/nonsense", 404, "NOT_FOUND"],
  ["GET", "/sobjects/Task/00THs0000000999", 404, "NOT_FOUND"],
  ["GET", `/sobjects/Task/${IDS.jonas}`, 400, "MALFORMED_ID"],
  ["GET", "/nothing", 404, "NOT_FOUND"],
  ["GET", "/constructor", 404, "NOT_FOUND"],
  ["POST", "/limits?_HttpMethod=constructor", 405, "METHOD_NOT_ALLOWED"],
  ["GET", "/composite/tree/Task", 404, "NOT_FOUND"],
  ["GET", "/sobjects/Task/a/b/c/d", 404, "NOT_FOUND"],
  ["DELETE", "/query", 405, "METHOD_NOT_ALLOWED"],
  ["DELETE", "/sobjects/Task", 405, "METHOD_NOT_ALLOWED"],
  ["POST", "/limits", 405, "METHOD_NOT_ALLOWED"],
  ["PATCH", "/sobjects/Task/Cordboard_Call_Id__c/%E0%A4%A", 404, "NOT_FOUND"],
];
for (const [method, path, status, code] of LOST) {
  test(`${method} ${path} is answered with ${status} ${code}`, async (t) => {
    const client = await standIn(t);
    const answer = await client.data(method, path, method === "POST" || method === "PATCH" ? {} : undefined);
    assert.deepEqual([answer.status, answer.body[0].errorCode], [status, code]);
  });
}

test("a version that is not offered is not found", async (t) => {
  const client = await standIn(t);
  for (const version of ["v30.0", "v67.0", "v60", "60.0", "latest"]) {
    assert.equal((await client.data("GET", "/limits", undefined, { version })).status, 404, version);
  }
});

test("every version that is listed is offered, by anybody", async (t) => {
  const client = await standIn(t);
  client.token = null;
  const { body } = await client.call("GET", "/services/data");
  assert.equal(body.length, 36);
  assert.deepEqual(
    body.find((one) => one.version === "60.0"),
    { label: "Spring '24", url: "/services/data/v60.0", version: "60.0" },
  );
});

test("the resources of a version are listed", async (t) => {
  const client = await standIn(t);
  assert.equal((await client.data("GET", "")).body.sobjects, "/services/data/v60.0/sobjects");
  assert.equal((await client.data("GET", "/")).body.query, "/services/data/v60.0/query");
});

test("every data answer counts and tells the use of the day, and past the limit nothing is answered", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "limit", { used: 7, max: 9 });
  const seen = [];
  for (let i = 0; i < 3; i += 1) {
    const { status, headers, body } = await client.query("SELECT Id FROM Nope");
    seen.push([status, headers.get("sforce-limit-info"), body[0].errorCode]);
  }
  assert.deepEqual(seen, [
    [400, "api-usage=8/9", "INVALID_TYPE"],
    [400, "api-usage=9/9", "INVALID_TYPE"],
    [403, "api-usage=9/9", "REQUEST_LIMIT_EXCEEDED"],
  ]);
  const { body } = await client.data("POST", "/sobjects/Task", { Subject: "x" });
  assert.deepEqual(body, [{ message: "TotalRequests Limit exceeded.", errorCode: "REQUEST_LIMIT_EXCEEDED" }]);
  assert.equal((await client.control("GET", "records?object=Task")).totalSize, 0);
});

test("the limits resource tells what is left", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "limit", { used: 10, max: 100 });
  assert.deepEqual((await client.data("GET", "/limits")).body.DailyApiRequests, { Max: 100, Remaining: 89 });
});

test("a record out of the user's reach is not found, in no query, and cannot be looked up to", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    permissions: { [ADA]: { records: { [IDS.grace]: "none", [IDS.jonas]: "read" } } },
  });
  assert.equal((await client.data("GET", `/sobjects/Contact/${IDS.grace}`)).status, 404);
  assert.equal(
    (await client.query("SELECT COUNT() FROM Contact WHERE LastName = 'Lindqvist'")).body.totalSize,
    0,
  );
  const { status, body } = await client.data("POST", "/sobjects/Task", { WhoId: IDS.grace });
  assert.deepEqual([status, body[0].errorCode], [400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"]);
  for (const method of ["PATCH", "DELETE"]) {
    const answer = await client.data(
      method,
      `/sobjects/Lead/${IDS.jonas}`,
      method === "PATCH" ? { Title: "x" } : undefined,
    );
    assert.deepEqual([answer.status, answer.body[0].errorCode], [403, "INSUFFICIENT_ACCESS_OR_READONLY"]);
  }
});
