// One HTTP request from its first byte to its answer: control, sign-in, data and Apex, under whatever trouble is
// arranged.
import { apexAnswer } from "./apex.mjs";
import { dataAnswer, versions } from "./api.mjs";
import { control } from "./control.mjs";
import { ApiError, badRequest, errorOfClass, notFound, OAuthError } from "./errors.mjs";
import { parseJson } from "./json.mjs";
import { tokenRequest, userInfo, userOfToken } from "./oauth.mjs";

// No request of the data API may be larger; and so large may be an address, or an address and the headers.
const LARGEST_BODY = 50 * 1024 * 1024;
const LONGEST_ADDRESS = 16_384;
const HUGE_BODY_BYTES = 64 * 1024 * 1024;

const wait = (ms) => (ms > 0 ? new Promise((done) => setTimeout(done, ms)) : Promise.resolve());

export function requestHandler(org) {
  return (request, response) => {
    handle(org, request, response).catch((error) => {
      if (!response.headersSent)
        send(response, {
          status: 500,
          body: errorOfClass("UNKNOWN_EXCEPTION", { message: String(error) }).body(),
        });
    });
  };
}

async function handle(org, request, response) {
  const text = await readBody(request);
  const url = new URL(request.url, "http://standin");
  const query = Object.fromEntries(url.searchParams);
  if (url.pathname.startsWith("/_control/"))
    return send(response, controlAnswer(org, request, url, query, text));

  const entry = org.log.add({
    method: request.method,
    path: url.pathname,
    query,
    body: shownBody(request, text),
  });
  const answer =
    tooLong(request, text) ??
    (await underTrouble(org, request, entry, () => route(org, request, url, query, text, entry)));
  if (answer === null) return undefined;
  entry.status = answer.status;
  return send(response, answer);
}

/** What no handler reads is turned away before anything else. */
function tooLong(request, text) {
  if (request.url.length > LONGEST_ADDRESS) return { status: 414, text: "URI Too Long" };
  const all = request.url.length + request.rawHeaders.join("").length;
  if (all > LONGEST_ADDRESS) return { status: 431, text: "Request Header Fields Too Large" };
  return text === null ? { status: 413, text: "Request Entity Too Large" } : null;
}

/** The answer as the trouble that picked this request leaves it; null when there is to be none. */
async function underTrouble(org, request, entry, answerIt) {
  if (org.troubles.down) return close(request, entry);
  const era = org.era;
  const trouble = org.troubles.forRequest(entry.method, entry.path);
  entry.trouble = trouble;
  await wait(org.troubles.slowMs + (trouble?.latencyMs ?? 0));
  // A request that waited while a test reset the org belongs to a test that is over: it must not write.
  if (trouble?.closeBefore || org.era !== era) return close(request, entry);
  if (trouble?.hang && !trouble.hang.effect) return leave(entry);

  const instead = trouble?.error || trouble?.redirect;
  const answer = instead ? troubled(org, entry.path, trouble) : answerIt();
  await wait((trouble?.answerDelayMs ?? 0) + (answer.delayMs ?? 0));
  if (trouble?.closeAfter) return close(request, entry);
  return trouble?.hang ? leave(entry) : spoil(answer, trouble);
}

function close(request, entry) {
  entry.status = "closed";
  request.socket.destroy();
  return null;
}

/** No answer, ever: the client's own patience is what ends it. */
function leave(entry) {
  entry.status = "hung";
  return null;
}

function troubled(org, path, { error, redirect }) {
  if (redirect) return { status: 302, headers: { Location: redirect } };
  const inOAuth = path.startsWith("/services/oauth2/");
  const made = inOAuth
    ? new OAuthError(error.code, error.message ?? error.code, error.status)
    : errorOfClass(error.code, error);
  return { status: made.status, body: made.body(), headers: { ...limitHeader(org), ...error.headers } };
}

function spoil(answer, trouble) {
  if (trouble?.badJson) {
    const text = JSON.stringify(answer.body ?? { id: null });
    return {
      ...answer,
      body: undefined,
      text: text.slice(0, Math.max(1, Math.floor(text.length / 2))),
      type: "application/json",
    };
  }
  if (trouble?.hugeBody) {
    const bytes = trouble.hugeBody === true ? HUGE_BODY_BYTES : trouble.hugeBody;
    return {
      ...answer,
      body: undefined,
      text: `[${" ".repeat(Math.max(0, bytes - 2))}]`,
      type: "application/json",
    };
  }
  return answer;
}

function route(org, request, url, query, text, entry) {
  try {
    const parts = segmentsOf(url.pathname);
    if (parts[0] !== "services") throw notFound();
    if (parts[1] === "oauth2") return oauth(org, request, parts[2], text);
    if (parts[1] === "data") return data(org, request, parts.slice(2), query, text, entry);
    if (parts[1] === "apexrest") return apex(org, request, parts.slice(2), entry);
    throw notFound();
  } catch (error) {
    return errorAnswer(org, error);
  }
}

function errorAnswer(org, error) {
  if (error instanceof OAuthError)
    return { status: error.status, body: error.body(), headers: { "Cache-Control": "no-store" } };
  if (error instanceof ApiError)
    return { status: error.status, body: error.body(), headers: limitHeader(org) };
  return {
    status: 500,
    body: errorOfClass("UNKNOWN_EXCEPTION", { message: String(error?.stack ?? error) }).body(),
  };
}

function segmentsOf(path) {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    throw notFound();
  }
}

function oauth(org, request, name, text) {
  if (name === "token" && request.method === "POST") {
    return {
      status: 200,
      body: tokenRequest(org, new URLSearchParams(text), request.headers.authorization),
      headers: { "Cache-Control": "no-store" },
    };
  }
  if (name === "userinfo") {
    const user = userOfToken(org, request.headers.authorization);
    if (!user) return { status: 403, text: "Bad_OAuth_Token" };
    return { status: 200, body: userInfo(org, user) };
  }
  throw notFound();
}

function data(org, request, segments, query, text, entry) {
  if (segments.length === 0 && request.method === "GET") return { status: 200, body: versions() };
  const user = admitted(org, request, entry);
  const { value: body, where } = text === "" ? {} : parseJson(needJson(request, text));
  const ctx = { ...org.context(user), where: where ?? (() => "[line:1, column:1]") };
  const answer = dataAnswer(ctx, { method: methodOf(request, query), segments, query, body });
  return { ...answer, headers: { ...answer.headers, ...limitHeader(org) } };
}

function apex(org, request, segments, entry) {
  admitted(org, request, entry);
  return { ...apexAnswer(org, request.method, segments.join("/")), headers: limitHeader(org) };
}

/** A PATCH may come as a POST that says so, for clients that cannot send one. */
const methodOf = (request, query) => (request.method === "POST" && query._HttpMethod) || request.method;

/** Who asks, once counted and let in; otherwise the error that Salesforce turns away with. */
function admitted(org, request, entry) {
  const authorization = request.headers.authorization;
  if (!/^(Bearer|OAuth)\s/i.test(authorization ?? "")) throw errorOfClass("INVALID_AUTH_HEADER");
  const user = userOfToken(org, authorization);
  if (!user) throw errorOfClass("INVALID_SESSION_ID");
  entry.user = user.Username;
  if (org.apiDisabled.org) throw errorOfClass("API_DISABLED_FOR_ORG");
  if (org.apiDisabled.users.has(user.Id)) throw errorOfClass("API_CURRENTLY_DISABLED");
  if (org.limit.used >= org.limit.max) throw errorOfClass("REQUEST_LIMIT_EXCEEDED");
  org.limit.used += 1;
  return user;
}

const limitHeader = (org) => ({ "Sforce-Limit-Info": `api-usage=${org.limit.used}/${org.limit.max}` });

function needJson(request, text) {
  if (isJson(request)) return text;
  throw new ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type");
}

const isJson = (request) => /\bjson\b/.test(request.headers["content-type"] ?? "");

function controlAnswer(org, request, url, query, text) {
  try {
    const body = text ? parseJson(text).value : {};
    return {
      status: 200,
      body: control(org, request.method, url.pathname.slice("/_control/".length), query, body),
    };
  } catch (error) {
    // Whatever a test's seed or rule breaks on, the test is what must be told.
    const told = error instanceof ApiError ? error : badRequest("CONTROL", String(error?.message ?? error));
    return { status: told.status, body: told.body() };
  }
}

function shownBody(request, text) {
  if (!text) return null;
  if (!isJson(request)) return text;
  try {
    return parseJson(text).value;
  } catch {
    return text;
  }
}

/** The body as text, or null when it is larger than anybody reads. */
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= LARGEST_BODY) chunks.push(chunk);
  }
  return size > LARGEST_BODY ? null : Buffer.concat(chunks).toString("utf8");
}

function send(response, { status, body, text, headers = {}, type }) {
  const content = body === undefined ? (text ?? "") : JSON.stringify(body);
  const kind = type ?? (body === undefined ? "text/html;charset=UTF-8" : "application/json;charset=UTF-8");
  const about = content === "" ? {} : { "Content-Type": kind, "Content-Length": Buffer.byteLength(content) };
  response.writeHead(status, { ...headers, ...about });
  response.end(content);
}
