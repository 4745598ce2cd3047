import { Button, Group, Text } from "@mantine/core";
import { IconPlayerStop, IconVolume } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { speak } from "../../api/prompts";
import { spokenText } from "../../flow/spoken";
import { forget } from "../../sound/forget";

type SpeechPreviewProps = { text: string; language: string; voice: string; name: string };

type State = { kind: "idle" } | { kind: "loading" } | { kind: "playing" } | { kind: "failed"; why: string };

/** Plays a text as the server's speech engine says it. */
export function SpeechPreview({ text, language, voice, name }: SpeechPreviewProps) {
  const [state, setState] = useState<State>({ kind: "idle" });
  const audio = useRef<HTMLAudioElement | null>(null);
  const stop = () => {
    forget(audio.current);
    audio.current = null;
    setState({ kind: "idle" });
  };
  // What plays is of the text before the change.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text ends it, and so does leaving the form
  useEffect(() => stop, [text, language, voice]);
  const listen = async () => {
    const asked = new Audio();
    audio.current = asked;
    setState({ kind: "loading" });
    try {
      const url = URL.createObjectURL(await speak(spokenText(text), language, voice));
      asked.src = url;
      asked.onended = stop;
      if (audio.current === asked) {
        await asked.play();
        setState({ kind: "playing" });
      }
    } catch (error) {
      if (audio.current === asked) {
        setState({ kind: "failed", why: error instanceof Error ? error.message : "It cannot be played." });
      }
    }
  };
  const isPlaying = state.kind === "playing";
  const Icon = isPlaying ? IconPlayerStop : IconVolume;
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon size={14} aria-hidden />}
        loading={state.kind === "loading"}
        disabled={text.trim() === ""}
        aria-label={isPlaying ? `Stop ${name}` : `Listen to ${name}`}
        onClick={() => (isPlaying ? stop() : void listen())}
      >
        {isPlaying ? "Stop" : "Listen"}
      </Button>
      {text.includes("{{") && (
        <Text size="xs" c="dimmed">
          Variables are read by their names.
        </Text>
      )}
      {state.kind === "failed" && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {sentence(state.why)}
        </Text>
      )}
    </Group>
  );
}

/** The server begins in small letters. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
