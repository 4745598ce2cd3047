// Where a Smart Number leads: one choice for people, several fields in its document.

import type { Schema } from "../../api/client";

export type SmartNumber = Schema<"Number">;

export type Destination = "flow" | "user" | "echo" | "none";

/** What the document says. A number that is new leads to a call flow, which is still to be chosen. */
export function destinationOf(number: SmartNumber): Destination {
  if (number.user || number.assignment === "user") {
    return "user";
  }
  if (number.service === "echo") {
    return "echo";
  }
  return number.assignment === "none" ? "none" : "flow";
}

/** The fields for another choice; those of the others are emptied, because only one may be there. */
export function lead(destination: Destination): Partial<SmartNumber> {
  return {
    flow: null,
    user: null,
    service: destination === "echo" ? "echo" : null,
    assignment: destination === "none" ? "none" : null,
  };
}

export type Shape = "e164" | "prefix" | "pattern";

/** By what calls are told to be for it. */
export function shapeOf(number: SmartNumber): Shape {
  if (number.prefix !== undefined && number.prefix !== null) {
    return "prefix";
  }
  return number.pattern !== undefined && number.pattern !== null ? "pattern" : "e164";
}

/** The fields for another shape with the same text. */
export function reshape(number: SmartNumber, shape: Shape): Partial<SmartNumber> {
  const text = number[shapeOf(number)] ?? "";
  return { e164: null, prefix: null, pattern: null, [shape]: text };
}
