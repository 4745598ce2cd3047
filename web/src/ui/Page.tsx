import { Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

type PageProps = {
  title: string;
  /** What the page is for, in a sentence. */
  text?: ReactNode;
  /** What can be done here, at the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
};

/** A page with its title, as all pages have it. */
export function Page({ title, text, actions, children }: PageProps) {
  useDocumentTitle(`${title} · cordboard`);
  return (
    <Stack gap="md" maw={1280} mx="auto">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h2">
            {title}
          </Title>
          {text && (
            <Text c="dimmed" size="sm">
              {text}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
