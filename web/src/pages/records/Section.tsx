import { Paper, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of a record's page. */
export function Section({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md">
      {title && (
        <Title order={2} size="h4" mb="sm">
          {title}
        </Title>
      )}
      {children}
    </Paper>
  );
}
