import { Alert, Anchor, Loader, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { IconEraser } from "@tabler/icons-react";
import { Link, useParams } from "react-router";
import { useFlowName, useStepNames } from "../../live/flowNames";
import { PathList } from "../../live/PathList";
import { recordedVisits } from "../../live/path";
import { WalkCanvas } from "../../live/WalkCanvas";
import { isAbandoned, sentence } from "../../live/words";
import { Facts } from "../../ui/Facts";
import { durationText, whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { PersonLink } from "../../ui/PersonLink";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { Troubles } from "../calls/Troubles";
import { EraseButton } from "./EraseButton";
import { callerOf, unerased } from "./erasure";
import { FailedTransfers } from "./FailedTransfers";
import { LegTable } from "./LegTable";
import { Offers } from "./Offers";
import { OutcomeBadge } from "./RecordsPage";
import { type CallRecord, useRecord } from "./record";
import { Section } from "./Section";
import { Told } from "./Told";

/** One call that is over: what happened, and why it ended. */
export function RecordPage() {
  const { node = "", id = "" } = useParams();
  const record = useRecord(node, id);
  return (
    <Page
      title={record.data ? titleOf(record.data) : "Call record"}
      text="What happened in this call, step by step, and why it ended."
      actions={record.data && <EraseButton number={record.data.from} />}
    >
      <Anchor component={Link} to="/records" size="sm">
        All call records
      </Anchor>
      {record.error && <ProblemAlert error={record.error} retry={() => record.refetch()} />}
      {record.isPending && <Loader aria-label="Loading" />}
      {record.data && <RecordView record={record.data} />}
    </Page>
  );
}

function titleOf(record: CallRecord): string {
  return `Call from ${record.from || `an ${callerOf(record)} caller`}`;
}

function RecordView({ record }: { record: CallRecord }) {
  return (
    <Stack>
      {record.erased && <ErasedNote at={record.erased} />}
      <Ending record={record} />
      {record.troubles && (
        <Troubles
          troubles={unerased(record.troubles).map((trouble) => ({ ...trouble, leg: trouble.party }))}
        />
      )}
      <Section>
        <RecordFacts record={record} />
      </Section>
      <Way record={record} />
      <Offers offers={record.offers ?? []} />
      <FailedTransfers transfers={record.failedTransfers ?? []} />
      {record.legs && record.legs.length > 0 && (
        <Section title="Audio">
          <LegTable legs={record.legs} />
        </Section>
      )}
      <Values record={record} />
      <Task record={record} />
      <Told items={record.told ?? []} />
    </Stack>
  );
}

/** Why so much is missing. */
function ErasedNote({ at }: { at: string }) {
  return (
    <Alert color="gray" icon={<IconEraser aria-hidden />} title={`The caller was erased: ${whenText(at)}`}>
      <Text size="sm">
        It was asked for, and cannot be taken back. Number and address, typed keys, variables, tags, texts and
        numbers that were dialled are gone. What the call did stays, as that of an unknown caller, so that
        counts and reports stay true.
      </Text>
    </Alert>
  );
}

function Ending({ record }: { record: CallRecord }) {
  const { finalStep } = record;
  return (
    <Alert color={isAbandoned(record.outcome) ? "orange" : "gray"} title="Why it ended">
      <Text size="sm">
        {sentence(record.reason)}
        {isAbandoned(record.outcome) &&
          finalStep &&
          ` The caller left in “${finalStep.name}”, after ${durationText(finalStep.secondsIn)} in it.`}
        {record.sipCode ? ` The caller's side was told ${record.sipCode}.` : ""}
      </Text>
    </Alert>
  );
}

function RecordFacts({ record }: { record: CallRecord }) {
  const flowName = useFlowName();
  return (
    <Facts
      facts={[
        ["What became of it", <OutcomeBadge key="outcome" outcome={record.outcome} />],
        ["The flow calls it", record.outcomeText],
        ["Started", whenText(record.start)],
        ["Answered", record.answer ? whenText(record.answer) : "never"],
        ["Ended", whenText(record.end)],
        ["Length", durationText(record.durationSec)],
        ["Talked", record.talkSec ? durationText(record.talkSec) : null],
        ["Agent", record.agentId],
        ["Caller", callerOf(record)],
        ["In the CRM", record.contact && <PersonLink key="person" person={record.contact} />],
        ["Number", record.number],
        ["Dialled", record.to === record.number ? null : record.to],
        ["Call flow", record.flowId ? `${flowName(record.flowId)}, version ${record.version ?? "?"}` : null],
        ["Last step", record.finalStep?.name],
        ["Trunk", record.trunk],
        ["Came from", record.source],
        ["Server", record.node],
        ["Call id", record.callId],
        ["Call key", record.callKey],
        ["Call-ID of the caller's side", record.sipCallId],
      ]}
    />
  );
}

function Way({ record }: { record: CallRecord }) {
  const visits = recordedVisits(record);
  const { flowId: flow, version } = record;
  const own = flow && version ? [{ flow, version }] : [];
  const others = visits.flatMap((visit) =>
    visit.flow && visit.version ? [{ flow: visit.flow, version: visit.version }] : [],
  );
  const names = useStepNames([...own, ...others]);
  return (
    <SimpleGrid cols={{ base: 1, lg: flow && version && visits.length > 0 ? 2 : 1 }}>
      <Section title="Its way through the flow">
        {visits.length === 0 ? (
          <Text size="sm">It did not enter a step.</Text>
        ) : (
          <PathList
            visits={visits}
            flow={flow}
            version={version}
            names={names}
            end={sentence(record.reason)}
          />
        )}
      </Section>
      {flow && version && visits.length > 0 && (
        <WalkCanvas visits={visits} flow={flow} version={version} isLive={false} />
      )}
    </SimpleGrid>
  );
}

/** Variables with their values, and what tag steps wrote. Values that are secret are not in the record. */
function Values({ record }: { record: CallRecord }) {
  const tags = Object.entries(record.tags ?? {});
  const rows = [
    ...tags.map(([name, value]) => ({ kind: "Tag", name, value })),
    ...(record.vars ?? []).map(([name, value]) => ({ kind: "Variable", name, value })),
  ];
  if (rows.length === 0) {
    return null;
  }
  return (
    <Section title="What the flow learned">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th visibleFrom="sm">Kind</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ kind, name, value }) => (
            <Table.Tr key={`${kind} ${name}`}>
              <Table.Td>{name}</Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
              <Table.Td visibleFrom="sm">{kind}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

function Task({ record }: { record: CallRecord }) {
  const task = record.abandonedTask;
  if (!task) {
    return null;
  }
  return (
    <Section title="Task for the abandoned call">
      <Facts
        facts={[
          ["Subject", task.subject],
          ["For", task.assignTo || "whoever connected the CRM"],
        ]}
      />
      {task.comments && (
        <Text size="sm" mt="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {task.comments}
        </Text>
      )}
    </Section>
  );
}
