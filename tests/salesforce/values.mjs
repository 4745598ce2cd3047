// Values of fields: read from JSON by the field's type, kept in the one form in which they are answered.
import { toLongId } from "./ids.mjs";
import { isText } from "./schema/fields.mjs";

/** A JSON value that its field cannot hold; Salesforce refuses the whole request for it, naming line and column. */
export class Unreadable extends Error {
  constructor(type, token, shown) {
    super(`Cannot deserialize instance of ${type} from ${token} value ${shown}`);
  }
}

/** "2026-03-04" when it is a day that exists, else undefined. */
export function parseDate(text) {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return undefined;
  const day = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text ? undefined : text;
}

const DATETIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(:\d\d)?)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/;

/** A time as Salesforce answers it, in UTC and whole seconds, or undefined when it is none. */
export function parseDatetime(text) {
  const match = DATETIME.exec(text);
  if (!match || !parseDate(match[1])) return undefined;
  const [, day, time, seconds, , zone = "Z"] = match;
  const colon = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const ms = Date.parse(`${day}T${time}${seconds ? "" : ":00"}${colon}`);
  return Number.isNaN(ms) ? undefined : showTime(ms);
}

export function showTime(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}.000+0000`;
}

function tokenOf(raw) {
  if (Array.isArray(raw)) return ["START_ARRAY", "["];
  if (typeof raw === "object") return ["START_OBJECT", "{"];
  if (typeof raw === "boolean") return [raw ? "VALUE_TRUE" : "VALUE_FALSE", String(raw)];
  if (typeof raw === "number")
    return [Number.isInteger(raw) ? "VALUE_NUMBER_INT" : "VALUE_NUMBER_FLOAT", String(raw)];
  return ["VALUE_STRING", String(raw)];
}

/** One value from JSON. Null and empty text both mean "nothing". */
export function readValue(field, raw) {
  if (raw === null || raw === undefined || raw === "") return null;
  const value = isText(field) ? readText(raw) : (READERS[field.type] ?? readNumber)(raw);
  if (value !== undefined) return value;
  const type =
    { reference: "reference", id: "reference", datetime: "datetime", int: "int" }[field.type] ??
    (isText(field) ? "string" : field.type);
  throw new Unreadable(type, ...tokenOf(raw));
}

const readText = (raw) => (typeof raw === "object" ? undefined : String(raw));

function readNumber(raw) {
  const text = typeof raw === "string" ? raw.trim() : raw;
  const number = typeof text === "boolean" || typeof text === "object" ? NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

const READERS = {
  int: (raw) => {
    const number = readNumber(raw);
    return Number.isInteger(number) ? number : undefined;
  },
  boolean: (raw) => {
    if (typeof raw === "boolean") return raw;
    const text = String(raw).toLowerCase();
    return text === "true" ? true : text === "false" ? false : undefined;
  },
  date: (raw) => {
    if (typeof raw !== "string") return undefined;
    return parseDate(raw) ?? parseDatetime(raw)?.slice(0, 10);
  },
  datetime: (raw) => {
    if (typeof raw !== "string") return undefined;
    return parseDatetime(parseDate(raw) ? `${raw}T00:00:00Z` : raw);
  },
  reference: (raw) => (typeof raw === "string" ? asId(raw) : undefined),
  id: (raw) => (typeof raw === "string" ? asId(raw) : undefined),
};

/** Fifteen characters become eighteen; what is no id is left for the check that names the field. */
const asId = (text) => (/^[0-9A-Za-z]{15}$/.test(text) ? toLongId(text) : text);
