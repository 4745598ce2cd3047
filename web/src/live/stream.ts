// One connection to the server's events of calls. Read by fetch: unlike EventSource it says with which status the server
// refused, and goes on after `Last-Event-ID` also where the first connection never came to be.

import { type StreamMessage, StreamReader } from "./sse";

/** The server sends a sign of life every 15 seconds; after two that are missing the connection is dead. */
const SILENCE_MAX_MS = 40_000;
const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000];

/** How it stands with the connection. */
export type StreamState =
  | { kind: "connecting" }
  | { kind: "open" }
  /** It broke, and is tried again. */
  | { kind: "broken"; why: string }
  /** The server ended it for good: whoever listens may not any more. */
  | { kind: "closed"; reason: string };

export type StreamHandler = {
  message: (message: StreamMessage) => void;
  state: (state: StreamState) => void;
  /** The server does not know who this is any more. */
  signedOut: () => void;
};

/** Listens until it is stopped, and comes back after each break. */
export class EventStream {
  private readonly url: string;
  private readonly handler: StreamHandler;
  private readonly stopped = new AbortController();
  private lastId = "";
  private failures = 0;

  constructor(url: string, lastId: string, handler: StreamHandler) {
    this.url = url;
    this.lastId = lastId;
    this.handler = handler;
  }

  start(): this {
    void this.run();
    return this;
  }

  stop(): void {
    this.stopped.abort();
  }

  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      this.handler.state({ kind: "connecting" });
      const why = await this.listen();
      if (why === null || this.stopped.signal.aborted) {
        return;
      }
      this.handler.state({ kind: "broken", why });
      const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)] ?? 0;
      this.failures += 1;
      await pause(wait, this.stopped.signal);
    }
  }

  /** One connection. Gives why it ended, or null where it is not to be tried again. */
  private async listen(): Promise<string | null> {
    const connection = new AbortController();
    const signal = AbortSignal.any([connection.signal, this.stopped.signal]);
    let silence = window.setTimeout(() => connection.abort(), SILENCE_MAX_MS);
    const isAlive = () => {
      window.clearTimeout(silence);
      silence = window.setTimeout(() => connection.abort(), SILENCE_MAX_MS);
    };
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.lastId !== "") {
        headers["last-event-id"] = this.lastId;
      }
      const response = await fetch(this.url, { headers, signal, credentials: "same-origin" });
      if (!response.ok || response.body === null) {
        return this.refused(response.status);
      }
      this.handler.state({ kind: "open" });
      return await this.read(response.body, isAlive);
    } catch {
      return "The connection to the server broke.";
    } finally {
      window.clearTimeout(silence);
      connection.abort();
    }
  }

  private refused(status: number): string | null {
    if (status === 401) {
      this.handler.signedOut();
      return null;
    }
    if (status === 403) {
      this.handler.state({ kind: "closed", reason: "role_changed" });
      return null;
    }
    return status === 503
      ? "The server is too busy, or its database is away."
      : `The server answered ${status}.`;
  }

  private async read(body: ReadableStream<Uint8Array>, isAlive: () => void): Promise<string | null> {
    const messages = new StreamReader();
    const text = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return "The server ended the connection.";
      }
      isAlive();
      this.failures = 0;
      for (const message of messages.feed(text.decode(value, { stream: true }))) {
        this.lastId = message.id || this.lastId;
        if (message.event === "closed") {
          return this.closed(message.data);
        }
        this.handler.message(message);
      }
    }
  }

  private closed(data: string): string | null {
    const reason = closingReason(data);
    if (reason === "hour_over") {
      return "The server asked to come back.";
    }
    if (reason === "signed_out") {
      this.handler.signedOut();
    }
    this.handler.state({ kind: "closed", reason });
    return null;
  }
}

function closingReason(data: string): string {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === "object" && value !== null && "reason" in value) {
      return String(value.reason);
    }
  } catch {
    // What cannot be read ends it as well.
  }
  return "unknown";
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) {
      done();
      return;
    }
    const timer = window.setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      done();
    });
  });
}

/** The run of the server and the number in the id of an event. */
export function eventNumber(id: string): { run: string; number: number } | null {
  const dot = id.lastIndexOf(".");
  const number = Number(id.slice(dot + 1));
  return dot > 0 && Number.isSafeInteger(number) ? { run: id.slice(0, dot), number } : null;
}
