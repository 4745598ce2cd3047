import { Button, Group, Select, TextInput } from "@mantine/core";
import { useAllFlows } from "../../live/flowNames";
import { OUTCOMES } from "../../live/words";
import { FIELDS, type RecordFilter } from "./filter";

type RecordFieldsProps = {
  filter: RecordFilter;
  change: (filter: RecordFilter) => void;
  /** Where the page is about some outcomes alone. */
  withoutOutcome?: boolean;
};

/** The search of records. */
export function RecordFields({ filter, change, withoutOutcome = false }: RecordFieldsProps) {
  const flows = useAllFlows();
  const set = (name: keyof RecordFilter) => (value: string | null) =>
    change({ ...filter, [name]: value ?? "" });
  const text = (name: keyof RecordFilter, label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={filter[name]}
      onChange={(event) => set(name)(event.currentTarget.value)}
      w={170}
    />
  );
  const moment = (name: "from" | "until", label: string) => (
    <TextInput
      type="datetime-local"
      label={label}
      value={filter[name]}
      onChange={(event) => set(name)(event.currentTarget.value)}
      w={210}
    />
  );
  // A flow that is deleted still has records.
  const known = flows.map((flow) => ({ value: flow.id, label: flow.name }));
  const flowData =
    filter.flow === "" || known.some((flow) => flow.value === filter.flow)
      ? known
      : [...known, { value: filter.flow, label: filter.flow }];
  const isEmpty = FIELDS.every((name) => filter[name] === "");
  return (
    <Group component="search" gap="sm" align="flex-end">
      {text("caller", "Caller begins with", "+1415")}
      {text("number", "Smart Number", "+15550100")}
      <Select
        label="Call flow"
        placeholder="Any"
        data={flowData}
        value={filter.flow || null}
        onChange={set("flow")}
        clearable
        searchable
        w={190}
      />
      {!withoutOutcome && (
        <Select
          label="What became of it"
          placeholder="Anything"
          data={Object.entries(OUTCOMES).map(([value, label]) => ({ value, label }))}
          value={filter.outcome || null}
          onChange={set("outcome")}
          clearable
          w={220}
        />
      )}
      {!withoutOutcome && text("agent", "Agent", "alice")}
      {moment("from", "Started from")}
      {moment("until", "Started before")}
      {text("call", "Call id begins with", "c01m…")}
      <Button
        variant="default"
        disabled={isEmpty}
        onClick={() =>
          change({ caller: "", number: "", flow: "", outcome: "", agent: "", call: "", from: "", until: "" })
        }
      >
        Clear
      </Button>
    </Group>
  );
}
