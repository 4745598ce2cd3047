import assert from "node:assert/strict";
import { test } from "node:test";
import { isId, makeId, toLongId } from "../ids.mjs";
import { customName } from "../schema/fields.mjs";
import { ADA, exampleSeed, standIn } from "./help.mjs";

const describe = async (client, name) => {
  const { body } = await client.data("GET", `/sobjects/${name}/describe`);
  return { ...body, field: (wanted) => body.fields.find((field) => field.name === wanted) };
};

// The fields of Task that a client of calls uses: [name, type, length, createable, updateable].
const TASK = [
  ["Subject", "combobox", 255, true, true],
  ["Description", "textarea", 32000, true, true],
  ["OwnerId", "reference", 18, true, true],
  ["WhoId", "reference", 18, true, true],
  ["WhatId", "reference", 18, true, true],
  ["CallDurationInSeconds", "int", 0, true, true],
  ["CallDisposition", "string", 255, true, true],
  ["CallType", "picklist", 40, true, true],
  ["CallObject", "string", 255, true, true],
  ["TaskSubtype", "picklist", 40, true, false],
  ["Status", "picklist", 255, true, true],
  ["Priority", "picklist", 255, true, true],
  ["ActivityDate", "date", 0, true, true],
  ["IsClosed", "boolean", 0, false, false],
  ["Id", "id", 18, false, false],
];
for (const [name, type, length, createable, updateable] of TASK) {
  test(`Task.${name} is described as ${type} of ${length}`, async (t) => {
    const client = await standIn(t);
    const field = (await describe(client, "Task")).field(name);
    assert.deepEqual(
      [field.type, field.length, field.createable, field.updateable],
      [type, length, createable, updateable],
    );
  });
}

test("picklists are described with their values, restricted or not, and lookups with what they point at", async (t) => {
  const client = await standIn(t);
  const task = await describe(client, "Task");
  assert.deepEqual(
    task.field("CallType").picklistValues.map((one) => one.value),
    ["Internal", "Inbound", "Outbound"],
  );
  assert.deepEqual(
    [task.field("CallType").restrictedPicklist, task.field("Status").restrictedPicklist],
    [true, false],
  );
  assert.deepEqual(task.field("WhoId").referenceTo, ["Contact", "Lead"]);
  assert.ok(task.field("WhatId").referenceTo.includes("ringdna__Conversation__c"));
  assert.deepEqual([task.keyPrefix, task.name, task.custom], ["00T", "Task", false]);
});

test("the external id of calls is described as one, where the seed has put it", async (t) => {
  const client = await standIn(t);
  for (const object of ["Task", "ringdna__Conversation__c"]) {
    const field = (await describe(client, object)).field("Cordboard_Call_Id__c");
    assert.deepEqual(
      [field.externalId, field.unique, field.idLookup, field.custom, field.nillable],
      [true, true, true, true, true],
    );
  }
  const { objects, ...seed } = exampleSeed();
  const bare = await standIn(t, { seed });
  assert.equal((await describe(bare, "Task")).field("Cordboard_Call_Id__c"), undefined);
});

const CONVERSATION = [
  "Call_Connected",
  "Call_Object_Identifier",
  "Call_Status",
  "Call_Direction",
  "Disposition",
  "Duration_Minutes",
  "Duration_Seconds",
  "Ended_by_Agent",
  "From_Number",
  "To_Number",
  "Start_Time",
  "Wrap_up_Time",
  "Abandoned_Call",
  "Call_Flow",
  "Queue",
  "Queue_Hold_Time",
  "Total_Queue_Hold_Time",
  "Voicemail",
  "Lead",
  "Contact",
  "Account",
  "Opportunity",
  "Task_Id",
];
test("the conversation has the fields that its labels give", async (t) => {
  const client = await standIn(t);
  const { fields } = await describe(client, "ringdna__Conversation__c");
  const custom = fields.map((field) => field.name).filter((name) => name.startsWith("ringdna__"));
  assert.deepEqual(
    custom,
    CONVERSATION.map((name) => `ringdna__${name}__c`),
  );
  assert.equal(fields.find((field) => field.name === "ringdna__Wrap_up_Time__c").label, "Wrap up Time");
});

const NAMES = [
  ["Wrap up Time", "ringdna", "ringdna__Wrap_up_Time__c"],
  ["Queue", "ringdna", "ringdna__Queue__c"],
  ["Row Key", "", "Row_Key__c"],
  ["  Odd -- label! ", "", "Odd_label__c"],
  ["50% done", "", "50_done__c"],
];
for (const [label, prefix, name] of NAMES) {
  test(`the label "${label}" gives the name ${name}`, () => assert.equal(customName(label, prefix), name));
}

test("a seed can add objects and fields, and change the fields that are", async (t) => {
  const seed = exampleSeed();
  seed.objects.Call_Note__c = {
    label: "Call Note",
    fields: [
      { label: "Note Text", type: "textarea", length: 1000 },
      { label: "About", type: "reference", to: ["Lead"] },
    ],
  };
  seed.objects.Lead = { fields: [{ name: "Phone", type: "phone", length: 20 }] };
  const client = await standIn(t, { seed });
  const note = await describe(client, "Call_Note__c");
  assert.deepEqual([note.label, note.custom, note.keyPrefix], ["Call Note", true, "a01"]);
  assert.deepEqual(
    [note.field("Note_Text__c").length, note.field("About__c").relationshipName],
    [1000, "About__r"],
  );
  assert.equal((await describe(client, "Lead")).field("Phone").length, 20);
  const { body } = await client.data("POST", "/sobjects/Call_Note__c", { Note_Text__c: "x" });
  assert.match(body.id, /^a01/);
  assert.equal((await client.query("SELECT About__r.Name FROM Call_Note__c")).body.records[0].About__r, null);
});

test("describe leaves out what the user cannot see and says what cannot be written", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    permissions: {
      [ADA]: {
        hidden: { Task: ["CallObject"] },
        readOnly: { Task: ["Subject"] },
        objects: { Lead: "read", Case: "none" },
      },
    },
  });
  const task = await describe(client, "Task");
  assert.equal(task.field("CallObject"), undefined);
  assert.deepEqual([task.field("Subject").createable, task.field("Subject").updateable], [false, false]);
  assert.equal((await describe(client, "Lead")).createable, false);
  assert.equal((await client.data("GET", "/sobjects/Case/describe")).status, 404);
  const { body } = await client.data("GET", "/sobjects");
  const names = body.sobjects.map((one) => one.name);
  assert.deepEqual(names, [
    "User",
    "Lead",
    "Contact",
    "Account",
    "Opportunity",
    "Campaign",
    "Task",
    "ringdna__Conversation__c",
  ]);
});

// Ids and their suffixes as the reference gives them in its examples.
const IDS = ["001R00000066cndIAA", "001D000000IqhSLIAZ", "003RO0000016kOuYAI", "00190000001pPvHAAU"];
for (const id of IDS) {
  test(`the suffix of ${id} follows from its first fifteen characters`, () => {
    assert.equal(toLongId(id.slice(0, 15)), id);
    assert.ok(isId(id) && isId(id.slice(0, 15)));
  });
}

test("what is no id is none", () => {
  for (const text of [
    "",
    "abc",
    "001R00000066cndIAB",
    "001R00000066cn",
    "001R0000006'cnd",
    "001R00000066cndIA",
    null,
    5,
    {},
  ])
    assert.equal(isId(text), false, String(text));
});

test("ids of one object differ even when their case is lost", () => {
  const made = Array.from({ length: 5000 }, (_, n) => makeId("00T", n).toLowerCase());
  assert.equal(new Set(made).size, 5000);
});
