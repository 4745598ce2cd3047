// Every request that came, for tests to ask what was sent and how often.

export class RequestLog {
  constructor() {
    this.entries = [];
    this.next = 1;
  }

  add(entry) {
    const made = { n: this.next, at: new Date().toISOString(), status: null, ...entry };
    this.next += 1;
    this.entries.push(made);
    return made;
  }

  clear() {
    this.entries = [];
  }

  /** Entries by method, path prefix, status, and "later than number n". */
  find({ method, path, status, after, limit }) {
    const found = this.entries.filter(
      (entry) =>
        (!method || entry.method === method.toUpperCase()) &&
        (!path || entry.path.startsWith(path)) &&
        (!status || String(entry.status) === status) &&
        (!after || entry.n > Number(after)),
    );
    return {
      count: found.length,
      entries: limit === undefined ? found : found.slice(-Number(limit) || found.length),
    };
  }
}
