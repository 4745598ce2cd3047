import { Badge, Group, Loader, Select, Stack, Table, Text, Title, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ask } from "../api/client";
import { type FlowDocument, readDocument, stepName } from "../flow/document";
import { daysOf, lossesOf, PERIODS, type Period } from "../flow/traffic";
import { trafficMarks } from "../live/marks";
import { Empty } from "../ui/Empty";
import { ProblemAlert } from "../ui/ProblemAlert";
import classes from "./Builder.module.css";
import { useBuilder } from "./store";

/** What calls did in a version, on its canvas: how many came into each step, left by each port, and were lost there. */
export function Traffic({ id }: { id: string }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [period, setPeriod] = useState<Period>("week");
  const versions = useQuery({
    queryKey: ["flow", id, "versions", "to choose"],
    queryFn: () => ask(api.GET("/flows/{id}/versions", { params: { path: { id }, query: { limit: 200 } } })),
  });
  const flow = useQuery({
    queryKey: ["flow", id],
    queryFn: () => ask(api.GET("/flows/{id}", { params: { path: { id } } })),
  });
  const error = versions.error ?? flow.error;
  if (error) {
    return <ProblemAlert error={error} retry={() => Promise.all([versions.refetch(), flow.refetch()])} />;
  }
  if (!versions.data || !flow.data) {
    return <Loader size="sm" aria-label="Loading" />;
  }
  const version = chosen ?? flow.data.live ?? versions.data.items[0]?.version;
  return (
    <Stack gap="sm">
      <div>
        <Title order={2} size="h5">
          Traffic
        </Title>
        <Text size="xs" c="dimmed">
          What calls did in a published version. A call that comes into a step twice counts twice; a call is
          counted when it is over, on the day on which it came in (UTC).
        </Text>
      </div>
      {version === undefined ? (
        <Empty title="Never published" text="Calls cannot come here before the draft is published." />
      ) : (
        <>
          <Group grow gap="xs">
            <Select
              size="xs"
              label="Version"
              data={versions.data.items.map((one) => ({
                value: String(one.version),
                label: `${one.version}${one.version === flow.data.live ? " (live)" : ""}`,
              }))}
              value={String(version)}
              allowDeselect={false}
              onChange={(next) => setChosen(Number(next))}
            />
            <Select
              size="xs"
              label="Period"
              data={[...PERIODS]}
              value={period}
              allowDeselect={false}
              onChange={(next) => setPeriod((next as Period | null) ?? "week")}
            />
          </Group>
          <Counts id={id} version={version} period={period} />
        </>
      )}
    </Stack>
  );
}

type CountsProps = { id: string; version: number; period: Period };

function Counts({ id, version, period }: CountsProps) {
  const { builder } = useBuilder();
  const days = daysOf(period, new Date());
  const counts = useQuery({
    queryKey: ["flow", id, "counts", version, days],
    queryFn: () =>
      ask(api.GET("/flows/{id}/versions/{n}/counts", { params: { path: { id, n: version }, query: days } })),
    staleTime: 0,
  });
  const drawn = useQuery({
    queryKey: ["flow", id, "version", version],
    queryFn: async () =>
      readDocument(await ask(api.GET("/flows/{id}/versions/{n}", { params: { path: { id, n: version } } }))),
  });
  const document = drawn.data && "document" in drawn.data ? drawn.data.document : null;
  const steps = counts.data?.steps;
  useEffect(() => {
    if (document !== null && steps !== undefined) {
      const words = PERIODS.find(({ value }) => value === period)?.label.toLowerCase() ?? "";
      const label = `Version ${version}, ${words}`;
      builder.store.setState({ shown: { document, marks: trafficMarks(steps), label } });
    }
  }, [builder, document, steps, version, period]);
  const error = counts.error ?? drawn.error;
  if (error) {
    return <ProblemAlert error={error} retry={() => Promise.all([counts.refetch(), drawn.refetch()])} />;
  }
  if (document === null || steps === undefined) {
    return <Loader size="sm" aria-label="Loading" />;
  }
  if (steps.length === 0) {
    return <Empty title="No calls" text="No call went through this version in this period." />;
  }
  return (
    <>
      <Legend />
      <Losses document={document} steps={steps} />
    </>
  );
}

/** What the marks on the canvas say. */
function Legend() {
  return (
    <Table fz="xs" verticalSpacing={4} layout="fixed" aria-label="What the marks say">
      <Table.Tbody>
        <Table.Tr>
          <Table.Td w={116}>
            <Badge variant="light" color="gray" size="sm">
              120
            </Badge>
          </Table.Td>
          <Table.Td>at a step: calls that came into it; at a port: calls that left by it</Table.Td>
        </Table.Tr>
        <Table.Tr>
          <Table.Td>
            <Badge variant="light" color="orange" size="sm" tt="none">
              5 % hung up
            </Badge>
          </Table.Td>
          <Table.Td>of those who came in, hung up there before they talked to anybody</Table.Td>
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}

/** Steps that are named; the canvas shows the rest. */
const LOSSES_SHOWN = 10;

type LossesProps = { document: FlowDocument; steps: Parameters<typeof lossesOf>[0] };

function Losses({ document, steps }: LossesProps) {
  const { show } = useBuilder();
  const losses = lossesOf(steps).slice(0, LOSSES_SHOWN);
  if (losses.length === 0) {
    return <Text size="sm">Nobody hung up before talking to somebody.</Text>;
  }
  return (
    <div>
      <Title order={3} size="h6" mb={4}>
        Where callers hang up
      </Title>
      {losses.map(({ step, hungUp, entered, share }) => (
        <UnstyledButton key={step} className={classes.finding ?? ""} onClick={() => show(step, true)}>
          <Text size="sm" fw={600}>
            {stepName(document, step)}
          </Text>
          <Text size="xs" c="dimmed">
            {hungUp.toLocaleString()} of {entered.toLocaleString()} ({Math.round(share * 100)} %)
          </Text>
        </UnstyledButton>
      ))}
    </div>
  );
}
