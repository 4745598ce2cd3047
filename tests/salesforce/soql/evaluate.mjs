// A parsed query over the records: names are resolved, values are matched with their fields' types, rows found.
import { badRequest } from "../errors.mjs";
import { keyOf } from "../store.mjs";
import { compileCondition } from "./condition.mjs";
import { queryError } from "./lexer.mjs";
import { parse } from "./parser.mjs";
import { Resolver } from "./resolve.mjs";

// The longest SOQL statement, by Salesforce's published limits.
const LONGEST = 100_000;
const MOST_OFFSET = 2000;

/** The whole answer's rows: `{count}` or `{object, rows, show}` where show makes one row's JSON. */
export function runQuery(text, ctx) {
  if (text.length > LONGEST) {
    throw badRequest("MALFORMED_QUERY", `SOQL statements cannot be longer than ${LONGEST} characters.`);
  }
  const query = parse(text);
  const object = fromObject(query, text, ctx);
  const resolver = new Resolver(object, text, ctx);
  const selected = query.select.map((path) => resolver.path(path));
  const condition = query.where ? compileCondition(query.where, resolver) : null;
  const orders = query.order.map((order) => ({ ...order, way: resolver.sortable(order.path) }));
  if (query.offset > MOST_OFFSET) {
    throw badRequest("NUMBER_OUTSIDE_VALID_RANGE", `Maximum SOQL offset allowed is ${MOST_OFFSET}`);
  }

  let rows = [];
  const candidates = condition?.candidates() ?? null;
  for (const row of candidates ?? ctx.store.all(object)) {
    if (ctx.access.record(row.Id) !== "none" && (!condition || condition.holds(row))) rows.push(row);
  }
  if (orders.length > 0) rows.sort((a, b) => compareBy(orders, a, b));
  else if (candidates) rows.sort((a, b) => (a.Id < b.Id ? -1 : 1));
  if (query.offset > 0) rows = rows.slice(query.offset);
  if (query.limit !== null) rows = rows.slice(0, query.limit);
  return { count: query.count, rows, show: (row) => resolver.show(row, selected) };
}

function fromObject(query, text, ctx) {
  const object = ctx.schema.find(query.from.text);
  if (object && ctx.access.object(object) !== "none") return object;
  throw queryError(
    text,
    query.from.at,
    "INVALID_TYPE",
    `sObject type '${query.from.text}' is not supported. If you are attempting to use a custom object, be sure to ` +
      "append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
  );
}

function compareBy(orders, a, b) {
  for (const { way, descending, nullsLast } of orders) {
    const [x, y] = [keyOf(way.read(a)), keyOf(way.read(b))];
    if (x === y) continue;
    if (x === null || y === null) return (x === null) === nullsLast ? 1 : -1;
    return x < y === descending ? 1 : -1;
  }
  return 0;
}
