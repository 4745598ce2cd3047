import { Center, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Stands where a list would be that has nothing yet. */
export function Empty({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <Center py={48}>
      <Stack align="center" gap="xs" maw={460}>
        <Text fw={600}>{title}</Text>
        {text && (
          <Text c="dimmed" size="sm" ta="center">
            {text}
          </Text>
        )}
        {children}
      </Stack>
    </Center>
  );
}
