// Fields that name something: an object, a flow's version, a step.

import { Autocomplete, Select, TextInput } from "@mantine/core";
import { stepName, textOf } from "../../flow/document";
import { useBuilderState } from "../store";
import { type Choice, useFieldError, useForm } from "./context";
import { fieldLabel } from "./labels";
import type { SpecialProps } from "./specialProps";

/** An id of something that exists elsewhere, to be chosen or typed. */
export function Reference({
  name,
  schema,
  path,
  value,
  onChange,
  required,
  choices,
}: SpecialProps & { choices: Choice[] }) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const labels = new Map(choices.map((choice) => [choice.value, choice.label]));
  return (
    <Autocomplete
      data-field={path}
      label={fieldLabel(name)}
      description={schema.description}
      required={required}
      error={error}
      readOnly={readOnly}
      data={choices.map((choice) => choice.value)}
      renderOption={({ option }) => labels.get(option.value) ?? option.value}
      value={textOf(value)}
      onChange={(next) => onChange(next === "" && !required ? undefined : next)}
    />
  );
}

export function FlowVersion({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  return (
    <TextInput
      data-field={path}
      label="Version"
      description={schema.description}
      placeholder="live"
      error={useFieldError(path)}
      readOnly={readOnly}
      value={textOf(value)}
      onChange={(event) => {
        const next = event.currentTarget.value.trim();
        onChange(next === "" ? undefined : /^\d+$/.test(next) ? Number(next) : next);
      }}
    />
  );
}

export function StepChoice({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly, step } = useForm();
  const document = useBuilderState((state) => state.document);
  return (
    <Select
      data-field={path}
      label="Step"
      description={schema.description}
      error={useFieldError(path)}
      readOnly={readOnly}
      searchable
      data={Object.keys(document.steps)
        .filter((id) => id !== step)
        .map((id) => ({ value: id, label: stepName(document, id) }))}
      value={textOf(value) || null}
      onChange={(next) => onChange(next ?? "")}
    />
  );
}
