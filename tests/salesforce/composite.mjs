// Several requests in one, where a later one may use what an earlier one answered.
import { ApiError, badRequest } from "./errors.mjs";

const MOST = 25;
const REFERENCE = /@\{([^}]*)\}/g;
const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
// Headers that a part takes from the whole request and may not have of its own.
const OWN_TO_THE_WHOLE = new Set(["accept", "authorization", "content-type"]);

/** POST /composite. `answer` is how one part is answered: the data API itself. */
export function composite(ctx, body, answer) {
  const parts = checkParts(ctx, body);
  const wholly = body.allOrNone === true;
  const result = ctx.store.transaction(() => {
    const done = new Map();
    const answers = [];
    for (const part of parts) {
      const outcome = runPart(ctx, part, done, answer);
      done.set(part.referenceId, outcome);
      answers.push(outcome);
      if (wholly && failed(outcome)) break;
    }
    const back = wholly && answers.some(failed);
    return { result: back ? parts.map((part, i) => takenBack(part, answers[i])) : answers, commit: !back };
  });
  return { compositeResponse: result };
}

function checkParts(ctx, body) {
  const parts = body?.compositeRequest;
  if (!Array.isArray(parts)) throw badRequest("JSON_PARSER_ERROR", "compositeRequest is required");
  if (parts.length > MOST) {
    throw badRequest("LIMIT_EXCEEDED", `A composite request can have no more than ${MOST} subrequests`);
  }
  const seen = new Set();
  for (const part of parts) {
    checkPart(ctx, part);
    if (seen.has(part.referenceId))
      throw badRequest("INVALID_INPUT", `Duplicate referenceId: ${part.referenceId}`);
    seen.add(part.referenceId);
  }
  return parts;
}

function checkPart(ctx, part) {
  for (const name of ["method", "url", "referenceId"]) {
    if (typeof part?.[name] !== "string")
      throw badRequest("JSON_PARSER_ERROR", `Missing required field: ${name}`);
  }
  if (!METHODS.has(part.method)) throw badRequest("INVALID_INPUT", `Invalid method: ${part.method}`);
  // Before version 52 such a name was accepted; since then the whole request fails for it.
  if (Number(ctx.version) >= 52 && !/^[A-Za-z0-9][A-Za-z0-9_]*$/.test(part.referenceId)) {
    throw badRequest(
      "INVALID_INPUT",
      `Provided referenceId ('${part.referenceId}') must start with a letter or a number, and it can contain only ` +
        "letters, numbers and underscores ('_').",
    );
  }
  const forbidden = Object.keys(part.httpHeaders ?? {}).find((name) =>
    OWN_TO_THE_WHOLE.has(name.toLowerCase()),
  );
  if (forbidden) throw badRequest("INVALID_INPUT", `Header not allowed in a subrequest: ${forbidden}`);
}

function runPart(ctx, part, done, answer) {
  const shape = (httpStatusCode, body, httpHeaders = {}) => ({
    body,
    httpHeaders,
    httpStatusCode,
    referenceId: part.referenceId,
  });
  try {
    const fill = new Filler(ctx, done);
    const { segments, query } = readUrl(fill.text(part.url));
    const found = answer(ctx, {
      method: part.method,
      segments,
      query,
      body: part.body === undefined ? undefined : fill.all(part.body),
    });
    return shape(found.status, found.body ?? null, found.headers);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return shape(error.status, error.body());
  }
}

/** The parts of an address after /services/data, and its query. */
function readUrl(text) {
  const wrong = badRequest("INVALID_INPUT", `Invalid url: ${text}`);
  let url, segments;
  try {
    url = new URL(text, "http://standin");
    segments = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    throw wrong;
  }
  if (segments[0] !== "services" || segments[1] !== "data") throw wrong;
  return { segments: segments.slice(2), query: Object.fromEntries(url.searchParams) };
}

/** Puts what earlier parts answered where a text says @{ref.path}. */
class Filler {
  constructor(ctx, done) {
    this.ctx = ctx;
    this.done = done;
  }

  all(value) {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.all(one));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.all(one)]));
  }

  /** A text with its references filled in; what is empty leaves an empty text, which means nothing at all. */
  text(text) {
    return text.replace(REFERENCE, (_, reference) => String(this.#lookUp(reference) ?? ""));
  }

  #lookUp(reference) {
    const [name, ...steps] = reference.split(/[.[\]]+/).filter(Boolean);
    const earlier = this.done.get(name);
    let value = earlier && earlier.httpStatusCode < 400 ? earlier.body : undefined;
    for (const step of steps)
      value = value === null || typeof value !== "object" ? undefined : own(value, step);
    // A field that is there and empty was an error before version 52.
    if (value !== undefined && (value !== null || Number(this.ctx.version) >= 52)) return value;
    throw badRequest(
      "PROCESSING_HALTED",
      `Invalid reference specified. No value for ${reference} found in ${name}`,
    );
  }
}

const own = (value, step) => (Object.hasOwn(value, step) ? value[step] : undefined);

/** A part failed when its status says so, or when it is a collection in which a record failed. */
function failed({ httpStatusCode, body }) {
  return httpStatusCode >= 400 || (Array.isArray(body) && body.some((one) => one?.success === false));
}

/**
 * What allOrNone answers for a part when one failed: the failed one tells its error, the others that they were taken
 * back. A collection's answer stays as it was, even where it says "success" of a record that was taken back with it.
 */
function takenBack(part, outcome) {
  if (outcome && (failed(outcome) || Array.isArray(outcome.body))) return outcome;
  const words = "The transaction was rolled back since another operation in the same transaction failed.";
  return {
    body: [{ errorCode: "PROCESSING_HALTED", message: words }],
    httpHeaders: {},
    httpStatusCode: 400,
    referenceId: part.referenceId,
  };
}
