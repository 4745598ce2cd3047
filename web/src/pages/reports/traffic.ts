// Calls counted over time, in the zone of this browser.

import { isAbandoned } from "../../live/words";

/** What is counted of a call. */
export type CountedCall = { start: string; outcome?: string | null };

export type Bucket = {
  /** Where it begins: a day, or an hour of the day. */
  label: string;
  /** For the chart: seconds since 1970 of a day, or the hour. */
  x: number;
  calls: number;
  answered: number;
  abandoned: number;
};

const day = new Intl.DateTimeFormat(undefined, { weekday: "short", month: "short", day: "numeric" });

function empty(label: string, x: number): Bucket {
  return { label, x, calls: 0, answered: 0, abandoned: 0 };
}

function count(bucket: Bucket | undefined, call: CountedCall): void {
  if (bucket) {
    bucket.calls += 1;
    bucket.answered += call.outcome === "answered" ? 1 : 0;
    bucket.abandoned += isAbandoned(call.outcome) ? 1 : 0;
  }
}

function dayStart(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate());
}

/** A bucket for each day of the period, also for those without a call. */
export function perDay(calls: readonly CountedCall[], from: Date, until: Date): Bucket[] {
  const buckets = new Map<number, Bucket>();
  // By the calendar: a day has 23 or 25 hours where the clock is changed.
  for (
    let at = dayStart(from);
    at < until;
    at = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1)
  ) {
    buckets.set(at.getTime(), empty(day.format(at), at.getTime() / 1_000));
  }
  for (const call of calls) {
    count(buckets.get(dayStart(new Date(call.start)).getTime()), call);
  }
  return [...buckets.values()];
}

/** A bucket for each hour of the day, all days together. */
export function perHour(calls: readonly CountedCall[]): Bucket[] {
  const buckets = Array.from({ length: 24 }, (_, hour) => empty(`${String(hour).padStart(2, "0")}:00`, hour));
  for (const call of calls) {
    count(buckets[new Date(call.start).getHours()], call);
  }
  return buckets;
}

/** As percent, of nothing nothing. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "" : `${Math.round((part / whole) * 100)} %`;
}
