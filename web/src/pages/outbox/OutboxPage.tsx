import { Badge, Code, Group, Loader, Select, Stack, Table, Text } from "@mantine/core";
import { Link, useSearchParams } from "react-router";
import { api, ask } from "../../api/client";
import { sentence } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { FieldsTable } from "../../ui/FieldsTable";
import { whenText } from "../../ui/moments";
import { OutLink } from "../../ui/OutLink";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { ShowMore } from "../../ui/ShowMore";
import { recordPath } from "../records/RecordsPage";
import { RetryButton } from "./RetryButton";
import {
  callOf,
  canRetry,
  fieldsOf,
  isState,
  isUnderWay,
  kindText,
  type OutboxItem,
  resultOf,
  STATES,
  stateOf,
  titleOf,
} from "./told";

/** What is under way is something else soon. */
const UNDER_WAY_MS = 5_000;

/** What other systems are told of calls, and what became of each. */
export function OutboxPage() {
  const [params, setParams] = useSearchParams();
  const wanted = params.get("state") ?? "";
  const state = isState(wanted) ? wanted : undefined;
  const rows = usePages<OutboxItem>(
    ["outbox", state],
    (cursor) =>
      ask(
        api.GET("/outbox", {
          params: { query: { limit: 50, ...(state && { state }), ...(cursor && { cursor }) } },
        }),
      ),
    (items) => (items.some(isUnderWay) ? UNDER_WAY_MS : false),
  );
  return (
    <Page
      title="Outbox"
      text="What other systems are told of calls, such as a task in the CRM for each abandoned one, and what became of it."
    >
      <Group align="flex-end" gap="sm">
        <Select
          label="State"
          placeholder="Any"
          data={Object.entries(STATES).map(([value, { label }]) => ({ value, label }))}
          value={state ?? null}
          onChange={(next) => setParams(next === null ? {} : { state: next }, { replace: true })}
          clearable
          w={190}
        />
        <RetryButton items={rows.data ?? []} label="Try all shown again" />
      </Group>
      {rows.error && <ProblemAlert error={rows.error} retry={() => rows.refetch()} />}
      {rows.isPending && <Loader aria-label="Loading" />}
      {rows.data?.length === 0 && (
        <Empty
          title={state ? `Nothing is “${STATES[state].label.toLowerCase()}”` : "There is nothing to tell yet"}
          text="Each call makes a task in a CRM that is connected, and a record for a web service that wants one. A caller who hangs up within seconds makes no task."
        />
      )}
      {rows.data && rows.data.length > 0 && <OutboxTable rows={rows.data} />}
      <ShowMore query={rows} />
    </Page>
  );
}

function OutboxTable({ rows }: { rows: OutboxItem[] }) {
  return (
    <Table verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>What</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th visibleFrom="sm">Made</Table.Th>
          <Table.Th visibleFrom="md">Next try</Table.Th>
          <Table.Th visibleFrom="sm">Tries</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ row }: { row: OutboxItem }) {
  const call = callOf(row);
  const result = resultOf(row);
  const title = titleOf(row);
  const { label, color } = stateOf(row);
  return (
    <Table.Tr style={{ verticalAlign: "top" }}>
      <Table.Td>
        <Stack gap={4} align="flex-start">
          <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
            {title}
          </Text>
          {title !== kindText(row.kind) && (
            <Text size="xs" c="dimmed">
              {kindText(row.kind)}
            </Text>
          )}
          <Group gap="sm">
            {call && (
              <Text size="sm">
                <Link to={recordPath(call)}>The call</Link>
              </Text>
            )}
            {result && (
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                <OutLink url={result.url}>
                  {result.url ? "In the CRM" : `Its id there is ${result.id}`}
                </OutLink>
              </Text>
            )}
          </Group>
          {row.lastError && row.state !== "done" && (
            <Text size="sm" c="var(--mantine-color-error)" style={{ overflowWrap: "anywhere" }}>
              {sentence(row.lastError)}
            </Text>
          )}
          <RowFields row={row} />
          {canRetry(row) && <RetryButton items={[row]} label="Try again" name={`Try ${title} again`} />}
        </Stack>
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={color} tt="none">
          {label}
        </Badge>
      </Table.Td>
      <Table.Td visibleFrom="sm">{whenText(row.created)}</Table.Td>
      <Table.Td visibleFrom="md">{isUnderWay(row) ? whenText(row.due) : ""}</Table.Td>
      <Table.Td visibleFrom="sm">{row.attempts}</Table.Td>
    </Table.Tr>
  );
}

/** What is sent, folded away. */
function RowFields({ row }: { row: OutboxItem }) {
  const fields = fieldsOf(row);
  if (fields.length === 0) {
    return null;
  }
  return (
    <details>
      <Text component="summary" size="sm">
        Its fields
      </Text>
      <FieldsTable
        fields={fields.map(([name, value]) => [
          name,
          name === "Call id" ? <Code key={name}>{value}</Code> : value,
        ])}
      />
    </details>
  );
}
