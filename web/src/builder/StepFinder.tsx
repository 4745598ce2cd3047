import { Text } from "@mantine/core";
import { useState } from "react";
import { kindWords } from "../flow/catalogue";
import { commentOf, type FlowDocument, stepName } from "../flow/document";
import { readingOrder } from "../flow/graph";
import { type Port, portsOf, wayOf, wayWords } from "../flow/ports";
import { summaryOf } from "../flow/summary";
import { Chooser } from "./QuickAdd";
import { useBuilderState } from "./store";

/** Steps whose name, id, kind, texts or note hold a text. */
export function findSteps(document: FlowDocument, text: string): string[] {
  const wanted = text.trim().toLowerCase();
  return readingOrder(document).filter((id) => {
    const step = document.steps[id];
    const words = step && [
      id,
      step.name,
      kindWords(step.type).label,
      commentOf(step),
      JSON.stringify(step.config ?? {}),
    ];
    return words?.join(" ").toLowerCase().includes(wanted);
  });
}

type StepFinderProps = {
  opened: boolean;
  title: string;
  onClose: () => void;
  onChoose: (id: string) => void;
};

/** Chooses a step of the flow. */
export function StepFinder({ opened, title, onClose, onChoose }: StepFinderProps) {
  const document = useBuilderState((state) => state.document);
  return (
    <Chooser
      opened={opened}
      onClose={onClose}
      title={title}
      label="Search by name, text or id"
      nothing="No step has that in it."
      find={(text) => findSteps(document, text).slice(0, 100)}
      keyOf={(id) => id}
      render={(id) => (
        <>
          <Text size="sm" component="span" display="block">
            {stepName(document, id)}
          </Text>
          <Text size="xs" c="dimmed" component="span" display="block" truncate>
            {kindWords(document.steps[id]?.type ?? "").label} ·{" "}
            {summaryOf(document.steps[id] ?? { type: "" }) || id}
          </Text>
        </>
      )}
      onChoose={onChoose}
    />
  );
}

type WireDialogProps = {
  opened: boolean;
  onClose: () => void;
  onWire: (port: string, to: string) => void;
};

/** Wires a port of the selected step by the keyboard: first the port, then the step. */
export function WireDialog({ opened, onClose, onWire }: WireDialogProps) {
  const document = useBuilderState((state) => state.document);
  const [from] = useBuilderState((state) => state.selected);
  const [port, setPort] = useState<string | null>(null);
  const step = from === undefined ? undefined : document.steps[from];
  const close = () => {
    setPort(null);
    onClose();
  };
  if (step === undefined || from === undefined) {
    return null;
  }
  return (
    <>
      <Chooser<Port>
        opened={opened && port === null}
        onClose={close}
        title={`Wire “${stepName(document, from)}”: which port?`}
        label="Search ports"
        nothing="It has no such port."
        find={(text) =>
          portsOf(step).filter((known) => known.label.toLowerCase().includes(text.toLowerCase()))
        }
        keyOf={(known) => known.name}
        render={(known) => (
          <Text size="sm">
            {known.label}{" "}
            <Text span c="dimmed">
              → {wayWords(document, step, wayOf(document, step, known.name))}
            </Text>
          </Text>
        )}
        onChoose={(known) => setPort(known.name)}
      />
      <StepFinder
        opened={opened && port !== null}
        title="…leads to which step?"
        onClose={close}
        onChoose={(to) => {
          if (port !== null) {
            onWire(port, to);
          }
          close();
        }}
      />
    </>
  );
}
