// Days that are unlike the week: a date or several, every year or once, a holiday, closed, or with hours of their own.

import type { Schema } from "../../api/client";
import type { Hours } from "./week";

export type Exception = Schema<"ScheduleException">;
export type ExceptionKind = NonNullable<Exception["kind"]>;

/** What it is; as the server reads it where the document does not say. */
export function kindOf(exception: Exception): ExceptionKind {
  return exception.kind ?? ((exception.hours ?? []).length > 0 ? "hours" : "holiday");
}

/** First and last day; the same where there is one. */
export function spanOf(exception: Exception): { first: string; last: string } {
  const first = exception.from ?? exception.date ?? "";
  return { first, last: exception.to ?? exception.date ?? first };
}

/** The fields for a first and a last day. A last day that is not later means one day. */
export function onDays(first: string, last: string): Partial<Exception> {
  return last > first ? { date: null, from: first, to: last } : { date: first, from: null, to: null };
}

/** `10:00-14:00` as times. What cannot be read is left out. */
export function hoursOf(exception: Exception): Hours[] {
  return (exception.hours ?? []).flatMap((text) => {
    const [open, close] = text.split("-").map((time) => time.trim());
    return open !== undefined && close !== undefined
      ? [{ open, close: close === "24:00" ? "00:00" : close }]
      : [];
  });
}

/** Times as the document keeps them. */
export function hoursText(hours: Hours[]): string[] {
  return hours.map(({ open, close }) => `${open}-${close === "00:00" ? "24:00" : close}`);
}

/** Without the fields that say nothing, as it is sent. */
export function tidyException(exception: Exception): Exception {
  const said = Object.entries(exception).filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && value !== false,
  );
  const kept = Object.fromEntries(said) as Exception;
  if (kindOf(exception) !== "hours") {
    delete kept.hours;
  }
  return kept;
}
