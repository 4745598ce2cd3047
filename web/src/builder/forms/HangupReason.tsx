// The code that a call ends with.

import { Autocomplete } from "@mantine/core";
import { textOf } from "../../flow/document";
import { useFieldError, useForm } from "./context";
import { fieldLabel } from "./labels";
import type { SpecialProps } from "./specialProps";

export function HangupReason({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const known = [
    { value: "16", label: "16 · the call is over" },
    { value: "17", label: "17 · busy" },
    { value: "19", label: "19 · nobody answers" },
    { value: "21", label: "21 · refused" },
    { value: "480", label: "480 · not available" },
    { value: "486", label: "486 · busy here" },
    { value: "603", label: "603 · declined" },
  ];
  const text = textOf(value) || "16";
  return (
    <Autocomplete
      data-field={path}
      label={fieldLabel("sipReason")}
      description={schema.description}
      error={useFieldError(path)}
      readOnly={readOnly}
      data={known.map((choice) => choice.value)}
      renderOption={({ option }) =>
        known.find((choice) => choice.value === option.value)?.label ?? option.value
      }
      value={text}
      onChange={(next) =>
        onChange(next === "" || next === "16" ? undefined : /^\d+$/.test(next) ? Number(next) : next)
      }
    />
  );
}
