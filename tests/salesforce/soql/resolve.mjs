// Names in a query to the fields they mean, over one relationship at most; a name that means nothing is refused in
// Salesforce's words, and so is one that this user may not see: Salesforce does not tell the two apart.
import { queryError } from "./lexer.mjs";

// What can be asked of a record through a relationship that may point at several objects, and of what type it is.
const NAME_FIELDS = new Map(
  [
    ["Id", "id"],
    ["Name", "string"],
    ["Type", "string"],
    ["FirstName", "string"],
    ["LastName", "string"],
    ["Email", "email"],
    ["Phone", "phone"],
    ["Title", "string"],
    ["Username", "string"],
    ["Alias", "string"],
    ["IsActive", "boolean"],
  ].map(([name, type]) => [name.toLowerCase(), { name, type, filterable: true, sortable: true }]),
);

export class Resolver {
  constructor(object, text, ctx) {
    this.object = object;
    this.text = text;
    this.ctx = ctx;
  }

  /** `{field, read(row), relation?}` for a path. */
  path({ names, at }) {
    if (names.length === 1) {
      const field = this.#own(this.object, names[0], at);
      return { field, read: (row) => row[field.name] ?? null };
    }
    // An object's own name may stand before its field.
    if (names[0].toLowerCase() === this.object.name.toLowerCase())
      return this.path({ names: names.slice(1), at });
    if (names.length === 2) return this.#related(names, at);
    throw queryError(this.text, at, "INVALID_FIELD", "This stand-in follows one relationship, no further");
  }

  sortable(path) {
    const way = this.path(path);
    if (way.field.sortable) return way;
    throw queryError(
      this.text,
      path.at,
      "INVALID_FIELD",
      `field '${way.field.name}' can not be sorted in a query call`,
    );
  }

  filterable(path) {
    const way = this.path(path);
    if (way.field.filterable) return way;
    throw queryError(
      this.text,
      path.at,
      "INVALID_FIELD",
      `field '${way.field.name}' can not be filtered in a query call`,
    );
  }

  #own(object, name, at) {
    const field = object.byName.get(name.toLowerCase());
    if (field && this.ctx.access.canRead(object, field)) return field;
    throw queryError(
      this.text,
      at,
      "INVALID_FIELD",
      `No such column '${name}' on entity '${object.name}'. If you are attempting to use a custom field, be sure to ` +
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
    );
  }

  #related([relationship, name], at) {
    const lookup = this.object.relationships.get(relationship.toLowerCase());
    if (!lookup || !this.ctx.access.canRead(this.object, lookup)) {
      throw queryError(
        this.text,
        at,
        "INVALID_FIELD",
        `Didn't understand relationship '${relationship}' in field path. If you are attempting to use a custom ` +
          "relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or " +
          "the describe call for the appropriate names.",
      );
    }
    const targets = this.ctx.schema.targets(lookup);
    const many = targets.length > 1;
    const field = many ? this.#nameField(name, at) : this.#own(this.ctx.schema.get(targets[0]), name, at);
    return { field, relation: { lookup, many }, read: (row) => this.#readOver(row, lookup, field, many) };
  }

  #nameField(name, at) {
    const field = NAME_FIELDS.get(name.toLowerCase());
    return field ?? this.#own({ name: "Name", byName: new Map() }, name, at);
  }

  /** The object and the row that a lookup points at, or undefined. */
  parent(row, lookup) {
    const id = row[lookup.name];
    const object = id ? this.ctx.schema.ofId(id) : undefined;
    const found = object && this.ctx.store.get(object, id);
    return found ? { object, row: found } : undefined;
  }

  #readOver(row, lookup, field, many) {
    const parent = this.parent(row, lookup);
    if (!parent) return null;
    // Over such a relationship Type is which object it is, even if that object has a field of that name.
    return many && field.name === "Type" ? parent.object.name : (parent.row[field.name] ?? null);
  }

  /** One row as JSON, with what is asked over relationships in objects of their own. */
  show(row, selected) {
    const shown = { attributes: this.#attributes(this.object.name, this.object, row.Id) };
    for (const way of selected) {
      if (!way.relation) {
        shown[way.field.name] = way.read(row);
        continue;
      }
      const { lookup, many } = way.relation;
      const parent = this.parent(row, lookup);
      if (!parent) {
        shown[lookup.relationshipName] = null;
        continue;
      }
      const type = many ? "Name" : parent.object.name;
      shown[lookup.relationshipName] ??= { attributes: this.#attributes(type, parent.object, parent.row.Id) };
      shown[lookup.relationshipName][way.field.name] = way.read(row);
    }
    return shown;
  }

  #attributes(type, object, id) {
    return { type, url: `/services/data/v${this.ctx.version}/sobjects/${object.name}/${id}` };
  }
}
