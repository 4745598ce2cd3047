// A WHERE tree into a predicate over rows, and, where an index helps, the rows worth looking at.
import { isId, toLongId } from "../ids.mjs";
import { isText } from "../schema/fields.mjs";
import { keyOf } from "../store.mjs";
import { parseDate, parseDatetime } from "../values.mjs";
import { likePattern, plainString, queryError } from "./lexer.mjs";

/** `{holds(row), candidates()}`: candidates is null when every row must be looked at. */
export function compileCondition(node, resolver) {
  if (node.kind === "and" || node.kind === "or") return compileJoined(node, resolver);
  if (node.kind === "not") {
    const inner = compileCondition(node.term, resolver);
    return { holds: (row) => !inner.holds(row), candidates: () => null };
  }
  const way = resolver.filterable(node.path);
  return node.kind === "in" ? compileIn(node, way, resolver) : compileCompare(node, way, resolver);
}

function compileJoined({ kind, terms }, resolver) {
  const parts = terms.map((term) => compileCondition(term, resolver));
  if (kind === "and") {
    return {
      holds: (row) => parts.every((part) => part.holds(row)),
      candidates: () => {
        const found = parts.map((part) => part.candidates()).filter(Boolean);
        return found.length === 0
          ? null
          : found.reduce((best, one) => (one.length < best.length ? one : best));
      },
    };
  }
  return {
    holds: (row) => parts.some((part) => part.holds(row)),
    candidates: () => {
      const found = parts.map((part) => part.candidates());
      return found.every(Boolean) ? [...new Set(found.flat())] : null;
    },
  };
}

function compileIn({ path, negated, values }, way, resolver) {
  const wanted = values.map((value) => literal(value, way.field, path, resolver));
  const keys = new Set(wanted.map(keyOf));
  const has = (row) => keys.has(keyOf(way.read(row)));
  if (negated) return { holds: (row) => !has(row), candidates: () => null };
  return { holds: has, candidates: () => indexed(way, wanted, resolver) };
}

function compileCompare({ path, operator, value }, way, resolver) {
  if (operator === "like") return compileLike(path, value, way, resolver);
  const wanted = literal(value, way.field, path, resolver);
  const key = keyOf(wanted);
  const test = {
    "=": (own) => own === key,
    "!=": (own) => own !== key,
    "<": (own) => own !== null && own < key,
    "<=": (own) => own !== null && own <= key,
    ">": (own) => own !== null && own > key,
    ">=": (own) => own !== null && own >= key,
  }[operator];
  return {
    holds: (row) => test(keyOf(way.read(row))),
    candidates: () => (operator === "=" ? indexed(way, [wanted], resolver) : null),
  };
}

function compileLike(path, value, way, resolver) {
  if (!isText(way.field)) {
    const kind = ["id", "reference"].includes(way.field.type) ? "id field" : `${way.field.type} field`;
    throw queryError(resolver.text, path.at, "INVALID_QUERY_FILTER_OPERATOR", `invalid operator on ${kind}`);
  }
  if (value.kind !== "string") throw wrongType(way.field, path, resolver);
  const pattern = likePattern(value);
  return {
    holds: (row) => {
      const own = way.read(row);
      return own !== null && pattern.test(own);
    },
    candidates: () => null,
  };
}

/** The rows by an index, for a field of the object itself whose values are looked for often. */
function indexed(way, wanted, resolver) {
  if (way.relation || !(way.field.indexed || way.field.name === "Id") || wanted.includes(null)) return null;
  const rows = new Set();
  for (const value of wanted) {
    for (const row of resolver.ctx.store.having(resolver.object, way.field.name, value)) rows.add(row);
  }
  return [...rows];
}

/** A literal as values of the field's type are kept. */
function literal(token, field, path, resolver) {
  if (token.kind === "word" && token.text === "null") return field.type === "boolean" ? false : null;
  const read = READERS[field.type] ?? (isText(field) ? READERS.string : READERS.double);
  const value = read(token, resolver.text);
  if (value === undefined) throw wrongType(field, path, resolver);
  if (value === INVALID_ID) {
    throw queryError(
      resolver.text,
      path.at,
      "INVALID_QUERY_FILTER_OPERATOR",
      `invalid ID field: ${plainString(token, resolver.text)}`,
    );
  }
  return value;
}

const INVALID_ID = Symbol("invalid id");

function readId(token, text) {
  if (token.kind !== "string") return undefined;
  const value = plainString(token, text);
  if (value === "") return null;
  return isId(value) ? toLongId(value) : INVALID_ID;
}

const readNumber = (token) => (token.kind === "number" ? Number(token.text) : undefined);

const READERS = {
  // An empty text and no text are the same.
  string: (token, text) => (token.kind === "string" ? plainString(token, text) || null : undefined),
  id: readId,
  reference: readId,
  boolean: (token) => (token.kind === "word" && token.text !== "null" ? token.text === "true" : undefined),
  date: (token) => (token.kind === "date" ? parseDate(token.text) : undefined),
  datetime: (token) => (token.kind === "datetime" ? parseDatetime(token.text) : undefined),
  int: readNumber,
  double: readNumber,
};

function wrongType(field, path, resolver) {
  const type = isText(field) ? "string" : field.type === "datetime" ? "dateTime" : field.type;
  const quoted = isText(field) || field.type === "id" || field.type === "reference";
  const advice = quoted ? "should be enclosed in quotes" : "should not be enclosed in quotes";
  return queryError(
    resolver.text,
    path.at,
    "INVALID_FIELD",
    `value of filter criterion for field '${field.name}' must be of type ${type} and ${advice}`,
  );
}
