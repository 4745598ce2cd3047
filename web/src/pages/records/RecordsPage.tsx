import { Badge, Group, Loader, Table, Text } from "@mantine/core";
import { Link } from "react-router";
import { useFlowName } from "../../live/flowNames";
import { outcomeColor, outcomeText, sentence } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { durationText, whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { ShowMore } from "../../ui/ShowMore";
import { ExportMenu } from "./ExportMenu";
import { fetchRecords, type RecordItem } from "./filter";
import { RecordFields } from "./RecordFields";
import { RecordsMenu } from "./RecordsMenu";
import { useExport } from "./useExport";
import { useFilter } from "./useFilter";

export function RecordsPage() {
  const { filter, change, query } = useFilter();
  const records = usePages<RecordItem>(["records", query], (cursor) => fetchRecords(query, cursor, 50));
  const exporting = useExport(query);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <Page
      title="Call records"
      text="Calls that are over, the latest first."
      actions={
        <Group gap="xs" align="flex-start">
          <ExportMenu exporting={exporting} isFiltered={isFiltered} />
          <RecordsMenu />
        </Group>
      }
    >
      {exporting.error && <ProblemAlert error={exporting.error} retry={exporting.retry} />}
      <RecordFields filter={filter} change={change} />
      {records.error && <ProblemAlert error={records.error} retry={() => records.refetch()} />}
      {records.isPending && <Loader aria-label="Loading" />}
      {records.data?.length === 0 && (
        <Empty
          title={isFiltered ? "No call is like that" : "There was no call yet"}
          text={
            isFiltered ? "Clear the search to see all calls." : "A call is listed here as soon as it is over."
          }
        />
      )}
      {records.data && records.data.length > 0 && <RecordTable records={records.data} />}
      <ShowMore query={records} />
    </Page>
  );
}

function RecordTable({ records }: { records: RecordItem[] }) {
  const flowName = useFlowName();
  return (
    <Table verticalSpacing="xs" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Started</Table.Th>
          <Table.Th>Caller</Table.Th>
          <Table.Th visibleFrom="sm">Number</Table.Th>
          <Table.Th visibleFrom="md">Call flow</Table.Th>
          <Table.Th visibleFrom="sm">What became of it</Table.Th>
          <Table.Th visibleFrom="lg">Why it ended</Table.Th>
          <Table.Th visibleFrom="md">Agent</Table.Th>
          <Table.Th>Length</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {records.map((record) => (
          <Table.Tr key={`${record.node} ${record.callId}`}>
            <Table.Td>
              <Link to={recordPath(record)}>{whenText(record.start)}</Link>
              <Text size="xs" hiddenFrom="sm">
                {outcomeText(record.outcome)}
              </Text>
            </Table.Td>
            <Table.Td>{record.from || "anonymous"}</Table.Td>
            <Table.Td visibleFrom="sm">{record.number ?? record.to}</Table.Td>
            <Table.Td visibleFrom="md">{flowName(record.flowId)}</Table.Td>
            <Table.Td visibleFrom="sm">
              <OutcomeBadge outcome={record.outcome} />
            </Table.Td>
            <Table.Td visibleFrom="lg">
              <Text size="sm" maw={320}>
                {sentence(record.reason)}
              </Text>
            </Table.Td>
            <Table.Td visibleFrom="md">{record.agentId}</Table.Td>
            <Table.Td>{durationText(record.durationSec)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

export function recordPath(record: { node: string; callId: string }): string {
  return `/records/${encodeURIComponent(record.node)}/${encodeURIComponent(record.callId)}`;
}

export function OutcomeBadge({ outcome }: { outcome: string | null | undefined }) {
  return (
    <Badge variant="light" color={outcomeColor(outcome)} tt="none">
      {outcomeText(outcome)}
    </Badge>
  );
}
