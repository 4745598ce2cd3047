import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { sentence } from "../live/words";

type StepRowProps = {
  mark: ReactNode;
  name: string;
  /** What of several it was tried with. */
  target?: string | undefined;
  text: string;
  remedy?: string | null | undefined;
};

/** A step of something that is tried, with what came of it and what to do about that. */
export function StepRow({ mark, name, target, text, remedy }: StepRowProps) {
  return (
    <li style={{ display: "flex", gap: 8 }}>
      {mark}
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
          {name}
          {target && (
            <Text span size="sm" c="dimmed">
              {` ${target}`}
            </Text>
          )}
        </Text>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {sentence(text)}
        </Text>
        {remedy && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {sentence(remedy)}
          </Text>
        )}
      </div>
    </li>
  );
}
