// The keys of a menu.

import { ActionIcon, Button, Fieldset, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { isObject, textOf } from "../../flow/document";
import { useFieldError, useForm } from "./context";
import { Wrong } from "./FieldError";
import type { SpecialProps } from "./specialProps";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#"];
const OPTIONS_MAX = 12;

export function MenuOptions({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const options = isObject(value) ? Object.entries(value) : [];
  const taken = new Set(options.map(([key]) => key));
  const free = KEYS.find((key) => !taken.has(key));
  const rename = (old: string, key: string) => {
    const next = options.map(([name, option]) => [name === old ? key : name, option]);
    onChange(Object.fromEntries(next), { [`key:${old}`]: `key:${key}` });
  };
  return (
    <Fieldset legend="Keys" p="xs" data-field={path}>
      <Stack gap="xs">
        <Text size="xs" c="dimmed">
          {schema.description}
        </Text>
        {options.map(([key, option]) => (
          <Group key={key} gap="xs" align="flex-start" wrap="nowrap">
            <KeyInput value={key} taken={taken} onChange={(next) => rename(key, next)} />
            <TextInput
              style={{ flex: 1 }}
              aria-label={`What ${key} stands for`}
              placeholder="What it stands for"
              maxLength={60}
              readOnly={readOnly}
              value={isObject(option) ? textOf(option.label) : ""}
              onChange={(event) => {
                const label = event.currentTarget.value;
                onChange({ ...Object.fromEntries(options), [key]: label === "" ? {} : { label } });
              }}
            />
            {!readOnly && (
              <ActionIcon
                variant="subtle"
                color="red"
                mt={4}
                aria-label={`Take key ${key} out`}
                onClick={() => onChange(Object.fromEntries(options.filter(([name]) => name !== key)))}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        <Wrong text={error} />
        {!readOnly && free !== undefined && options.length < OPTIONS_MAX && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange({ ...Object.fromEntries(options), [free]: {} })}
          >
            Add a key
          </Button>
        )}
      </Stack>
    </Fieldset>
  );
}

/** A key of a menu; taken over when it is left, so that a half-typed one loses no connection. */
function KeyInput({
  value,
  taken,
  onChange,
}: {
  value: string;
  taken: Set<string>;
  onChange: (key: string) => void;
}) {
  const { readOnly } = useForm();
  const [typed, setTyped] = useState(value);
  const isWrong = !/^[0-9*#]{1,4}$/.test(typed) || (typed !== value && taken.has(typed));
  const take = () => (isWrong ? setTyped(value) : typed !== value && onChange(typed));
  return (
    <TextInput
      w={64}
      aria-label={`Key ${value}`}
      value={typed}
      error={isWrong}
      readOnly={readOnly}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}
