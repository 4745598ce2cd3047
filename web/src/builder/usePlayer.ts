import { useCallback, useEffect, useRef } from "react";
import { heardPrompts, type Rung } from "../flow/ladder";

/** Plays the prompts that the caller hears, one after the other; what comes anew ends what plays. */
export function usePlayer(isOn: boolean): (rungs: Rung[]) => void {
  const audio = useRef<HTMLAudioElement | null>(null);
  const stop = useCallback(() => {
    audio.current?.pause();
    audio.current = null;
  }, []);
  useEffect(() => stop, [stop]);
  return useCallback(
    (rungs: Rung[]) => {
      const ids = heardPrompts(rungs);
      if (!isOn || ids.length === 0) {
        return;
      }
      stop();
      const playNext = () => {
        const id = ids.shift();
        if (id !== undefined) {
          const next = new Audio(`/api/v1/prompts/${encodeURIComponent(id)}/wav`);
          audio.current = next;
          next.onended = playNext;
          // A browser that plays nothing shows the words all the same.
          next.play().catch(() => undefined);
        }
      };
      playNext();
    },
    [isOn, stop],
  );
}
