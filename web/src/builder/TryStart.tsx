import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type FlowDocument, textOf } from "../flow/document";
import { useBuilderState } from "./store";
import type { ScheduleState, Simulation } from "./useSimulation";

/** Who calls, whom, when, and what the schedules say then. */
export function TryStart({ simulation }: { simulation: Simulation }) {
  const document = useBuilderState((state) => state.document);
  const [from, setFrom] = useState("+15550199");
  const [to, setTo] = useState("+15550100");
  const [at, setAt] = useState("");
  const [schedules, setSchedules] = useState<Record<string, ScheduleState>>({});
  const asked = schedulesOf(document);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // Said even where it is now, so that a kept test goes by the same moment.
    const moment = at === "" ? new Date() : new Date(at);
    const assumed = Object.fromEntries(Object.entries(schedules).filter(([id]) => asked.includes(id)));
    void simulation.begin({ from, to, at: moment.toISOString(), schedules: assumed });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Group grow gap="xs">
          <TextInput
            size="xs"
            label="Caller"
            maxLength={64}
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            size="xs"
            label="Number dialled"
            maxLength={64}
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
        </Group>
        <TextInput
          size="xs"
          type="datetime-local"
          label="When the call comes"
          description="Now where it is left empty; in the time of this browser."
          value={at}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
        {asked.map((id) => (
          <Select
            key={id}
            size="xs"
            label={`The schedule ${id} says`}
            data={STATES}
            value={schedules[id] ?? "calendar"}
            allowDeselect={false}
            onChange={(next) => setSchedules((before) => withState(before, id, next ?? "calendar"))}
          />
        ))}
        <Group gap="xs">
          <Button size="xs" type="submit" loading={simulation.isBusy && simulation.state === null}>
            {simulation.state === null ? "Call" : "Call again"}
          </Button>
          {simulation.state !== null && (
            <Button size="xs" variant="default" onClick={simulation.end}>
              Clear
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

const STATES = [
  { value: "calendar", label: "What its calendar says" },
  { value: "open", label: "Open" },
  { value: "closed", label: "Closed" },
  { value: "holiday", label: "Holiday" },
];

function withState(
  before: Record<string, ScheduleState>,
  id: string,
  state: string,
): Record<string, ScheduleState> {
  const { [id]: _, ...rest } = before;
  return state === "calendar" ? rest : { ...rest, [id]: state as ScheduleState };
}

/** The schedules that the steps of a flow ask for. */
export function schedulesOf(document: FlowDocument): string[] {
  const ids = Object.values(document.steps).map((step) => textOf(step.config?.scheduleId));
  return [...new Set(ids.filter((id) => id !== ""))];
}
