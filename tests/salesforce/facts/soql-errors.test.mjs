import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, exampleSeed, standIn } from "./help.mjs";

const WSDL = "Please reference your WSDL or the describe call for the appropriate names.";
const column = (name, object) =>
  `No such column '${name}' on entity '${object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. ${WSDL}`;
const type = (name) =>
  `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. ${WSDL}`;
const relationship = (name) =>
  `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. ${WSDL}`;
const criterion = (field, kind, advice) =>
  `value of filter criterion for field '${field}' must be of type ${kind} and ${advice} be enclosed in quotes`;

// [query, code, column (from one; of the row), words]
const REFUSED = [
  ["SELECT Id, Foo FROM Lead", "INVALID_FIELD", 12, column("Foo", "Lead")],
  ["SELECT Id FROM Lead WHERE Foo = 'x'", "INVALID_FIELD", 27, column("Foo", "Lead")],
  ["SELECT Id FROM Lead ORDER BY Foo", "INVALID_FIELD", 30, column("Foo", "Lead")],
  ["SELECT Account.Foo FROM Contact", "INVALID_FIELD", 8, column("Foo", "Account")],
  ["SELECT Who.Company FROM Task", "INVALID_FIELD", 8, column("Company", "Name")],
  ["SELECT Nobody.Name FROM Task", "INVALID_FIELD", 8, relationship("Nobody")],
  ["SELECT Id FROM Nope__c", "INVALID_TYPE", 16, type("Nope__c")],
  ["SELECT Id FRM Lead", "MALFORMED_QUERY", 11, "unexpected token: 'FRM'"],
  ["SELECT FROM Lead", "MALFORMED_QUERY", 8, "unexpected token: 'FROM'"],
  ["SELECT Id, FROM Lead", "MALFORMED_QUERY", 12, "unexpected token: 'FROM'"],
  ["SELECT Id FROM", "MALFORMED_QUERY", 15, "unexpected token: '<EOF>'"],
  ["SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", 26, "unexpected token: '<EOF>'"],
  ["SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", 27, "unexpected token: 'x'"],
  ["SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY", 27, "unexpected token: '-1'"],
  ["SELECT * FROM Lead", "MALFORMED_QUERY", null, "line 1:7 no viable alternative at character '*'"],
  ["UPDATE Lead", "MALFORMED_QUERY", 1, "unexpected token: 'UPDATE'"],
  [
    "SELECT Id FROM Lead WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
    "MALFORMED_QUERY",
    53,
    "unexpected token: 'OR'",
  ],
  ["SELECT Id FROM Lead WHERE Name = 'O'Brien'", "MALFORMED_QUERY", 37, "unexpected token: 'Brien'"],
  ["SELECT Id FROM Lead WHERE (Name = 'a'", "MALFORMED_QUERY", 38, "unexpected token: '<EOF>'"],
  ["SELECT Id FROM Lead WHERE Name IN ()", "MALFORMED_QUERY", 36, "unexpected token: ')'"],
  [
    "SELECT Id FROM Lead WHERE Name = 'x'; DELETE",
    "MALFORMED_QUERY",
    null,
    "line 1:36 no viable alternative at character ';'",
  ],
  [
    "SELECT Id FROM Lead WHERE Name = 'x",
    "MALFORMED_QUERY",
    null,
    "line 1:35 mismatched character '<EOF>' expecting '''",
  ],
  [
    "SELECT Id FROM Lead WHERE Name = 'x\\'",
    "MALFORMED_QUERY",
    null,
    "line 1:37 mismatched character '<EOF>' expecting '''",
  ],
  [
    "SELECT Id FROM Lead WHERE Name = 'a\\qb'",
    "MALFORMED_QUERY",
    null,
    "line 1:36 no viable alternative at character 'q'",
  ],
  [
    "SELECT Id FROM Lead WHERE Name = '\\u12'",
    "MALFORMED_QUERY",
    null,
    "line 1:35 no viable alternative at character 'u'",
  ],
  [
    "SELECT Id FROM Lead WHERE Name = :name",
    "MALFORMED_QUERY",
    34,
    "Bind variables only allowed in Apex code",
  ],
  [
    'SELECT Id FROM Lead WHERE Name = "x"',
    "MALFORMED_QUERY",
    null,
    `line 1:33 no viable alternative at character '"'`,
  ],
  [
    "SELECT Id FROM Lead WHERE Name = '100\\%'",
    "MALFORMED_QUERY",
    34,
    "Invalid string literal '100\\%'. Illegal character sequence '\\%' in string literal.",
  ],
  ["SELECT Id FROM Lead WHERE Name = 1", "INVALID_FIELD", 27, criterion("Name", "string", "should")],
  [
    "SELECT Id FROM Lead WHERE IsConverted = 'true'",
    "INVALID_FIELD",
    27,
    criterion("IsConverted", "boolean", "should not"),
  ],
  [
    "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'",
    "INVALID_FIELD",
    27,
    criterion("CreatedDate", "dateTime", "should not"),
  ],
  [
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01",
    "INVALID_FIELD",
    27,
    criterion("CreatedDate", "dateTime", "should not"),
  ],
  [
    "SELECT Id FROM Task WHERE ActivityDate = 2026-13-01",
    "INVALID_FIELD",
    27,
    criterion("ActivityDate", "date", "should not"),
  ],
  [
    "SELECT Id FROM Task WHERE CallDurationInSeconds = '5'",
    "INVALID_FIELD",
    27,
    criterion("CallDurationInSeconds", "int", "should not"),
  ],
  ["SELECT Id FROM Lead WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", 27, "invalid ID field: abc"],
  [
    "SELECT Id FROM Lead WHERE Id LIKE '00Q%'",
    "INVALID_QUERY_FILTER_OPERATOR",
    27,
    "invalid operator on id field",
  ],
  [
    "SELECT Id FROM Lead WHERE Description = 'x'",
    "INVALID_FIELD",
    27,
    "field 'Description' can not be filtered in a query call",
  ],
  [
    "SELECT Id FROM Lead ORDER BY Description",
    "INVALID_FIELD",
    30,
    "field 'Description' can not be sorted in a query call",
  ],
  [
    "SELECT Id FROM Lead LIMIT 1 OFFSET 2001",
    "NUMBER_OUTSIDE_VALID_RANGE",
    null,
    "Maximum SOQL offset allowed is 2000",
  ],
];
for (const [soql, code, at, words] of REFUSED) {
  test(`${code} for ${soql}`, async (t) => {
    const client = await standIn(t);
    const { status, body } = await client.query(soql);
    assert.equal(status, 400);
    assert.equal(body.length, 1);
    assert.equal(body[0].errorCode, code);
    const place = at === null ? "" : `ERROR at Row:1:Column:${at}\n`;
    assert.ok(body[0].message.endsWith(place + words), body[0].message);
    if (at === null) assert.equal(body[0].message, words);
  });
}

test("the place is shown under an excerpt of the query, and counted in its row", async (t) => {
  const client = await standIn(t);
  const { body } = await client.query("SELECT Id\nFROM Lead\nWHERE Foo = 'x'");
  const [, ...lines] = body[0].message.split("\n");
  const caret = lines.findIndex((line) => line.trim() === "^");
  assert.equal(lines[caret + 1], "ERROR at Row:3:Column:7");
});

test("an excerpt of one line has the caret under the first letter of what is refused", async (t) => {
  const client = await standIn(t);
  const { body } = await client.query(
    `SELECT Id, ${"Name, ".repeat(30)}Foo, Phone, Email, Company, Title, City, State FROM Lead`,
  );
  const [, excerpt, caret] = body[0].message.split("\n");
  assert.ok(excerpt.slice(caret.indexOf("^")).startsWith("Foo, Phone"));
  assert.ok(excerpt.length < 100);
});

test("a field hidden from the user, and an object, are as if they were not there", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", {
    permissions: { [ADA]: { hidden: { Lead: ["phone"] }, objects: { Case: "none" } } },
  });
  assert.match(
    (await client.query("SELECT Phone FROM Lead")).body[0].message,
    /No such column 'Phone' on entity 'Lead'/,
  );
  assert.equal((await client.query("SELECT Id FROM Case")).body[0].errorCode, "INVALID_TYPE");
});

test("a query longer than an address may be is answered with 414", async (t) => {
  const client = await standIn(t);
  const { status } = await client.query(`SELECT Id FROM Lead WHERE Name IN ('${"x".repeat(17_000)}')`);
  assert.equal(status, 414);
});

test("an address and headers that are too long together are answered with 431", async (t) => {
  const client = await standIn(t);
  const { status } = await client.data("GET", "/limits", undefined, {
    headers: { "X-Long": "x".repeat(17_000) },
  });
  assert.equal(status, 431);
});

test("a statement of more than 100,000 characters, which only a composite can carry, is malformed", async (t) => {
  const client = await standIn(t);
  const soql = encodeURIComponent(`SELECT Id FROM Lead WHERE Name = '${"x".repeat(100_000)}'`);
  const parts = [{ method: "GET", url: `/services/data/v60.0/query?q=${soql}`, referenceId: "long" }];
  const { body } = await client.data("POST", "/composite", { compositeRequest: parts });
  assert.equal(body.compositeResponse[0].httpStatusCode, 400);
  assert.equal(body.compositeResponse[0].body[0].errorCode, "MALFORMED_QUERY");
});

test("no query at all is malformed", async (t) => {
  const client = await standIn(t);
  for (const path of ["/query", "/query?q=", "/query?q=%20"]) {
    assert.equal((await client.data("GET", path)).body[0].errorCode, "MALFORMED_QUERY");
  }
});

test("more than two thousand rows come in pages, each naming the next", async (t) => {
  const seed = exampleSeed();
  seed.records.Case = Array.from({ length: 4500 }, (_, i) => ({ Subject: `Case ${i}` }));
  const client = await standIn(t, { seed });
  const sizes = [];
  let { body } = await client.query("SELECT Subject FROM Case");
  sizes.push(body.records.length);
  while (!body.done) {
    ({ body } = await client.call("GET", body.nextRecordsUrl));
    sizes.push(body.records.length);
  }
  assert.deepEqual(sizes, [2000, 2000, 500]);
  assert.equal(body.totalSize, 4500);
  assert.equal(body.nextRecordsUrl, undefined);
  assert.equal(
    (await client.data("GET", "/query/01gnothing-2000")).body[0].errorCode,
    "INVALID_QUERY_LOCATOR",
  );
});

test("COUNT() tells how many and shows none", async (t) => {
  const client = await standIn(t);
  assert.deepEqual((await client.query("SELECT COUNT() FROM Contact")).body, {
    totalSize: 3,
    done: true,
    records: [],
  });
});
