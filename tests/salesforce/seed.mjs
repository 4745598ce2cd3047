// What a seed file or the control interface puts into the org. Records are put in as they are, without the checks
// of the API, since a test wants states that the API would not let it make, such as a converted lead.
import { badRequest } from "./errors.mjs";
import { isId, toLongId } from "./ids.mjs";
import { readValue } from "./values.mjs";
import { complete } from "./writes.mjs";

export function readSeed(org, seed) {
  if (seed === null || typeof seed !== "object") throw badRequest("CONTROL", "a seed is an object");
  if (seed.objects) org.schema.extend(seed.objects);
  for (const user of seed.users ?? []) putUser(org, user);
  for (const [name, records] of Object.entries(seed.records ?? {})) {
    for (const record of records) putRecord(org, name, record);
  }
  for (const app of seed.apps ?? []) org.apps.set(app.clientId, { ...org.apps.get(app.clientId), ...app });
  for (const reply of seed.apex ?? []) org.apex.set(reply.path.replace(/^\/+|\/+$/g, ""), reply);
  if (seed.rules) org.rules = seed.rules;
  if (seed.permissions) org.permissions = { ...org.permissions, ...seed.permissions };
  if (seed.trouble) org.troubles.set(seed.trouble);
  if (seed.limit) org.limit = { ...org.limit, ...seed.limit };
  if (seed.apiDisabled !== undefined) org.apiDisabled.org = seed.apiDisabled;
  if (seed.tokens?.lifetimeSeconds !== undefined) org.lifetimeMs = seed.tokens.lifetimeSeconds * 1000;
}

function putUser(org, { apiDisabled, ...user }) {
  const row = putRecord(org, "User", user);
  if (apiDisabled === true) org.apiDisabled.users.add(row.Id);
  if (apiDisabled === false) org.apiDisabled.users.delete(row.Id);
}

/** Puts one record in, or changes the one that has its id. */
export function putRecord(org, name, record) {
  const object = org.schema.find(name);
  if (!object) throw badRequest("CONTROL", `no object ${name}`);
  const values = {};
  for (const [key, raw] of Object.entries(record)) {
    if (key === "attributes") continue;
    const field = object.byName.get(key.toLowerCase());
    if (!field) throw badRequest("CONTROL", `no field ${key} on ${name}`);
    values[field.name] = field.type === "boolean" ? raw === true : readValue(field, raw);
  }
  if (values.Id && !isId(values.Id)) throw badRequest("CONTROL", `no id: ${values.Id}`);
  return store(org, object, values);
}

function store(org, object, values) {
  const existing = values.Id ? org.store.get(object, values.Id) : undefined;
  const ctx = org.context({ Id: SYSTEM_USER, Username: "" });
  const given = { ...values };
  if (existing) {
    org.store.update(object, existing, {
      ...complete(ctx, object, { ...existing, ...values }, existing),
      ...given,
    });
    return existing;
  }
  const empty = Object.fromEntries(object.fields.map((field) => [field.name, field.defaultValue]));
  const id = values.Id ? toLongId(values.Id) : org.store.nextId(object);
  const row = { ...complete(ctx, object, { ...empty, ...values, Id: id }, null), ...given, Id: id };
  org.store.insert(object, row);
  return row;
}

/** Who stands as the maker of seeded records. */
const SYSTEM_USER = toLongId("005Hs00000Syste");
