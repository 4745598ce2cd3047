import { NumberInput } from "@mantine/core";
import type { DocumentForm } from "../../ui/documentForm";
import type { FlowDetails } from "./details";

type CountKey = "shortAbandonSec" | "maxCallSec" | "maxStepsBetweenInput" | "maxSubflowDepth";

type CountFieldProps = {
  form: DocumentForm<FlowDetails>;
  field: CountKey;
  label: string;
  description: string;
  min: number;
  max: number;
};

/** A whole number that may be left to its default. */
export function CountField({ form, field, label, description, min, max }: CountFieldProps) {
  return (
    <NumberInput
      label={label}
      description={description}
      min={min}
      max={max}
      allowDecimal={false}
      value={form.value[field] ?? ""}
      onChange={(count) => form.set(field, typeof count === "number" ? count : null)}
      error={form.error(field)}
    />
  );
}
