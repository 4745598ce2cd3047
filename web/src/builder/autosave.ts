// The draft is saved while it is edited, against the ETag that was read. Where somebody else was quicker, both stand
// side by side until somebody decides.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { answer, api, Problem } from "../api/client";
import { type FlowDocument, readDocument } from "../flow/document";
import { asBody } from "./findings";
import type { BuilderStore } from "./store";

/** After the last edit, in milliseconds. */
const WAIT_MS = 700;

/** After a save that the server did not take because it was away or busy. */
const AGAIN_MS = 5_000;

export type SaveState =
  | { kind: "saved" }
  | { kind: "waiting" }
  | { kind: "saving" }
  | { kind: "failed"; error: Error }
  /** Somebody else saved `theirs` under `etag`. */
  | { kind: "conflict"; theirs: FlowDocument; etag: string };

export type Autosave = {
  state: SaveState;
  /** The ETag of the draft as it was last read or saved. */
  etag: () => string;
  /** Saves what is not saved yet. False where that did not work. */
  flush: () => Promise<boolean>;
  /** What is on the canvas takes the place of what somebody else saved. */
  keepMine: () => void;
  /** The other's document was taken over. */
  tookTheirs: (document: FlowDocument, etag: string) => void;
};

export function useAutosave(
  flow: string,
  store: BuilderStore,
  firstEtag: string,
  mayEdit: boolean,
): Autosave {
  const [state, setState] = useState<SaveState>({ kind: "saved" });
  const etag = useRef(firstEtag);
  const [first] = useState(() => store.getState().document);
  const saved = useRef(first);
  const running = useRef<Promise<boolean> | null>(null);
  const stopped = useRef(false);

  const save = useCallback(async (): Promise<boolean> => {
    const sent = store.getState().document;
    setState({ kind: "saving" });
    try {
      const result = await put(flow, sent, etag.current);
      etag.current = result;
      saved.current = sent;
      setState(store.getState().document === sent ? { kind: "saved" } : { kind: "waiting" });
      return true;
    } catch (error) {
      const failed = error instanceof Error ? error : new Error("The draft could not be saved.");
      const next = failed instanceof Problem && failed.status === 412 ? await conflict(flow, failed) : null;
      stopped.current = next?.kind === "conflict";
      setState(next ?? { kind: "failed", error: failed });
      return false;
    }
  }, [flow, store]);

  const flush = useCallback(async (): Promise<boolean> => {
    while (running.current !== null) {
      await running.current;
    }
    if (stopped.current) {
      return false;
    }
    if (store.getState().document === saved.current) {
      return true;
    }
    running.current = save();
    const isSaved = await running.current;
    running.current = null;
    return isSaved ? flush() : false;
  }, [save, store]);

  // Beside React: nothing is to be drawn anew with each key that somebody presses.
  useEffect(() => {
    if (!mayEdit) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = store.subscribe(({ document }, before) => {
      if (document === before.document || stopped.current) {
        return;
      }
      clearTimeout(timer);
      if (document === saved.current) {
        setState((now) => (now.kind === "waiting" || now.kind === "failed" ? { kind: "saved" } : now));
        return;
      }
      setState((now) => (now.kind === "saving" || now.kind === "waiting" ? now : { kind: "waiting" }));
      timer = setTimeout(() => void flush(), WAIT_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [store, flush, mayEdit]);

  useLeaveGuard(state.kind !== "saved", flush);
  useAnotherTry(mayEdit && state.kind === "failed" && mayPass(state.error) ? state : null, flush);

  return useMemo(
    () => ({
      state,
      etag: () => etag.current,
      flush,
      keepMine: () => {
        if (state.kind === "conflict") {
          etag.current = state.etag;
          stopped.current = false;
          void flush();
        }
      },
      tookTheirs: (theirs: FlowDocument, theirEtag: string) => {
        etag.current = theirEtag;
        saved.current = theirs;
        stopped.current = false;
        setState({ kind: "saved" });
      },
    }),
    [state, flush],
  );
}

async function put(flow: string, document: FlowDocument, etag: string): Promise<string> {
  const params = { path: { id: flow }, header: { "If-Match": etag } };
  const result = await answer(api.PUT("/flows/{id}/draft", { params, body: asBody(document) }));
  return result.etag || `"${result.data.draftEtag}"`;
}

/** What somebody else saved, or null where it cannot be read. */
async function conflict(flow: string, problem: Problem): Promise<SaveState> {
  try {
    const { data, etag } = await answer(api.GET("/flows/{id}/draft", { params: { path: { id: flow } } }));
    const read = readDocument(data);
    return "document" in read
      ? { kind: "conflict", theirs: read.document, etag }
      : { kind: "failed", error: problem };
  } catch {
    return { kind: "failed", error: problem };
  }
}

/** Whether the same save may work a little later: the server is away, restarts, or has too much to do. */
export function mayPass(error: Error): boolean {
  return error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500);
}

/** Saves once more, some time after each failure that may pass, or as soon as the network is back. */
function useAnotherTry(failure: SaveState | null, flush: () => Promise<boolean>) {
  useEffect(() => {
    if (failure === null) {
      return;
    }
    const again = () => void flush();
    const timer = setTimeout(again, AGAIN_MS);
    window.addEventListener("online", again);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("online", again);
    };
  }, [failure, flush]);
}

/** Saves when the page is left, and asks before a window with unsaved edits is closed. */
function useLeaveGuard(isOpen: boolean, flush: () => Promise<boolean>) {
  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isOpen]);
  useEffect(() => () => void flush(), [flush]);
}
