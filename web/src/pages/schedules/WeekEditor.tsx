import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconCopy, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { ErrorText } from "../../ui/ErrorText";
import classes from "./WeekEditor.module.css";
import {
  type Day,
  dayNames,
  days,
  type Hours,
  isOvernight,
  overlapsOn,
  stretchesOn,
  type Week,
  type Weekly,
  weeklyOf,
  weekOf,
} from "./week";

type WeekEditorProps = {
  value: Weekly | null | undefined;
  onChange: (weekly: Weekly) => void;
  error?: string | undefined;
};

const usual: Hours = { open: "09:00", close: "17:00" };

/** The opening hours of each day of the week: several a day, also over midnight. */
export function WeekEditor({ value, onChange, error }: WeekEditorProps) {
  // As it is typed: the document would sort the hours and put equal ones together under somebody's hands.
  const [week, setWeek] = useState(() => weekOf(value));
  const change = (changed: Week) => {
    setWeek(changed);
    onChange(weeklyOf(changed));
  };
  const setDay = (day: Day, hours: Hours[]) => change({ ...week, [day]: hours });
  const copyToWorkdays = () => {
    const same: Partial<Week> = {};
    for (const day of days.slice(0, 5)) {
      same[day] = week.mon;
    }
    change({ ...week, ...same });
  };
  return (
    <div>
      <Group justify="space-between" mb="xs">
        <Text size="sm" c="dimmed">
          Hours that end before they begin go on into the next day. A day without hours is closed.
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconCopy size={14} aria-hidden />}
          onClick={copyToWorkdays}
          disabled={week.mon.length === 0}
        >
          Monday's hours to Friday
        </Button>
      </Group>
      <ErrorText>{error}</ErrorText>
      {days.map((day) => (
        <fieldset
          key={day}
          className={classes.day}
          style={{ border: 0, margin: 0, paddingInline: 0, minWidth: 0 }}
        >
          <legend style={{ display: "contents" }}>
            <span className={classes.name}>{dayNames[day]}</span>
          </legend>
          <Stack gap={6}>
            <DayBar week={week} day={day} />
            {overlapsOn(week, day) && (
              <Text size="xs" c="var(--mantine-color-error)">
                Some of these hours overlap.
              </Text>
            )}
            <DayHours name={dayNames[day]} hours={week[day]} onChange={(hours) => setDay(day, hours)} />
          </Stack>
        </fieldset>
      ))}
    </div>
  );
}

/** The day as a bar, with what reaches over from the day before. Its inputs say the same. */
function DayBar({ week, day }: { week: Week; day: Day }) {
  const share = (minutes: number) => `${(minutes / (24 * 60)) * 100}%`;
  return (
    <div aria-hidden>
      <div className={classes.bar}>
        {stretchesOn(week, day).map(({ from, to }) => (
          <div
            key={`${from} ${to}`}
            className={classes.open}
            style={{ left: share(from), width: share(to - from) }}
          />
        ))}
      </div>
      <div className={classes.scale}>
        <span>0</span>
        <span>6</span>
        <span>12</span>
        <span>18</span>
        <span>24</span>
      </div>
    </div>
  );
}

type DayHoursProps = { name: string; hours: Hours[]; onChange: (hours: Hours[]) => void };

/** Pairs of times. */
export function DayHours({ name, hours, onChange }: DayHoursProps) {
  const change = (index: number, part: Partial<Hours>) =>
    onChange(hours.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const add = () => {
    const last = hours.at(-1);
    onChange([...hours, last && last.close < "22:00" ? { open: last.close, close: "22:00" } : usual]);
  };
  return (
    <Stack gap={6}>
      {hours.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: hours have nothing else to be told apart by while they are typed
        <Group key={index} gap="xs">
          <TextInput
            type="time"
            size="xs"
            aria-label={`${name}, opens`}
            value={one.open}
            onChange={(event) => change(index, { open: event.currentTarget.value })}
          />
          <span aria-hidden>–</span>
          <TextInput
            type="time"
            size="xs"
            aria-label={`${name}, closes`}
            value={one.close}
            onChange={(event) => change(index, { close: event.currentTarget.value })}
          />
          {isOvernight(one) && (
            <Text size="xs" c="dimmed">
              next day
            </Text>
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Take out ${name} ${one.open} to ${one.close}`}
            onClick={() => onChange(hours.filter((_, at) => at !== index))}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group gap="xs">
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={add}
          aria-label={`Add hours to ${name}`}
        >
          {hours.length === 0 ? "Closed: add hours" : "Add hours"}
        </Button>
      </Group>
    </Stack>
  );
}
