import { Button, Fieldset, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { FieldSchema } from "../../flow/catalogue";
import { isObject, type Json, type JsonObject } from "../../flow/document";
import { useFieldError, useForm } from "./context";
import { Field, withField } from "./Field";
import { ItemTools } from "./ItemTools";

type ObjectListProps = {
  label: string;
  schema: FieldSchema;
  path: string;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
};

/** The items of a list; one that is no object counts as an empty one. */
export function objectsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map((item) => (isObject(item) ? item : {})) : [];
}

/** A list of objects, each with its fields. */
export function ObjectList({ label, schema, path, value, onChange }: ObjectListProps) {
  const items = objectsOf(value);
  const fields = schema.items?.properties ?? {};
  const required = schema.items?.required ?? [];
  return (
    <Items
      label={label}
      description={schema.description}
      path={path}
      items={items}
      max={schema.maxItems ?? 50}
      fresh={() => Object.fromEntries(required.map((name) => [name, ""]))}
      onChange={onChange}
      render={(item, i, set) =>
        Object.entries(fields).map(([name, field]) => (
          <Field
            key={name}
            name={name}
            schema={field}
            path={`${path}/${i}/${name}`}
            value={item[name]}
            required={required.includes(name)}
            onChange={(next) => set(withField(item, name, next))}
          />
        ))
      }
    />
  );
}

type ItemsProps = {
  label: string;
  description?: string | undefined;
  path: string;
  items: JsonObject[];
  max: number;
  /** What a new one holds. */
  fresh: () => JsonObject;
  onChange: (items: JsonObject[]) => void;
  render: (item: JsonObject, index: number, set: (item: JsonObject) => void) => ReactNode;
};

/** Items that can be added, taken out and put in another order. */
export function Items({ label, description, path, items, max, fresh, onChange, render }: ItemsProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  return (
    <Fieldset legend={label} p="xs" data-field={path}>
      <Stack gap="sm">
        {description && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        {items.map((item, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what is typed into an item must not draw it anew; its place is its key
          <Fieldset key={i} p="xs" variant="filled" aria-label={`${label} ${i + 1}`}>
            <Stack gap="xs">
              {render(item, i, (next) => onChange(items.map((old, j) => (j === i ? next : old))))}
              {!readOnly && (
                <ItemTools
                  names={[`${label} ${i + 1}`, `${label} ${i + 1}`]}
                  items={items}
                  index={i}
                  onChange={onChange}
                />
              )}
            </Stack>
          </Fieldset>
        ))}
        {error && (
          <Text size="xs" c="var(--mantine-color-error)">
            {error}
          </Text>
        )}
        {!readOnly && items.length < max && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange([...items, fresh()])}
          >
            Add
          </Button>
        )}
      </Stack>
    </Fieldset>
  );
}
