// What a query step found when it was tried: kept with the step, so that templates elsewhere can be completed. Only the names
// of fields are kept, no values.

import { type FlowDocument, isObject, type Step, textOf } from "./document";

/** More fields than a statement reads that somebody completes. */
const KEPT_MAX = 60;

/** The variables that a template reads, by their paths, each once. */
export function readsOf(template: string): string[] {
  const paths = [...template.matchAll(/\{\{\s*([A-Za-z0-9_.]+)\s*(?:\|[^}]*)?\}\}/g)];
  return [...new Set(paths.map((match) => match[1] ?? ""))];
}

/** What of the paths of a result is kept: the fields of the first record, `0.Id`, `0.Owner.Name`. */
export function keptPaths(paths: readonly string[]): string[] {
  return paths.filter((path) => path.startsWith("0.")).slice(0, KEPT_MAX);
}

/** What was kept with a step. */
export function foundOf(step: Step): string[] {
  const found = step.ui?.found;
  return Array.isArray(found) ? found.map(textOf).filter((path) => path !== "") : [];
}

/** The document that keeps with the step what was found; the same where it is kept already. */
export function withFound(document: FlowDocument, id: string, paths: string[]): FlowDocument {
  const step = document.steps[id];
  if (step === undefined || foundOf(step).join("\n") === paths.join("\n")) {
    return document;
  }
  const ui = { ...step.ui, found: paths };
  return { ...document, steps: { ...document.steps, [id]: { ...step, ui } } };
}

/** The columns of records, one behind the other as they come up: fields of related records by their paths. */
export function columnsOf(records: readonly Record<string, unknown>[]): string[] {
  const columns = new Set<string>();
  for (const record of records) {
    note(record, "", columns);
  }
  // A relation that one record lacks has no column beside those of its fields.
  return [...columns].filter((column) => ![...columns].some((other) => other.startsWith(`${column}.`)));
}

function note(record: Record<string, unknown>, before: string, columns: Set<string>): void {
  for (const [name, value] of Object.entries(record)) {
    if (isObject(value)) {
      note(value, `${before}${name}.`, columns);
    } else {
      columns.add(before + name);
    }
  }
}

/** The value of a record in a column, in words. */
export function cellOf(record: Record<string, unknown>, column: string): string {
  let here: unknown = record;
  for (const part of column.split(".")) {
    here = isObject(here) ? here[part] : undefined;
  }
  return here === undefined || here === null ? "" : typeof here === "string" ? here : JSON.stringify(here);
}
