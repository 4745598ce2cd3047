import { Alert, Paper, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type TaskPreview as Preview, previewTask } from "../../api/crm";
import { useSession } from "../../app/session";
import { sentence } from "../../live/words";
import { FieldsTable } from "../../ui/FieldsTable";
import { type FlowDetails, withDetails } from "./details";
import { useNumbersOfFlows } from "./numbersOf";

/** Typing goes on within this time. */
const TYPING_MS = 400;
/** Somebody who calls, for the look of it. */
const CALLER = "+14155550123";
const DIALLED = "+15550100";

/** The task that an abandoned call would make, of what stands in the form at this moment. */
export function TaskPreview({ details }: { details: FlowDetails }) {
  const { may } = useSession();
  const numbers = useNumbersOfFlows();
  const dialled = numbers.data?.byFlow.get(details.body.id)?.[0]?.id ?? DIALLED;
  const edited = useMemo(() => withDetails(details), [details]);
  const [document] = useDebouncedValue(edited, TYPING_MS);
  const [typed, setTyped] = useState("");
  const [number] = useDebouncedValue(typed.trim(), TYPING_MS);
  // The CRM is asked for a caller whom somebody named alone.
  const asksCrm = number !== "" && may("flows.edit");
  const caller = number || CALLER;
  const preview = useQuery({
    queryKey: ["task-preview", document, dialled, caller, asksCrm],
    queryFn: () => previewTask(document, caller, dialled, asksCrm),
    enabled: may("simulate"),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  if (!may("simulate")) {
    return null;
  }
  return (
    <Paper withBorder p="md" component="section" aria-label="Preview of the task">
      <Title order={2} size="h5">
        The task, as it would be made
      </Title>
      <Text size="xs" c="dimmed" mb="sm">
        Of a caller from {caller} to {dialled} who hangs up in the first step that waits.
      </Text>
      {may("flows.edit") && (
        <TextInput
          label="As if this number called"
          description="The CRM is asked who that is."
          placeholder={CALLER}
          value={typed}
          maxLength={64}
          onChange={(event) => setTyped(event.currentTarget.value)}
          mb="sm"
        />
      )}
      {preview.error ? (
        <Text size="sm" c="dimmed">
          There is no preview now. {sentence(preview.error.message)}
        </Text>
      ) : (
        preview.data && <Task task={preview.data} />
      )}
    </Paper>
  );
}

function Task({ task }: { task: Preview }) {
  const fields = rowsOf(task.fields);
  return (
    <>
      {task.problem && (
        <Alert color="orange" mb="sm">
          {sentence(task.problem)}
        </Alert>
      )}
      <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
        {task.subject}
      </Text>
      {task.comments && (
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {task.comments}
        </Text>
      )}
      {fields.length === 0 ? (
        <Text size="xs" c="dimmed" mt="xs">
          No CRM is connected: nobody would get it.
        </Text>
      ) : (
        <details>
          <Text component="summary" size="sm" mt="xs">
            By the CRM’s names of its fields
          </Text>
          <FieldsTable fields={fields} />
        </details>
      )}
    </>
  );
}

function rowsOf(fields: Record<string, unknown>): [name: string, value: string][] {
  return Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
}
