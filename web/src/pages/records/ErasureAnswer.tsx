import { Button, Code, Group, List, Stack, Text, Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { sentence } from "../../live/words";
import { type Erasure, erasedText, withCommands } from "./erasure";

/** What was erased, and where the caller may still be found. */
export function ErasureAnswer({ erasure, onClose }: { erasure: Erasure; onClose: () => void }) {
  const first = useRef<HTMLParagraphElement>(null);
  // The button that had the focus is gone; who hears the page hears what came of it.
  useEffect(() => first.current?.focus(), []);
  return (
    <Stack>
      <Text ref={first} tabIndex={-1} fw={600} style={{ outline: "none" }}>
        {erasedText(erasure)}
      </Text>
      <section aria-labelledby="spellings">
        <Title order={3} size="h5" id="spellings" mb="xs">
          Looked for as
        </Title>
        <Group component="ul" gap="xs" style={{ listStyle: "none", margin: 0, padding: 0 }}>
          {erasure.spellings.map((spelling) => (
            <li key={spelling}>
              <Code>{spelling}</Code>
            </li>
          ))}
        </Group>
      </section>
      <section aria-labelledby="not-reached">
        <Title order={3} size="h5" id="not-reached" mb="xs">
          Not reached, and yours to do
        </Title>
        <List size="sm" spacing="xs">
          {erasure.notReached.map((place) => (
            <List.Item key={place} style={{ overflowWrap: "anywhere" }}>
              <WithCommands text={sentence(place)} />
            </List.Item>
          ))}
        </List>
      </section>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}

function WithCommands({ text }: { text: string }) {
  return withCommands(text).map((piece) =>
    piece.isCommand ? <Code key={piece.text}>{piece.text}</Code> : piece.text,
  );
}
