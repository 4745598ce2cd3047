// The calls in progress, for all pages that show them: one stream of events for the whole console, open while somebody looks.

import { api, ask } from "../api/client";
import {
  applied,
  type LiveCallItem,
  listed,
  type Numbered,
  readEvent,
  type WatchedCall,
  withPast,
} from "./model";
import type { StreamMessage } from "./sse";
import { EventStream, eventNumber, readPast, type StreamState } from "./stream";

/** Pages see what is new at most four times a second, however much comes. */
export const FLUSH_MS = 250;
/** The list is asked again now and then, should an event ever have been lost on the way. */
const LIST_AGAIN_MS = 30_000;
/** The list may be half a second old: asked once more after that it has nothing any more that ended before we listened. */
const LIST_SETTLED_MS = 1_200;
/** A call that is over stays for whoever looks at it. */
const KEEP_ENDED_MS = 120_000;
/** Who goes from page to page keeps the stream. */
const LINGER_MS = 20_000;
/** More calls than any one server carries. */
const LIST_PAGES_MAX = 100;

export type LiveView = {
  /** In progress, the oldest first. */
  calls: WatchedCall[];
  byId: ReadonlyMap<string, WatchedCall>;
  /** Whether the list was read since the stream was opened. */
  isLoaded: boolean;
  error: unknown;
  stream: StreamState;
  /** How many events were missed so far: the list is right all the same, the way of a call may have a gap. */
  missed: number;
};

const NOTHING: LiveView = {
  calls: [],
  byId: new Map(),
  isLoaded: false,
  error: null,
  stream: { kind: "connecting" },
  missed: 0,
};

/** See the module; there is one of it, [`liveCalls`]. */
export class LiveCalls {
  private readonly byId = new Map<string, WatchedCall>();
  /** When this browser last heard of a call, to tell an old list from a new one. */
  private readonly heard = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private readonly pastAsked = new Set<string>();
  private view = NOTHING;
  private stream: EventStream | undefined;
  private flushTimer: number | undefined;
  private listTimer: number | undefined;
  private lingerTimer: number | undefined;
  private lastId = "";
  /** The server's run that events were last heard of, and the last one's number. */
  private run = rememberedRun();
  private runEnd = Number.MAX_SAFE_INTEGER;

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    window.clearTimeout(this.lingerTimer);
    if (this.stream === undefined) {
      this.open();
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        this.lingerTimer = window.setTimeout(() => this.close(), LINGER_MS);
      }
    };
  };

  readonly snapshot = (): LiveView => this.view;

  /** Fetches what the server still knows of a call's way; once for each call. */
  async fetchPast(id: string): Promise<void> {
    const asked = `${this.run} ${id}`;
    if (this.run === "" || this.pastAsked.has(asked)) {
      return;
    }
    this.pastAsked.add(asked);
    const past: Numbered[] = [];
    await readPast(`/api/v1/events?call=${encodeURIComponent(id)}`, this.run, this.runEnd, (message) => {
      const numbered = read(message);
      if (numbered?.event.callId === id) {
        past.push(numbered);
      }
    });
    const call = this.byId.get(id);
    if (call) {
      this.byId.set(id, withPast(call, past));
      this.flushSoon();
    }
  }

  /** Reads the list anew, as a page's "Try again". */
  readonly reload = (): void => {
    void this.list();
  };

  private open(): void {
    // From now on: what was before is in the list.
    this.stream = new EventStream("/api/v1/events", "", {
      message: (message) => this.take(message),
      state: (stream) => this.streamChanged(stream),
      // The list is refused as well, and that leads to the page to sign in.
      signedOut: () => void this.list(),
    }).start();
    this.listTimer = window.setInterval(() => void this.list(), LIST_AGAIN_MS);
  }

  private close(): void {
    this.stream?.stop();
    this.stream = undefined;
    window.clearInterval(this.listTimer);
    this.byId.clear();
    this.heard.clear();
    this.pastAsked.clear();
    this.view = NOTHING;
  }

  private streamChanged(stream: StreamState): void {
    this.view = { ...this.view, stream };
    this.flushSoon();
    if (stream.kind === "open") {
      void this.list();
      window.setTimeout(() => void this.list(), LIST_SETTLED_MS);
    }
  }

  private take(message: StreamMessage): void {
    this.lastId = message.id || this.lastId;
    if (message.event === "missed") {
      this.view = { ...this.view, missed: this.view.missed + missedCount(message.data) };
      void this.list();
      this.flushSoon();
      return;
    }
    const numbered = read(message);
    if (numbered === null) {
      return;
    }
    this.heardOfRun(message.id);
    const id = numbered.event.callId;
    this.byId.set(id, applied(this.byId.get(id), numbered));
    this.heard.set(id, performance.now());
    this.flushSoon();
  }

  private heardOfRun(id: string): void {
    const found = eventNumber(id);
    if (found !== null) {
      this.runEnd = found.number;
      if (found.run !== this.run) {
        this.run = found.run;
        rememberRun(found.run);
      }
    }
  }

  private async list(): Promise<void> {
    const asked = performance.now();
    try {
      const items = await allCalls();
      if (this.stream === undefined) {
        return;
      }
      this.merge(items, asked);
      this.view = { ...this.view, isLoaded: true, error: null };
    } catch (error) {
      this.view = { ...this.view, error };
    }
    this.flushSoon();
  }

  private merge(items: LiveCallItem[], asked: number): void {
    const known = new Set(items.map((item) => item.id));
    for (const item of items) {
      const call = this.byId.get(item.id);
      if (call?.ended === undefined) {
        this.byId.set(item.id, listed(call, item));
      }
    }
    for (const [id, call] of this.byId) {
      const heard = this.heard.get(id) ?? 0;
      const isGone = call.ended === undefined && !known.has(id) && heard < asked - LIST_SETTLED_MS;
      const isOld = call.ended !== undefined && heard < asked - KEEP_ENDED_MS;
      if (isGone || isOld) {
        this.byId.delete(id);
        this.heard.delete(id);
      }
    }
  }

  private flushSoon(): void {
    this.flushTimer ??= window.setTimeout(() => {
      this.flushTimer = undefined;
      const calls = [...this.byId.values()].filter((call) => call.ended === undefined);
      calls.sort((a, b) => Date.parse(a.started) - Date.parse(b.started) || (a.id < b.id ? -1 : 1));
      this.view = { ...this.view, calls, byId: new Map(this.byId) };
      for (const listener of this.listeners) {
        listener();
      }
    }, FLUSH_MS);
  }
}

const RUN_KEY = "cordboard.run";

/** Kept for the next page of this window: events of the past are asked for by the run that they belong to. */
function rememberRun(run: string): void {
  try {
    window.sessionStorage.setItem(RUN_KEY, run);
  } catch {
    // A browser that keeps nothing shows a call's way from the next event on.
  }
}

function rememberedRun(): string {
  try {
    return window.sessionStorage.getItem(RUN_KEY) ?? "";
  } catch {
    return "";
  }
}

function read(message: StreamMessage): Numbered | null {
  const id = eventNumber(message.id);
  const event = id && readEvent(message.data);
  return id && event ? { number: id.number, event } : null;
}

function missedCount(data: string): number {
  try {
    const value: unknown = JSON.parse(data);
    // Nobody can say how many where the server was started anew.
    return typeof value === "object" && value !== null && "count" in value ? Number(value.count) || 1 : 1;
  } catch {
    return 1;
  }
}

async function allCalls(): Promise<LiveCallItem[]> {
  const items: LiveCallItem[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
    const answer = await ask(
      api.GET("/calls", { params: { query: { limit: 200, ...(cursor && { cursor }) } } }),
    );
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === undefined) {
      break;
    }
  }
  return items;
}

export const liveCalls = new LiveCalls();
