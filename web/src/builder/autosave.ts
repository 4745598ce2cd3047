// The draft is saved while it is edited, against the ETag that was read. Where somebody else was quicker, both stand
// side by side until somebody decides.

import { useCallback, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { answer, api, Problem } from "../api/client";
import { type FlowDocument, readDocument } from "../flow/document";
import { asBody } from "./findings";
import type { BuilderStore } from "./store";

/** After the last edit, in milliseconds. */
const WAIT_MS = 700;

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
  const document = useStore(store, (state) => state.document);
  const [state, setState] = useState<SaveState>({ kind: "saved" });
  const etag = useRef(firstEtag);
  const saved = useRef(document);
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

  useEffect(() => {
    if (!mayEdit || stopped.current || document === saved.current) {
      return;
    }
    setState((now) => (now.kind === "saving" ? now : { kind: "waiting" }));
    const timer = setTimeout(() => void flush(), WAIT_MS);
    return () => clearTimeout(timer);
  }, [document, flush, mayEdit]);

  useLeaveGuard(state.kind !== "saved", flush);

  const keepMine = () => {
    if (state.kind === "conflict") {
      etag.current = state.etag;
      stopped.current = false;
      void flush();
    }
  };
  const tookTheirs = (theirs: FlowDocument, theirEtag: string) => {
    etag.current = theirEtag;
    saved.current = theirs;
    stopped.current = false;
    setState({ kind: "saved" });
  };
  return { state, etag: () => etag.current, flush, keepMine, tookTheirs };
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
