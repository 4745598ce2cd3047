import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../json.mjs";

const GOOD = [
  "{}",
  "[]",
  ' [ 1 , -2.5e3, 0, "x" ] ',
  '{"a":{"b":[null,true,false]}}',
  '"\\u00e9\\n\\"\\\\\\/\\b\\f\\r\\t"',
  '"é😀"',
  "0.1",
  "-0",
  '{"":1}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
];
for (const text of GOOD) {
  test(`${text} is read as JSON reads it`, () => {
    assert.equal(JSON.stringify(parseJson(text).value), JSON.stringify(JSON.parse(text)));
  });
}

const EXPECTED_VALUE = "expected a valid value (number, String, array, object, 'true', 'false' or 'null')";
const BAD = [
  ["", "Unexpected end-of-input at [line:1, column:1]"],
  ["{", "Unexpected end-of-input at [line:1, column:2]"],
  ['{"a"', "Unexpected end-of-input at [line:1, column:5]"],
  ['{"a":1', "Unexpected end-of-input at [line:1, column:7]"],
  ['"abc', "Unexpected end-of-input at [line:1, column:5]"],
  [
    "{a:1}",
    "Unexpected character ('a' (code 97)): was expecting double-quote to start field name at [line:1, column:2]",
  ],
  [
    '{"a":1,}',
    "Unexpected character ('}' (code 125)): was expecting double-quote to start field name at [line:1, column:8]",
  ],
  [
    '{"a" 1}',
    "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value at [line:1, column:6]",
  ],
  [
    '{"a":1 "b":2}',
    `Unexpected character ('"' (code 34)): was expecting comma to separate OBJECT entries at [line:1, column:8]`,
  ],
  [
    "[1 2]",
    "Unexpected character ('2' (code 50)): was expecting comma to separate ARRAY entries at [line:1, column:4]",
  ],
  ["[1,]", `Unexpected character (']' (code 93)): ${EXPECTED_VALUE} at [line:1, column:4]`],
  [
    '{"a":\n  tru}',
    "Unrecognized token 'tru': was expecting 'null', 'true' or 'false' at [line:2, column:3]",
  ],
  [
    "toString",
    "Unrecognized token 'toString': was expecting 'null', 'true' or 'false' at [line:1, column:1]",
  ],
  ["{} x", "Unexpected character ('x' (code 120)): expected end of the document at [line:1, column:4]"],
  ["-", "Unexpected character ('-' (code 45)): expected digit to follow minus sign at [line:1, column:1]"],
  [
    '"a\nb"',
    "Unexpected character ('\n' (code 10)): control characters in a string must be escaped at [line:1, column:3]",
  ],
  ['"\\q"', "Unrecognized character escape at [line:1, column:2]"],
  ['"\\u12"', "Unrecognized character escape at [line:1, column:2]"],
];
for (const [text, words] of BAD) {
  test(`${JSON.stringify(text)} is refused with its place`, () => {
    assert.throws(() => parseJson(text), { code: "JSON_PARSER_ERROR", message: words });
  });
}

test("nesting without end is refused before it ends the process", () => {
  assert.throws(() => parseJson("[".repeat(100_000)), { code: "JSON_PARSER_ERROR" });
  assert.throws(() => parseJson('{"a":'.repeat(100_000)), { code: "JSON_PARSER_ERROR" });
});

test("a value of an object knows its line and column", () => {
  const { value, where } = parseJson('{"a": 1,\n "records": [{"b" : 2}, {"b":\n3}]}');
  assert.equal(where(value, "a"), "[line:1, column:7]");
  assert.equal(where(value.records[0], "b"), "[line:2, column:21]");
  assert.equal(where(value.records[1], "b"), "[line:3, column:1]");
  assert.equal(where({}, "b"), "[line:1, column:1]");
});
