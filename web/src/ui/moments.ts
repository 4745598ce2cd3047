// Times and durations in words.

import { useEffect, useState } from "react";

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** Day and time, of this browser's zone. */
export function whenText(rfc3339: string): string {
  const at = new Date(rfc3339);
  return Number.isNaN(at.getTime()) ? rfc3339 : dateTime.format(at);
}

/** The time alone, of this browser's zone. */
export function timeText(rfc3339: string): string {
  const at = new Date(rfc3339);
  return Number.isNaN(at.getTime()) ? rfc3339 : time.format(at);
}

/** `0:07`, `12:30`, `1:02:03`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Seconds between two times; not below nothing, as clocks differ. */
export function secondsBetween(from: string, until: string | number): number {
  const end = typeof until === "number" ? until : Date.parse(until);
  return Math.max(0, (end - Date.parse(from)) / 1_000) || 0;
}

/** The time now, in milliseconds, renewed every so often for as long as the page is shown. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}
