// JSON with places: Salesforce says the line and column of what it cannot read, and a client's log shows them.
// So values are read here rather than by JSON.parse, and where each of an object's values starts is kept.
import { badRequest } from "./errors.mjs";

// A body nested deeper than this would end the stack, and means nothing to any resource.
const DEEPEST = 200;

const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS = { true: true, false: false, null: null };

/** `{value, where(object, key)}`: `where` is "[line:L, column:C]" of a value, for values that were in the text. */
export function parseJson(text) {
  const reader = new Reader(text);
  const value = reader.document();
  return {
    value,
    where: (object, key) => {
      const at = reader.starts.get(object)?.get(key);
      return at === undefined ? "[line:1, column:1]" : place(text, at);
    },
  };
}

function place(text, at) {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `[line:${line}, column:${at - before.lastIndexOf("\n")}]`;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
    this.starts = new WeakMap();
  }

  document() {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) this.unexpected("expected end of the document");
    return value;
  }

  fail(words) {
    throw badRequest("JSON_PARSER_ERROR", `${words} at ${place(this.text, this.at)}`);
  }

  unexpected(expected) {
    if (this.at >= this.text.length) this.fail("Unexpected end-of-input");
    const char = this.text[this.at];
    this.fail(`Unexpected character ('${char}' (code ${char.charCodeAt(0)})): ${expected}`);
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  take(char) {
    this.space();
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  value() {
    this.space();
    const char = this.text[this.at];
    if (char === "{") return this.nested(() => this.object());
    if (char === "[") return this.nested(() => this.array());
    if (char === '"') return this.string();
    if (char === "-" || (char >= "0" && char <= "9")) return this.number();
    return this.word();
  }

  nested(read) {
    this.depth += 1;
    if (this.depth > DEEPEST) this.fail("Document nesting depth exceeds the maximum allowed");
    this.at += 1;
    const value = read();
    this.depth -= 1;
    return value;
  }

  object() {
    const object = {};
    const starts = new Map();
    this.starts.set(object, starts);
    if (this.take("}")) return object;
    do {
      this.space();
      if (this.text[this.at] !== '"') this.unexpected("was expecting double-quote to start field name");
      const key = this.string();
      if (!this.take(":")) this.unexpected("was expecting a colon to separate field name and value");
      this.space();
      starts.set(key, this.at);
      // Not by assignment: a field named __proto__ is a field like any other.
      Object.defineProperty(object, key, {
        value: this.value(),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } while (this.take(","));
    if (!this.take("}")) this.unexpected("was expecting comma to separate OBJECT entries");
    return object;
  }

  array() {
    const array = [];
    if (this.take("]")) return array;
    do array.push(this.value());
    while (this.take(","));
    if (!this.take("]")) this.unexpected("was expecting comma to separate ARRAY entries");
    return array;
  }

  string() {
    let value = "";
    this.at += 1;
    for (;;) {
      const start = this.at;
      while (isPlain(this.text[this.at])) this.at += 1;
      value += this.text.slice(start, this.at);
      const char = this.text[this.at];
      if (char === '"') break;
      if (char !== "\\") this.unexpected("control characters in a string must be escaped");
      value += this.escape();
    }
    this.at += 1;
    return value;
  }

  escape() {
    const plain = ESCAPES[this.text[this.at + 1]];
    if (plain !== undefined) {
      this.at += 2;
      return plain;
    }
    const code = /^\\u([0-9a-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 6));
    if (!code) this.fail("Unrecognized character escape");
    this.at += 6;
    return String.fromCharCode(parseInt(code[1], 16));
  }

  number() {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) this.unexpected("expected digit to follow minus sign");
    this.at += match[0].length;
    return Number(match[0]);
  }

  word() {
    const word = /^[A-Za-z_$][\w$]*/.exec(this.text.slice(this.at, this.at + 40))?.[0];
    if (!word)
      this.unexpected("expected a valid value (number, String, array, object, 'true', 'false' or 'null')");
    if (!Object.hasOwn(WORDS, word))
      this.fail(`Unrecognized token '${word}': was expecting 'null', 'true' or 'false'`);
    this.at += word.length;
    return WORDS[word];
  }
}

/** What stands for itself in a string: not the end of the text, a quote, a backslash or a control character. */
const isPlain = (char) => char >= " " && char !== '"' && char !== "\\";
