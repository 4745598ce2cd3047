// How one field of an object is described, with what Salesforce gives by default for its type.

const TEXT_TYPES = new Set([
  "string",
  "textarea",
  "phone",
  "email",
  "url",
  "picklist",
  "combobox",
  "multipicklist",
]);

/** Types whose values are held and compared as text. */
export const isText = (field) => TEXT_TYPES.has(field.type);

const DEFAULT_LENGTH = {
  id: 18,
  reference: 18,
  string: 255,
  textarea: 255,
  phone: 40,
  email: 80,
  url: 255,
  picklist: 255,
  combobox: 255,
  multipicklist: 4099,
};

/** A field with everything that describe tells of it. */
export function field(name, type, options = {}) {
  const picklist = (options.values ?? []).map((value) => ({
    active: true,
    defaultValue: value === options.defaultValue,
    label: value,
    validFor: null,
    value,
  }));
  const made = {
    name,
    label: options.label ?? labelOf(name),
    type,
    length: options.length ?? DEFAULT_LENGTH[type] ?? 0,
    custom: name.endsWith("__c"),
    createable: options.createable ?? true,
    updateable: options.updateable ?? options.createable ?? true,
    nillable: options.required ? false : (options.nillable ?? type !== "boolean"),
    defaultedOnCreate: options.defaultValue !== undefined || type === "boolean",
    defaultValue: options.defaultValue ?? (type === "boolean" ? false : null),
    externalId: options.externalId ?? false,
    unique: options.unique ?? false,
    caseSensitive: options.caseSensitive ?? false,
    idLookup: options.idLookup ?? options.externalId ?? false,
    filterable: options.filterable ?? !(type === "textarea" && (options.length ?? 255) > 255),
    picklistValues: picklist,
    restrictedPicklist: options.restricted ?? false,
    referenceTo: options.to ?? [],
    relationshipName: options.relationship ?? null,
  };
  made.sortable = made.filterable;
  made.indexed =
    options.indexed ?? (type === "reference" || type === "phone" || made.externalId || made.unique);
  return made;
}

/** "CallDurationInSeconds" is labelled "Call Duration In Seconds" unless a label is given. */
function labelOf(name) {
  return name
    .replace(/__c$/, "")
    .replace(/^[a-z]+__/, "")
    .replace(/_/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2");
}

/** A custom field's name from its label: spaces become underscores, a package's prefix before, __c after. */
export function customName(label, prefix = "") {
  const plain = label
    .trim()
    .replace(/[^0-9A-Za-z]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return `${prefix ? `${prefix}__` : ""}${plain}__c`;
}

/** The fields that every object has, that nobody writes. */
export function systemFields() {
  const stamp = { createable: false, nillable: false };
  return [
    field("Id", "id", { createable: false, nillable: false, idLookup: true, label: "Record ID" }),
    field("IsDeleted", "boolean", { createable: false }),
    field("CreatedDate", "datetime", stamp),
    field("CreatedById", "reference", { ...stamp, to: ["User"], relationship: "CreatedBy", indexed: false }),
    field("LastModifiedDate", "datetime", stamp),
    field("LastModifiedById", "reference", {
      ...stamp,
      to: ["User"],
      relationship: "LastModifiedBy",
      indexed: false,
    }),
    field("SystemModstamp", "datetime", stamp),
  ];
}
