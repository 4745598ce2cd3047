import { Fieldset, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import type { DocumentForm } from "../../ui/documentForm";
import { AssignField } from "./AssignField";
import { CountField } from "./CountField";
import type { FlowDetails } from "./details";
import { TaskPreview } from "./TaskPreview";
import { VariablesHelp } from "./VariablesHelp";

/** What is noted of callers who give up in the flow, and how that looks. */
export function AbandonedFields({ form }: { form: DocumentForm<FlowDetails> }) {
  return (
    <Fieldset legend="Abandoned calls">
      <Stack>
        <Text size="sm" c="dimmed">
          A call is abandoned when the caller hangs up within a step, before reaching an agent. A task is then
          made in the CRM.
        </Text>
        <AssignField
          value={form.value.assignAbandonedTo}
          onChange={(agent) => form.set("assignAbandonedTo", agent)}
          error={form.error("assignAbandonedTo")}
        />
        <Switch
          label="Append final call flow step details to task"
          description="The comments end with the step at which the caller left."
          checked={form.value.appendFinalStep ?? false}
          onChange={(event) => form.set("appendFinalStep", event.currentTarget.checked ? true : null)}
        />
        <TextInput
          label="Task subject"
          description="Makes abandoned calls easy to find in reports. Empty: “Abandoned call from” and the number."
          placeholder="Abandoned call from {{call.from}}"
          maxLength={255}
          {...form.text("abandonedSubject")}
        />
        <Textarea
          label="Task comments"
          description="What else is noted with the task."
          autosize
          minRows={3}
          maxLength={32000}
          {...form.text("abandonedComments")}
        />
        <VariablesHelp />
        <TaskPreview details={form.value} />
        <CountField
          form={form}
          field="shortAbandonSec"
          label="Short calls"
          description="Callers who hang up within so many seconds make no task. 5 where it is empty."
          min={0}
          max={60}
        />
      </Stack>
    </Fieldset>
  );
}
