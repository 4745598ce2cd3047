// The calls in progress, for all pages that show them: the list as the server tells it, open while somebody looks.

import { api, ask } from "../api/client";
import type { LiveCallItem } from "./model";
import type { StreamMessage } from "./sse";
import { EventStream, type StreamState } from "./stream";

/** Who goes from page to page keeps the stream. */
const LINGER_MS = 20_000;

export type LiveView = {
  /** In progress, the oldest first. */
  calls: LiveCallItem[];
  /** Whether the list was read since the stream was opened. */
  isLoaded: boolean;
  stream: StreamState;
};

const NOTHING: LiveView = { calls: [], isLoaded: false, stream: { kind: "connecting" } };

/** What the server tells in one piece; see `GET /events?view=calls`. */
export type ListPiece = { first?: boolean; calls: LiveCallItem[]; ended: string[]; more?: boolean };

/** The list, piece by piece. Pure: what comes in is given. */
export class CallList {
  private byId: ReadonlyMap<string, LiveCallItem> = new Map();
  /** The list of a new connection, until it is whole: what was there before stands until then. */
  private coming: Map<string, LiveCallItem> | undefined;

  /** True where what is shown is another now. */
  take(piece: ListPiece): boolean {
    if (piece.first) {
      this.coming = new Map();
    }
    const calls = new Map(this.coming ?? this.byId);
    for (const call of piece.calls) {
      calls.set(call.id, call);
    }
    for (const id of piece.ended) {
      calls.delete(id);
    }
    if (this.coming !== undefined && piece.more) {
      this.coming = calls;
      return false;
    }
    this.coming = undefined;
    this.byId = calls;
    return true;
  }

  /** The oldest first; ids are in the order of time. */
  calls(): LiveCallItem[] {
    return [...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** See the module; there is one of it, [`liveCalls`]. */
export class LiveCalls {
  private readonly listeners = new Set<() => void>();
  private list = new CallList();
  private view = NOTHING;
  private stream: EventStream | undefined;
  private lingerTimer: number | undefined;

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    window.clearTimeout(this.lingerTimer);
    this.stream ??= this.open();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        this.lingerTimer = window.setTimeout(() => this.close(), LINGER_MS);
      }
    };
  };

  readonly snapshot = (): LiveView => this.view;

  private open(): EventStream {
    return new EventStream("/api/v1/events?view=calls", "", {
      message: (message) => this.take(message),
      state: (stream) => this.show({ ...this.view, stream }),
      signedOut: askWhoIAm,
    }).start();
  }

  private close(): void {
    this.stream?.stop();
    this.stream = undefined;
    this.list = new CallList();
    this.view = NOTHING;
  }

  private take(message: StreamMessage): void {
    const piece = readPiece(message);
    // The server sends at most four pieces a second: each is shown as it comes.
    if (piece !== null && this.list.take(piece)) {
      this.show({ ...this.view, calls: this.list.calls(), isLoaded: true });
    }
  }

  private show(view: LiveView): void {
    this.view = view;
    for (const listener of this.listeners) {
      listener();
    }
  }
}

/** The piece in a message, or null where it is none. */
export function readPiece({ event, data }: StreamMessage): ListPiece | null {
  if (event !== "calls") {
    return null;
  }
  try {
    const value: unknown = JSON.parse(data);
    const isPiece = typeof value === "object" && value !== null && "calls" in value && "ended" in value;
    return isPiece ? (value as ListPiece) : null;
  } catch {
    return null;
  }
}

/** Any request is refused as well then, and that leads to the page to sign in. */
export function askWhoIAm(): void {
  ask(api.GET("/calls", { params: { query: { limit: 1 } } })).catch(() => undefined);
}

export const liveCalls = new LiveCalls();
