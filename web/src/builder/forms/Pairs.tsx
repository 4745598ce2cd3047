import { ActionIcon, Button, Fieldset, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { FieldSchema } from "../../flow/catalogue";
import { isObject, type Json, textOf } from "../../flow/document";
import { useFieldError, useForm } from "./context";
import { TemplateInput } from "./TemplateInput";

type PairsProps = {
  label: string;
  schema: FieldSchema;
  path: string;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
};

type Row = [name: string, value: Json];

/** Names with values, such as headers. A row without a name is not kept. */
export function Pairs({ label, schema, path, value, onChange }: PairsProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const kept: Row[] = isObject(value) ? Object.entries(value) : [];
  // Rows with an empty or a doubled name exist only here.
  const [typed, setTyped] = useState<Row[] | null>(null);
  const rows =
    typed !== null && JSON.stringify(toObject(typed)) === JSON.stringify(Object.fromEntries(kept))
      ? typed
      : kept;
  const set = (next: Row[]) => {
    setTyped(next);
    const object = toObject(next);
    onChange(Object.keys(object).length === 0 ? undefined : object);
  };
  const takesSecrets =
    isObject(schema.additionalProperties) && schema.additionalProperties.anyOf !== undefined;
  return (
    <Fieldset legend={label} p="xs" data-field={path}>
      <Stack gap="xs">
        {schema.description && (
          <Text size="xs" c="dimmed">
            {schema.description}
          </Text>
        )}
        {rows.map(([name, text], i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being typed; the place is the key
          <Group key={i} gap="xs" align="flex-end" wrap="nowrap">
            <TextInput
              label="Name"
              size="xs"
              w={100}
              value={name}
              readOnly={readOnly}
              onChange={(event) => {
                const next = event.currentTarget.value;
                set(rows.map((row, j) => (j === i ? [next, row[1]] : row)));
              }}
            />
            <div style={{ flex: 1 }}>
              <TemplateInput
                label={isObject(text) ? "Secret" : "Value"}
                value={isObject(text) ? textOf(text.secret) : textOf(text)}
                onChange={(next) =>
                  set(
                    rows.map((row, j) =>
                      j === i ? [row[0], isObject(text) ? { ...text, secret: next } : next] : row,
                    ),
                  )
                }
              />
            </div>
            {!readOnly && (
              <ActionIcon
                variant="subtle"
                color="red"
                aria-label={`Take ${name || "the row"} out`}
                onClick={() => set(rows.filter((_, j) => j !== i))}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        {error && (
          <Text size="xs" c="var(--mantine-color-error)">
            {error}
          </Text>
        )}
        {!readOnly && (
          <Group gap="xs">
            <Button
              variant="default"
              size="xs"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => set([...rows, ["", ""]])}
            >
              Add
            </Button>
            {takesSecrets && (
              <Button variant="default" size="xs" onClick={() => set([...rows, ["", { secret: "" }]])}>
                Add a secret
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Fieldset>
  );
}

function toObject(rows: Row[]): Record<string, Json> {
  return Object.fromEntries(rows.filter(([name]) => name !== ""));
}
