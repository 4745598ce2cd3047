import { Center, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Logo } from "../../ui/Logo";

/** Around the pages that are shown before anybody is signed in. */
export function EntryFrame({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400}>
        <Stack>
          <Logo />
          <Title order={1} size="h3">
            {title}
          </Title>
          {text && <Text c="dimmed">{text}</Text>}
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
