import { ActionIcon } from "@mantine/core";
import { IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

/** What is being played on the page: one sound at a time. */
let playing: HTMLAudioElement | null = null;

/** Plays a sound, and stops it. `name` is what it is called to those who do not see it. */
export function PlayButton({ url, name }: { url: string; name: string }) {
  const audio = useRef<HTMLAudioElement | null>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => () => audio.current?.pause(), []);
  const play = () => {
    playing?.pause();
    const sound = new Audio(url);
    sound.onended = () => setPlaying(false);
    sound.onpause = () => setPlaying(false);
    audio.current = sound;
    playing = sound;
    setFailed(false);
    setPlaying(true);
    sound.play().catch(() => {
      setPlaying(false);
      // A sound that was stopped before it began has not failed.
      setFailed(sound.error !== null);
    });
  };
  const label = hasFailed
    ? `${name} cannot be played: try again`
    : isPlaying
      ? `Stop ${name}`
      : `Play ${name}`;
  return (
    <ActionIcon
      variant="default"
      {...(hasFailed && { color: "red" })}
      aria-label={label}
      title={label}
      onClick={() => (isPlaying ? audio.current?.pause() : play())}
    >
      {isPlaying ? <IconPlayerStop size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />}
    </ActionIcon>
  );
}
