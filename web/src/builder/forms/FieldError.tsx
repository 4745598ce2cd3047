// What is wrong with a field whose input does not say it itself.

import { Text } from "@mantine/core";
import { useFieldError } from "./context";

export function FieldError({ path }: { path: string }) {
  return useFieldError(path);
}

export function Wrong({ text }: { text: string | null }) {
  return (
    text && (
      <Text size="xs" c="var(--mantine-color-error)">
        {text}
      </Text>
    )
  );
}
