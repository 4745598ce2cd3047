import { Alert, Button, Group, Paper, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { ErrorText } from "../../ui/ErrorText";
import { showTime, toLocalInput } from "../../ui/times";
import type { Schedule } from "./week";

export type Override = NonNullable<Schedule["override"]>;
type State = Override["state"];
type Until = "next_edge" | "time" | "taken_back";

const states: Record<State, string> = { open: "open", closed: "closed", holiday: "as on a holiday" };

/** An override in a sentence. */
export function overrideInWords({ state, since, until }: Override): string {
  const begins = since && Date.parse(since) > Date.now() ? ` from ${showTime(since)}` : "";
  const end =
    until === "next_edge"
      ? "until the hours change next"
      : typeof until === "string"
        ? `until ${showTime(until)}`
        : "until it is taken back";
  return `Set by hand: ${states[state]}${begins}, ${end}`;
}

/** Whether its time is over; the next change of the hours is for the server to know. */
export function isOver({ until }: Override): boolean {
  return typeof until === "string" && until !== "next_edge" && Date.parse(until) < Date.now();
}

type OverrideProps = {
  value: Override | null | undefined;
  onChange: (override: Override | null) => void;
  error?: string | undefined;
};

/** Opens or closes by hand, whatever the hours say. */
export function OverrideEditor({ value, onChange, error }: OverrideProps) {
  const [state, setState] = useState<State>("closed");
  const [until, setUntil] = useState<Until>("next_edge");
  const [time, setTime] = useState(() => toLocalInput(new Date(Date.now() + 3_600_000).toISOString()));
  const set = () =>
    onChange({
      state,
      since: new Date().toISOString(),
      ...(until === "next_edge" && { until: "next_edge" }),
      ...(until === "time" && time !== "" && { until: new Date(time).toISOString() }),
    });
  if (value) {
    return (
      <Alert color={isOver(value) ? "gray" : "yellow"} title={overrideInWords(value)}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">
            {isOver(value)
              ? "Its time is over: the hours below count."
              : "It beats the hours and days below."}
          </Text>
          <ErrorText>{error}</ErrorText>
          <Button size="xs" variant="default" onClick={() => onChange(null)}>
            Take it back
          </Button>
        </Stack>
      </Alert>
    );
  }
  return (
    <Paper withBorder p="sm">
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          Opens or closes by hand, whatever the hours say. It counts once it is saved.
        </Text>
        <Group gap="xs" align="flex-end">
          <SegmentedControl
            size="xs"
            aria-label="Set to"
            value={state}
            onChange={(state) => setState(state as State)}
            data={[
              { value: "closed", label: "Closed" },
              { value: "open", label: "Open" },
              { value: "holiday", label: "Holiday" },
            ]}
          />
          <Select
            size="xs"
            label="Until"
            allowDeselect={false}
            value={until}
            onChange={(until) => setUntil(until as Until)}
            data={[
              { value: "next_edge", label: "The hours change next" },
              { value: "time", label: "A time" },
              { value: "taken_back", label: "It is taken back" },
            ]}
          />
          {until === "time" && (
            <TextInput
              size="xs"
              type="datetime-local"
              label="Time (of this browser's zone)"
              value={time}
              onChange={(event) => setTime(event.currentTarget.value)}
            />
          )}
          <Button size="xs" onClick={set} disabled={until === "time" && time === ""}>
            Set
          </Button>
        </Group>
        <ErrorText>{error}</ErrorText>
      </Stack>
    </Paper>
  );
}
