import { Loader, Stack } from "@mantine/core";
import { lazy, Suspense } from "react";
import { promptIdFrom } from "../../api/prompts";
import { useBuilder, useBuilderState } from "../store";
import { useForm, usePrompts } from "./context";
import { NewPrompt } from "./NewPrompt";
import { PromptPicker } from "./PromptPicker";

// Draws and plays; not loaded before a prompt is looked at.
const Waveform = lazy(async () => ({ default: (await import("../../ui/Waveform")).Waveform }));

type PromptAudioProps = {
  value: string;
  onChange: (id: string) => void;
  error: string | null;
  /** The field that it is for, in words. */
  place: string;
};

/** A prompt of the library: chosen, or made here; seen and heard. */
export function PromptAudio({ value, onChange, error, place }: PromptAudioProps) {
  const { step } = useForm();
  const { mayEdit } = useBuilder();
  const name = useBuilderState((state) => state.document.steps[step]?.name ?? step);
  const found = usePrompts(value).find((prompt) => prompt.id === value);
  return (
    <Stack gap="xs">
      <PromptPicker value={value} onChange={onChange} error={error} />
      {found && (
        <Suspense fallback={<Loader size="sm" aria-label="Loading the sound" />}>
          <Waveform id={found.id} version={found.sha256} />
        </Suspense>
      )}
      {mayEdit && <NewPrompt suggestion={promptIdFrom(`${name} ${place}.wav`)} onAdded={onChange} />}
    </Stack>
  );
}
