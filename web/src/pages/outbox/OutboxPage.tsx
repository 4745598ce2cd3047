import { Badge, Loader, Select, Table, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { api, ask, type Schema } from "../../api/client";
import { Empty } from "../../ui/Empty";
import { whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { ShowMore } from "../../ui/ShowMore";

type OutboxItem = Schema<"OutboxItem">;
type OutboxState = "waiting" | "claimed" | "done" | "dead";

const STATES: Record<OutboxState, { label: string; color: string }> = {
  waiting: { label: "Waiting", color: "cord" },
  claimed: { label: "Being sent", color: "yellow" },
  done: { label: "Delivered", color: "teal" },
  dead: { label: "Given up", color: "red" },
};

function isState(text: string): text is OutboxState {
  return Object.hasOwn(STATES, text);
}

/** Tasks for other systems, such as the CRM's for an abandoned call, and what became of each. */
export function OutboxPage() {
  const [wanted, setWanted] = useState<string | null>(null);
  const state = wanted !== null && isState(wanted) ? wanted : undefined;
  const tasks = usePages<OutboxItem>(["outbox", wanted], (cursor) =>
    ask(
      api.GET("/outbox", {
        params: { query: { limit: 50, ...(state && { state }), ...(cursor && { cursor }) } },
      }),
    ),
  );
  return (
    <Page
      title="Tasks to deliver"
      text="What other systems are to be told, such as a task for each abandoned call, and what became of it."
    >
      <Select
        label="State"
        placeholder="Any"
        data={Object.entries(STATES).map(([value, { label }]) => ({ value, label }))}
        value={wanted}
        onChange={setWanted}
        clearable
        w={190}
      />
      {tasks.error && <ProblemAlert error={tasks.error} retry={() => tasks.refetch()} />}
      {tasks.isPending && <Loader aria-label="Loading" />}
      {tasks.data?.length === 0 && (
        <Empty
          title={state ? `No task is “${STATES[state].label.toLowerCase()}”` : "There is no task yet"}
          text="An abandoned call makes one; a caller who hangs up within seconds makes none."
        />
      )}
      {tasks.data && tasks.data.length > 0 && <TaskTable tasks={tasks.data} />}
      <ShowMore query={tasks} />
    </Page>
  );
}

function TaskTable({ tasks }: { tasks: OutboxItem[] }) {
  return (
    <Table verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Task</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th visibleFrom="sm">Made</Table.Th>
          <Table.Th visibleFrom="md">Next try</Table.Th>
          <Table.Th visibleFrom="sm">Tries</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tasks.map((task) => (
          <TaskRow key={task.id} task={task} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function TaskRow({ task }: { task: OutboxItem }) {
  const known = isState(task.state) ? STATES[task.state] : { label: task.state, color: "gray" };
  const isOver = task.state === "done" || task.state === "dead";
  const slash = task.key.indexOf("/");
  const [node, call] = [task.key.slice(0, slash), task.key.slice(slash + 1)];
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
          {subjectOf(task.payload) ?? task.kind.replaceAll("_", " ")}
        </Text>
        {slash > 0 && (
          <Text size="sm">
            <Link to={`/records/${encodeURIComponent(node)}/${encodeURIComponent(call)}`}>The call</Link>
          </Text>
        )}
        {task.lastError && (
          <Text size="sm" c="red">
            {task.lastError}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={known.color} tt="none">
          {known.label}
        </Badge>
      </Table.Td>
      <Table.Td visibleFrom="sm">{whenText(task.created)}</Table.Td>
      <Table.Td visibleFrom="md">{isOver ? "" : whenText(task.due)}</Table.Td>
      <Table.Td visibleFrom="sm">{task.attempts}</Table.Td>
    </Table.Tr>
  );
}

function subjectOf(payload: unknown): string | undefined {
  const subject = typeof payload === "object" && payload !== null && "subject" in payload && payload.subject;
  return typeof subject === "string" && subject !== "" ? subject : undefined;
}
