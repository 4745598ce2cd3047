import { Badge, Button, Group, ScrollArea, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import type { StudioLine } from "../api/studio";

type Outcome = StudioLine["outcome"];

const WORDS: Record<Outcome, string> = {
  mapped: "Mapped",
  attention: "Needs attention",
  left_out: "Left out",
};
const COLORS: Record<Outcome, string> = { mapped: "teal", attention: "orange", left_out: "red" };

type StudioReportProps = {
  summary: string;
  report: StudioLine[];
  /** Leads to a step that a widget became; where there is none, it cannot be led there. */
  onShow?: (step: string) => void;
};

/** What became of each widget of a flow of Twilio Studio. */
export function StudioReport({ summary, report, onShow }: StudioReportProps) {
  const count = (outcome: Outcome) => report.filter((line) => line.outcome === outcome).length;
  const [shown, setShown] = useState<Outcome | "all">("all");
  const lines = report.filter((line) => shown === "all" || line.outcome === shown);
  const kinds = (Object.keys(WORDS) as Outcome[]).filter((outcome) => count(outcome) > 0);
  return (
    <Stack gap="xs">
      <Text size="sm">{summary}.</Text>
      <SegmentedControl
        size="xs"
        aria-label="Which widgets are shown"
        value={shown}
        onChange={(next) => setShown(next as Outcome | "all")}
        data={[
          { value: "all", label: `All (${report.length})` },
          ...kinds.map((outcome) => ({ value: outcome, label: `${WORDS[outcome]} (${count(outcome)})` })),
        ]}
      />
      <ScrollArea.Autosize
        mah={300}
        type="auto"
        viewportProps={{ tabIndex: 0, role: "region", "aria-label": "The widgets" }}
      >
        <Table verticalSpacing={6} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Widget</Table.Th>
              <Table.Th>Outcome</Table.Th>
              <Table.Th>What became of it</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {lines.map((line) => (
              <Line key={line.widget} line={line} onShow={onShow} />
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </Stack>
  );
}

/** The server sets names between the marks that Markdown has for them. */
function inWords(sentence: string): string {
  return sentence.replaceAll(/`([^`]*)`/g, "“$1”");
}

function Line({ line, onShow }: { line: StudioLine; onShow: ((step: string) => void) | undefined }) {
  const [step] = line.steps;
  return (
    <Table.Tr style={{ verticalAlign: "top" }}>
      <Table.Td style={{ overflowWrap: "anywhere" }}>
        {line.widget}
        <Text size="xs" c="dimmed">
          {line.kind}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="dot" color={COLORS[line.outcome]}>
          {WORDS[line.outcome]}
        </Badge>
      </Table.Td>
      <Table.Td>
        {inWords(line.sentence)}
        {onShow && step !== undefined && (
          <Group mt={2}>
            <Button
              size="compact-xs"
              variant="subtle"
              aria-label={`Show the step of ${line.widget}`}
              onClick={() => onShow(step)}
            >
              Show the step
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
