// Who is rung, which number is shown, and what the caller hears meanwhile.

import { Autocomplete, Fieldset, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { isObject, type JsonObject, textOf } from "../../flow/document";
import { AudioField } from "./AudioField";
import { useFieldError, useForm, useObjects } from "./context";
import { Wrong } from "./FieldError";
import { wordLabel } from "./labels";
import type { SpecialProps } from "./specialProps";
import { TemplateInput } from "./TemplateInput";

const TARGETS = ["user", "users", "record_owner", "number", "sip"];

export function DialTarget({ path, value, onChange, schema, config }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const target = isObject(value) ? value : {};
  const kind = textOf(target.kind) || "users";
  const setKind = (next: string | null) => {
    if (next !== null && next !== kind) {
      // Who is rung instead of an owner goes with the owner.
      const isStray = next !== "record_owner" && config.fallbackOwner !== undefined;
      onChange(targetOf(next, target), undefined, isStray ? { fallbackOwner: undefined } : undefined);
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
        {kind === "record_owner" ? (
          <Text size="xs" c="dimmed">
            The agent whose CRM user owns the Contact or Lead that has the caller’s number.
          </Text>
        ) : kind === "users" || kind === "user" ? (
          <AgentFields target={target} kind={kind} error={error} onChange={onChange} />
        ) : (
          <TemplateInput
            label={kind === "sip" ? "SIP address" : "Number"}
            placeholder={kind === "sip" ? "sip:desk@pbx.example.com" : "+15550123"}
            value={textOf(target.value)}
            error={error}
            onChange={(next) => onChange({ kind, value: next })}
          />
        )}
        {kind === "record_owner" && error && <Wrong text={error} />}
      </Stack>
    </Fieldset>
  );
}

/** A target of another kind that keeps the agent of the one before. */
function targetOf(kind: string, before: JsonObject): JsonObject {
  const first = Array.isArray(before.values) ? textOf(before.values[0]) : textOf(before.value);
  switch (kind) {
    case "users":
      return { kind, values: first ? [first] : [] };
    case "record_owner":
      return { kind };
    default:
      return { kind, value: kind === "user" ? first : "" };
  }
}

/** Who is rung where the caller has no record, or nobody can be rung who owns it. */
export function FallbackOwner({ path, value, onChange, schema }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const target = isObject(value) ? value : {};
  const kind = textOf(target.kind) || "none";
  return (
    <Fieldset legend="Otherwise" p="xs" data-field={path}>
      <Stack gap="xs">
        <Select
          label="Who is rung then"
          description={schema.description}
          data={[
            { value: "none", label: "Nobody: the step is left" },
            ...["user", "users"].map((word) => ({ value: word, label: wordLabel(word) })),
          ]}
          value={kind}
          allowDeselect={false}
          readOnly={readOnly}
          onChange={(next) => {
            if (next !== null && next !== kind) {
              onChange(next === "none" ? undefined : targetOf(next, target));
            }
          }}
        />
        {(kind === "user" || kind === "users") && (
          <AgentFields target={target} kind={kind} error={error} onChange={onChange} />
        )}
      </Stack>
    </Fieldset>
  );
}

type AgentProps = {
  target: JsonObject;
  kind: "user" | "users";
  error: string | null;
  onChange: (target: JsonObject) => void;
};

/** One agent or several, by id or by a variable. */
function AgentFields({ target, kind, error, onChange }: AgentProps) {
  const { readOnly } = useForm();
  const agents = useObjects("/agents");
  const labels = new Map(agents.map((choice) => [choice.value, choice.label]));
  return kind === "users" ? (
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
  ) : (
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
