// The data API under /services/data: from a method and a path to an answer. Composite requests come through here
// too, one part at a time.
import { createCollection, readExternal, upsertCollection, upsertRecord } from "./collections.mjs";
import { composite } from "./composite.mjs";
import { ApiError, badRequest, methodNotAllowed, notFound } from "./errors.mjs";
import { moreAnswer, queryAnswer } from "./query.mjs";
import { isOffered, versions } from "./versions.mjs";
import { createRecord, deleteRecord, rowOfUrl, updateRecord } from "./writes.mjs";

export { versions };

const json = (status, body, headers = {}) => ({ status, body, headers });

/** The answer to one request: `segments` are the path's parts after /services/data. */
export function dataAnswer(ctx, { method, segments, query, body }) {
  const [version, resource, ...rest] = segments;
  ctx = { ...ctx, version: String(version).replace(/^v/, "") };
  if (!isOffered(version)) throw notFound();
  if (resource === undefined) return needMethod(method, { GET: () => json(200, resources(ctx.version)) });
  if (!Object.hasOwn(RESOURCES, resource)) throw notFound();
  return RESOURCES[resource](ctx, { method, rest, query, body });
}

const RESOURCES = {
  limits: (ctx, { method }) => needMethod(method, { GET: () => json(200, limits(ctx)) }),
  query: (ctx, { method, rest, query }) =>
    needMethod(method, {
      GET: () => json(200, rest[0] ? moreAnswer(ctx, rest[0]) : queryAnswer(ctx, query.q)),
    }),
  sobjects: (ctx, request) => sobjects(ctx, request),
  composite: (ctx, request) => compositeResource(ctx, request),
};

function needMethod(method, ways) {
  if (!Object.hasOwn(ways, method)) throw methodNotAllowed(method, Object.keys(ways));
  return ways[method]();
}

function resources(version) {
  const base = `/services/data/v${version}`;
  return Object.fromEntries(
    ["limits", "query", "sobjects", "composite"].map((name) => [name, `${base}/${name}`]),
  );
}

function limits({ org }) {
  const { used, max } = org.limit;
  return { DailyApiRequests: { Max: max, Remaining: Math.max(0, max - used) } };
}

function sobjects(ctx, { method, rest, query, body }) {
  if (rest.length === 0) return needMethod(method, { GET: () => json(200, listObjects(ctx)) });
  const object = objectOf(ctx, rest[0]);
  if (rest.length === 1)
    return needMethod(method, { POST: () => created(ctx, object, createRecord(ctx, object, body)) });
  if (rest.length === 2 && rest[1] === "describe") {
    return needMethod(method, { GET: () => json(200, ctx.schema.describe(object, ctx.version, ctx.access)) });
  }
  if (rest.length === 2) return oneRecord(ctx, object, rest[1], { method, query, body });
  if (rest.length === 3) return byField(ctx, object, rest[1], rest[2], { method, query, body });
  throw notFound();
}

/** The object of an address; one out of the user's reach is as if it were not there. */
function objectOf(ctx, name) {
  const object = ctx.schema.get(name);
  if (ctx.access.object(object) === "none") throw notFound();
  return object;
}

function listObjects(ctx) {
  const shown = [...ctx.schema.objects.values()].filter((object) => ctx.access.object(object) !== "none");
  return {
    encoding: "UTF-8",
    maxBatchSize: 200,
    sobjects: shown.map(({ name, label, prefix, custom }) => ({ name, label, keyPrefix: prefix, custom })),
  };
}

function created(ctx, object, id) {
  return json(201, { id, success: true, errors: [] }, { Location: urlOf(ctx, object, id) });
}

const urlOf = (ctx, object, id) => `/services/data/v${ctx.version}/sobjects/${object.name}/${id}`;

function oneRecord(ctx, object, id, { method, query, body }) {
  const row = () => rowOfUrl(ctx, object, id);
  return needMethod(method, {
    GET: () => json(200, show(ctx, object, row(), query.fields)),
    PATCH: () => {
      updateRecord(ctx, object, row(), body);
      return json(204);
    },
    DELETE: () => {
      deleteRecord(ctx, object, row());
      return json(204);
    },
  });
}

function show(ctx, object, row, wanted) {
  const shown = { attributes: { type: object.name, url: urlOf(ctx, object, row.Id) } };
  const fields =
    wanted === undefined
      ? object.fields.filter((field) => ctx.access.canRead(object, field))
      : wanted.split(",").map((name) => known(ctx, object, name.trim()));
  for (const field of fields) shown[field.name] = row[field.name] ?? null;
  return shown;
}

function known(ctx, object, name) {
  const field = object.byName.get(name.toLowerCase());
  if (field && ctx.access.canRead(object, field)) return field;
  throw badRequest("INVALID_FIELD", `No such column '${name}' on sobject of type ${object.name}`);
}

function byField(ctx, object, name, value, { method, query, body }) {
  const field = object.byName.get(name.toLowerCase());
  if (!field?.idLookup || field.name === "Id" || !ctx.access.canRead(object, field)) {
    throw notFound(`Provided external ID field does not exist or is not accessible: ${name}`);
  }
  const one = () => {
    const [row] = matching(ctx, object, field, value);
    if (!row) throw notFound();
    return row;
  };
  return needMethod(method, {
    GET: () => json(200, show(ctx, object, one(), query.fields)),
    PATCH: () => upsert(ctx, object, field, value, { query, body }),
    DELETE: () => {
      deleteRecord(ctx, object, one());
      return json(204);
    },
  });
}

/** The record with an external id, if any; several are answered with the list of their addresses, under 300. */
function matching(ctx, object, field, value) {
  const rows = [...ctx.store.having(object, field.name, readExternal(field, value))];
  if (rows.length <= 1) return rows;
  const error = new ApiError(300, "MULTIPLE_CHOICES", "several records have this external id");
  error.body = () => rows.map((row) => urlOf(ctx, object, row.Id));
  throw error;
}

function upsert(ctx, object, field, value, { query, body }) {
  matching(ctx, object, field, value);
  const outcome = upsertRecord(ctx, object, field, value, body, { updateOnly: query.updateOnly === "true" });
  const answer = { id: outcome.id, success: true, errors: [] };
  // Since version 46 the answer says whether the record was made; before, a change was answered with nothing.
  if (Number(ctx.version) >= 46)
    return json(outcome.created ? 201 : 200, { ...answer, created: outcome.created });
  return outcome.created ? json(201, answer) : json(204);
}

function compositeResource(ctx, { method, rest, body }) {
  if (rest.length === 0)
    return needMethod(method, { POST: () => json(200, composite(ctx, body, dataAnswer)) });
  if (rest[0] !== "sobjects") throw notFound();
  if (rest.length === 1) return needMethod(method, { POST: () => json(200, createCollection(ctx, body)) });
  if (rest.length !== 3) throw notFound();
  return needMethod(method, {
    PATCH: () => {
      const object = objectOf(ctx, rest[1]);
      const field = object.byName.get(rest[2].toLowerCase());
      if (!field?.externalId || !ctx.access.canRead(object, field)) {
        throw notFound(`Provided external ID field does not exist or is not accessible: ${rest[2]}`);
      }
      return json(200, upsertCollection(ctx, object, field, body));
    },
  });
}
