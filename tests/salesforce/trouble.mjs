// Troubles that tests ask for: rules that pick requests, and what happens to those they pick.
import { badRequest, errorOfClass } from "./errors.mjs";

/** A generator whose run repeats for a seed, so that a test that failed can be seen again (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BEHAVIOURS = new Set([
  "latencyMs",
  "answerDelayMs",
  "error",
  "closeBefore",
  "closeAfter",
  "hang",
  "badJson",
  "hugeBody",
  "redirect",
]);

/** One rule as a test gives it, checked: a trouble that is misspelt must not look like none. */
function readRule(rule) {
  const {
    match = {},
    every = 1,
    skip = 0,
    probability = 1,
    count = Infinity,
    name,
    ...behaviour
  } = rule ?? {};
  const unknown = Object.keys(behaviour).find((key) => !BEHAVIOURS.has(key));
  if (unknown) throw badRequest("CONTROL", `unknown behaviour: ${unknown}`);
  if (Object.keys(behaviour).length === 0) throw badRequest("CONTROL", "a rule needs a behaviour");
  if (behaviour.error && typeof behaviour.error.code !== "string")
    throw badRequest("CONTROL", "an error needs a code");
  if (match.object && !behaviour.error)
    throw badRequest("CONTROL", "of one record only an error can be told");
  for (const [key, value] of Object.entries({ every, skip, probability, count })) {
    if (typeof value !== "number" || value < 0) throw badRequest("CONTROL", `${key} must be a number`);
  }
  return { name, match, every, skip, probability, left: count, seen: 0, applied: 0, behaviour };
}

export class Troubles {
  constructor(seed) {
    this.random = generator(seed);
    this.rules = [];
    this.down = false;
    this.slowMs = 0;
  }

  /** Puts these rules in place of those that are, or none of them if one is not understood. */
  set(rules) {
    if (!Array.isArray(rules)) throw badRequest("CONTROL", "rules must be a list");
    this.rules = rules.map(readRule);
  }

  add(rule) {
    this.rules.push(readRule(rule));
  }

  /** The behaviour of the first rule that picks this request, or null. */
  forRequest(method, path) {
    return this.#pick((match) => !match.object && matches(match, method, path));
  }

  /** The same for one record about to be written: only rules that name an object. */
  forRecord(object, operation) {
    const found = this.#pick(
      (match) =>
        match.object?.toLowerCase() === object.name.toLowerCase() &&
        (!match.operation || match.operation === operation),
    );
    if (found?.error) throw errorOfClass(found.error.code, found.error);
  }

  #pick(wanted) {
    for (const rule of this.rules) {
      if (!wanted(rule.match)) continue;
      rule.seen += 1;
      const due = rule.left > 0 && rule.seen > rule.skip && (rule.seen - rule.skip) % rule.every === 0;
      if (!due || (rule.probability < 1 && this.random() >= rule.probability)) continue;
      rule.left -= 1;
      rule.applied += 1;
      return rule.behaviour;
    }
    return null;
  }

  list() {
    return this.rules.map(({ left, ...rule }) => ({ ...rule, left: Number.isFinite(left) ? left : null }));
  }
}

function matches({ method, path }, requestMethod, requestPath) {
  if (method && ![].concat(method).some((one) => one.toUpperCase() === requestMethod)) return false;
  return !path || [].concat(path).some((prefix) => requestPath.startsWith(prefix));
}
