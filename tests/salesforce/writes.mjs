// Creating, changing and deleting records. What is written is read by its fields' types, checked as Salesforce
// checks it, and completed with what Salesforce fills in.
import { checkRecord } from "./checks.mjs";
import { badRequest, errorOfClass, notFound } from "./errors.mjs";
import { isId, toLongId } from "./ids.mjs";
import { readValue, showTime, Unreadable } from "./values.mjs";

/** The values of a body by field, or the error that names the first field which cannot be taken. */
function readFields(ctx, object, body, { updating, external }) {
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw badRequest(
      "JSON_PARSER_ERROR",
      "The HTTP entity body is required, but this request has no entity body.",
    );
  }
  const values = {};
  for (const [name, raw] of Object.entries(body)) {
    if (name.toLowerCase() === "attributes") continue;
    const relation = object.relationships.get(name.toLowerCase());
    if (relation && raw !== null && typeof raw === "object") {
      values[relation.name] = byExternalId(ctx, relation, raw);
      continue;
    }
    const field = object.byName.get(name.toLowerCase());
    if (!field || !ctx.access.canRead(object, field)) {
      throw badRequest("INVALID_FIELD", `No such column '${name}' on sobject of type ${object.name}`);
    }
    if (field.name === "Id" || field.name === external) {
      throw badRequest(
        "INVALID_FIELD",
        `The ${field.name} field should not be specified in the sobject data.`,
      );
    }
    if (!(updating ? field.updateable : field.createable) || !ctx.access.canWrite(object, field))
      throw unwritable(field);
    values[field.name] = read(ctx, field, body, name);
  }
  return values;
}

function unwritable(field) {
  return badRequest(
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify ` +
      "that it is read/write for your profile or permission set.",
    [field.name],
  );
}

function read(ctx, field, body, name) {
  try {
    return readValue(field, body[name]);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw badRequest(
      "JSON_PARSER_ERROR",
      `${error.message} or request may be missing a required field at ${ctx.where(body, name)}`,
    );
  }
}

/** The record that a lookup names by an external id instead of by its own. */
function byExternalId(ctx, relation, raw) {
  const name = Object.keys(raw).find((key) => key.toLowerCase() !== "attributes");
  const target = ctx.schema
    .targets(relation)
    .map((one) => ctx.schema.get(one))
    .find((one) => one.byName.get(String(name).toLowerCase())?.idLookup);
  if (!target) {
    throw badRequest(
      "INVALID_FIELD",
      `Foreign key external ID field does not exist or is not an external ID: ${name}`,
    );
  }
  const field = target.byName.get(name.toLowerCase());
  const value = read(ctx, field, raw, name);
  const [found] = ctx.store.having(target, field.name, value);
  if (found) return found.Id;
  throw badRequest(
    "INVALID_FIELD",
    `Foreign key external ID: ${String(value).toLowerCase()} not found for field ${field.name} in entity ${target.name}`,
  );
}

export function createRecord(ctx, object, body, { external, preset = {} } = {}) {
  needRight(ctx, object);
  const values = { ...readFields(ctx, object, body, { updating: false, external }), ...preset };
  const row = { ...defaults(object), ...values };
  if (object.byName.has("ownerid")) row.OwnerId ??= ctx.user.Id;
  ctx.trouble(object, "create");
  checkRecord(ctx, object, row, values, null);
  const id = ctx.store.nextId(object);
  ctx.store.insert(object, complete(ctx, object, { ...row, Id: id }, null));
  return id;
}

export function updateRecord(ctx, object, row, body, { external } = {}) {
  needRight(ctx, object);
  const values = readFields(ctx, object, body, { updating: true, external });
  ctx.trouble(object, "update");
  if (ctx.access.record(row.Id) !== "all") throw errorOfClass("INSUFFICIENT_ACCESS_OR_READONLY");
  checkRecord(ctx, object, { ...row, ...values }, values, row);
  const changed = complete(ctx, object, { ...row, ...values }, row);
  const changes = Object.fromEntries(Object.entries(changed).filter(([name, value]) => row[name] !== value));
  ctx.store.update(object, row, changes);
}

export function deleteRecord(ctx, object, row) {
  needRight(ctx, object);
  ctx.trouble(object, "delete");
  if (ctx.access.record(row.Id) !== "all") throw errorOfClass("INSUFFICIENT_ACCESS_OR_READONLY");
  ctx.store.remove(object, row);
}

function needRight(ctx, object) {
  if (ctx.access.object(object) === "all") return;
  throw badRequest(
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    `entity type cannot be inserted: ${object.label}`,
    [],
  );
}

const defaults = (object) =>
  Object.fromEntries(object.fields.map((field) => [field.name, field.defaultValue]));

/** What Salesforce fills in by itself: stamps, a person's whole name, numbers, what follows from a status. */
export function complete(ctx, object, row, before) {
  const now = showTime(ctx.now());
  const full = { ...row, LastModifiedDate: now, LastModifiedById: ctx.user.Id, SystemModstamp: now };
  if (!before) {
    full.CreatedDate = row.CreatedDate ?? now;
    full.CreatedById = ctx.user.Id;
    if (object.autoNumber) {
      const { field, text = "", pad } = object.autoNumber;
      full[field] ??= text + String(ctx.store.table(object).next - 1).padStart(pad, "0");
    }
  }
  if (object.personName) full.Name = [full.FirstName, full.LastName].filter(Boolean).join(" ");
  if (object.name === "Task") completeTask(ctx, full, now);
  return full;
}

function completeTask(ctx, row, now) {
  const closed = row.Status === "Completed";
  row.CompletedDateTime = closed ? (row.CompletedDateTime ?? now) : null;
  row.IsClosed = closed;
  row.IsHighPriority = row.Priority === "High";
  row.AccountId = accountOf(ctx, row);
}

/** The account that Salesforce derives for a Task: that of what it is about, or of whom it is with. */
function accountOf(ctx, row) {
  for (const id of [row.WhatId, row.WhoId]) {
    const object = id ? ctx.schema.ofId(id) : undefined;
    if (object?.name === "Account") return id;
    const found = object && ctx.store.get(object, id)?.AccountId;
    if (found) return found;
  }
  return null;
}

/** The row of an id in a URL, or the error that Salesforce has for an id that leads nowhere. */
export function rowOfUrl(ctx, object, id) {
  if (!isId(id)) throw notFound(`Provided external ID field does not exist or is not accessible: ${id}`);
  const row = ctx.store.get(object, id);
  if (row && ctx.access.record(row.Id) !== "none") return row;
  if (ctx.store.wasDeleted(object, id)) throw errorOfClass("ENTITY_IS_DELETED");
  if (ctx.schema.ofId(id) !== object) {
    throw badRequest("MALFORMED_ID", `${object.label} ID: id value of incorrect type: ${toLongId(id)}`, [
      "Id",
    ]);
  }
  throw notFound();
}
