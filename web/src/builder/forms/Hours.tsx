// Opening hours, written in the step.

import { Chip, Group, TextInput } from "@mantine/core";
import { textOf } from "../../flow/document";
import { useForm } from "./context";
import { Items, objectsOf } from "./ObjectList";
import type { SpecialProps } from "./specialProps";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export function Hours({ path, schema, value, onChange, config }: SpecialProps) {
  const { readOnly } = useForm();
  if (textOf(config.scheduleId) !== "") {
    return null;
  }
  const intervals = objectsOf(value);
  return (
    <Items
      label="Hours"
      description={schema.description}
      path={path}
      items={intervals}
      max={42}
      fresh={() => ({ days: DAYS.slice(0, 5), open: "09:00", close: "17:00" })}
      onChange={onChange}
      render={(interval, _, set) => (
        <>
          <Chip.Group
            multiple
            value={Array.isArray(interval.days) ? interval.days.map(textOf) : []}
            onChange={(days: string[]) =>
              set({ ...interval, days: DAYS.filter((day) => days.includes(day)) })
            }
          >
            <Group gap={4}>
              {DAYS.map((day) => (
                <Chip key={day} value={day} size="xs" disabled={readOnly} radius="sm">
                  {day.charAt(0).toUpperCase() + day.slice(1)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <Group grow gap="xs">
            <TextInput
              label="Opens"
              placeholder="09:00"
              value={textOf(interval.open)}
              readOnly={readOnly}
              onChange={(event) => set({ ...interval, open: event.currentTarget.value })}
            />
            <TextInput
              label="Closes"
              placeholder="17:00"
              value={textOf(interval.close)}
              readOnly={readOnly}
              onChange={(event) => set({ ...interval, close: event.currentTarget.value })}
            />
          </Group>
        </>
      )}
    />
  );
}
