import { SimpleGrid, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Names and what stands for them; those with nothing are left out. */
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <SimpleGrid
      component="dl"
      cols={{ base: 1, xs: 2, sm: 3, lg: 4 }}
      spacing="md"
      verticalSpacing="sm"
      m={0}
    >
      {known.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}
