import {
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import type { DocumentForm } from "../../ui/documentForm";
import { LanguageField, ReferenceField } from "../../ui/fields";
import {
  type Destination,
  destinationOf,
  lead,
  reshape,
  type Shape,
  type SmartNumber,
  shapeOf,
} from "./destination";

export const numberLabels = {
  e164: "Number",
  prefix: "Beginning",
  pattern: "Pattern",
  label: "Label",
  description: "Description",
  kind: "Kind",
  assignment: "Leads to",
  flow: "Call flow",
  user: "Agent",
  service: "Leads to",
  status: "Status",
  unassignedBehaviour: "What callers get",
  blockedCallers: "Refused callers",
  maxConcurrentCalls: "Calls at a time",
  language: "Language",
  tags: "Tags",
};

const shapes: Record<Shape, { label: string; description: string; placeholder: string }> = {
  e164: {
    label: "Number",
    description: "With plus and country code, or an extension as it is dialled.",
    placeholder: "+15550100",
  },
  prefix: {
    label: "Beginning",
    description: "All numbers that begin so and have no entry of their own.",
    placeholder: "+1555",
  },
  pattern: {
    label: "Pattern",
    description: "X is any digit, a range in brackets is one of these: +1555010[0-4]X.",
    placeholder: "+1555010[0-4]X",
  },
};

/** The form of a Smart Number. */
export function NumberFields({ form }: { form: DocumentForm<SmartNumber> }) {
  const shape = shapeOf(form.value);
  const isInactive = form.value.status === "inactive";
  return (
    <>
      {form.isNew && (
        <SegmentedControl
          aria-label="What is given"
          fullWidth
          value={shape}
          onChange={(shape) => form.change(reshape(form.value, shape as Shape))}
          data={[
            { value: "e164", label: "A number" },
            { value: "prefix", label: "A beginning" },
            { value: "pattern", label: "A pattern" },
          ]}
        />
      )}
      <TextInput
        required
        readOnly={!form.isNew}
        data-autofocus={form.isNew || undefined}
        label={shapes[shape].label}
        description={
          form.isNew ? shapes[shape].description : "To change it, add another number and delete this one."
        }
        placeholder={shapes[shape].placeholder}
        {...form.text(shape)}
      />
      <TextInput
        label="Label"
        description="For people, such as Main line."
        maxLength={80}
        {...form.text("label")}
      />
      <DestinationFields form={form} />
      <Switch
        label="Active"
        description="Off: as if it led nowhere."
        checked={!isInactive}
        onChange={(event) => form.set("status", event.currentTarget.checked ? null : "inactive")}
      />
      <ReferenceField
        kind="lists"
        label="Refused callers"
        description="A list of callers who are turned away before anything answers."
        value={form.value.blockedCallers}
        onChange={(id) => form.set("blockedCallers", id)}
        error={form.error("blockedCallers")}
      />
      <NumberInput
        label="Calls at a time"
        description="More are answered busy. Empty: as many as the server takes."
        min={1}
        max={1_000_000}
        allowDecimal={false}
        value={form.value.maxConcurrentCalls ?? ""}
        onChange={(calls) => form.set("maxConcurrentCalls", typeof calls === "number" ? calls : null)}
        error={form.error("maxConcurrentCalls")}
      />
      <LanguageField
        description="For call flows that name no language."
        value={form.value.language ?? ""}
        onChange={(language) => form.set("language", language)}
        error={form.error("language")}
      />
      <Select
        label="Kind"
        description="For your own order; it changes nothing."
        clearable
        value={form.value.kind ?? null}
        onChange={(kind) => form.set("kind", kind as SmartNumber["kind"] | null)}
        data={[
          { value: "local", label: "Local" },
          { value: "toll_free", label: "Toll-free" },
          { value: "mobile", label: "Mobile" },
          { value: "national", label: "National" },
          { value: "sip", label: "SIP" },
        ]}
        error={form.error("kind")}
      />
      <TagsInput
        label="Tags"
        description="Press Enter after each."
        value={form.value.tags ?? []}
        onChange={(tags) => form.set("tags", tags)}
        error={form.error("tags")}
      />
      <Textarea label="Description" autosize minRows={2} maxLength={2000} {...form.text("description")} />
    </>
  );
}

/** Where it leads, and what goes with that. */
function DestinationFields({ form }: { form: DocumentForm<SmartNumber> }) {
  const destination = destinationOf(form.value);
  return (
    <Stack gap="sm">
      <Select
        label="Leads to"
        allowDeselect={false}
        value={destination}
        onChange={(to) => {
          if (to !== null) {
            form.change(lead(to as Destination));
          }
        }}
        data={[
          { value: "flow", label: "A call flow" },
          { value: "user", label: "An agent" },
          { value: "echo", label: "The echo test (callers hear themselves)" },
          { value: "none", label: "Nothing" },
        ]}
        error={form.error("assignment") ?? form.errorAt("")}
      />
      {destination === "flow" && (
        <ReferenceField
          kind="flows"
          label="Call flow"
          required
          value={form.value.flow}
          onChange={(flow) => form.change({ ...lead("flow"), flow })}
          error={form.error("flow")}
        />
      )}
      {destination === "user" && (
        <ReferenceField
          kind="agents"
          label="Agent"
          required
          clearable={false}
          value={form.value.user}
          onChange={(user) => form.change({ ...lead("user"), user, assignment: "user" })}
          error={form.error("user")}
        />
      )}
      {(destination === "none" || form.value.status === "inactive") && (
        <Select
          label="What callers get"
          allowDeselect={false}
          value={form.value.unassignedBehaviour ?? "not_in_service"}
          onChange={(what) => form.set("unassignedBehaviour", what as "not_in_service" | "reject")}
          data={[
            { value: "not_in_service", label: "“The number is not in service”, then the call ends" },
            { value: "reject", label: "The call is refused as not found (404)" },
          ]}
          error={form.error("unassignedBehaviour")}
        />
      )}
      {destination === "flow" && (
        <Text size="sm" c="dimmed">
          Several numbers may lead to the same call flow.
        </Text>
      )}
    </Stack>
  );
}
