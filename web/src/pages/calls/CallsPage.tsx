import {
  Alert,
  Badge,
  Button,
  Group,
  Loader,
  Select,
  Table,
  Text,
  TextInput,
  ThemeIcon,
  Tooltip,
  VisuallyHidden,
} from "@mantine/core";
import { IconAlertTriangle, IconPhoneOff, IconPlugConnectedX, IconSearch } from "@tabler/icons-react";
import { memo, useState } from "react";
import { Link } from "react-router";
import { useSession } from "../../app/session";
import { useFlowName } from "../../live/flowNames";
import { type LiveCallItem, partiesOf, type Stage, stageOf } from "../../live/model";
import type { StreamState } from "../../live/stream";
import { useLive } from "../../live/useLive";
import { STAGES } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { durationText, secondsBetween, useNow } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { HangUpDialog } from "./HangUpDialog";

/** So many rows at once: a browser draws them each second. */
const ROWS = 100;

export function CallsPage() {
  const view = useLive();
  const flowName = useFlowName();
  const { may } = useSession();
  const [text, setText] = useState("");
  const [flow, setFlow] = useState<string | null>(null);
  const [stage, setStage] = useState<string | null>(null);
  const [rows, setRows] = useState(ROWS);
  const [leaving, setLeaving] = useState<LiveCallItem | null>(null);
  const shown = view.calls.filter(
    (call) =>
      (flow === null || call.flowId === flow) &&
      (stage === null || stageOf(call) === stage) &&
      matches(call, flowName(call.flowId), text),
  );
  const flows = [...new Set(view.calls.flatMap((call) => call.flowId ?? []))];
  const isFiltered = text.trim() !== "" || flow !== null || stage !== null;
  return (
    <Page title="Live calls" text="Calls in progress and the step each of them is in, as it happens.">
      <Group gap="sm" align="flex-end">
        <TextInput
          aria-label="Search calls"
          placeholder="Caller, number, step or agent"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          w={260}
        />
        <Select
          aria-label="Call flow"
          placeholder="All call flows"
          data={flows.map((id) => ({ value: id, label: flowName(id) }))}
          value={flow}
          onChange={setFlow}
          clearable
          w={190}
        />
        <Select
          aria-label="State"
          placeholder="In any state"
          data={Object.entries(STAGES).map(([value, label]) => ({ value, label }))}
          value={stage}
          onChange={setStage}
          clearable
          w={180}
        />
        <Text size="sm" c="dimmed" role="status">
          {view.isLoaded && countText(shown.length, view.calls.length, isFiltered)}
        </Text>
      </Group>
      <StreamAlert stream={view.stream} />
      {!view.isLoaded && view.stream.kind !== "closed" && <Loader aria-label="Loading" />}
      {view.isLoaded && shown.length === 0 && (
        <Empty
          title={isFiltered ? "No call is like that" : "Nobody is calling right now"}
          text={
            isFiltered ? "Clear the search to see all calls." : "A call appears here as soon as it comes in."
          }
        />
      )}
      {shown.length > 0 && (
        <CallTable
          calls={shown.slice(0, rows)}
          flowName={flowName}
          hangUp={may("calls.steer") ? setLeaving : undefined}
        />
      )}
      {shown.length > rows && (
        <Group>
          <Button variant="default" onClick={() => setRows(rows + ROWS)}>
            Show {Math.min(ROWS, shown.length - rows)} more
          </Button>
        </Group>
      )}
      <HangUpDialog call={leaving} close={() => setLeaving(null)} />
    </Page>
  );
}

function countText(shown: number, all: number, isFiltered: boolean): string {
  const calls = all === 1 ? "1 call" : `${all} calls`;
  return isFiltered ? `${shown} of ${calls}` : calls;
}

function matches(call: LiveCallItem, flowName: string, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  const parties = call.legs.map((leg) => leg.party);
  const words = [call.from, call.number, call.to, call.step?.name ?? "", flowName, call.id, ...parties];
  return wanted === "" || words.some((word) => word.toLowerCase().includes(wanted));
}

/** Says where what is shown may be behind. */
export function StreamAlert({ stream }: { stream: StreamState }) {
  if (stream.kind === "broken") {
    return (
      <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} role="status">
        {stream.why} Trying again; until then what is shown may be behind.
      </Alert>
    );
  }
  if (stream.kind === "closed") {
    return (
      <Alert color="red" icon={<IconPlugConnectedX aria-hidden />} role="alert">
        {closedText(stream.reason)} Load the page again to go on.
      </Alert>
    );
  }
  return null;
}

function closedText(reason: string): string {
  switch (reason) {
    case "role_changed":
      return "Your role does not allow to watch calls any more.";
    case "user_disabled":
    case "user_deleted":
      return "Your user was disabled.";
    default:
      return "You were signed out.";
  }
}

type CallTableProps = {
  calls: LiveCallItem[];
  flowName: (id: string | null | undefined) => string;
  hangUp: ((call: LiveCallItem) => void) | undefined;
};

function CallTable({ calls, flowName, hangUp }: CallTableProps) {
  return (
    <Table verticalSpacing="xs" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Caller</Table.Th>
          <Table.Th visibleFrom="sm">Number</Table.Th>
          <Table.Th visibleFrom="md">Call flow</Table.Th>
          <Table.Th>Step</Table.Th>
          <Table.Th visibleFrom="sm">State</Table.Th>
          <Table.Th visibleFrom="md">Agent</Table.Th>
          <Table.Th>Time</Table.Th>
          {hangUp && (
            <Table.Th>
              <VisuallyHidden>Hang up</VisuallyHidden>
            </Table.Th>
          )}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {calls.map((call) => (
          <CallRow key={call.id} call={call} flowName={flowName(call.flowId)} hangUp={hangUp} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

type CallRowProps = { call: LiveCallItem; flowName: string; hangUp: CallTableProps["hangUp"] };

/** Drawn anew only where its call changed: of 500 calls few do within a quarter of a second. */
const CallRow = memo(function CallRow({ call, flowName, hangUp }: CallRowProps) {
  return (
    <Table.Tr>
      <Table.Td>
        <Link to={`/calls/${encodeURIComponent(call.id)}`}>{call.from || "anonymous"}</Link>
        {call.trouble && <TroubleMark {...call.trouble} />}
      </Table.Td>
      <Table.Td visibleFrom="sm">{call.number}</Table.Td>
      <Table.Td visibleFrom="md">
        {flowName}
        {call.version ? (
          <Text span size="sm" c="dimmed">
            {" "}
            version {call.version}
          </Text>
        ) : null}
      </Table.Td>
      <Table.Td>{call.step?.name ?? ""}</Table.Td>
      <Table.Td visibleFrom="sm">
        <StageBadge stage={stageOf(call)} />
      </Table.Td>
      <Table.Td visibleFrom="md">{partiesOf(call).join(", ")}</Table.Td>
      <Table.Td>
        <Elapsed since={call.started} />
      </Table.Td>
      {hangUp && (
        <Table.Td ta="right">
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPhoneOff size={14} aria-hidden />}
            onClick={() => hangUp(call)}
            aria-label={`Hang up the call from ${call.from || "an anonymous caller"}`}
          >
            <Text span size="sm" visibleFrom="sm">
              Hang up
            </Text>
          </Button>
        </Table.Td>
      )}
    </Table.Tr>
  );
});

/** That something is wrong with a call; its page says what, and what to do. */
function TroubleMark({ severity, text }: NonNullable<LiveCallItem["trouble"]>) {
  const color = { error: "red", warning: "orange", info: "gray" }[severity];
  return (
    <Tooltip label={text}>
      <ThemeIcon variant="transparent" size="sm" ml={6} color={color} role="img" aria-label={text}>
        <IconAlertTriangle size={16} aria-hidden />
      </ThemeIcon>
    </Tooltip>
  );
}

const STAGE_COLORS: Record<Stage, string> = {
  arriving: "gray",
  flow: "cord",
  ringing: "yellow",
  talking: "teal",
};

export function StageBadge({ stage }: { stage: Stage }) {
  return (
    <Badge variant="light" color={STAGE_COLORS[stage]} tt="none">
      {STAGES[stage]}
    </Badge>
  );
}

export function Elapsed({ since }: { since: string }) {
  const now = useNow();
  return <>{durationText(secondsBetween(since, now))}</>;
}
