import { useEffect, useSyncExternalStore } from "react";
import { type LiveView, liveCalls } from "./calls";
import type { WatchedCall } from "./model";

/** The calls in progress, as they change; listens for as long as a page uses it. */
export function useLive(): LiveView {
  return useSyncExternalStore(liveCalls.subscribe, liveCalls.snapshot);
}

/** One call, in progress or just over, with as much of its way as the server still knows. */
export function useLiveCall(id: string): { call: WatchedCall | undefined; view: LiveView } {
  const view = useLive();
  const call = view.byId.get(id);
  const isPartly = call !== undefined && call.log[0]?.event.event !== "started";
  // Asked again after an event, as one may have told of another run of the server.
  const heard = view.stream.kind === "open" ? call?.log.length : undefined;
  useEffect(() => {
    if (isPartly && heard !== undefined) {
      void liveCalls.fetchPast(id);
    }
  }, [id, isPartly, heard]);
  return { call, view };
}
