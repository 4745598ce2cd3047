import { Select, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useMemo } from "react";
import { stepName } from "../flow/document";
import { setSetting } from "../flow/edits";
import { fallbackOf } from "../flow/ports";
import { variablesAt } from "../flow/variables";
import { FormContext } from "./forms/context";
import { Field } from "./forms/Field";
import { useBuilder, useBuilderState } from "./store";

/** Settings that are about running the flow come first. Its status is on its details page, with what it does. */
const SHOWN = [
  "timeZone",
  "language",
  "voice",
  "answer",
  "maxCallSec",
  "shortAbandonSec",
  "abandonedSubject",
  "abandonedComments",
  "appendFinalStep",
];

/** What holds for the whole flow. */
export function FlowSettings() {
  const { builder, catalogue, mayEdit } = useBuilder();
  const document = useBuilderState((state) => state.document);
  const form = useMemo(
    () => ({
      step: "",
      variables: () => variablesAt(builder.store.getState().document, ""),
      readOnly: !mayEdit,
    }),
    [builder, mayEdit],
  );
  return (
    <FormContext.Provider value={form}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            The flow
          </Title>
          <Text size="xs" c="dimmed">
            Select a step to see its fields.
          </Text>
        </div>
        <TextInput
          label="Name"
          maxLength={80}
          value={document.name}
          readOnly={!mayEdit}
          onChange={(event) => {
            const name = event.currentTarget.value;
            builder.edit((before) => ({ ...before, name }), "flow name");
          }}
        />
        <Textarea
          label="Description"
          autosize
          maxLength={2000}
          value={document.description ?? ""}
          readOnly={!mayEdit}
          onChange={(event) => {
            const description = event.currentTarget.value;
            builder.edit((before) => ({ ...before, description }), "flow description");
          }}
        />
        <Select
          label="Fallback"
          description="Ports that are not connected lead to this step; without it the call ends with “goodbye”."
          clearable
          searchable
          readOnly={!mayEdit}
          data={Object.keys(document.steps).map((id) => ({ value: id, label: stepName(document, id) }))}
          value={fallbackOf(document)}
          onChange={(next) => builder.edit((before) => setSetting(before, "fallback", next ?? undefined))}
        />
        {SHOWN.filter((name) => catalogue.settings[name] !== undefined).map((name) => (
          <Field
            key={name}
            name={name}
            schema={catalogue.settings[name] ?? {}}
            path={`settings/${name}`}
            value={document.settings?.[name]}
            required={false}
            onChange={(value) => builder.edit((before) => setSetting(before, name, value), `setting ${name}`)}
          />
        ))}
      </Stack>
    </FormContext.Provider>
  );
}
