// One call, for the page that shows it: its events from the oldest that the server still has, and its row in the list.

import { api, ask, Problem } from "../api/client";
import { askWhoIAm } from "./calls";
import { applied, listed, readEvent, type WatchedCall } from "./model";
import type { StreamMessage } from "./sse";
import { EventStream, eventNumber, type StreamState } from "./stream";

/** What is new is shown at most four times a second, however much comes. */
const FLUSH_MS = 250;

export type CallView = {
  call: WatchedCall | undefined;
  /** Whether the server said how the call is. */
  isLoaded: boolean;
  /** It is not in progress, and nothing is known of its end. */
  isGone: boolean;
  error: unknown;
  stream: StreamState;
  /** How often events were missed: its way may have a gap. */
  missed: number;
};

const NOTHING: CallView = {
  call: undefined,
  isLoaded: false,
  isGone: false,
  error: null,
  stream: { kind: "connecting" },
  missed: 0,
};

/** See the module. */
export class OneCall {
  private readonly id: string;
  private readonly listeners = new Set<() => void>();
  private call: WatchedCall | undefined;
  private rest: Omit<CallView, "call"> = NOTHING;
  private view = NOTHING;
  private stream: EventStream | undefined;
  private flushTimer: number | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.stream ??= this.open();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        this.stream?.stop();
        this.stream = undefined;
      }
    };
  };

  readonly snapshot = (): CallView => this.view;

  /** Asks anew how the call is, as a page's "Try again". */
  readonly reload = (): void => {
    void this.ask();
  };

  private open(): EventStream {
    // From the oldest event that is kept.
    return new EventStream(`/api/v1/events?call=${encodeURIComponent(this.id)}`, "0", {
      message: (message) => this.take(message),
      state: (stream) => {
        this.change({ stream });
        if (stream.kind === "open") {
          void this.ask();
        }
      },
      signedOut: askWhoIAm,
    }).start();
  }

  private take(message: StreamMessage): void {
    if (message.event === "missed") {
      this.change({ missed: this.rest.missed + 1 });
      void this.ask();
      return;
    }
    const id = eventNumber(message.id);
    const event = id && readEvent(message.data);
    if (id && event && event.callId === this.id) {
      this.call = applied(this.call, { number: id.number, event });
      this.change({});
    }
  }

  private async ask(): Promise<void> {
    try {
      const item = await ask(api.GET("/calls/{id}", { params: { path: { id: this.id } } }));
      if (this.call?.ended === undefined) {
        this.call = listed(this.call, item);
      }
      this.change({ isLoaded: true, isGone: false, error: null });
    } catch (error) {
      const isGone = error instanceof Problem && error.status === 404;
      this.change({ isLoaded: true, isGone, error: isGone ? null : error });
    }
  }

  private change(change: Partial<Omit<CallView, "call">>): void {
    this.rest = { ...this.rest, ...change };
    this.flushTimer ??= window.setTimeout(() => {
      this.flushTimer = undefined;
      this.view = { ...this.rest, call: this.call };
      for (const listener of this.listeners) {
        listener();
      }
    }, FLUSH_MS);
  }
}
