// Several requests in one, where a later one may use what an earlier one answered.
import { ApiError, badRequest } from './errors.mjs';

const MOST = 25;
const REFERENCE = /@\{([^}]*)\}/g;

/** POST /composite. `answer` is how one part is answered: the data API itself. */
export function composite(ctx, body, answer) {
  const parts = checkParts(body);
  const { result } = ctx.store.transaction(() => {
    const done = new Map();
    const answers = parts.map((part) => {
      const outcome = runPart({ ...ctx, wholly: body.allOrNone === true || ctx.wholly }, part, done, answer);
      done.set(part.referenceId, outcome);
      return outcome;
    });
    const failed = answers.some((outcome) => outcome.httpStatusCode >= 400);
    const back = failed && body.allOrNone === true;
    return { result: back ? answers.map(halted) : answers, commit: !back };
  });
  return { compositeResponse: result };
}

function checkParts(body) {
  const parts = body?.compositeRequest;
  if (!Array.isArray(parts)) throw badRequest('JSON_PARSER_ERROR', 'compositeRequest is required');
  if (parts.length > MOST) {
    throw badRequest('LIMIT_EXCEEDED', `The composite request can contain no more than ${MOST} subrequests.`);
  }
  const seen = new Set();
  for (const part of parts) {
    for (const name of ['method', 'url', 'referenceId']) {
      if (typeof part?.[name] !== 'string') throw badRequest('JSON_PARSER_ERROR', `Missing required field: ${name}`);
    }
    if (seen.has(part.referenceId)) {
      throw badRequest('INVALID_FIELD', `Duplicate referenceId: ${part.referenceId}`);
    }
    seen.add(part.referenceId);
  }
  return parts;
}

function runPart(ctx, part, done, answer) {
  try {
    const url = new URL(fill(part.url, done), 'http://standin');
    const segments = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
    if (segments[0] !== 'services' || segments[1] !== 'data') throw badRequest('INVALID_INPUT', `Invalid url: ${part.url}`);
    const found = answer(ctx, {
      method: part.method,
      segments: segments.slice(2),
      query: Object.fromEntries(url.searchParams),
      body: part.body === undefined ? undefined : fillAll(part.body, done),
    });
    return { body: found.body ?? null, httpHeaders: found.headers ?? {}, httpStatusCode: found.status, referenceId: part.referenceId };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { body: error.body(), httpHeaders: {}, httpStatusCode: error.status, referenceId: part.referenceId };
  }
}

/** Puts what earlier parts answered where a text says @{ref.path}. */
function fill(text, done) {
  return text.replace(REFERENCE, (_, reference) => String(lookUp(reference, done)));
}

function fillAll(value, done) {
  if (typeof value === 'string') return fill(value, done);
  if (Array.isArray(value)) return value.map((one) => fillAll(one, done));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fillAll(one, done)]));
}

function lookUp(reference, done) {
  const [name, ...steps] = reference.split(/[.[\]]+/).filter(Boolean);
  const earlier = done.get(name);
  let value = earlier && earlier.httpStatusCode < 400 ? earlier.body : undefined;
  for (const step of steps) value = value === null || typeof value !== 'object' ? undefined : value[step];
  if (value === undefined || value === null) {
    throw badRequest('PROCESSING_HALTED', `Invalid reference specified. No value for ${reference} found in ${name}`);
  }
  return value;
}

/** With allOrNone a part that was well is answered as taken back. */
function halted(outcome) {
  if (outcome.httpStatusCode >= 400) return outcome;
  return {
    ...outcome,
    body: [{ errorCode: 'PROCESSING_HALTED', message: 'The transaction was rolled back since another operation in the same transaction failed.' }],
    httpHeaders: {},
    httpStatusCode: 400,
  };
}
