import {
  Alert,
  Button,
  Fieldset,
  Group,
  List,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconEdit } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { api, ask } from "../../api/client";
import { useSession } from "../../app/session";
import { DeleteButton } from "../../ui/DeleteDialog";
import { DocumentEditor } from "../../ui/DocumentEditor";
import type { DocumentForm } from "../../ui/documentForm";
import { FindingsOf } from "../../ui/FindingsBanner";
import { LanguageField, TimeZoneField } from "../../ui/fields";
import { Page } from "../../ui/Page";
import { pathOf } from "../../ui/places";
import { AbandonedFields } from "./AbandonedFields";
import { CountField } from "./CountField";
import { detailsDoor, detailsOf, type FlowDetails, pauseAndDelete, startingFlow } from "./details";
import { useNumbersOfFlows } from "./numbersOf";

const labels = {
  name: "Name",
  description: "Description",
  timeZone: "Time zone",
  language: "Language",
  voice: "Voice",
  assignAbandonedTo: "Assign abandoned call",
  appendFinalStep: "Append final step",
  abandonedSubject: "Task subject",
  abandonedComments: "Task comments",
  shortAbandonSec: "Short calls",
  recording: "Recording",
  maxCallSec: "Longest call",
  maxStepsBetweenInput: "Steps without the caller",
  maxSubflowDepth: "Call flows within call flows",
  fallback: "Fallback step",
  answer: "When the call is answered",
  status: "Status",
  body: "Steps",
};

const nothing = detailsOf(startingFlow("", ""));

/** Name, behaviour and what is noted about abandoned calls, of one call flow. */
export function FlowDetailsPage() {
  const { id = "" } = useParams();
  const { may } = useSession();
  const navigate = useNavigate();
  const flow = useQuery({
    queryKey: ["flows", "item", id],
    queryFn: () => ask(api.GET("/flows/{id}", { params: { path: { id } } })),
  });
  const path = `/flows/${encodeURIComponent(id)}`;
  const steps = (
    <Button component={Link} to={path} variant="default" leftSection={<IconEdit size={16} aria-hidden />}>
      Its steps
    </Button>
  );
  return (
    <Page
      title={flow.data?.name ?? id}
      text="Details of the call flow. They are saved in its draft, and hold for calls once it is published."
      actions={steps}
    >
      <Stack maw={760}>
        <FindingsOf kind="flow" id={id} />
        <LeadingNumbers flow={id} />
        <DocumentEditor
          door={detailsDoor}
          id={id}
          fresh={nothing}
          noun="the draft"
          labels={labels}
          mayEdit={may("flows.edit")}
          actions={() => (
            <DeleteButton
              kind="flows"
              id={id}
              noun="the call flow"
              remove={() => pauseAndDelete(id)}
              keys={[["flows", "list"]]}
              onDeleted={() => navigate("/flows")}
            />
          )}
        >
          {(form) => (
            <>
              <GeneralFields form={form} account={<AccountName />} />
              <AbandonedFields form={form} />
              <CallFields form={form} />
            </>
          )}
        </DocumentEditor>
      </Stack>
    </Page>
  );
}

/** The Smart Numbers that lead here. */
function LeadingNumbers({ flow }: { flow: string }) {
  const numbers = useNumbersOfFlows();
  const leading = numbers.data?.byFlow.get(flow) ?? [];
  if (!numbers.data) {
    return null;
  }
  return (
    <Fieldset legend="Smart Numbers that lead here">
      {leading.length === 0 ? (
        <Text size="sm" c="dimmed">
          None. <Link to="/numbers">Lead a number here</Link> so that it can be called.
        </Text>
      ) : (
        <List size="sm">
          {leading.map(({ id, label }) => (
            <List.Item key={id}>
              <Link to={pathOf("number", id) ?? "/numbers"}>{id}</Link> {label}
            </List.Item>
          ))}
        </List>
      )}
    </Fieldset>
  );
}

/** The account that the flow belongs to: this server has one. */
function AccountName() {
  const account = useQuery({ queryKey: ["account", "name"], queryFn: () => ask(api.GET("/account")) });
  return (
    <TextInput
      label="Account"
      description="The account that the call flow belongs to; its name and defaults are set on the Account page."
      readOnly
      value={account.data?.name || "this server's account"}
    />
  );
}

type FieldsProps = { form: DocumentForm<FlowDetails> };

function GeneralFields({ form, account }: FieldsProps & { account: ReactNode }) {
  const isPaused = form.value.status === "paused";
  return (
    <Fieldset legend="General">
      <Stack>
        <TextInput
          label="Name"
          description="Identifies the call flow here and in reports."
          required
          maxLength={80}
          {...form.text("name")}
        />
        <Textarea
          label="Description"
          description="Notes on its purpose and how it routes calls."
          autosize
          minRows={2}
          maxLength={2000}
          {...form.text("description")}
        />
        {account}
        <Select
          label="Status"
          description="Set it to paused to make the call flow deletable."
          allowDeselect={false}
          value={form.value.status ?? "active"}
          onChange={(status) => form.set("status", status === "paused" ? "paused" : null)}
          data={[
            { value: "active", label: "Active" },
            { value: "paused", label: "Paused" },
          ]}
          error={form.error("status")}
        />
        <Alert color={isPaused ? "yellow" : "blue"} variant="light">
          <Text size="sm">
            Pausing does not affect live call routing; it makes the call flow deletable. To stop calls, lead
            its numbers elsewhere or set them inactive.
          </Text>
        </Alert>
      </Stack>
    </Fieldset>
  );
}

function CallFields({ form }: FieldsProps) {
  const steps = Object.entries(form.value.body.steps).map(([value, step]) => ({
    value,
    label: step.name ? `${step.name} (${value})` : value,
  }));
  return (
    <Fieldset legend="Calls">
      <Stack>
        <TimeZoneField
          description="Of its opening hours. Empty: the account's."
          value={form.value.timeZone ?? ""}
          onChange={(zone) => form.set("timeZone", zone)}
          error={form.error("timeZone")}
        />
        <LanguageField
          description="Of spoken texts and built-in prompts. Empty: the number's, else the account's."
          value={form.value.language ?? ""}
          onChange={(language) => form.set("language", language)}
          error={form.error("language")}
        />
        <TextInput
          label="Voice"
          description="Of spoken texts. Empty: the speech engine's own."
          maxLength={100}
          {...form.text("voice")}
        />
        <Select
          label="Fallback step"
          description="Where a call goes on when the way out of a step is not connected. Empty: goodbye, and the call ends."
          searchable
          clearable
          data={steps}
          value={form.value.fallback ?? null}
          onChange={(fallback) => form.set("fallback", fallback)}
          error={form.error("fallback")}
        />
        <Select
          label="When the call is answered"
          allowDeselect={false}
          value={form.value.answer ?? "on_first_media"}
          onChange={(when) => form.set("answer", when === "immediate" ? "immediate" : null)}
          data={[
            { value: "on_first_media", label: "At the first step that plays or collects something" },
            { value: "immediate", label: "At once" },
          ]}
          error={form.error("answer")}
        />
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <CountField
            form={form}
            field="maxCallSec"
            label="Longest call"
            description="In seconds: 7200 where it is empty."
            min={60}
            max={14400}
          />
          <CountField
            form={form}
            field="maxStepsBetweenInput"
            label="Steps without the caller"
            description="More in a row end the call: it goes round in circles. 100 where it is empty."
            min={10}
            max={500}
          />
          <CountField
            form={form}
            field="maxSubflowDepth"
            label="Call flows within call flows"
            description="How deep they may run one another. 5 where it is empty."
            min={1}
            max={10}
          />
        </Group>
      </Stack>
    </Fieldset>
  );
}
