// The objects of the org: found by any spelling of their names, extended by a seed, and described.
import { notFound } from "../errors.mjs";
import { conversationObject } from "./conversation.mjs";
import { customName, field, systemFields } from "./fields.mjs";
import { allStandardObjects } from "./standard.mjs";

export class Schema {
  constructor() {
    this.objects = new Map();
    this.byPrefix = new Map();
    for (const object of [...allStandardObjects(), conversationObject()]) this.#add(object);
  }

  #add(object) {
    const made = { custom: false, personName: false, ...object, byName: new Map(), relationships: new Map() };
    this.objects.set(made.name.toLowerCase(), made);
    this.byPrefix.set(made.prefix, made);
    for (const one of object.fields) index(made, one);
    return made;
  }

  /** The object of a name, whatever its case; undefined when there is none. */
  find(name) {
    return this.objects.get(String(name).toLowerCase());
  }

  get(name) {
    const object = this.find(name);
    if (!object) throw notFound();
    return object;
  }

  ofId(id) {
    return this.byPrefix.get(id.slice(0, 3));
  }

  /** Adds what a seed says of objects: `{Task: {fields: [{label|name, type, …}]}, My_Thing__c: {…}}`. */
  extend(objects) {
    for (const [name, wanted] of Object.entries(objects)) {
      const object = this.find(name) ?? this.#add(newCustom(name, wanted, this.byPrefix));
      for (const { name: own, type = "string", ...options } of wanted.fields ?? []) {
        const fieldName = own ?? customName(options.label ?? "");
        const given = { ...options };
        if (type === "reference" && !given.relationship && /__c$/.test(fieldName)) {
          given.relationship = fieldName.replace(/__c$/, "__r");
        }
        replace(object, field(fieldName, type, given));
      }
    }
  }

  /** What a lookup may point at; Task's WhatId takes every custom object too. */
  targets(one) {
    if (!one.referenceTo.includes("*custom")) return one.referenceTo;
    const custom = [...this.objects.values()].filter((object) => object.custom).map((object) => object.name);
    return [...one.referenceTo.filter((name) => name !== "*custom"), ...custom];
  }

  /** The describe answer, without the fields that this user cannot see. */
  describe(object, version, access) {
    const base = `/services/data/v${version}/sobjects/${object.name}`;
    const rights = access.object(object);
    return {
      name: object.name,
      label: object.label,
      labelPlural: `${object.label}s`,
      keyPrefix: object.prefix,
      custom: object.custom,
      createable: rights === "all",
      updateable: rights === "all",
      deletable: rights === "all",
      queryable: true,
      fields: object.fields
        .filter((one) => access.canRead(object, one))
        .map((one) => this.#describeField(object, one, access)),
      urls: { sobject: base, describe: `${base}/describe`, rowTemplate: `${base}/{ID}` },
    };
  }

  #describeField(object, one, access) {
    const { indexed, ...told } = one;
    const writable = access.canWrite(object, one);
    return {
      ...told,
      createable: one.createable && writable,
      updateable: one.updateable && writable,
      referenceTo: this.targets(one),
    };
  }
}

function index(object, one) {
  object.byName.set(one.name.toLowerCase(), one);
  if (one.relationshipName) object.relationships.set(one.relationshipName.toLowerCase(), one);
}

function replace(object, one) {
  const at = object.fields.findIndex((existing) => existing.name.toLowerCase() === one.name.toLowerCase());
  if (at >= 0) object.fields[at] = one;
  else object.fields.push(one);
  index(object, one);
}

function newCustom(name, wanted, taken) {
  let n = 1;
  const prefix = () => `a${String(n).padStart(2, "0")}`;
  while (taken.has(prefix())) n += 1;
  return {
    name,
    label: wanted.label ?? name.replace(/__c$/, "").replace(/_/g, " "),
    prefix: wanted.prefix ?? prefix(),
    custom: true,
    fields: [
      ...systemFields(),
      field("Name", "string", { length: 80 }),
      field("OwnerId", "reference", {
        label: "Owner ID",
        to: ["Group", "User"],
        relationship: "Owner",
        nillable: false,
      }),
    ],
  };
}
