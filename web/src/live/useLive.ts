import { useMemo, useSyncExternalStore } from "react";
import { type LiveView, liveCalls } from "./calls";
import { type CallView, OneCall } from "./oneCall";

/** The calls in progress, as they change; listens for as long as a page uses it. */
export function useLive(): LiveView {
  return useSyncExternalStore(liveCalls.subscribe, liveCalls.snapshot);
}

/** One call, in progress or just over, with as much of its way as the server still knows. */
export function useLiveCall(id: string): CallView & { reload: () => void } {
  const call = useMemo(() => new OneCall(id), [id]);
  const view = useSyncExternalStore(call.subscribe, call.snapshot);
  return { ...view, reload: call.reload };
}
