import { Group, ScrollArea, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type DragEvent, memo, useState } from "react";
import { KIND_MIME } from "../canvas/FlowCanvas";
import { GROUP_COLORS, kindIcon } from "../canvas/kindIcons";
import { type Catalogue, GROUPS, type StepKind } from "../flow/catalogue";
import classes from "./Builder.module.css";
import { useBuilder } from "./store";

/** The kinds of steps that this server runs and that fit a text. */
export function offered(catalogue: Catalogue, text: string): StepKind[] {
  const wanted = text.trim().toLowerCase();
  const kinds = Object.values(catalogue.kinds).filter((kind) => kind.isOffered);
  const fits = (kind: StepKind) => `${kind.label} ${kind.text} ${kind.type}`.toLowerCase().includes(wanted);
  return GROUPS.flatMap((group) => kinds.filter((kind) => kind.group === group && fits(kind)));
}

/** All kinds of steps: dragged onto the canvas, or pressed to come behind the selected step. */
export const Palette = memo(function Palette({ onAdd }: { onAdd: (type: string) => void }) {
  const { catalogue } = useBuilder();
  const [text, setText] = useState("");
  const kinds = offered(catalogue, text);
  return (
    <Stack gap="xs" h="100%" component="section" aria-label="Steps to add">
      <TextInput
        size="xs"
        aria-label="Search steps"
        placeholder="Search steps"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <ScrollArea style={{ flex: 1 }} type="auto">
        {GROUPS.map((group) => {
          const own = kinds.filter((kind) => kind.group === group);
          return (
            own.length > 0 && (
              <div key={group}>
                <Text size="xs" fw={600} c="dimmed" mt={4}>
                  {group}
                </Text>
                {own.map((kind) => (
                  <PaletteItem key={kind.type} kind={kind} onAdd={onAdd} />
                ))}
              </div>
            )
          );
        })}
        {kinds.length === 0 && (
          <Text size="xs" c="dimmed">
            No step is called that.
          </Text>
        )}
      </ScrollArea>
    </Stack>
  );
});

function PaletteItem({ kind, onAdd }: { kind: StepKind; onAdd: (type: string) => void }) {
  const onDragStart = (event: DragEvent) => {
    event.dataTransfer.setData(KIND_MIME, kind.type);
    event.dataTransfer.effectAllowed = "copy";
  };
  return (
    <UnstyledButton
      className={classes.kind ?? ""}
      draggable
      onDragStart={onDragStart}
      onClick={() => onAdd(kind.type)}
      title={kind.text}
    >
      <KindLine kind={kind} />
    </UnstyledButton>
  );
}

/** Picture and name of a kind. */
export function KindLine({ kind, withText = false }: { kind: StepKind; withText?: boolean }) {
  const Icon = kindIcon(kind.type);
  const color = GROUP_COLORS[kind.group];
  return (
    <Group gap="xs" wrap="nowrap">
      <span style={{ color: `var(--mantine-color-${color}-light-color)`, display: "grid" }}>
        <Icon size={18} stroke={1.7} aria-hidden />
      </span>
      <span>
        <Text size="sm" component="span" display="block">
          {kind.label}
        </Text>
        {withText && (
          <Text size="xs" c="dimmed" component="span" display="block">
            {kind.text}
          </Text>
        )}
      </span>
    </Group>
  );
}
