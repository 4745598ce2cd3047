import { Autocomplete } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useForm, usePrompts } from "./context";

type PromptPickerProps = { value: string; onChange: (id: string) => void; error: string | null };

/** A prompt of the library, by its id. */
export function PromptPicker({ value, onChange, error }: PromptPickerProps) {
  const { readOnly } = useForm();
  const [searched] = useDebouncedValue(value, 150);
  const prompts = usePrompts(searched);
  const all = usePrompts("");
  const names = new Map([...all, ...prompts].map((prompt) => [prompt.id, prompt]));
  return (
    <Autocomplete
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
  );
}
