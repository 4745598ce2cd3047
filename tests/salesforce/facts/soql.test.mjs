import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Org } from "../org.mjs";
import { runQuery } from "../soql/evaluate.mjs";
import { exampleSeed, IDS } from "./help.mjs";

let ctx;
before(() => {
  const seed = exampleSeed();
  const lead = (LastName, more) => ({ LastName, Company: "Odd Names", ...more });
  seed.records.Lead.push(
    lead("O'Neil"),
    lead("back\\slash"),
    lead('quote"d'),
    lead("line\nbreak"),
    lead("tab\tstop"),
    lead("100% _sure_"),
    lead("100 percent"),
    lead("café"),
    lead("Zed", { Rating: "Hot", Email: "zed@example.com" }),
  );
  seed.records.Account.push(
    { Name: "Small", NumberOfEmployees: 3, AnnualRevenue: 10.5 },
    { Name: "Large", NumberOfEmployees: 300 },
  );
  seed.records.Task = [
    {
      Subject: "One",
      WhoId: IDS.jonas,
      WhatId: IDS.opportunity,
      OwnerId: IDS.ada,
      ActivityDate: "2026-03-04",
      CallObject: "Co-1",
    },
    { Subject: "Two", WhoId: IDS.grace, OwnerId: IDS.ben, ActivityDate: "2026-03-05", CallObject: "co-2" },
    { Subject: "Three", WhatId: IDS.account, ActivityDate: null },
  ];
  const org = new Org({ seed });
  ctx = { ...org.context(org.userByName("ada.marsh@example.com")), version: "60.0" };
});

const names = (soql) => {
  const { rows, show } = runQuery(soql, ctx);
  return rows.map((row) => {
    const { attributes, Id, ...rest } = show(row);
    return Object.values(rest)[0];
  });
};
const leads = (where) => names(`SELECT LastName FROM Lead WHERE Company = 'Odd Names' AND ${where}`);

const STRINGS = [
  ["LastName = 'O\\'Neil'", ["O'Neil"], "a quote after a backslash is the character"],
  ["LastName = 'back\\\\slash'", ["back\\slash"], "two backslashes are one"],
  ["LastName = 'quote\\\"d'", ['quote"d'], "a double quote may be escaped"],
  ["LastName = 'quote\"d'", ['quote"d'], "a double quote needs no escape"],
  ["LastName = 'line\\nbreak'", ["line\nbreak"], "n is a new line"],
  ["LastName = 'line\\Nbreak'", ["line\nbreak"], "N is a new line too"],
  ["LastName = 'tab\\tstop'", ["tab\tstop"], "t is a tab"],
  ["LastName = 'caf\\u00e9'", ["café"], "u and four digits are a character by its code"],
  ["LastName = 'CAF\\u00C9'", ["café"], "strings are the same whatever their case"],
  [
    "LastName LIKE '100\\% \\_sure\\_'",
    ["100% _sure_"],
    "percent and underscore after a backslash are themselves",
  ],
  ["LastName LIKE '100\\%%'", ["100% _sure_"], "a percent after a backslash stands beside one that does not"],
  ["LastName LIKE 'Ze\\_'", [], "an underscore after a backslash is no other character"],
  ["LastName LIKE '100%'", ["100% _sure_", "100 percent"], "percent is any characters"],
  ["LastName LIKE 'ze_'", ["Zed"], "underscore is one character, in any case"],
  ["LastName LIKE '%\\\\%'", ["back\\slash"], "two backslashes are one in LIKE too"],
  ["LastName LIKE '.*'", [], "what means something in other patterns means nothing"],
  ["LastName LIKE 'line%'", ["line\nbreak"], "percent runs over line ends"],
];
for (const [where, expected, fact] of STRINGS) {
  test(`${fact}: ${where}`, () => assert.deepEqual(leads(where), expected));
}

const INJECTIONS = [
  "LastName = '\\' OR LastName != \\''",
  "LastName = '\\') OR (LastName LIKE \\'%'",
  "LastName = '\\\\\\' OR LastName != \\'x'",
  "LastName IN ('\\') OR LastName LIKE (\\'%')",
];
for (const where of INJECTIONS) {
  test(`an escaped quote ends no string: ${where}`, () => assert.deepEqual(leads(where), []));
}

const CONDITIONS = [
  ["Rating = 'hot'", ["Zed"]],
  ["Rating != 'Hot' AND LastName = 'café'", ["café"], "unequal holds where there is nothing"],
  ["Rating != null", ["Zed"]],
  ["Rating = '' AND LastName = 'café'", ["café"], "no text and empty text are the same"],
  [
    "NOT LastName LIKE '%e%' AND Rating = null",
    ["back\\slash", "tab\tstop", "café"],
    "not binds to what stands next",
  ],
  ["NOT (LastName = 'Zed' OR Rating = null)", []],
  ["(LastName = 'Zed' OR LastName = 'café') AND Rating = null", ["café"]],
  ["LastName IN ('ZED', 'café', 'zed')", ["café", "Zed"]],
  ["LastName NOT IN ('Zed') AND Email != null", []],
  ["Email NOT IN ('x') AND LastName = 'café'", ["café"], "not in holds where there is nothing"],
  ["LastName > 'y'", ["Zed"]],
  ["LastName >= 'zed' AND LastName <= 'ZED'", ["Zed"]],
  ["Rating < 'z'", ["Zed"], "less holds only where there is something"],
  ["IsConverted = false AND Rating != null", ["Zed"]],
  ["IsConverted = true", []],
];
for (const [where, expected, fact] of CONDITIONS) {
  test(`${fact ?? "the condition"}: ${where}`, () => assert.deepEqual(leads(where), expected));
}

const QUERIES = [
  ["SELECT Name FROM Account WHERE NumberOfEmployees > 3 ORDER BY Name", ["Large"]],
  [
    "SELECT Name FROM Account WHERE NumberOfEmployees >= 3 ORDER BY NumberOfEmployees DESC",
    ["Large", "Small"],
  ],
  ["SELECT Name FROM Account WHERE NumberOfEmployees < 10", ["Small"], "nothing is not less than a number"],
  ["SELECT Name FROM Account WHERE NumberOfEmployees <= 10", ["Small"]],
  ["SELECT Name FROM Account WHERE AnnualRevenue = 10.5", ["Small"]],
  [
    "SELECT Name FROM Account ORDER BY NumberOfEmployees",
    ["Harbour Lights Ltd", "Small", "Large"],
    "nothing comes first by itself",
  ],
  [
    "SELECT Name FROM Account ORDER BY NumberOfEmployees DESC NULLS LAST, Name",
    ["Large", "Small", "Harbour Lights Ltd"],
  ],
  [
    "SELECT Name FROM Account ORDER BY NumberOfEmployees ASC NULLS LAST",
    ["Small", "Large", "Harbour Lights Ltd"],
  ],
  ["SELECT Name FROM Account ORDER BY Name ASC NULLS FIRST LIMIT 1 OFFSET 1", ["Large"]],
  ["SELECT Name FROM Account ORDER BY Name LIMIT 0", []],
  ["select name from account where name = 'LARGE'", ["Large"], "words and names are understood in any case"],
  ["SELECT\n  Name\nFROM\tAccount", ["Harbour Lights Ltd", "Small", "Large"], "any space parts words"],
  [
    "SELECT Account.Name FROM Account LIMIT 1",
    ["Harbour Lights Ltd"],
    "an object's own name may stand before its field",
  ],
  ["SELECT Subject FROM Task WHERE ActivityDate = 2026-03-04", ["One"]],
  ["SELECT Subject FROM Task WHERE ActivityDate < 2026-03-05", ["One"]],
  ["SELECT Subject FROM Task WHERE CreatedDate > 2020-01-01T00:00:00Z", ["One", "Two", "Three"]],
  ["SELECT Subject FROM Task WHERE CreatedDate < 2020-01-01T00:00:00+02:00", []],
  ["SELECT Subject FROM Task WHERE CallObject = 'CO-1'", ["One"], "an index looks past case"],
  [
    "SELECT Subject FROM Task WHERE CallObject IN ('co-1','CO-2','co-1')",
    ["One", "Two"],
    "a row found twice is told once",
  ],
  [`SELECT Subject FROM Task WHERE WhoId = '${IDS.jonas}'`, ["One"]],
  [
    `SELECT Subject FROM Task WHERE WhoId = '${IDS.jonas.slice(0, 15)}'`,
    ["One"],
    "fifteen characters of an id are enough",
  ],
  ["SELECT Subject FROM Task WHERE Who.Name = 'jonas weber'", ["One"]],
  ["SELECT Subject FROM Task WHERE Who.Type = 'Contact'", ["Two"]],
  ["SELECT Subject FROM Task WHERE Owner.Name LIKE 'ben%'", ["Two"]],
  [
    "SELECT LastName FROM Contact WHERE Account.Name = 'Harbour Lights Ltd' ORDER BY Account.Name, LastName DESC",
    ["Vance", "O'Brien", "Lindqvist"],
  ],
  [
    "SELECT LastName FROM Contact WHERE Phone IN ('4155550102') OR MobilePhone = '+1 415-555-0104'",
    ["Lindqvist", "O'Brien"],
    "two indexes are searched at once",
  ],
  ["SELECT LastName FROM Contact WHERE Phone LIKE '%0103'", ["Lindqvist"]],
];
for (const [soql, expected, fact] of QUERIES) {
  test(`${fact ?? "the query"}: ${soql.replace(/\s+/g, " ")}`, () => assert.deepEqual(names(soql), expected));
}

test("what is asked over a relationship stands in an object of its own, or is null where there is none", () => {
  const { rows, show } = runQuery(
    "SELECT Subject, Who.Name, Who.Type, What.Type, Account.Name FROM Task ORDER BY Subject",
    ctx,
  );
  const [one, three] = rows.map(show);
  const url = (object, id) => `/services/data/v60.0/sobjects/${object}/${id}`;
  assert.deepEqual(one.Who, {
    attributes: { type: "Name", url: url("Lead", IDS.jonas) },
    Name: "Jonas Weber",
    Type: "Lead",
  });
  assert.equal(one.What.Type, "Opportunity");
  assert.equal(three.Who, null);
  assert.deepEqual(three.Account, {
    attributes: { type: "Account", url: url("Account", IDS.account) },
    Name: "Harbour Lights Ltd",
  });
});

test("a row tells its object and its address first", () => {
  const { rows, show } = runQuery("SELECT Id FROM Opportunity", ctx);
  assert.deepEqual(show(rows[0]), {
    attributes: { type: "Opportunity", url: `/services/data/v60.0/sobjects/Opportunity/${IDS.opportunity}` },
    Id: IDS.opportunity,
  });
});

test("a condition nested too deeply is refused and ends nothing", () => {
  const deep = `${"(".repeat(5000)}Name = 'x'${")".repeat(5000)}`;
  assert.throws(() => runQuery(`SELECT Id FROM Lead WHERE ${deep}`, ctx), { code: "MALFORMED_QUERY" });
  assert.throws(() => runQuery(`SELECT Id FROM Lead WHERE ${"NOT ".repeat(5000)} Name = 'x'`, ctx), {
    code: "MALFORMED_QUERY",
  });
});
