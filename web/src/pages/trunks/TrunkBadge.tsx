import { Badge, Text } from "@mantine/core";
import { Link } from "react-router";
import type { TrunkState } from "../../api/trunks";
import { sentence } from "../../live/words";
import { CONDITIONS, conditionOf } from "./state";

/** Where a trunk is shown at work. */
export function trunkPath(id: string): string {
  return `/trunks/${encodeURIComponent(id)}`;
}

/** How a trunk is, in a word that leads to more. */
export function TrunkBadge({ state }: { state: TrunkState | undefined }) {
  if (!state) {
    return (
      <Text span size="sm" c="dimmed">
        not known yet
      </Text>
    );
  }
  const { word, color } = CONDITIONS[conditionOf(state)];
  return (
    <>
      <Badge
        variant="dot"
        color={color}
        component={Link}
        to={trunkPath(state.id)}
        style={{ cursor: "pointer" }}
        aria-label={`${state.id}: ${word}`}
      >
        {word}
      </Badge>
      {state.why && (
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {sentence(state.why)}
        </Text>
      )}
    </>
  );
}
