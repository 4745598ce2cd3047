// Out of a trace of Chromium: what a frame of the page's main thread costs in script and layout.

type Event = {
  name: string;
  ph: string;
  ts: number;
  dur?: number;
  pid: number;
  tid: number;
  args?: { name?: string };
};

/** Script, style and layout; painting is the browser's. */
const COUNTED = new Set([
  "EventDispatch",
  "FireAnimationFrame",
  "FunctionCall",
  "Layout",
  "RunMicrotasks",
  "TimerFire",
  "UpdateLayoutTree",
]);

/** Milliseconds of script and layout in each frame in which something was laid out: the others show nothing new. */
export function frameCosts(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: Event[] };
  const main = mainThread(traceEvents);
  const own = traceEvents.filter((event) => `${event.pid}.${event.tid}` === main);
  own.sort((a, b) => a.ts - b.ts);
  const costs: number[] = [];
  let cost = 0;
  let isLaidOut = false;
  // The end of the outermost piece of work: what lies within it is counted with it.
  let until = 0;
  for (const event of own) {
    if (event.name === "Commit") {
      if (isLaidOut) {
        costs.push(cost / 1_000);
      }
      cost = 0;
      isLaidOut = false;
    } else if (event.ph === "X" && COUNTED.has(event.name) && event.ts >= until) {
      cost += event.dur ?? 0;
      until = event.ts + (event.dur ?? 0);
    }
    isLaidOut ||= event.name === "Layout";
  }
  return costs;
}

/** The thread on which the page's scripts ran most. */
function mainThread(events: Event[]): string {
  const script = new Map<string, number>();
  for (const event of events) {
    if (event.name === "FunctionCall") {
      const thread = `${event.pid}.${event.tid}`;
      script.set(thread, (script.get(thread) ?? 0) + (event.dur ?? 0));
    }
  }
  return [...script].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}
