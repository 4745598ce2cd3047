import { Badge, Button, Group, Loader, Table, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import { api, ask, type Schema } from "../../api/client";
import { Empty } from "../../ui/Empty";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";

export function FlowsPage() {
  const [text, setText] = useState("");
  const [searched] = useDebouncedValue(text.trim(), 200);
  const flows = usePages(["flows", searched], (cursor) =>
    ask(
      api.GET("/flows", {
        params: { query: { ...(searched && { text: searched }), ...(cursor && { cursor }) } },
      }),
    ),
  );
  return (
    <Page title="Call flows" text="What happens to a caller, step by step.">
      <TextInput
        aria-label="Search call flows"
        placeholder="Search by name or id"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        maw={360}
      />
      {flows.error && <ProblemAlert error={flows.error} retry={() => flows.refetch()} />}
      {flows.isPending && <Loader aria-label="Loading" />}
      {flows.data?.length === 0 && (
        <Empty title={searched ? "No call flow is called that" : "There is no call flow yet"} />
      )}
      {flows.data && flows.data.length > 0 && (
        <Table.ScrollContainer minWidth={520}>
          <Table verticalSpacing="sm" highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th>Live version</Table.Th>
                <Table.Th>Draft</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {flows.data.map((flow) => (
                <FlowRow key={flow.id} flow={flow} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {flows.hasNextPage && (
        <Group>
          <Button variant="default" loading={flows.isFetchingNextPage} onClick={() => flows.fetchNextPage()}>
            Show more
          </Button>
        </Group>
      )}
    </Page>
  );
}

function FlowRow({ flow }: { flow: Schema<"FlowItem"> }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Link to={`/flows/${encodeURIComponent(flow.id)}`}>{flow.name}</Link>
      </Table.Td>
      <Table.Td>
        {flow.paused ? <Badge color="gray">Paused</Badge> : <Badge color="teal">Active</Badge>}
      </Table.Td>
      <Table.Td>{flow.live ?? "never published"}</Table.Td>
      <Table.Td>
        {new Date(flow.draftSaved).toLocaleString()} by {flow.draftAuthor}
      </Table.Td>
    </Table.Tr>
  );
}
