// Apex REST: an org's own endpoints. What they answer is what a test arranged for their paths.
import { ApiError } from "./errors.mjs";

/** `{status, body, delayMs}` of the reply arranged for a path, the longest that fits. */
export function apexAnswer(org, method, path) {
  const wanted = path.replace(/^\/+|\/+$/g, "");
  const fitting = [...org.apex.values()]
    .filter((reply) => {
      const own = reply.path.replace(/^\/+|\/+$/g, "");
      return (own === wanted || wanted.startsWith(`${own}/`)) && (!reply.method || reply.method === method);
    })
    .sort((a, b) => b.path.length - a.path.length);
  const [reply] = fitting;
  if (!reply) throw new ApiError(404, "NOT_FOUND", `Could not find a match for URL /${wanted}`);
  return { status: reply.status ?? 200, body: reply.body, delayMs: reply.delayMs ?? 0 };
}
