import { SegmentedControl, Stack } from "@mantine/core";
import { useMemo, useState } from "react";
import { useFlowName } from "./flowNames";
import { walkMarks } from "./marks";
import type { Visit } from "./path";
import { VersionCanvas } from "./VersionCanvas";

type WalkCanvasProps = { visits: Visit[]; flow: string; version: number; isLive: boolean };

/** The way of a call on the canvas of its flow, and of each flow that it was led into. */
export function WalkCanvas({ visits, flow, version, isLive }: WalkCanvasProps) {
  const flowName = useFlowName();
  const [chosen, setChosen] = useState<string | null>(null);
  const keyOf = (visit: Visit) => `${visit.flow ?? flow} ${visit.version ?? version}`;
  const own = `${flow} ${version}`;
  const keys = [...new Set([own, ...visits.map(keyOf)])];
  // Where nobody chose, the one that a live call is in.
  const last = visits.at(-1);
  const shown = chosen ?? (isLive && last ? keyOf(last) : own);
  const within = visits.filter((visit) => keyOf(visit) === shown);
  const isHere = isLive && last !== undefined && keyOf(last) === shown;
  // By what is in it: a list that was made anew draws nothing anew.
  const signature = JSON.stringify(
    within.map(({ step, port, leftAt, failure }) => [step, port, leftAt, failure]),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the visits
  const marks = useMemo(() => walkMarks(within, isHere), [signature, isHere]);
  const [shownFlow = flow, shownVersion = String(version)] = shown.split(" ");
  return (
    <Stack gap="xs">
      {keys.length > 1 && (
        <div>
          <SegmentedControl
            aria-label="Call flow"
            value={shown}
            onChange={setChosen}
            data={keys.map((key) => ({ value: key, label: flowName(key.split(" ")[0]) }))}
          />
        </div>
      )}
      <VersionCanvas flow={shownFlow} version={Number(shownVersion)} marks={marks} />
    </Stack>
  );
}
