import { ActionIcon, Autocomplete, Group } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useForm, usePrompts } from "./context";

type PromptPickerProps = { value: string; onChange: (id: string) => void; error: string | null };

/** A prompt of the library, by its id, with a button that plays it. */
export function PromptPicker({ value, onChange, error }: PromptPickerProps) {
  const { readOnly } = useForm();
  const [searched] = useDebouncedValue(value, 150);
  const prompts = usePrompts(searched);
  const all = usePrompts("");
  const names = new Map([...all, ...prompts].map((prompt) => [prompt.id, prompt]));
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <Autocomplete
        style={{ flex: 1 }}
        label="Prompt of the library"
        placeholder="Search by id or name"
        value={value}
        onChange={onChange}
        readOnly={readOnly}
        error={error}
        data={[...names.keys()]}
        limit={50}
        renderOption={({ option }) => {
          const prompt = names.get(option.value);
          return `${option.value}${prompt ? ` · ${(prompt.lengthMs / 1000).toFixed(1)} s` : ""}`;
        }}
      />
      <PlayButton id={value} isKnown={names.has(value)} />
    </Group>
  );
}

/** Plays a prompt as callers hear it. */
export function PlayButton({ id, isKnown }: { id: string; isKnown: boolean }) {
  const [isPlaying, setPlaying] = useState(false);
  const audio = useRef<HTMLAudioElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another prompt ends the one that plays
  useEffect(() => setPlaying(false), [id]);
  const toggle = () => {
    if (isPlaying) {
      audio.current?.pause();
      setPlaying(false);
    } else {
      setPlaying(true);
      audio.current?.play().catch(() => setPlaying(false));
    }
  };
  return (
    <>
      <ActionIcon
        variant="default"
        size="lg"
        disabled={!isKnown}
        aria-label={isPlaying ? "Stop" : `Play ${id || "the prompt"}`}
        onClick={toggle}
      >
        {isPlaying ? <IconPlayerStop size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />}
      </ActionIcon>
      {/* biome-ignore lint/a11y/useMediaCaption: what is said is what the prompt is called; there is no track */}
      <audio
        ref={audio}
        src={isKnown ? `/api/v1/prompts/${encodeURIComponent(id)}/wav` : undefined}
        preload="none"
        onEnded={() => setPlaying(false)}
      />
    </>
  );
}
