import {
  Alert,
  Button,
  Group,
  Loader,
  Paper,
  SegmentedControl,
  Select,
  Stack,
  Table,
  Text,
} from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAllFlows } from "../../live/flowNames";
import { csvText } from "../../ui/csv";
import { download } from "../../ui/download";
import { Empty } from "../../ui/Empty";
import { whenText } from "../../ui/moments";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { gatherRecords } from "../records/filter";
import { TrafficChart } from "./TrafficChart";
import { type Bucket, perDay, perHour, share } from "./traffic";

/** Records that are counted here: the server counts no calls, so each is read. Some ten seconds at the most. */
export const COUNTED_MAX = 20_000;

const PERIODS = [
  { value: "1", label: "Today" },
  { value: "7", label: "Last 7 days" },
  { value: "30", label: "Last 30 days" },
  { value: "90", label: "Last 90 days" },
];

/** Midnight, so many days ago; today counts as the first. */
function beginning(days: number): Date {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + 1);
}

/** Calls and abandoned calls, by day or by hour of the day. */
export function CallsReport() {
  const [days, setDays] = useState("7");
  const [unit, setUnit] = useState("day");
  const [flow, setFlow] = useState<string | null>(null);
  const [progress, setProgress] = useState(0);
  const flows = useAllFlows();
  const report = useQuery({
    queryKey: ["report", days, flow],
    queryFn: async ({ signal }) => {
      const [from, until] = [beginning(Number(days)), new Date()];
      const query = { from: from.toISOString(), until: until.toISOString(), ...(flow && { flow }) };
      const { records, isCut } = await gatherRecords(query, COUNTED_MAX, setProgress, signal);
      // What is not counted is not kept: twenty thousand records are some megabytes.
      const calls = records.map(({ start, outcome }) => ({ start, outcome: outcome ?? null }));
      return { calls, isCut, from, until };
    },
  });
  const { data } = report;
  const buckets = useMemo(() => {
    if (!data) {
      return [];
    }
    return unit === "day" ? perDay(data.calls, data.from, data.until) : perHour(data.calls);
  }, [data, unit]);
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <Select
          label="Period"
          data={PERIODS}
          value={days}
          onChange={(value) => value && setDays(value)}
          w={160}
          allowDeselect={false}
        />
        <Select
          label="Call flow"
          placeholder="All"
          data={flows.map(({ id, name }) => ({ value: id, label: name }))}
          value={flow}
          onChange={setFlow}
          clearable
          searchable
          w={200}
        />
        <SegmentedControl
          aria-label="Counted"
          value={unit}
          onChange={setUnit}
          data={[
            { value: "day", label: "Per day" },
            { value: "hour", label: "Per hour of the day" },
          ]}
        />
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          disabled={buckets.length === 0}
          onClick={() => download(`calls-per-${unit}.csv`, bucketsCsv(buckets, unit))}
        >
          CSV
        </Button>
      </Group>
      {report.error && <ProblemAlert error={report.error} retry={() => report.refetch()} />}
      {report.isPending && (
        <Group gap="sm" role="status">
          <Loader size="sm" aria-label="Loading" />
          <Text size="sm">{progress > 0 && `${progress.toLocaleString()} calls so far`}</Text>
        </Group>
      )}
      {data?.isCut && <CutAlert oldest={data.calls.at(-1)?.start} />}
      {data && data.calls.length === 0 && <Empty title="There was no call in this period" />}
      {data && data.calls.length > 0 && <Counted buckets={buckets} unit={unit === "day" ? "day" : "hour"} />}
    </Stack>
  );
}

function CutAlert({ oldest }: { oldest: string | undefined }) {
  return (
    <Alert color="yellow" title="Not the whole period">
      There were more than {COUNTED_MAX.toLocaleString()} calls. Counted are the latest
      {oldest ? `, from ${whenText(oldest)} on` : ""}; what was before counts as nothing here. Choose a
      shorter period or one call flow.
    </Alert>
  );
}

function Counted({ buckets, unit }: { buckets: Bucket[]; unit: "day" | "hour" }) {
  const sum = (name: "calls" | "answered" | "abandoned") =>
    buckets.reduce((all, bucket) => all + bucket[name], 0);
  const [calls, answered, abandoned] = [sum("calls"), sum("answered"), sum("abandoned")];
  return (
    <>
      <Text>
        {calls.toLocaleString()} calls; {answered.toLocaleString()} talked to somebody (
        {share(answered, calls)}), {abandoned.toLocaleString()} gave up before ({share(abandoned, calls)}).
      </Text>
      <Paper withBorder p="md">
        <TrafficChart buckets={buckets} unit={unit} />
      </Paper>
      <Table verticalSpacing={4} maw={640}>
        <Table.Caption>{unit === "day" ? "Calls per day" : "Calls per hour of the day"}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{unit === "day" ? "Day" : "Hour"}</Table.Th>
            <Table.Th ta="right">Calls</Table.Th>
            <Table.Th ta="right">Talked</Table.Th>
            <Table.Th ta="right">Abandoned</Table.Th>
            <Table.Th ta="right">Share</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {buckets.map((bucket) => (
            <Table.Tr key={bucket.x}>
              <Table.Td>{bucket.label}</Table.Td>
              <Table.Td ta="right">{bucket.calls}</Table.Td>
              <Table.Td ta="right">{bucket.answered}</Table.Td>
              <Table.Td ta="right">{bucket.abandoned}</Table.Td>
              <Table.Td ta="right">{share(bucket.abandoned, bucket.calls)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

function bucketsCsv(buckets: Bucket[], unit: string): string {
  return csvText(
    [unit, "calls", "answered", "abandoned"],
    buckets.map((bucket) => [
      unit === "day" ? localDay(bucket.x) : bucket.label,
      bucket.calls,
      bucket.answered,
      bucket.abandoned,
    ]),
  );
}

function localDay(seconds: number): string {
  const at = new Date(seconds * 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
