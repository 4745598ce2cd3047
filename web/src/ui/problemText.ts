import { Problem } from "../api/client";
import { sentence } from "../live/words";

/** Not now, and later perhaps. */
const UNAVAILABLE = 503;

/** Why something was not done, in sentences; where the server has no place at this moment, also when to ask again. */
export function problemText(error: unknown): string {
  const text = sentence(error instanceof Error ? error.message : "Something went wrong.");
  const seconds = error instanceof Problem && error.status === UNAVAILABLE ? error.retryAfterSec : null;
  // Some say it themselves.
  if (seconds === null || /again in/.test(text)) {
    return text;
  }
  return `${text} Try again in ${seconds === 1 ? "a second" : `${seconds} seconds`}.`;
}
