// The records, in memory: one table an object, with indexes over the fields that are searched by equality, and a
// journal so that a request which must take effect wholly or not at all can be taken back.
import { makeId, toLongId } from "./ids.mjs";

/** Values are the same in Salesforce when they differ by case alone. */
export const keyOf = (value) => (typeof value === "string" ? value.toLowerCase() : value);

class Table {
  constructor(object) {
    this.object = object;
    this.rows = new Map();
    this.deleted = new Map();
    this.indexes = new Map();
    this.next = 1;
  }

  /** The rows by a field's value; made when first asked for, since a seed may add fields later. */
  index(name) {
    let index = this.indexes.get(name);
    if (!index) {
      index = new Map();
      this.indexes.set(name, index);
      for (const row of this.rows.values()) enter(index, row[name], row);
    }
    return index;
  }

  put(row) {
    this.rows.set(row.Id, row);
    for (const [name, index] of this.indexes) enter(index, row[name], row);
  }

  drop(row) {
    this.rows.delete(row.Id);
    for (const [name, index] of this.indexes) leave(index, row[name], row);
  }
}

function enter(index, value, row) {
  if (value === null || value === undefined) return;
  const key = keyOf(value);
  const rows = index.get(key);
  if (rows) rows.add(row);
  else index.set(key, new Set([row]));
}

function leave(index, value, row) {
  if (value === null || value === undefined) return;
  const key = keyOf(value);
  const rows = index.get(key);
  rows?.delete(row);
  if (rows?.size === 0) index.delete(key);
}

export class Store {
  constructor() {
    this.tables = new Map();
    this.journal = null;
  }

  table(object) {
    let table = this.tables.get(object.name);
    if (!table) {
      table = new Table(object);
      this.tables.set(object.name, table);
    }
    return table;
  }

  all(object) {
    return this.table(object).rows.values();
  }

  get(object, id) {
    return this.table(object).rows.get(toLongId(id));
  }

  wasDeleted(object, id) {
    return this.table(object).deleted.has(toLongId(id));
  }

  /** The rows whose field has a value, in no order that means anything. */
  having(object, name, value) {
    if (name === "Id") {
      const row = typeof value === "string" && value.length >= 15 ? this.get(object, value) : undefined;
      return row ? [row] : [];
    }
    return this.table(object).index(name).get(keyOf(value)) ?? [];
  }

  nextId(object) {
    const table = this.table(object);
    const id = makeId(object.prefix, table.next);
    table.next += 1;
    return id;
  }

  insert(object, row) {
    const table = this.table(object);
    table.put(row);
    this.journal?.push(() => table.drop(row));
  }

  update(object, row, changes) {
    const table = this.table(object);
    const before = {};
    for (const name of Object.keys(changes)) before[name] = row[name];
    change(table, row, changes);
    this.journal?.push(() => change(table, row, before));
  }

  remove(object, row) {
    const table = this.table(object);
    table.drop(row);
    table.deleted.set(row.Id, row);
    this.journal?.push(() => {
      table.deleted.delete(row.Id);
      table.put(row);
    });
  }

  /**
   * Runs work that says whether its writes stay: `{result, commit}`. If they do not, or if it throws, they are taken
   * back, its own and no others, for one may run within another. Nothing waits inside, so nobody sees them between.
   */
  transaction(work) {
    const outermost = this.journal === null;
    this.journal ??= [];
    const mark = this.journal.length;
    let keep = false;
    try {
      const { result, commit } = work();
      keep = commit;
      return result;
    } finally {
      if (!keep) for (const undo of this.journal.splice(mark).reverse()) undo();
      if (outermost) this.journal = null;
    }
  }
}

function change(table, row, changes) {
  for (const [name, value] of Object.entries(changes)) {
    const index = table.indexes.get(name);
    if (index) leave(index, row[name], row);
    row[name] = value;
    if (index) enter(index, value, row);
  }
}
