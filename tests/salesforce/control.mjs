// The interface by which tests arrange the stand-in and look into it, under /_control/. No sign-in: it listens on
// the loopback address alone.
import { ApiError, badRequest } from "./errors.mjs";
import { putRecord, readSeed } from "./seed.mjs";
import { keyOf } from "./store.mjs";
import { readValue } from "./values.mjs";

const ROUTES = {
  "POST reset": (org, { body }) => {
    org.reset(body.seed !== false);
    return { ok: true };
  },
  "POST seed": (org, { body }) => {
    readSeed(org, body);
    return { ok: true };
  },
  "GET records": (org, { query }) => records(org, query),
  "POST records": (org, { body }) => ({ record: putRecord(org, body.object, body.record) }),
  "GET log": (org, { query }) => org.log.find(query),
  "DELETE log": (org) => {
    org.log.clear();
    return { ok: true };
  },
  "POST tokens": (org, { body }) => {
    if (typeof body.lifetimeSeconds !== "number")
      throw badRequest("CONTROL", "lifetimeSeconds must be a number");
    org.lifetimeMs = body.lifetimeSeconds * 1000;
    return { ok: true };
  },
  "DELETE tokens": (org) => {
    const revoked = org.tokens.size;
    org.tokens.clear();
    return { revoked };
  },
  "GET limit": (org) => org.limit,
  "POST limit": (org, { body }) => {
    org.limit = { ...org.limit, ...body };
    return org.limit;
  },
  "GET trouble": (org) => ({
    rules: org.troubles.list(),
    down: org.troubles.down,
    slowMs: org.troubles.slowMs,
  }),
  "POST trouble": (org, { body }) => {
    if (Array.isArray(body.rules)) org.troubles.set(body.rules);
    else org.troubles.add(body);
    return { rules: org.troubles.list() };
  },
  "DELETE trouble": (org) => {
    org.troubles.set([]);
    org.troubles.down = false;
    org.troubles.slowMs = 0;
    return { ok: true };
  },
  "POST down": (org, { body }) => {
    org.troubles.down = body.down !== false;
    return { down: org.troubles.down };
  },
  "POST slow": (org, { body }) => {
    org.troubles.slowMs = Number(body.ms) || 0;
    return { ms: org.troubles.slowMs };
  },
  "GET duplicates": (org, { query }) => duplicates(org, query),
};

/** The answer to a control request. */
export function control(org, method, name, query, body) {
  const route = ROUTES[`${method === "PUT" ? "POST" : method} ${name}`];
  if (!route) throw new ApiError(404, "CONTROL", `no control ${method} ${name}`);
  return route(org, { query, body: body ?? {} });
}

function objectOf(org, name) {
  const object = org.schema.find(name ?? "");
  if (!object) throw badRequest("CONTROL", `no object ${name}`);
  return object;
}

function fieldOf(object, name) {
  const field = object.byName.get(String(name ?? "").toLowerCase());
  if (!field) throw badRequest("CONTROL", `no field ${name} on ${object.name}`);
  return field;
}

function records(org, { object: name, field, value }) {
  const object = objectOf(org, name);
  const rows = field ? having(org, object, fieldOf(object, field), value) : org.store.all(object);
  const found = [...rows];
  return { totalSize: found.length, records: found };
}

const having = (org, object, field, value) =>
  org.store.having(object, field.name, readValue(field, value ?? null));

/** How many records share a field's value: `duplicated` values, and `extra` records beyond the first of each. */
function duplicates(org, { object: name, field: fieldName }) {
  const object = objectOf(org, name);
  const field = fieldOf(object, fieldName);
  const counts = new Map();
  let rows = 0;
  for (const row of org.store.all(object)) {
    rows += 1;
    const key = keyOf(row[field.name]);
    if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const several = [...counts].filter(([, count]) => count > 1);
  return {
    object: object.name,
    field: field.name,
    rows,
    values: counts.size,
    duplicated: several.length,
    extra: several.reduce((sum, [, count]) => sum + count - 1, 0),
    examples: several.slice(0, 20).map(([value, count]) => ({ value, count })),
  };
}
