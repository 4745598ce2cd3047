import {
  Alert,
  Anchor,
  Badge,
  Loader,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, ask, Problem } from "../../api/client";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { CrmBanner } from "../crm/CrmBanner";
import { cpuShare, figure, readFigures, type Sample } from "./figures";

const EVERY_MS = 5_000;

type Readiness = {
  ready: boolean;
  parts: Record<string, string>;
  calls: number;
  records_waiting: number;
  media_ports_free: number;
  revision: number;
};

/** These pages stand beside the API; they need no sign-in. */
async function read(path: string): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin" });
  } catch {
    throw new Problem(0, "The server cannot be reached.");
  }
}

async function fetchReadiness(): Promise<Readiness> {
  const response = await read("/readyz");
  // 503 where it takes no calls; the body says why all the same.
  if (response.status !== 200 && response.status !== 503) {
    throw new Problem(response.status, `The server answered ${response.status}.`);
  }
  return (await response.json()) as Readiness;
}

async function fetchFigures(): Promise<Sample[]> {
  const response = await read("/metrics");
  if (!response.ok) {
    throw new Problem(response.status, `The server answered ${response.status}.`);
  }
  return readFigures(await response.text());
}

async function fetchVersion(): Promise<string> {
  const document: unknown = await ask(api.GET("/openapi.json"));
  const info = typeof document === "object" && document !== null && "info" in document ? document.info : null;
  return typeof info === "object" && info !== null && "version" in info ? String(info.version) : "unknown";
}

/** How the server is, in words. */
export function SystemPage() {
  const readiness = useQuery({ queryKey: ["readyz"], queryFn: fetchReadiness, refetchInterval: EVERY_MS });
  const figures = useQuery({ queryKey: ["metrics"], queryFn: fetchFigures, refetchInterval: EVERY_MS });
  const version = useQuery({ queryKey: ["version"], queryFn: fetchVersion, staleTime: 3_600_000 });
  const error = readiness.error ?? figures.error;
  return (
    <Page
      title="System"
      text={`How this server is at this moment.${version.data ? ` Version ${version.data}.` : ""}`}
    >
      {error && (
        <ProblemAlert
          error={error}
          retry={() => {
            void readiness.refetch();
            void figures.refetch();
          }}
        />
      )}
      {readiness.isPending && <Loader aria-label="Loading" />}
      {readiness.data && <Ready readiness={readiness.data} />}
      <CrmBanner />
      {figures.data && <Load samples={figures.data} at={figures.dataUpdatedAt} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {readiness.data && <Parts parts={readiness.data.parts} />}
        {figures.data && <Since samples={figures.data} />}
      </SimpleGrid>
      <Anchor component={Link} to="/licences" size="sm">
        What this console is made of: packages and their licences
      </Anchor>
    </Page>
  );
}

function Ready({ readiness }: { readiness: Readiness }) {
  if (readiness.parts.drain === "draining") {
    const calls = readiness.calls === 1 ? "1 call is" : `${readiness.calls} calls are`;
    return (
      <Alert color="yellow" title="It is about to stop">
        No new calls are taken; it ends when the last one is over. {calls} in progress.
      </Alert>
    );
  }
  return readiness.ready ? (
    <Alert color="teal" title="It takes calls" />
  ) : (
    <Alert color="red" title="It takes no calls">
      The parts below say why.
    </Alert>
  );
}

/** What each part is, and what it means where it is not well. */
const PARTS: Record<string, { name: string; bad: string }> = {
  sip: { name: "Telephone lines", bad: "The sockets are not open yet." },
  numbers_and_flows: { name: "Numbers and call flows", bad: "Not loaded yet, so calls are refused." },
  media_ports: { name: "Ports for audio", bad: "All are in use: new calls are refused." },
  drain: { name: "New calls", bad: "Refused: the server is about to stop." },
  call_records: { name: "Call records", bad: "Some were lost since the start; the log says which." },
  database: { name: "Database", bad: "Away. Calls go on, and their records wait on disk." },
};

function Parts({ parts }: { parts: Record<string, string> }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        Parts
      </Title>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Part</Table.Th>
            <Table.Th>State</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {Object.entries(parts).map(([part, state]) => (
            <Table.Tr key={part}>
              <Table.Td>{PARTS[part]?.name ?? part.replaceAll("_", " ")}</Table.Td>
              <Table.Td>
                {state === "ok" ? (
                  <Badge variant="light" color="teal" tt="none">
                    Well
                  </Badge>
                ) : (
                  <Text size="sm" c="var(--mantine-color-error)">
                    {PARTS[part]?.bad ?? state}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

/** How much of one core the server took between the last two looks; null at the first. */
function useCpuShare(seconds: number | undefined, at: number): number | null {
  const [looks, setLooks] = useState<{ seconds: number; at: number; share: number | null } | null>(null);
  if (seconds !== undefined && at !== looks?.at) {
    setLooks({ seconds, at, share: looks && cpuShare(looks, { seconds, at }) });
  }
  return looks?.share ?? null;
}

function Load({ samples, at }: { samples: Sample[]; at: number }) {
  const cpu = useCpuShare(figure(samples, "cordboard_cpu_seconds_total"), at);
  const value = (name: string) => figure(samples, name) ?? 0;
  const [free, lent] = [value("cordboard_ports_free"), value("cordboard_ports_lent")];
  const waiting = value("cordboard_records_waiting");
  return (
    <SimpleGrid cols={{ base: 2, md: 5 }}>
      <Figure name="Calls in progress" value={value("cordboard_calls_active")} />
      <Figure name="Telephones with audio" value={value("cordboard_legs_active")} />
      <Figure name="Records waiting for the database" value={waiting} />
      <Figure name="CPU, of one core" value={cpu === null ? "–" : `${Math.round(cpu * 100)} %`} />
      <Paper withBorder p="md">
        <Text size="sm" c="dimmed">
          Ports for audio in use
        </Text>
        <Text size="xl" fw={650}>
          {lent.toLocaleString()} of {(free + lent).toLocaleString()}
        </Text>
        <Progress
          mt={4}
          value={free + lent === 0 ? 0 : (lent / (free + lent)) * 100}
          color={free * 10 < lent ? "red" : "cord"}
          aria-label="Share of the ports in use"
        />
      </Paper>
    </SimpleGrid>
  );
}

function Figure({ name, value }: { name: string; value: number | string }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={650}>
        {value.toLocaleString()}
      </Text>
    </Paper>
  );
}

/** A figure that counts up, what it is called, and what to do where it is not zero and should be. */
type Counted = { text: string; name: string; labels?: Record<string, string>; trouble?: string };

const COUNTED: Counted[] = [
  { text: "Calls answered", name: "cordboard_calls_total", labels: { direction: "in", result: "answered" } },
  { text: "Calls refused", name: "cordboard_calls_total", labels: { direction: "in", result: "rejected" } },
  { text: "Agents' telephones called", name: "cordboard_calls_total", labels: { result: "dialled" } },
  { text: "Keys pressed", name: "cordboard_dtmf_digits_total" },
  {
    text: "Steps that could not do their work",
    name: "cordboard_flow_step_errors_total",
    trouble: "The records of those calls say which step and why.",
  },
  {
    text: "Look-ups without a usable reply",
    name: "cordboard_flow_lookups_failed_total",
    trouble: "Look at the web services that flows ask.",
  },
  {
    text: "Calls whose answer was never confirmed",
    name: "cordboard_sip_not_acknowledged_total",
    trouble: "Our answers may not reach the caller's side: look at NAT and firewalls.",
  },
  {
    text: "Requests from addresses that no trunk has",
    name: "cordboard_sip_rejected_total",
    labels: { reason: "unknown_source" },
    trouble: "If they are your carrier's, add its addresses to its trunk.",
  },
  {
    text: "Audio ticks that came late",
    name: "cordboard_media_late_ticks_total",
    trouble: "The machine is too busy: audio may stutter.",
  },
  {
    text: "Call records that are lost",
    name: "cordboard_records_lost_total",
    trouble: "The disk was full or broken; the log says when.",
  },
];

function Since({ samples }: { samples: Sample[] }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        Since it was started
      </Title>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>What</Table.Th>
            <Table.Th ta="right">How often</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {COUNTED.map(({ text, name, labels, trouble }) => {
            const count = figure(samples, name, labels);
            return count === undefined ? null : (
              <Table.Tr key={text}>
                <Table.Td>
                  <Stack gap={0}>
                    <Text size="sm">{text}</Text>
                    {trouble && count > 0 && (
                      <Text size="xs" c="dimmed">
                        {trouble}
                      </Text>
                    )}
                  </Stack>
                </Table.Td>
                <Table.Td ta="right">{count.toLocaleString()}</Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
