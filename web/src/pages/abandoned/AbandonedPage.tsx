import { Button, Group, Loader, Switch, Table, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { useFlowName } from "../../live/flowNames";
import { ABANDONED, type OutcomeName } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { durationText, whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { CrmBanner } from "../crm/CrmBanner";
import { fetchRecords, type RecordItem, type RecordQuery } from "../records/filter";
import { RecordFields } from "../records/RecordFields";
import { OutcomeBadge, recordPath } from "../records/RecordsPage";
import { recordQuery } from "../records/record";
import { useFilter } from "../records/useFilter";
import { mergedByTime } from "./merge";

/** Of each way to give up, at a time: the step of each is asked for by itself. */
const PAGE = 20;

/** Callers who hung up before somebody spoke to them, and where they were in the flow then. */
export function AbandonedPage() {
  const { filter, change, query } = useFilter();
  const [withShort, setWithShort] = useState(false);
  const lists = useAbandoned(query, withShort);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <Page
      title="Abandoned calls"
      text="Callers who hung up before they reached anybody, and the step they left in."
    >
      <CrmBanner />
      <RecordFields filter={filter} change={change} withoutOutcome />
      <Switch
        label="Also those who hung up within seconds"
        checked={withShort}
        onChange={(event) => setWithShort(event.currentTarget.checked)}
      />
      {lists.error && <ProblemAlert error={lists.error} retry={lists.retry} />}
      {lists.isPending && !lists.error && <Loader aria-label="Loading" />}
      {!lists.isPending && lists.records.length === 0 && (
        <Empty
          title={isFiltered ? "No abandoned call is like that" : "No caller has given up"}
          text="A caller who hangs up before anybody answers is listed here with the last step."
        />
      )}
      {lists.records.length > 0 && <AbandonedTable records={lists.records} />}
      {lists.more && (
        <Group>
          <Button variant="default" loading={lists.isLoadingMore} onClick={lists.more}>
            Show more
          </Button>
        </Group>
      )}
    </Page>
  );
}

function useOutcome(query: RecordQuery, outcome: OutcomeName) {
  return usePages<RecordItem>(["records", "abandoned", outcome, query], (cursor) =>
    fetchRecords({ ...query, outcome }, cursor, PAGE),
  );
}

/** The server lists one outcome at a time; here they are one list. */
function useAbandoned(query: RecordQuery, withShort: boolean) {
  const [inFlow, ringing, queued, short] = ABANDONED;
  const all = [
    useOutcome(query, inFlow),
    useOutcome(query, ringing),
    useOutcome(query, queued),
    useOutcome(query, short),
  ];
  const lists = withShort ? all : all.slice(0, 3);
  const open = lists.filter((list) => list.hasNextPage);
  return {
    records: mergedByTime(
      lists.map((list) => ({ items: list.data ?? [], hasMore: list.hasNextPage })),
      (record) => Date.parse(record.start),
    ),
    error: lists.find((list) => list.error)?.error ?? null,
    isPending: lists.some((list) => list.isPending),
    isLoadingMore: lists.some((list) => list.isFetchingNextPage),
    more:
      open.length > 0
        ? () => {
            for (const list of open) {
              void list.fetchNextPage();
            }
          }
        : undefined,
    retry: () => {
      for (const list of lists) {
        void list.refetch();
      }
    },
  };
}

function AbandonedTable({ records }: { records: RecordItem[] }) {
  const flowName = useFlowName();
  // The list has no steps; each record has.
  const whole = useQueries({ queries: records.map((record) => recordQuery(record.node, record.callId)) });
  return (
    <Table verticalSpacing="xs" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Started</Table.Th>
          <Table.Th>Caller</Table.Th>
          <Table.Th>Left in step</Table.Th>
          <Table.Th visibleFrom="md">After</Table.Th>
          <Table.Th visibleFrom="md">Call flow</Table.Th>
          <Table.Th visibleFrom="sm">Number</Table.Th>
          <Table.Th visibleFrom="sm">How</Table.Th>
          <Table.Th visibleFrom="sm">Length</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {records.map((record, at) => {
          const finalStep = whole[at]?.data?.finalStep;
          return (
            <Table.Tr key={`${record.node} ${record.callId}`}>
              <Table.Td>
                <Link to={recordPath(record)}>{whenText(record.start)}</Link>
              </Table.Td>
              <Table.Td>{record.from || "anonymous"}</Table.Td>
              <Table.Td>
                {finalStep ? (
                  <Text size="sm" fw={600}>
                    {finalStep.name}
                  </Text>
                ) : (
                  <Text size="sm" c="dimmed">
                    {whole[at]?.isPending ? "…" : "before its first step"}
                  </Text>
                )}
              </Table.Td>
              <Table.Td visibleFrom="md">{finalStep && durationText(finalStep.secondsIn)}</Table.Td>
              <Table.Td visibleFrom="md">{flowName(record.flowId)}</Table.Td>
              <Table.Td visibleFrom="sm">{record.number}</Table.Td>
              <Table.Td visibleFrom="sm">
                <OutcomeBadge outcome={record.outcome} />
              </Table.Td>
              <Table.Td visibleFrom="sm">{durationText(record.durationSec)}</Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
