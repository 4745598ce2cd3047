// Who is rung, which number is shown, and what the caller hears meanwhile.

import { Autocomplete, Fieldset, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { isObject, textOf } from "../../flow/document";
import { AudioField } from "./AudioField";
import { useFieldError, useForm, useObjects } from "./context";
import { wordLabel } from "./labels";
import type { SpecialProps } from "./specialProps";
import { TemplateInput } from "./TemplateInput";

const TARGETS = ["user", "users", "number", "sip"];

export function DialTarget({ path, value, onChange, schema }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const agents = useObjects("/agents");
  const target = isObject(value) ? value : {};
  const kind = textOf(target.kind) || "users";
  const labels = new Map(agents.map((choice) => [choice.value, choice.label]));
  const setKind = (next: string | null) => {
    if (next !== null && next !== kind) {
      const first = Array.isArray(target.values) ? textOf(target.values[0]) : textOf(target.value);
      onChange(
        next === "users"
          ? { kind: next, values: first ? [first] : [] }
          : { kind: next, value: next === "user" ? first : "" },
      );
    }
  };
  return (
    <Fieldset legend="Who is rung" p="xs" data-field={path}>
      <Stack gap="xs">
        <Select
          label="Kind"
          description={schema.properties?.kind?.description}
          data={[...new Set([...TARGETS, kind])].map((word) => ({ value: word, label: wordLabel(word) }))}
          value={kind}
          allowDeselect={false}
          readOnly={readOnly}
          onChange={setKind}
        />
        {kind === "users" ? (
          <TagsInput
            label="Agents"
            description="Their ids, in the order in which they are rung one after the other; a variable such as {{owner}} may stand there."
            data={agents.map((agent) => agent.value)}
            renderOption={({ option }) => labels.get(option.value) ?? option.value}
            value={Array.isArray(target.values) ? target.values.map(textOf) : []}
            readOnly={readOnly}
            acceptValueOnBlur
            error={error}
            onChange={(values) => onChange({ kind, values })}
          />
        ) : kind === "user" ? (
          <Autocomplete
            label="Agent"
            description="An id; a variable such as {{owner}} may stand there."
            data={agents.map((agent) => agent.value)}
            renderOption={({ option }) => labels.get(option.value) ?? option.value}
            value={textOf(target.value)}
            readOnly={readOnly}
            error={error}
            onChange={(next) => onChange({ kind, value: next })}
          />
        ) : (
          <TemplateInput
            label={kind === "sip" ? "SIP address" : "Number"}
            placeholder={kind === "sip" ? "sip:desk@pbx.example.com" : "+15550123"}
            value={textOf(target.value)}
            error={error}
            onChange={(next) => onChange({ kind, value: next })}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

export function CallerId({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const text = textOf(value);
  const isFixed = text.startsWith("fixed:");
  return (
    <Stack gap="xs" data-field={path}>
      <Select
        label="Number shown"
        description={schema.description}
        error={useFieldError(path)}
        readOnly={readOnly}
        data={[
          { value: "default", label: "As usual" },
          { value: "caller", label: "The caller's" },
          { value: "dialled", label: "The one that was dialled" },
          { value: "fixed", label: "Always this one" },
        ]}
        value={isFixed ? "fixed" : text || "default"}
        allowDeselect={false}
        onChange={(next) =>
          onChange(next === "default" || next === null ? undefined : next === "fixed" ? "fixed:+" : next)
        }
      />
      {isFixed && (
        <TextInput
          aria-label="The number that is shown"
          value={text.slice("fixed:".length)}
          readOnly={readOnly}
          onChange={(event) => onChange(`fixed:${event.currentTarget.value}`)}
        />
      )}
    </Stack>
  );
}

export function Ringback({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const kind = isObject(value) ? "audio" : textOf(value) || "tone";
  return (
    <Stack gap="xs" data-field={path}>
      <Select
        label="The caller hears"
        description={schema.description}
        readOnly={readOnly}
        data={[
          { value: "tone", label: "The ringing tone" },
          { value: "music", label: "Music" },
          { value: "audio", label: "A text or a prompt" },
        ]}
        value={kind}
        allowDeselect={false}
        onChange={(next) =>
          onChange(
            next === "tone" ? undefined : next === "audio" ? { kind: "file", id: "" } : (next ?? undefined),
          )
        }
      />
      {kind === "audio" && (
        <AudioField label="Played meanwhile" path={path} value={value} required onChange={onChange} />
      )}
    </Stack>
  );
}
