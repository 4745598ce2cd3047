// What one user may see and change. Salesforce has profiles, permission sets and sharing; here control says the
// outcome of them: fields hidden or read-only, objects and single records out of reach.

const RIGHTS = ["none", "read", "all"];
const lower = (names) => new Set((names ?? []).map((name) => name.toLowerCase()));

export class Access {
  /** `permissions` are those of everybody ("*") and those of this user, both holding. */
  constructor(permissions, username) {
    this.parts = [permissions["*"], permissions[username]].filter(Boolean).map((part) => ({
      hidden: perObject(part.hidden),
      readOnly: perObject(part.readOnly),
      objects: perName(part.objects),
      records: part.records ?? {},
    }));
  }

  #least(right) {
    const found = this.parts.map(right).map((name) => (RIGHTS.includes(name) ? RIGHTS.indexOf(name) : 2));
    return RIGHTS[Math.min(2, ...found)];
  }

  object(object) {
    return this.#least((part) => part.objects.get(object.name.toLowerCase()));
  }

  record(id) {
    return this.parts.length === 0
      ? "all"
      : this.#least((part) => part.records[id] ?? part.records[id.slice(0, 15)]);
  }

  canRead(object, field) {
    return !this.parts.some((part) => has(part.hidden, object, field));
  }

  canWrite(object, field) {
    return !this.parts.some((part) => has(part.readOnly, object, field));
  }
}

const perObject = (map) =>
  new Map(Object.entries(map ?? {}).map(([name, fields]) => [name.toLowerCase(), lower(fields)]));
const perName = (map) =>
  new Map(Object.entries(map ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
const has = (map, object, field) =>
  map.get(object.name.toLowerCase())?.has(field.name.toLowerCase()) ?? false;
