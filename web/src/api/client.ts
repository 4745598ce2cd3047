// Requests to the server: typed by its OpenAPI document, signed in by cookie, with errors that say what was wrong.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

/** A type of the API by its name in the document. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

export type ProblemDetails = Schema<"ProblemDetails">;

/** A request that the server refused, or that did not reach it. */
export class Problem extends Error {
  readonly status: number;
  readonly findings: ProblemFinding[];
  /** After how many seconds it may be asked again, where the server says so. */
  readonly retryAfterSec: number | null;

  constructor(
    status: number,
    message: string,
    findings: ProblemFinding[] = [],
    retryAfterSec: number | null = null,
  ) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.findings = findings;
    this.retryAfterSec = retryAfterSec;
  }
}

/** What is wrong with a part of what was sent. */
export type ProblemFinding = {
  pointer: string;
  message: string;
  remedy?: string | null;
  code?: string | null;
};

let csrfToken = "";
const signedOut = new Set<() => void>();

/** Set where somebody signs in; a change without it is refused. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Calls back when the server says that nobody is signed in any more. Gives a function that ends it. */
export function onSignedOut(callback: () => void): () => void {
  signedOut.add(callback);
  return () => signedOut.delete(callback);
}

const session: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrfToken !== "") {
      request.headers.set("x-csrf-token", csrfToken);
    }
    return request;
  },
  onResponse({ request, response }) {
    const isSignIn = new URL(request.url).pathname.endsWith("/session");
    if (response.status === 401 && !isSignIn) {
      for (const callback of signedOut) {
        callback();
      }
    }
    return response;
  },
};

/** Paths and answers of the API below `/api/v1`. */
export const api = createClient<paths>({ baseUrl: "/api/v1", credentials: "same-origin" });
api.use(session);

type Result<T> = { data?: T; error?: unknown; response: Response };

/** The answer, or a [`Problem`]. */
export async function ask<T>(request: Promise<Result<T>>): Promise<T> {
  return (await answer(request)).data;
}

/** The answer with its ETag, or a [`Problem`]. */
export async function answer<T>(request: Promise<Result<T>>): Promise<{ data: T; etag: string }> {
  const { data, response } = await granted(request);
  // An answer without a body has the type that says so.
  return { data: data as T, etag: response.headers.get("etag") ?? "" };
}

/**
 * The address of a file, once the server has begun to send it here, or a [`Problem`]: a browser that is sent to a file has no
 * words for what is refused. Asked for with `parseAs: "stream"`; the rest of it is not taken here.
 */
export async function offeredFile(request: Promise<Result<unknown>>): Promise<string> {
  const { response } = await granted(request);
  await response.body?.cancel();
  return response.url;
}

/** What was not refused. */
async function granted<T>(request: Promise<Result<T>>): Promise<Result<T>> {
  let result: Result<T>;
  try {
    result = await request;
  } catch {
    throw new Problem(0, "The server cannot be reached.");
  }
  const { error, response } = result;
  if (!response.ok) {
    throw problem(response.status, error, response.headers.get("retry-after"));
  }
  return result;
}

/** A problem out of what the server sent, whatever that is. */
export function problem(status: number, body: unknown, retryAfter: string | null = null): Problem {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  if (typeof body === "object" && body !== null && "title" in body) {
    const details = body as ProblemDetails;
    return new Problem(status, details.detail || details.title, details.findings ?? [], seconds);
  }
  return new Problem(status, `The server answered ${status}.`, [], seconds);
}
