// The flow as a list, in the order in which a caller meets the steps. What can be done on the canvas can be done here.

import { ActionIcon, Badge, Button, Group, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo } from "react";
import { kindIcon } from "../canvas/kindIcons";
import { kindWords } from "../flow/catalogue";
import { commentOf, type FlowDocument, type Step, stepName } from "../flow/document";
import { reachable, readingOrder } from "../flow/graph";
import { fallbackOf, portsOf, target } from "../flow/ports";
import { summaryOf } from "../flow/summary";
import classes from "./Builder.module.css";
import { placeOf } from "./findings";
import { PortTarget } from "./PortTarget";
import { type Finding, useBuilder, useBuilderState } from "./store";

type OutlineProps = { onAdd: (from: string, port: string) => void; onRemove: (id: string) => void };

export function Outline({ onAdd, onRemove }: OutlineProps) {
  const document = useBuilderState((state) => state.document);
  const findings = useBuilderState((state) => state.findings);
  const order = useMemo(() => readingOrder(document), [document]);
  const reached = useMemo(() => reachable(document), [document]);
  return (
    <section className={classes.outline} aria-label="Steps of the flow">
      <Stack component="ol" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
        {order.map((id, i) => (
          <OutlineStep
            key={id}
            id={id}
            number={i + 1}
            step={document.steps[id] ?? { type: "" }}
            document={document}
            isReached={reached.has(id)}
            findings={findings}
            onAdd={onAdd}
            onRemove={onRemove}
          />
        ))}
      </Stack>
    </section>
  );
}

type OutlineStepProps = OutlineProps & {
  id: string;
  number: number;
  step: Step;
  document: FlowDocument;
  isReached: boolean;
  findings: Finding[];
};

function OutlineStep({ id, number, step, document, isReached, findings, onAdd, onRemove }: OutlineStepProps) {
  const { builder, mayEdit } = useBuilder();
  const isSelected = useBuilderState((state) => state.selected.includes(id));
  const { label } = kindWords(step.type);
  const Icon = kindIcon(step.type);
  const name = stepName(document, id);
  const wrong = findings.filter(
    (finding) => placeOf(finding.pointer).step === id && finding.severity !== "note",
  );
  return (
    <li id={`outline-${id}`}>
      <Group justify="space-between" wrap="nowrap">
        <UnstyledButton
          className={classes.finding ?? ""}
          aria-pressed={isSelected}
          data-active={isSelected || undefined}
          onClick={() => builder.select([id])}
        >
          <Group gap="xs" wrap="nowrap">
            <Icon size={18} stroke={1.7} aria-hidden />
            <Text fw={600}>
              {number}. {name}
            </Text>
            <Text size="sm" c="dimmed" truncate>
              {label}
              {summaryOf(step) && ` · ${summaryOf(step)}`}
            </Text>
          </Group>
        </UnstyledButton>
        <Group gap={4} wrap="nowrap" style={{ flex: "none" }}>
          {document.entry === id && <Badge variant="light">Start</Badge>}
          {fallbackOf(document) === id && <Badge variant="light">Fallback</Badge>}
          {!isReached && (
            <Badge variant="light" color="orange">
              Nothing leads here
            </Badge>
          )}
          {wrong.length > 0 && (
            <Badge
              color={wrong.some((finding) => finding.severity === "error") ? "red" : "orange"}
              variant="light"
            >
              {wrong.length === 1 ? "1 problem" : `${wrong.length} problems`}
            </Badge>
          )}
          {mayEdit && (
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={`Take ${name} out`}
              onClick={() => onRemove(id)}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      </Group>
      {commentOf(step) && (
        <Text size="xs" c="dimmed" ml={36} fs="italic">
          {commentOf(step)}
        </Text>
      )}
      {portsOf(step).length > 0 && (
        <Table
          ml={36}
          w="calc(100% - 36px)"
          verticalSpacing={2}
          withRowBorders={false}
          aria-label={`Ports of ${name}`}
        >
          <Table.Tbody>
            {portsOf(step).map((port) => (
              <Table.Tr key={port.name}>
                <Table.Th fw={400} fz="sm" w={170}>
                  {port.label}
                </Table.Th>
                <Table.Td>
                  <PortTarget document={document} id={id} step={step} port={port.name} label={port.label} />
                </Table.Td>
                <Table.Td w={150}>
                  <Group gap={4} wrap="nowrap">
                    <GoTo document={document} step={step} port={port.name} />
                    {mayEdit && (
                      <ActionIcon
                        variant="subtle"
                        aria-label={`Add a step at ${port.label} of ${name}`}
                        onClick={() => onAdd(id, port.name)}
                      >
                        <IconPlus size={16} aria-hidden />
                      </ActionIcon>
                    )}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </li>
  );
}

function GoTo({ document, step, port }: { document: FlowDocument; step: Step; port: string }) {
  const { show, builder } = useBuilder();
  const to = target(document, step, port);
  return (
    to !== null && (
      <Button
        size="compact-xs"
        variant="subtle"
        aria-label={`Go to ${stepName(document, to)}`}
        onClick={() => {
          builder.select([to]);
          show(to, true);
        }}
      >
        Go there
      </Button>
    )
  );
}
