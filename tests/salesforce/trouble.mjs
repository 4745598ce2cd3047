// Troubles that tests ask for: rules that pick requests, and what happens to those they pick.
import { badRequest, errorOfClass } from './errors.mjs';

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
  'latencyMs', 'answerDelayMs', 'error', 'closeBefore', 'closeAfter', 'hang', 'badJson', 'hugeBody', 'redirect',
]);

export class Troubles {
  constructor(seed) {
    this.random = generator(seed);
    this.rules = [];
    this.down = false;
    this.slowMs = 0;
  }

  /** Puts these rules in place of those that are. */
  set(rules) {
    if (!Array.isArray(rules)) throw badRequest('CONTROL', 'rules must be a list');
    this.rules = [];
    for (const rule of rules) this.add(rule);
  }

  add(rule) {
    const { match = {}, every = 1, skip = 0, probability = 1, count = Infinity, name, ...behaviour } = rule ?? {};
    const unknown = Object.keys(behaviour).filter((key) => !BEHAVIOURS.has(key));
    if (unknown.length > 0) throw badRequest('CONTROL', `unknown behaviour: ${unknown.join(', ')}`);
    this.rules.push({ name, match, every, skip, probability, left: count, seen: 0, applied: 0, behaviour });
  }

  /** The behaviour of the first rule that picks this request, or null. */
  forRequest(method, path) {
    return this.#pick((match) => !match.object && matches(match, method, path));
  }

  /** The same for one record about to be written: only rules that name an object. */
  forRecord(object, operation) {
    const found = this.#pick(
      (match) => match.object?.toLowerCase() === object.name.toLowerCase() && (!match.operation || match.operation === operation),
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
