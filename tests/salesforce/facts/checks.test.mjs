import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, exampleSeed, IDS, standIn } from "./help.mjs";

const LONG = "x".repeat(256);
const locked = (name) =>
  `Unable to create/update fields: ${name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`;
const unread = (type, token, value) =>
  `Cannot deserialize instance of ${type} from ${token} value ${value} or request may be missing a required field at [line:1, column:`;

// [object, body, code, words (or their beginning), fields]
const REFUSED = [
  [
    "Task",
    { Subject: LONG },
    "STRING_TOO_LONG",
    `Subject: data value too large: ${LONG} (max length=255)`,
    ["Subject"],
  ],
  [
    "Task",
    { CallObject: LONG },
    "STRING_TOO_LONG",
    `Call Object Identifier: data value too large: ${LONG} (max length=255)`,
    ["CallObject"],
  ],
  [
    "Task",
    { Description: "x".repeat(32_001) },
    "STRING_TOO_LONG",
    "Comments: data value too large: xxx",
    ["Description"],
  ],
  [
    "Lead",
    { FirstName: "x" },
    "REQUIRED_FIELD_MISSING",
    "Required fields are missing: [LastName, Company]",
    ["LastName", "Company"],
  ],
  ["Account", {}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"]],
  ["Task", { Status: null }, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Status]", ["Status"]],
  [
    "Task",
    { CallType: "Sideways" },
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "Call Type: bad value for restricted picklist field: Sideways",
    ["CallType"],
  ],
  [
    "Task",
    { TaskSubtype: "Fax" },
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "Task Subtype: bad value for restricted picklist field: Fax",
    ["TaskSubtype"],
  ],
  ["Task", { WhoId: "00QHs0000000999" }, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []],
  ["Task", { OwnerId: "005Hs0000000999" }, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []],
  ["Task", { WhoId: "nonsense" }, "MALFORMED_ID", "Name ID: id value of incorrect type: nonsense", ["WhoId"]],
  [
    "Task",
    { WhoId: `${IDS.jonas.slice(0, 15)}AAA` },
    "MALFORMED_ID",
    `Name ID: id value of incorrect type: ${IDS.jonas.slice(0, 15)}AAA`,
    ["WhoId"],
  ],
  [
    "Task",
    { WhoId: IDS.account },
    "FIELD_INTEGRITY_EXCEPTION",
    `Name ID: id value of incorrect type: ${IDS.account}`,
    ["WhoId"],
  ],
  [
    "Task",
    { WhatId: IDS.jonas },
    "FIELD_INTEGRITY_EXCEPTION",
    `Related To ID: id value of incorrect type: ${IDS.jonas}`,
    ["WhatId"],
  ],
  [
    "Task",
    { OwnerId: IDS.jonas },
    "FIELD_INTEGRITY_EXCEPTION",
    `Assigned To ID: id value of incorrect type: ${IDS.jonas}`,
    ["OwnerId"],
  ],
  ["Task", { WhoId: IDS.converted }, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", []],
  ["Task", { Nope: 1 }, "INVALID_FIELD", "No such column 'Nope' on sobject of type Task"],
  [
    "Task",
    { Cordboard_Call_Id__c: "call-1" },
    "DUPLICATE_VALUE",
    "duplicate value found: Cordboard_Call_Id__c duplicates value on record with id: 00T",
    [],
  ],
  [
    "Task",
    { Cordboard_Call_Id__c: "CALL-1" },
    "DUPLICATE_VALUE",
    "duplicate value found: Cordboard_Call_Id__c duplicates value on record with id: 00T",
    [],
  ],
  [
    "Task",
    { Id: "00THs0000000001" },
    "INVALID_FIELD",
    "The Id field should not be specified in the sobject data.",
  ],
  [
    "Task",
    { CreatedDate: "2026-01-01T00:00:00Z" },
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    locked("CreatedDate"),
    ["CreatedDate"],
  ],
  [
    "Lead",
    { LastName: "x", Company: "y", IsConverted: true },
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    locked("IsConverted"),
    ["IsConverted"],
  ],
  [
    "Lead",
    { LastName: "x", Company: "y", DoNotCall: null },
    "INVALID_TYPE_ON_FIELD_IN_RECORD",
    "Do Not Call: value not of required type: ",
    ["DoNotCall"],
  ],
  [
    "Task",
    { CallDurationInSeconds: 3e9 },
    "INVALID_TYPE_ON_FIELD_IN_RECORD",
    "Call Duration: value not of required type: 3000000000",
    ["CallDurationInSeconds"],
  ],
  ["Task", { CallDurationInSeconds: "abc" }, "JSON_PARSER_ERROR", unread("int", "VALUE_STRING", "abc")],
  ["Task", { CallDurationInSeconds: 1.5 }, "JSON_PARSER_ERROR", unread("int", "VALUE_NUMBER_FLOAT", "1.5")],
  ["Task", { CallDurationInSeconds: true }, "JSON_PARSER_ERROR", unread("int", "VALUE_TRUE", "true")],
  ["Task", { Subject: { a: 1 } }, "JSON_PARSER_ERROR", unread("string", "START_OBJECT", "{")],
  ["Task", { Subject: ["a"] }, "JSON_PARSER_ERROR", unread("string", "START_ARRAY", "[")],
  ["Task", { ActivityDate: "2026-02-30" }, "JSON_PARSER_ERROR", unread("date", "VALUE_STRING", "2026-02-30")],
  ["Task", { ActivityDate: "soon" }, "JSON_PARSER_ERROR", unread("date", "VALUE_STRING", "soon")],
  ["Task", { WhoId: 5 }, "JSON_PARSER_ERROR", unread("reference", "VALUE_NUMBER_INT", "5")],
  [
    "ringdna__Conversation__c",
    { ringdna__Start_Time__c: "2026-01-01 10:00" },
    "JSON_PARSER_ERROR",
    unread("datetime", "VALUE_STRING", "2026-01-01 10:00"),
  ],
  [
    "ringdna__Conversation__c",
    { ringdna__Voicemail__c: "maybe" },
    "JSON_PARSER_ERROR",
    unread("boolean", "VALUE_STRING", "maybe"),
  ],
  [
    "ringdna__Conversation__c",
    { ringdna__Lead__c: IDS.grace },
    "FIELD_INTEGRITY_EXCEPTION",
    `Lead: id value of incorrect type: ${IDS.grace}`,
    ["ringdna__Lead__c"],
  ],
];
for (const [object, sent, code, words, fields] of REFUSED) {
  test(`${code} when a ${object} is made with ${JSON.stringify(sent).slice(0, 70)}`, async (t) => {
    const seed = exampleSeed();
    seed.records.Task = [{ Cordboard_Call_Id__c: "call-1" }];
    const client = await standIn(t, { seed });
    const before = (await client.control("GET", `records?object=${object}`)).totalSize;
    const { status, body } = await client.data("POST", `/sobjects/${object}`, sent);
    assert.equal(status, 400);
    assert.equal(body.length, 1);
    assert.equal(body[0].errorCode, code);
    assert.ok(body[0].message.startsWith(words), body[0].message);
    assert.deepEqual(body[0].fields, fields);
    assert.equal((await client.control("GET", `records?object=${object}`)).totalSize, before);
  });
}

const ALLOWED = [
  [
    "Task",
    { Subject: "x".repeat(255), Description: "x".repeat(32_000) },
    "texts of just the length of their fields",
  ],
  ["Task", { Subject: null, WhoId: null, CallDurationInSeconds: null }, "nothing"],
  ["Task", { Status: "Our Own Status" }, "another value for a picklist that is not restricted"],
  ["Task", { CallDurationInSeconds: "12" }, "a number as text"],
  ["Task", { attributes: { type: "Task" }, Subject: "x" }, "the attributes that answers have"],
  ["Task", { WhatId: IDS.opportunity, WhoId: IDS.grace }, "a contact and what the task is about"],
];
for (const [object, sent, what] of ALLOWED) {
  test(`a ${object} may be made with ${what}`, async (t) => {
    const client = await standIn(t);
    assert.equal((await client.data("POST", `/sobjects/${object}`, sent)).status, 201);
  });
}

test("an inactive user can own nothing new", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", { users: [{ Id: IDS.ben, IsActive: false }] });
  const { status, body } = await client.data("POST", "/sobjects/Task", { OwnerId: IDS.ben });
  assert.equal(status, 400);
  assert.deepEqual(body, [
    {
      message: `operation performed with inactive user [${IDS.ben.slice(0, 15)}] as owner of task`,
      errorCode: "INACTIVE_OWNER_OR_USER",
      fields: ["OwnerId"],
    },
  ]);
});

test("a lookup to a deleted record says that it is deleted", async (t) => {
  const client = await standIn(t);
  await client.data("DELETE", `/sobjects/Contact/${IDS.grace}`);
  const { body } = await client.data("POST", "/sobjects/Task", { WhoId: IDS.grace });
  assert.deepEqual(body, [{ message: "entity is deleted", errorCode: "ENTITY_IS_DELETED", fields: [] }]);
});

test("what kind of task it is can be set when it is made and never after", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/sobjects/Task", { TaskSubtype: "Call" });
  const answer = await client.data("PATCH", `/sobjects/Task/${body.id}`, { TaskSubtype: "Email" });
  assert.deepEqual([answer.status, answer.body[0].errorCode], [400, "INVALID_FIELD_FOR_INSERT_UPDATE"]);
});

test("a converted lead cannot be changed, nor can a task that is with one", async (t) => {
  const client = await standIn(t);
  const words = [
    { message: "cannot reference converted lead", errorCode: "CANNOT_UPDATE_CONVERTED_LEAD", fields: [] },
  ];
  assert.deepEqual(
    (await client.data("PATCH", `/sobjects/Lead/${IDS.converted}`, { Title: "x" })).body,
    words,
  );
  const { body } = await client.data("POST", "/sobjects/Task", { WhoId: IDS.jonas });
  await client.control("POST", "seed", { records: { Lead: [{ Id: IDS.jonas, IsConverted: true }] } });
  assert.deepEqual((await client.data("PATCH", `/sobjects/Task/${body.id}`, { Subject: "x" })).body, words);
  assert.equal((await client.data("PATCH", `/sobjects/Task/${body.id}`, { WhoId: IDS.grace })).status, 204);
});

test("an upsert that repeats the address's external id in its body is refused", async (t) => {
  const client = await standIn(t);
  const { status, body } = await client.data("PATCH", "/sobjects/Task/Cordboard_Call_Id__c/x", {
    Cordboard_Call_Id__c: "x",
  });
  assert.equal(status, 400);
  assert.deepEqual(body, [
    {
      message: "The Cordboard_Call_Id__c field should not be specified in the sobject data.",
      errorCode: "INVALID_FIELD",
    },
  ]);
});

test("a unique value may be written again to the record that has it", async (t) => {
  const client = await standIn(t);
  const { body } = await client.data("POST", "/sobjects/Task", { Cordboard_Call_Id__c: "x" });
  assert.equal(
    (await client.data("PATCH", `/sobjects/Task/${body.id}`, { Cordboard_Call_Id__c: "X" })).status,
    204,
  );
});

test("validation rules refuse what is blank or contains a text, and all that are broken are told", async (t) => {
  const client = await standIn(t);
  const rules = [
    {
      object: "Task",
      field: "CallDisposition",
      when: "blank",
      message: "Say how the call ended",
      errorOn: "CallDisposition",
    },
    { object: "task", field: "subject", when: "contains secret", message: "No secrets" },
  ];
  await client.control("POST", "seed", { rules });
  const { status, body } = await client.data("POST", "/sobjects/Task", { Subject: "A Secret call" });
  assert.equal(status, 400);
  assert.deepEqual(body, [
    {
      message: "Say how the call ended",
      errorCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
      fields: ["CallDisposition"],
    },
    { message: "No secrets", errorCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION", fields: [] },
  ]);
  assert.equal(
    (await client.data("POST", "/sobjects/Task", { Subject: "A call", CallDisposition: "Sold" })).status,
    201,
  );
});

test("a field hidden from the user is no field, and a read-only one cannot be written", async (t) => {
  const client = await standIn(t);
  const permissions = {
    "*": { hidden: { Task: ["CallObject"] } },
    [ADA]: { readOnly: { Task: ["CallDisposition"] } },
  };
  await client.control("POST", "seed", { permissions });
  const hidden = await client.data("POST", "/sobjects/Task", { CallObject: "x" });
  assert.deepEqual(hidden.body, [
    { message: "No such column 'CallObject' on sobject of type Task", errorCode: "INVALID_FIELD" },
  ]);
  const readOnly = await client.data("POST", "/sobjects/Task", { CallDisposition: "x" });
  assert.deepEqual(readOnly.body, [
    {
      message: locked("CallDisposition"),
      errorCode: "INVALID_FIELD_FOR_INSERT_UPDATE",
      fields: ["CallDisposition"],
    },
  ]);
});

test("an object that the user may only read cannot be written, and one out of reach is not there", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    permissions: { [ADA]: { objects: { Task: "read", Case: "none" } } },
  });
  const { status, body } = await client.data("POST", "/sobjects/Task", {});
  assert.deepEqual(
    [status, body[0].errorCode, body[0].message],
    [400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Task"],
  );
  assert.equal((await client.data("POST", "/sobjects/Case", {})).status, 404);
});

test("a body that is missing, or is no object, is refused", async (t) => {
  const client = await standIn(t);
  for (const body of [undefined, "[]", "5", "null", '"x"']) {
    const answer = await client.data("POST", "/sobjects/Task", body);
    assert.deepEqual([answer.status, answer.body[0].errorCode], [400, "JSON_PARSER_ERROR"], body);
  }
});

test("a body that is not said to be JSON is answered with 415", async (t) => {
  const client = await standIn(t);
  const { status } = await client.data("POST", "/sobjects/Task", "{}", {
    headers: { "Content-Type": "text/plain" },
  });
  assert.equal(status, 415);
});
