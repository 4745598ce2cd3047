// A document while it is edited: its fields, what the server said about them, and what became of somebody else's change.

import { useState } from "react";
import { Problem, type ProblemFinding } from "../api/client";

type TextKey<T> = { [K in keyof T]-?: T[K] extends string | null | undefined ? K : never }[keyof T] & string;

export type DocumentForm<T> = {
  value: T;
  /** Not there yet: its id may still be chosen. */
  isNew: boolean;
  set: <K extends keyof T>(key: K, value: T[K]) => void;
  change: (part: Partial<T>) => void;
  /** What the server said about a field or a part of it. */
  error: (key: keyof T & string) => string | undefined;
  /** What the server said about just this place. */
  errorAt: (pointer: string) => string | undefined;
  /** The properties of an input for a field that is a text. */
  text: (key: TextKey<T>) => {
    value: string;
    onChange: (event: { currentTarget: { value: string } }) => void;
    error: string | undefined;
  };
};

/** The state of a form. `findings` are of the last try to save it. */
export function useDocumentForm<T extends object>(
  initial: T,
  isNew: boolean,
  findings: ProblemFinding[],
): DocumentForm<T> {
  const [value, setValue] = useState(initial);
  const change = (part: Partial<T>) => setValue((before) => ({ ...before, ...part }));
  const set = <K extends keyof T>(key: K, one: T[K]) => setValue((before) => ({ ...before, [key]: one }));
  const error = (key: keyof T & string) => messagesAt(findings, key);
  return {
    value,
    isNew,
    set,
    change,
    error,
    errorAt: (pointer) => findings.find((finding) => finding.pointer === pointer)?.message,
    text: (key) => ({
      value: String(value[key] ?? ""),
      onChange: (event) => set(key, event.currentTarget.value as T[typeof key]),
      error: error(key),
    }),
  };
}

/** The field that a finding is about. The settings of a call flow are fields of its form. */
export function fieldOf(pointer: string): string {
  const [, first = "", second = ""] = pointer.split("/");
  return first === "settings" && second !== "" ? second : first;
}

function messagesAt(findings: ProblemFinding[], key: string): string | undefined {
  const messages = findings
    .filter((finding) => fieldOf(finding.pointer) === key)
    .map(({ message, remedy }) => (remedy ? `${message} (${remedy})` : message));
  return messages.length > 0 ? messages.join("; ") : undefined;
}

/** Those findings that no field of the form shows. */
export function elsewhere(error: unknown, fields: Record<string, string>): unknown {
  if (!(error instanceof Problem)) {
    return error;
  }
  const rest = error.findings.filter((finding) => !(fieldOf(finding.pointer) in fields));
  return new Problem(error.status, error.message, rest);
}

/** Without what says nothing: empty texts and lists, nulls. */
export function tidy<T extends object>(document: T): T {
  const said = Object.entries(document).filter(
    ([, value]) =>
      value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(said) as T;
}

/** The fields in which two documents differ. */
export function differing<T extends object>(one: T, other: T): (keyof T & string)[] {
  const [a, b] = [tidy(one), tidy(other)];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof T & string>;
  return [...keys].filter((key) => stable(a[key]) !== stable(b[key]));
}

/** JSON whose keys are in order, so that equal values are equal texts. */
function stable(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ""
  );
}

/** Theirs, with those fields from mine that I have changed since `base`. */
export function onTop<T extends object>(base: T, mine: T, theirs: T): T {
  const result: Partial<T> = { ...theirs };
  for (const key of differing(base, mine)) {
    result[key] = mine[key];
  }
  return result as T;
}
