import { Select, TextInput } from "@mantine/core";
import { IconSelector } from "@tabler/icons-react";
import { useState } from "react";
import { type FlowDocument, type Step, stepName } from "../flow/document";
import { connect, disconnect } from "../flow/edits";
import { target, wayOf, wayWords } from "../flow/ports";
import { useBuilder } from "./store";

type PortTargetProps = { document: FlowDocument; id: string; step: Step; port: string; label: string };

/**
 * Chooses the step that a port leads to. A list of all steps is made where somebody goes into it: the outline of a
 * large flow shows two thousand ports.
 */
export function PortTarget(props: PortTargetProps) {
  const { document, id, step, port, label } = props;
  const { mayEdit } = useBuilder();
  const [isOpen, setOpen] = useState(false);
  const to = target(document, step, port);
  const shown = {
    size: "xs",
    "aria-label": `${label} of ${stepName(document, id)} leads to`,
    ...(to === null && { placeholder: `→ ${wayWords(document, step, wayOf(document, step, port))}` }),
  };
  if (isOpen && mayEdit) {
    return <StepSelect {...props} to={to} shown={shown} onLeave={() => setOpen(false)} />;
  }
  return (
    <TextInput
      {...shown}
      // What it becomes where somebody goes into it.
      role="combobox"
      aria-expanded={false}
      aria-haspopup="listbox"
      readOnly
      value={to === null ? "" : stepName(document, to)}
      rightSection={<IconSelector size={14} aria-hidden />}
      rightSectionPointerEvents="none"
      onFocus={() => setOpen(true)}
    />
  );
}

type StepSelectProps = PortTargetProps & {
  to: string | null;
  shown: { size: string; "aria-label": string; placeholder?: string };
  onLeave: () => void;
};

function StepSelect({ document, id, port, to, shown, onLeave }: StepSelectProps) {
  const { builder } = useBuilder();
  const set = (next: string | null) =>
    builder.edit((before) =>
      next === null ? disconnect(before, [{ from: id, port }]) : connect(before, { from: id, port }, next),
    );
  return (
    <Select
      {...shown}
      searchable
      clearable
      autoFocus
      defaultDropdownOpened
      data={Object.keys(document.steps).map((other) => ({ value: other, label: stepName(document, other) }))}
      value={to}
      onChange={set}
      onBlur={onLeave}
    />
  );
}
