// SOQL text into tokens. A token knows where it starts, for Salesforce says the row and column of what it refuses.
import { badRequest } from "../errors.mjs";

const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/;
const DATE = /^\d{4}-\d\d-\d\d/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/;
const NAME = /^[A-Za-z][A-Za-z0-9_]*/;
const OPERATOR = /^(<=|>=|!=|<>|=|<|>|\(|\)|,|\.|:)/;

/** The words with the place in the query that they are about, as Salesforce puts them before its own words. */
export function queryError(text, at, code, words) {
  const before = text.slice(0, at);
  const row = before.split("\n").length;
  const column = at - (before.lastIndexOf("\n") + 1) + 1;
  const start = excerptStart(text, at);
  const excerpt = text.slice(start, excerptEnd(text, at));
  const caret = `${" ".repeat(at - start)}^`;
  return badRequest(code, `\n${excerpt}\n${caret}\nERROR at Row:${row}:Column:${column}\n${words}`);
}

function excerptStart(text, at) {
  let start = Math.max(0, at - 30);
  while (start > 0 && /[A-Za-z0-9_.']/.test(text[start - 1])) start -= 1;
  return start;
}

function excerptEnd(text, at) {
  let end = Math.min(text.length, at + 40);
  while (end < text.length && /[A-Za-z0-9_.']/.test(text[end])) end += 1;
  return end;
}

export const unexpected = (text, token) =>
  queryError(
    text,
    token.at,
    "MALFORMED_QUERY",
    `unexpected token: '${token.kind === "end" ? "<EOF>" : token.text}'`,
  );

/**
 * All tokens of a query, the last of kind 'end' or, where no token could be read, of kind 'bad' with the error: it is
 * told only when the parser comes to it, for what stands before it may be wrong in its own way.
 */
export function tokens(text) {
  const found = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at])) {
      at += 1;
      continue;
    }
    try {
      const token = text[at] === "'" ? stringToken(text, at) : plainToken(text, at);
      found.push(token);
      at += token.text.length;
    } catch (error) {
      found.push({ kind: "bad", text: "", at, error });
      return found;
    }
  }
  found.push({ kind: "end", text: "", at: text.length });
  return found;
}

/** What Salesforce says where its lexer stops; it counts these columns from nought. */
function unreadable(text, at, words) {
  const before = text.slice(0, at);
  const row = before.split("\n").length;
  const column = at - (before.lastIndexOf("\n") + 1);
  return badRequest("MALFORMED_QUERY", `line ${row}:${column} ${words}`);
}

function plainToken(text, at) {
  // Long enough for any one token: names, numbers and dates are short.
  const rest = text.slice(at, at + 300);
  for (const [kind, pattern] of [
    ["datetime", DATETIME],
    ["date", DATE],
    ["number", NUMBER],
    ["name", NAME],
    ["operator", OPERATOR],
  ]) {
    const match = pattern.exec(rest);
    if (match) return { kind, text: match[0], at };
  }
  throw unreadable(text, at, `no viable alternative at character '${text[at]}'`);
}

/** A string's characters, with those that stood after a backslash marked: LIKE reads `\%` otherwise than `%`. */
function stringToken(text, at) {
  const chars = [];
  let i = at + 1;
  while (i < text.length) {
    const char = text[i];
    if (char === "'") return { kind: "string", text: text.slice(at, i + 1), at, chars };
    if (char !== "\\") {
      chars.push({ char, escaped: false });
      i += 1;
      continue;
    }
    const read = readEscape(text, i);
    chars.push({ char: read.char, escaped: true });
    i += read.length;
  }
  throw unreadable(text, text.length, "mismatched character '<EOF>' expecting '''");
}

const ESCAPES = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  '"': '"',
  "'": "'",
  "\\": "\\",
  _: "_",
  "%": "%",
};

function readEscape(text, i) {
  const next = text[i + 1] ?? "";
  const plain = ESCAPES[/[A-Z]/.test(next) ? next.toLowerCase() : next];
  if (plain !== undefined) return { char: plain, length: 2 };
  const unicode = /^\\u([0-9a-fA-F]{4})/.exec(text.slice(i, i + 6));
  if (unicode) return { char: String.fromCharCode(parseInt(unicode[1], 16)), length: 6 };
  if (next === "") throw unreadable(text, text.length, "mismatched character '<EOF>' expecting '''");
  throw unreadable(text, i + 1, `no viable alternative at character '${next}'`);
}

/** A string's plain value, as every operator but LIKE reads it. */
export function plainString(token, text) {
  const wild = token.chars.find(({ char, escaped }) => escaped && (char === "_" || char === "%"));
  if (wild) {
    const words = `Invalid string literal ${token.text}. Illegal character sequence '\\${wild.char}' in string literal.`;
    throw queryError(text, token.at, "MALFORMED_QUERY", words);
  }
  return token.chars.map(({ char }) => char).join("");
}

/** A string as LIKE reads it: % any number of characters, _ one of them, both literal after a backslash. */
export function likePattern(token) {
  const source = token.chars.map(({ char, escaped }) => {
    if (!escaped && char === "%") return "[^]*";
    if (!escaped && char === "_") return "[^]";
    return char.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`, "i");
}
