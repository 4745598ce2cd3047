// Times and sizes as people read them.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A moment in the browser's own zone. */
export function showTime(at: string | null | undefined): string {
  return at ? moment.format(new Date(at)) : "never";
}

/** `0.5 s`, `0:12`, `1:05`, `1:02:03`. */
export function showLength(ms: number): string {
  if (ms > 0 && ms < 9_950) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  const all = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `812 bytes`, `12 kB`, `1.2 MB`. */
export function showSize(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} bytes`;
  }
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** What an `<input type="datetime-local">` takes: the browser's own zone, to the minute. */
export function toLocalInput(at: string): string {
  const date = new Date(at);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return Number.isNaN(local.getTime()) ? "" : local.toISOString().slice(0, 16);
}
