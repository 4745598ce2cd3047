// The checks of a record before it is written, each with Salesforce's code and words.
import { ApiErrors, badRequest, errorOfClass } from "./errors.mjs";
import { isId } from "./ids.mjs";
import { isText } from "./schema/fields.mjs";

/** Throws the first complaint about a row; `values` are what this write sets, `before` the row it changes. */
export function checkRecord(ctx, object, row, values, before) {
  checkRequired(object, row, before);
  for (const field of object.fields) {
    if (!(field.name in values)) continue;
    const value = values[field.name];
    if (value === null) checkNull(field);
    else checkValue(ctx, object, field, value, before);
  }
  checkOwner(ctx, object, row, values);
  checkConverted(ctx, object, row, before);
  checkRules(ctx, object, row);
}

function checkRequired(object, row, before) {
  const missing = object.fields.filter(
    (field) =>
      !field.nillable &&
      field.createable &&
      field.type !== "boolean" &&
      (row[field.name] ?? null) === null &&
      field.name !== "OwnerId",
  );
  if (missing.length === 0 || (before && missing.every((field) => before[field.name] === null))) return;
  const names = missing.map((field) => field.name);
  throw badRequest("REQUIRED_FIELD_MISSING", `Required fields are missing: [${names.join(", ")}]`, names);
}

function checkNull(field) {
  if (field.type === "boolean") {
    throw badRequest("INVALID_TYPE_ON_FIELD_IN_RECORD", `${field.label}: value not of required type: `, [
      field.name,
    ]);
  }
}

function checkValue(ctx, object, field, value, before) {
  if (isText(field) && value.length > field.length && field.length > 0) {
    throw badRequest(
      "STRING_TOO_LONG",
      `${field.label}: data value too large: ${value} (max length=${field.length})`,
      [field.name],
    );
  }
  if (field.restrictedPicklist && !field.picklistValues.some((one) => one.value === value)) {
    throw badRequest(
      "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
      `${field.label}: bad value for restricted picklist field: ${value}`,
      [field.name],
    );
  }
  if (field.type === "int" && Math.abs(value) > 2 ** 31 - 1) {
    throw badRequest(
      "INVALID_TYPE_ON_FIELD_IN_RECORD",
      `${field.label}: value not of required type: ${value}`,
      [field.name],
    );
  }
  if (field.type === "reference") checkReference(ctx, field, value);
  if (field.unique) checkUnique(ctx, object, field, value, before);
}

function checkReference(ctx, field, id) {
  const wrong = `${field.label}: id value of incorrect type: ${id}`;
  if (!isId(id)) throw badRequest("MALFORMED_ID", wrong, [field.name]);
  const target = ctx.schema.ofId(id);
  if (!target || !ctx.schema.targets(field).includes(target.name)) {
    throw badRequest("FIELD_INTEGRITY_EXCEPTION", wrong, [field.name]);
  }
  if (ctx.store.wasDeleted(target, id)) throw badRequest("ENTITY_IS_DELETED", "entity is deleted", []);
  if (!ctx.store.get(target, id)) throw errorOfClass("INVALID_CROSS_REFERENCE_KEY");
  if (ctx.access.record(id) === "none") throw errorOfClass("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY");
}

function checkUnique(ctx, object, field, value, before) {
  for (const other of ctx.store.having(object, field.name, value)) {
    if (other.Id === before?.Id) continue;
    throw badRequest(
      "DUPLICATE_VALUE",
      `duplicate value found: ${field.name} duplicates value on record with id: ${other.Id}`,
      [],
    );
  }
}

function checkOwner(ctx, object, row, values) {
  if (!values.OwnerId) return;
  const user = ctx.store.get(ctx.schema.get("User"), row.OwnerId);
  if (!user || user.IsActive) return;
  const owned = object.name[0].toLowerCase() + object.name.slice(1);
  throw errorOfClass("INACTIVE_OWNER_OR_USER", {
    message: `operation performed with inactive user [${user.Id.slice(0, 15)}] as owner of ${owned}`,
  });
}

/** A converted lead can neither be changed nor be what an activity is with. */
function checkConverted(ctx, object, row, before) {
  if (object.name === "Lead" && before?.IsConverted) throw errorOfClass("CANNOT_UPDATE_CONVERTED_LEAD");
  if (!row.WhoId || object.name !== "Task") return;
  if (ctx.store.get(ctx.schema.get("Lead"), row.WhoId)?.IsConverted)
    throw errorOfClass("CANNOT_UPDATE_CONVERTED_LEAD");
}

/** Validation rules of the org: all that are broken are told at once. */
function checkRules(ctx, object, row) {
  const broken = ctx.rules.filter(
    (rule) => rule.object.toLowerCase() === object.name.toLowerCase() && breaks(rule, object, row),
  );
  if (broken.length === 0) return;
  throw new ApiErrors(
    broken.map((rule) =>
      badRequest("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.errorOn ? [rule.errorOn] : []),
    ),
  );
}

function breaks(rule, object, row) {
  const field = object.byName.get(rule.field.toLowerCase());
  const value = field ? (row[field.name] ?? null) : null;
  if (rule.when === "blank") return value === null;
  const wanted = /^contains (.*)$/s.exec(rule.when)?.[1];
  return wanted !== undefined && value !== null && String(value).toLowerCase().includes(wanted.toLowerCase());
}
