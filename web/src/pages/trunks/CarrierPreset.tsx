import { Alert, List, Select, Text } from "@mantine/core";
import { useState } from "react";
import { type Carrier, useCarriers } from "../../api/trunks";
import type { DocumentForm } from "../../ui/documentForm";
import type { Trunk } from "./NumbersAndCallers";
import { presetFields } from "./state";

type PresetProps = {
  form: DocumentForm<Trunk>;
  /** What the fields are called, by their keys. */
  labels: Record<string, string>;
};

/** Begins a new trunk with what is known of its carrier or PBX. */
export function CarrierPreset({ form, labels }: PresetProps) {
  const carriers = useCarriers(form.isNew);
  const [chosen, setChosen] = useState<Carrier | null>(null);
  if (!form.isNew) {
    return null;
  }
  const choose = (id: string | null) => {
    const carrier = carriers.data?.find((known) => known.id === id) ?? null;
    const isNamed = form.value.id !== "" && form.value.id !== chosen?.id;
    form.change({
      ...(presetFields(carrier, chosen) as Partial<Trunk>),
      ...(!isNamed && { id: carrier?.id ?? "" }),
    });
    setChosen(carrier);
  };
  const group = (kind: Carrier["kind"], name: string) => ({
    group: name,
    items: (carriers.data ?? [])
      .filter((known) => known.kind === kind)
      .map((known) => ({ value: known.id, label: known.name })),
  });
  return (
    <>
      <Select
        label="Carrier or PBX"
        description="Fills in what is known of it. Every field can still be changed."
        placeholder="Another one"
        data={[group("carrier", "Carriers"), group("pbx", "PBXs")]}
        searchable
        clearable
        value={chosen?.id ?? null}
        onChange={choose}
        {...(carriers.error && { error: carriers.error.message })}
      />
      {chosen && <About carrier={chosen} labels={labels} />}
    </>
  );
}

function About({ carrier, labels }: { carrier: Carrier; labels: Record<string, string> }) {
  const needs = carrier.needs.map((key) => labels[key] ?? key).join(", ");
  return (
    <Alert color="cord" title={carrier.name} role="note">
      <Text size="sm">{carrier.about}</Text>
      {carrier.notes.length > 0 && (
        <List size="sm" mt="xs">
          {carrier.notes.map((note) => (
            <List.Item key={note}>{note}</List.Item>
          ))}
        </List>
      )}
      {needs !== "" && (
        <Text size="sm" mt="xs">
          You have to fill in: {needs}.
        </Text>
      )}
    </Alert>
  );
}
