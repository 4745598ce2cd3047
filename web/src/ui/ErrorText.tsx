import { Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What is wrong with a group of fields; nothing where nothing is. */
export function ErrorText({ children }: { children: ReactNode }) {
  return (
    children && (
      <Text size="sm" c="var(--mantine-color-error)" role="alert">
        {children}
      </Text>
    )
  );
}
