import { Button, Group, Loader, Progress, Select, Stack, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, ask, type Schema } from "../../api/client";
import { type StepWords, useAllFlows, useVersion } from "../../live/flowNames";
import { trafficMarks } from "../../live/marks";
import { VersionCanvas } from "../../live/VersionCanvas";
import { kindText, portText } from "../../live/words";
import { csvText } from "../../ui/csv";
import { download } from "../../ui/download";
import { Empty } from "../../ui/Empty";
import { durationText, whenText } from "../../ui/moments";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { share } from "./traffic";

type StepCount = Schema<"StepCountItem">;

/** In which step of a flow callers hang up. */
export function StepsReport() {
  const flows = useAllFlows().filter((flow) => flow.lastVersion > 0);
  const [chosen, setChosen] = useState<string | null>(null);
  const [version, setVersion] = useState<number | null>(null);
  const flow = flows.find(({ id }) => id === chosen) ?? flows[0];
  const number = version ?? flow?.live ?? flow?.lastVersion;
  if (flow === undefined || number === undefined) {
    return (
      <Empty
        title="No call flow is published yet"
        text="Once one is, its steps are counted here for each version."
      />
    );
  }
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <Select
          label="Call flow"
          data={flows.map(({ id, name }) => ({ value: id, label: name }))}
          value={flow.id}
          onChange={(value) => {
            setChosen(value);
            setVersion(null);
          }}
          allowDeselect={false}
          searchable
          w={220}
        />
        <VersionSelect flow={flow} version={number} change={setVersion} />
      </Group>
      <StepCounts key={`${flow.id} ${number}`} flow={flow.id} version={number} />
    </Stack>
  );
}

type VersionSelectProps = { flow: Schema<"FlowItem">; version: number; change: (version: number) => void };

function VersionSelect({ flow, version, change }: VersionSelectProps) {
  const versions = useQuery({
    queryKey: ["flows", flow.id, "versions"],
    queryFn: () =>
      ask(api.GET("/flows/{id}/versions", { params: { path: { id: flow.id }, query: { limit: 200 } } })),
  });
  const data = (versions.data?.items ?? []).map((one) => ({
    value: String(one.version),
    label: `${one.version}${one.version === flow.live ? " (live)" : ""}, ${whenText(one.published)}`,
  }));
  return (
    <Select
      label="Version"
      data={data.length > 0 ? data : [{ value: String(version), label: String(version) }]}
      value={String(version)}
      onChange={(value) => value && change(Number(value))}
      allowDeselect={false}
      w={260}
    />
  );
}

function StepCounts({ flow, version }: { flow: string; version: number }) {
  const counts = useQuery({
    queryKey: ["flows", flow, "counts", version],
    queryFn: () =>
      ask(api.GET("/flows/{id}/versions/{n}/counts", { params: { path: { id: flow, n: version } } })),
  });
  const { data: whole } = useVersion(flow, version);
  const marks = useMemo(() => trafficMarks(counts.data?.steps ?? []), [counts.data]);
  if (counts.error) {
    return <ProblemAlert error={counts.error} retry={() => counts.refetch()} />;
  }
  if (!counts.data) {
    return <Loader aria-label="Loading" />;
  }
  const steps = [...counts.data.steps].sort((a, b) => b.entered - a.entered);
  if (steps.length === 0) {
    return <Empty title="No call went through this version yet" text="A call is counted when it is over." />;
  }
  return (
    <>
      <Text size="sm" c="dimmed">
        All calls of this version, since it was published. A call that comes into a step twice counts twice.
      </Text>
      <VersionCanvas flow={flow} version={version} marks={marks} />
      <StepTable steps={steps} words={whole?.steps} />
      <Group>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => download(`steps-${flow}-${version}.csv`, stepsCsv(steps, whole?.steps))}
        >
          CSV
        </Button>
      </Group>
    </>
  );
}

type Words = ReadonlyMap<string, StepWords> | undefined;

function StepTable({ steps, words }: { steps: StepCount[]; words: Words }) {
  return (
    <Table verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Step</Table.Th>
          <Table.Th ta="right">Calls in</Table.Th>
          <Table.Th>Hung up here</Table.Th>
          <Table.Th ta="right" visibleFrom="sm">
            Ended after talking
          </Table.Th>
          <Table.Th ta="right" visibleFrom="sm">
            Time, on average
          </Table.Th>
          <Table.Th visibleFrom="md">Left by</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {steps.map((count) => {
          const step = words?.get(count.step);
          return (
            <Table.Tr key={count.step}>
              <Table.Td>
                <Text size="sm" fw={600}>
                  {step?.name ?? count.step}
                </Text>
                {step && (
                  <Text size="xs" c="dimmed">
                    {kindText(step.kind)}
                  </Text>
                )}
              </Table.Td>
              <Table.Td ta="right">{count.entered.toLocaleString()}</Table.Td>
              <Table.Td miw={110}>
                <Text size="sm">
                  {count.hungUp.toLocaleString()}{" "}
                  {count.hungUp > 0 && `(${share(count.hungUp, count.entered)})`}
                </Text>
                <Progress
                  value={count.entered === 0 ? 0 : (count.hungUp / count.entered) * 100}
                  color="orange"
                  size="sm"
                  aria-label={`Share of callers who hung up in ${step?.name ?? count.step}`}
                />
              </Table.Td>
              <Table.Td ta="right" visibleFrom="sm">
                {count.answered.toLocaleString()}
              </Table.Td>
              <Table.Td ta="right" visibleFrom="sm">
                {durationText(count.entered === 0 ? 0 : count.seconds / count.entered)}
              </Table.Td>
              <Table.Td visibleFrom="md">
                <Text size="sm">{waysText(count, step)}</Text>
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function waysText(count: StepCount, step: StepWords | undefined): string {
  return Object.entries(count.ports)
    .sort(([, a], [, b]) => b - a)
    .map(([port, left]) => `${portText(port, step?.ports.get(port))}: ${left}`)
    .join(", ");
}

function stepsCsv(steps: StepCount[], words: Words): string {
  return csvText(
    ["step", "name", "entered", "hung_up", "ended_after_talking", "seconds", "left_by"],
    steps.map((count) => [
      count.step,
      words?.get(count.step)?.name ?? null,
      count.entered,
      count.hungUp,
      count.answered,
      Math.round(count.seconds),
      Object.entries(count.ports)
        .map(([port, left]) => `${port}=${left}`)
        .join(" "),
    ]),
  );
}
