// A file that somebody brings: a call flow of ours, or one of Twilio Studio.

import { type FlowDocument, isObject, type JsonObject, readDocument } from "./document";

export type Brought =
  | { kind: "flow"; document: FlowDocument }
  /** As it stands in the file; the server makes a document of it. */
  | { kind: "studio"; definition: JsonObject }
  | { kind: "none"; error: string };

/** What a file holds. */
export function readBrought(text: string): Brought {
  const value = parsed(text);
  if (value === undefined) {
    return { kind: "none", error: "The file is no JSON." };
  }
  if (isStudio(value)) {
    return { kind: "studio", definition: value };
  }
  const read = readDocument(value);
  return "error" in read ? { kind: "none", error: read.error } : { kind: "flow", document: read.document };
}

/** Studio's own files have a list of `states`; its REST API puts them into a `definition`. */
function isStudio(value: unknown): value is JsonObject {
  if (!isObject(value)) {
    return false;
  }
  return (
    Array.isArray(value.states) || (isObject(value.definition) && Array.isArray(value.definition.states))
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}
