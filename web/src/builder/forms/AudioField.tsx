import { Button, Fieldset, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { isObject, type Json, type JsonObject, textOf } from "../../flow/document";
import { useBuilder, useBuilderState } from "../store";
import { useFieldError, useForm } from "./context";
import { ItemTools } from "./ItemTools";
import { PromptAudio } from "./PromptAudio";
import { SpeechPreview } from "./SpeechPreview";
import { TemplateInput } from "./TemplateInput";

type AudioFieldProps = {
  label: string;
  description?: string | undefined;
  /** As in `config/audio`. */
  path: string;
  value: Json | undefined;
  /** `undefined` takes it away. */
  onChange: (value: Json | undefined) => void;
  required: boolean;
};

const KINDS = [
  { value: "tts", label: "Text" },
  { value: "file", label: "Prompt" },
  { value: "seq", label: "Several" },
];

/** What is heard: a text that is spoken, a prompt of the library, or several of them one after the other. */
export function AudioField({ label, description, path, value, onChange, required }: AudioFieldProps) {
  const { readOnly } = useForm();
  const audio = isObject(value) ? value : null;
  const kind = textOf(audio?.kind) || "none";
  const kinds = required ? KINDS : [{ value: "none", label: "Nothing" }, ...KINDS];
  const set = (next: string) => {
    if (next !== kind) {
      onChange(next === "none" ? undefined : emptyAudio(next, audio));
    }
  };
  return (
    <Fieldset legend={label} p="xs" data-field={path}>
      <Stack gap="xs">
        {description && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        <SegmentedControl
          size="xs"
          fullWidth
          data={kinds}
          value={kind}
          onChange={set}
          readOnly={readOnly}
          aria-label={label}
        />
        {audio !== null && <AudioBody label={label} path={path} audio={audio} onChange={onChange} />}
      </Stack>
    </Fieldset>
  );
}

function emptyAudio(kind: string, before: JsonObject | null): JsonObject {
  if (kind === "seq") {
    return { kind, items: before === null ? [{ kind: "tts", text: "" }] : [before] };
  }
  return kind === "file" ? { kind, id: "" } : { kind, text: "" };
}

type BodyProps = { label: string; path: string; audio: JsonObject; onChange: (value: Json) => void };

function AudioBody({ label, path, audio, onChange }: BodyProps) {
  const error = useFieldError(path);
  switch (audio.kind) {
    case "tts":
      return <SpokenText label={label} audio={audio} error={error} onChange={onChange} />;
    case "file":
      return (
        <PromptAudio
          value={textOf(audio.id)}
          onChange={(id) => onChange({ ...audio, id })}
          error={error}
          place={label}
        />
      );
    default:
      return <Sequence label={label} path={path} audio={audio} onChange={onChange} />;
  }
}

type SpokenTextProps = Omit<BodyProps, "path"> & { error: string | null };

/** A text, in the flow's language and voice unless it says its own. */
function SpokenText({ label, audio, error, onChange }: SpokenTextProps) {
  const { readOnly } = useForm();
  const { mayEdit } = useBuilder();
  const settings = useBuilderState((state) => state.document.settings);
  const own = (name: "language" | "voice") => textOf(audio[name]) || textOf(settings?.[name]);
  return (
    <>
      <TemplateInput
        label="Spoken text"
        rows={3}
        value={textOf(audio.text)}
        maxLength={4000}
        placeholder="Welcome. Type {{ for variables."
        error={error}
        onChange={(text) => onChange({ ...audio, text })}
      />
      {mayEdit && (
        <SpeechPreview
          text={textOf(audio.text)}
          language={own("language")}
          voice={own("voice")}
          name={label}
        />
      )}
      <Group gap="xs" grow align="flex-start">
        {(["language", "voice"] as const).map((name) => (
          <TextInput
            key={name}
            size="xs"
            label={name === "language" ? "Language" : "Voice"}
            placeholder={textOf(settings?.[name]) || (name === "language" ? "en-US" : "default")}
            value={textOf(audio[name])}
            readOnly={readOnly}
            maxLength={100}
            onChange={(event) => {
              const { [name]: _, ...rest } = audio;
              const next = event.currentTarget.value;
              onChange(next === "" ? rest : { ...rest, [name]: next });
            }}
          />
        ))}
      </Group>
    </>
  );
}

/** Most parts of a sequence, as the server allows. */
const PARTS_MAX = 10;

function Sequence({ path, audio, onChange }: BodyProps) {
  const { readOnly } = useForm();
  const items = Array.isArray(audio.items) ? audio.items : [];
  const set = (next: Json[]) => onChange({ ...audio, items: next });
  return (
    <Stack gap="xs">
      {items.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no names; their place is what they are
        <Stack key={i} gap={4}>
          <AudioField
            label={`Part ${i + 1}`}
            path={`${path}/items/${i}`}
            value={item}
            required
            onChange={(next) => set(items.map((old, j) => (j === i ? (next ?? old) : old)))}
          />
          {!readOnly && (
            <ItemTools
              names={[`Part ${i + 1}`, `part ${i + 1}`]}
              items={items}
              index={i}
              keepsOne
              onChange={set}
            />
          )}
        </Stack>
      ))}
      {!readOnly && items.length < PARTS_MAX && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => set([...items, { kind: "tts", text: "" }])}
        >
          Add a part
        </Button>
      )}
    </Stack>
  );
}
