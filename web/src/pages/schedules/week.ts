// The hours of a week: as people edit them, day by day, and as the document keeps them, days of equal hours together.

import type { Schema } from "../../api/client";

export type Schedule = Schema<"Schedule">;
export type Weekly = NonNullable<Schedule["weekly"]>;
export type Day = Weekly[number]["days"][number];

/** Open from one time of day to another; on the next day where `close` is not later. */
export type Hours = { open: string; close: string };

export type Week = Record<Day, Hours[]>;

export const days: Day[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export const dayNames: Record<Day, string> = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};

/** Inputs for times know no 24:00: it is the 0:00 of the next day. */
const inputTime = (time: string) => (time === "24:00" ? "00:00" : time);

/** The hours of each day, in the order of their beginnings. */
export function weekOf(weekly: Weekly | null | undefined): Week {
  const week: Week = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  for (const entry of weekly ?? []) {
    for (const day of entry.days) {
      week[day].push({ open: inputTime(entry.open), close: inputTime(entry.close) });
    }
  }
  for (const day of days) {
    week[day].sort((a, b) => (a.open < b.open ? -1 : 1));
  }
  return week;
}

/** Days of equal hours together, as people write them down. */
export function weeklyOf(week: Week): Weekly {
  const entries = new Map<string, Weekly[number]>();
  for (const day of days) {
    for (const { open, close } of week[day]) {
      const key = `${open} ${close}`;
      const entry = entries.get(key) ?? { days: [], open, close };
      if (!entry.days.includes(day)) {
        entry.days.push(day);
      }
      entries.set(key, entry);
    }
  }
  return [...entries.values()];
}

/** Minutes since midnight; none for what is no time. */
export function minutesOf(time: string): number | null {
  const [, hours = "", minutes = ""] = /^(\d\d):(\d\d)$/.exec(time) ?? [];
  return hours === "" ? null : Number(hours) * 60 + Number(minutes);
}

/** Whether it ends on the next day. */
export function isOvernight({ open, close }: Hours): boolean {
  return close <= open;
}

const MINUTES = 24 * 60;

/** A stretch of a day in minutes since its midnight. */
export type Stretch = { from: number; to: number };

/** When it is open on a day, with what reaches over from the day before. */
export function stretchesOn(week: Week, day: Day): Stretch[] {
  const before = days[(days.indexOf(day) + 6) % 7] ?? day;
  const stretches: Stretch[] = [];
  for (const hours of week[day]) {
    const [from, to] = [minutesOf(hours.open), minutesOf(hours.close)];
    if (from !== null && to !== null) {
      stretches.push({ from, to: isOvernight(hours) ? MINUTES : to });
    }
  }
  for (const hours of week[before]) {
    const to = minutesOf(hours.close);
    if (to !== null && to > 0 && isOvernight(hours)) {
      stretches.push({ from: 0, to });
    }
  }
  return stretches.sort((a, b) => a.from - b.from);
}

/** What is most likely not meant: two stretches of a day that overlap. */
export function overlapsOn(week: Week, day: Day): boolean {
  const stretches = stretchesOn(week, day);
  return stretches.some((stretch, index) => index > 0 && stretch.from < (stretches[index - 1]?.to ?? 0));
}

/** The hours of a week in a line: `Mon–Fri 09:00–17:00, Sat 10:00–14:00`. */
export function weekInWords(weekly: Weekly | null | undefined): string {
  const entries = weeklyOf(weekOf(weekly));
  return entries.map(({ days, open, close }) => `${daysInWords(days)} ${open}–${close}`).join(", ");
}

/** `Mon–Fri, Sun`. */
function daysInWords(some: Day[]): string {
  const runs: Day[][] = [];
  for (const day of days.filter((day) => some.includes(day))) {
    const last = runs.at(-1);
    const isNext = last && days.indexOf(day) === days.indexOf(last.at(-1) ?? day) + 1;
    if (isNext) {
      last.push(day);
    } else {
      runs.push([day]);
    }
  }
  const short = (day: Day | undefined) => (day ? dayNames[day].slice(0, 3) : "");
  return runs
    .map((run) => (run.length > 2 ? `${short(run[0])}–${short(run.at(-1))}` : run.map(short).join(", ")))
    .join(", ");
}
