import { Badge, Group, Stack, Text } from "@mantine/core";
import { sentence } from "../../live/words";
import { whenText } from "../../ui/moments";
import { OutLink } from "../../ui/OutLink";
import { RetryButton } from "../outbox/RetryButton";
import { isUnderWay, kindText, type OutboxItem, resultOf, stateOf } from "../outbox/told";
import { Section } from "./Section";

/** What other systems are told of the call, and what became of it. */
export function Told({ items }: { items: OutboxItem[] }) {
  if (items.length === 0) {
    return null;
  }
  return (
    <Section title="What others are told of it">
      <Stack component="ul" gap="md" style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {items.map((item) => (
          <li key={item.id}>
            <One item={item} />
          </li>
        ))}
      </Stack>
    </Section>
  );
}

function One({ item }: { item: OutboxItem }) {
  const { label, color } = stateOf(item);
  const result = resultOf(item);
  const kind = kindText(item.kind);
  return (
    <Stack gap={4} align="flex-start">
      <Group gap="xs">
        <Text size="sm" fw={600}>
          <OutLink url={result?.url}>{kind}</OutLink>
        </Text>
        <Badge variant="light" color={color} tt="none">
          {label}
        </Badge>
        {result && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {result.id}
          </Text>
        )}
      </Group>
      {item.lastError && item.state !== "done" && (
        <Text size="sm" c="var(--mantine-color-error)" style={{ overflowWrap: "anywhere" }}>
          {sentence(item.lastError)}
        </Text>
      )}
      {isUnderWay(item) && item.attempts > 0 && (
        <Text size="sm" c="dimmed">
          Tried {item.attempts === 1 ? "once" : `${item.attempts} times`}; the next time at{" "}
          {whenText(item.due)}.
        </Text>
      )}
      <RetryButton items={[item]} label="Try again" name={`Try again: ${kind}`} />
    </Stack>
  );
}
