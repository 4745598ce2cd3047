import { useCallback, useEffect, useRef } from "react";
import { speak, wavOf } from "../api/prompts";
import { type Heard, heardSounds, type Rung } from "../flow/ladder";
import { forget } from "../sound/forget";

/** Plays what the caller hears, one sound after the other; what comes anew ends what plays. */
export function usePlayer(isOn: boolean, maySpeak: boolean): (rungs: Rung[]) => void {
  const audio = useRef<HTMLAudioElement | null>(null);
  // Where the server speaks no texts, it is not asked again.
  const isMute = useRef(!maySpeak);
  const stop = useCallback(() => {
    forget(audio.current);
    audio.current = null;
  }, []);
  useEffect(() => stop, [stop]);
  return useCallback(
    (rungs: Rung[]) => {
      const sounds = heardSounds(rungs);
      if (!isOn || sounds.length === 0) {
        return;
      }
      stop();
      const playNext = async () => {
        const sound = sounds.shift();
        if (sound === undefined) {
          return;
        }
        const next = new Audio();
        forget(audio.current);
        audio.current = next;
        next.onended = () => void playNext();
        try {
          const url = await urlOf(sound, isMute);
          if (url === null) {
            await playNext();
          } else if (audio.current === next) {
            next.src = url;
            await next.play();
          }
        } catch {
          // A browser that plays nothing shows the words all the same.
        }
      };
      void playNext();
    },
    [isOn, stop],
  );
}

/** Where a sound is; null for a text that is not spoken here. */
async function urlOf(sound: Heard, isMute: { current: boolean }): Promise<string | null> {
  if (sound.kind === "file") {
    return wavOf(sound.id);
  }
  if (isMute.current) {
    return null;
  }
  try {
    return URL.createObjectURL(await speak(sound.text, sound.language, sound.voice));
  } catch {
    isMute.current = true;
    return null;
  }
}
