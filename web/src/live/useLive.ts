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
  const hasHeard = view.stream.kind === "open" && (call?.log.length ?? 0) > 0;
  useEffect(() => {
    if (isPartly && hasHeard) {
      void liveCalls.fetchPast(id);
    }
  }, [id, isPartly, hasHeard]);
  return { call, view };
}
