// Several records in one request: each has its own outcome, in the order in which they were sent.
import { ApiError, badRequest, eachError } from './errors.mjs';
import { createRecord, updateRecord } from './writes.mjs';

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
    if (value === null || value === '') throw badRequest('MISSING_ARGUMENT', `${field.name} not specified`, []);
    const { [name]: _, ...rest } = record;
    const { id, created } = upsertRecord(ctx, object, field, value, rest);
    return { id, success: true, errors: [], created };
  });
}

/** Finds a record by its external id and changes it, or makes it. `matches` is set when several have that value. */
export function upsertRecord(ctx, object, field, raw, body, { updateOnly = false } = {}) {
  const matches = [...ctx.store.having(object, field.name, String(raw))];
  if (matches.length > 1) {
    const error = new ApiError(300, 'DUPLICATE_EXTERNAL_ID', `${field.name}: more than one record found for external id field: [${matches.map((row) => row.Id).join(', ')}]`, [field.name]);
    error.matches = matches;
    throw error;
  }
  if (matches.length === 1) {
    updateRecord(ctx, object, matches[0], body, { external: field.name });
    return { id: matches[0].Id, created: false };
  }
  if (updateOnly) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
  const preset = { [field.name]: String(raw) };
  return { id: createRecord(ctx, object, body, { external: field.name, preset }), created: true };
}

function typeOf(ctx, record, wanted) {
  const type = record?.attributes?.type;
  const object = type === undefined ? undefined : ctx.schema.find(type);
  if (!object || (wanted && object !== wanted)) {
    throw badRequest('INVALID_TYPE', `sObject type '${type}' is not supported.`, []);
  }
  return object;
}

function run(ctx, body, one) {
  const records = body?.records;
  if (!Array.isArray(records)) throw badRequest('JSON_PARSER_ERROR', 'The records list is required');
  if (records.length > MOST) {
    throw badRequest('EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${MOST} records into this call`);
  }
  const { result } = ctx.store.transaction(() => {
    const outcomes = records.map((record) => attempt(() => one(record)));
    const failed = outcomes.some((outcome) => !outcome.success);
    const back = failed && (body.allOrNone === true || ctx.wholly);
    return { result: back ? outcomes.map(rolledBack) : outcomes, commit: !back };
  });
  return result;
}

function attempt(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code === 'JSON_PARSER_ERROR') throw error;
    return { success: false, errors: eachError(error).map((one) => one.inCollection()) };
  }
}

/** With allOrNone a record that was well is taken back for the sake of one that was not. */
function rolledBack(outcome) {
  if (!outcome.success) return outcome;
  return {
    success: false,
    errors: [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message: 'Record rolled back because not all records were valid and the request was using AllOrNone header', fields: [] }],
  };
}
