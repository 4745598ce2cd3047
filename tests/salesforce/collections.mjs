// Several records in one request: each has its own outcome, in the order in which they were sent.
import { ApiError, badRequest, eachError, notFound } from "./errors.mjs";
import { readValue, Unreadable } from "./values.mjs";
import { createRecord, updateRecord } from "./writes.mjs";

const MOST = 200;

/** POST /composite/sobjects: records of any object, each with its attributes.type. */
export function createCollection(ctx, body) {
  return run(ctx, body, (record) => {
    const object = typeOf(ctx, record);
    return { id: createRecord(ctx, object, record), success: true, errors: [] };
  });
}

/** PATCH /composite/sobjects/NAME/FIELD: records of one object, found by an external id or made. */
export function upsertCollection(ctx, object, field, body) {
  return run(ctx, body, (record) => {
    typeOf(ctx, record, object);
    const name = Object.keys(record).find((key) => key.toLowerCase() === field.name.toLowerCase());
    const value = name === undefined ? null : record[name];
    if (value === null || value === "")
      throw badRequest("MISSING_ARGUMENT", `${field.name} not specified`, []);
    const { [name]: _, ...rest } = record;
    const { id, created } = upsertRecord(ctx, object, field, value, rest);
    return { id, success: true, errors: [], created };
  });
}

/** Finds a record by its external id and changes it, or makes it: `{id, created}`. */
export function upsertRecord(ctx, object, field, raw, body, { updateOnly = false } = {}) {
  const value = readExternal(field, raw);
  const [row, ...others] = ctx.store.having(object, field.name, value);
  if (others.length > 0) throw severalRecords(field, [row, ...others]);
  if (row) {
    updateRecord(ctx, object, row, body, { external: field.name });
    return { id: row.Id, created: false };
  }
  if (updateOnly) throw notFound();
  return {
    id: createRecord(ctx, object, body, { external: field.name, preset: { [field.name]: value } }),
    created: true,
  };
}

/** An external id's value from an address or a body; what its field cannot hold leads to no record. */
export function readExternal(field, raw) {
  try {
    return readValue(field, raw);
  } catch (error) {
    if (error instanceof Unreadable) throw notFound();
    throw error;
  }
}

function severalRecords(field, rows) {
  const ids = rows.map((row) => row.Id).join(", ");
  return badRequest(
    "DUPLICATE_EXTERNAL_ID",
    `${field.label}: more than one record found for external id field: [${ids}]`,
    [field.name],
  );
}

function typeOf(ctx, record, wanted) {
  const type = record?.attributes?.type;
  const object = type === undefined ? undefined : ctx.schema.find(type);
  if (!object || ctx.access.object(object) === "none" || (wanted && object !== wanted)) {
    throw badRequest("INVALID_TYPE", `sObject type '${type}' is not supported.`, []);
  }
  return object;
}

function run(ctx, body, one) {
  const records = body?.records;
  if (!Array.isArray(records)) throw badRequest("JSON_PARSER_ERROR", "The records list is required");
  if (records.length > MOST) {
    throw badRequest(
      "EXCEEDED_ID_LIMIT",
      `record limit reached. cannot submit more than ${MOST} records into this call`,
    );
  }
  return ctx.store.transaction(() => {
    const outcomes = records.map((record) => attempt(() => one(record)));
    const failed = outcomes.some((outcome) => !outcome.success);
    const back = failed && body.allOrNone === true;
    return { result: back ? outcomes.map(rolledBack) : outcomes, commit: !back };
  });
}

function attempt(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code === "JSON_PARSER_ERROR") throw error;
    return { success: false, errors: eachError(error).map((one) => one.inCollection()) };
  }
}

/** With allOrNone a record that was well is taken back for the sake of one that was not. */
function rolledBack(outcome) {
  if (!outcome.success) return outcome;
  const words =
    "Record rolled back because not all records were valid and the request was using AllOrNone header";
  const error = { statusCode: "ALL_OR_NONE_OPERATION_ROLLED_BACK", message: words, fields: [] };
  return { success: false, errors: [error] };
}
