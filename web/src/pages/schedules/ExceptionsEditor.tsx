import { Button, Checkbox, Group, Paper, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { ErrorText } from "../../ui/ErrorText";
import {
  type Exception,
  type ExceptionKind,
  hoursOf,
  hoursText,
  kindOf,
  onDays,
  spanOf,
  tidyException,
} from "./exceptions";
import { DayHours } from "./WeekEditor";

type ExceptionsProps = {
  value: Exception[] | null | undefined;
  onChange: (exceptions: Exception[]) => void;
  /** What the server said about one of them, by its place in the list. */
  errorAt: (index: number) => string | undefined;
  /** As one is called: "exception", "holiday". */
  noun: string;
};

/** Days that are unlike the week. */
export function ExceptionsEditor({ value, onChange, errorAt, noun }: ExceptionsProps) {
  const exceptions = value ?? [];
  const today = new Date().toISOString().slice(0, 10);
  const change = (index: number, part: Partial<Exception>) =>
    onChange(exceptions.map((one, at) => (at === index ? tidyException({ ...one, ...part }) : one)));
  return (
    <Stack gap="sm">
      {exceptions.length === 0 && (
        <Text size="sm" c="dimmed">
          There is no {noun} yet.
        </Text>
      )}
      {exceptions.map((exception, index) => (
        <ExceptionRow
          // biome-ignore lint/suspicious/noArrayIndexKey: days have nothing else to be told apart by while they are typed
          key={index}
          exception={exception}
          error={errorAt(index)}
          noun={noun}
          change={(part) => change(index, part)}
          takeOut={() => onChange(exceptions.filter((_, at) => at !== index))}
        />
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...exceptions, { date: today, kind: "holiday" }])}
        >
          Add {noun === "exception" ? "an exception" : `a ${noun}`}
        </Button>
      </Group>
    </Stack>
  );
}

type RowProps = {
  exception: Exception;
  error: string | undefined;
  noun: string;
  change: (part: Partial<Exception>) => void;
  takeOut: () => void;
};

function ExceptionRow({ exception, error, noun, change, takeOut }: RowProps) {
  const { first, last } = spanOf(exception);
  const kind = kindOf(exception);
  return (
    <Paper withBorder p="sm" role="group" aria-label={exception.name || `${noun} on ${first}`}>
      <Stack gap="xs">
        <Group gap="xs" align="flex-end">
          <TextInput
            size="xs"
            label="Name"
            value={exception.name ?? ""}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            type="date"
            label="First day"
            value={first}
            onChange={(event) => change(onDays(event.currentTarget.value, last))}
          />
          <TextInput
            size="xs"
            type="date"
            label="Last day"
            min={first}
            value={last}
            onChange={(event) => change(onDays(first, event.currentTarget.value))}
          />
          <Select
            size="xs"
            w={150}
            label="What it is"
            allowDeselect={false}
            value={kind}
            onChange={(kind) =>
              change({
                kind: kind as ExceptionKind,
                ...(kind === "hours" && { hours: exception.hours ?? ["10:00-14:00"] }),
              })
            }
            data={[
              { value: "holiday", label: "Holiday" },
              { value: "closed", label: "Closed" },
              { value: "hours", label: "Other hours" },
            ]}
          />
        </Group>
        {kind === "hours" && (
          <DayHours
            name={exception.name || first}
            hours={hoursOf(exception)}
            onChange={(hours) => change({ kind: "hours", hours: hoursText(hours) })}
          />
        )}
        <Group justify="space-between">
          <Checkbox
            size="xs"
            label="Every year"
            checked={exception.yearly ?? false}
            onChange={(event) => change({ yearly: event.currentTarget.checked })}
          />
          <Button
            size="compact-xs"
            variant="subtle"
            color="red"
            leftSection={<IconTrash size={14} aria-hidden />}
            onClick={takeOut}
          >
            Take out
          </Button>
        </Group>
        <ErrorText>{error}</ErrorText>
      </Stack>
    </Paper>
  );
}
