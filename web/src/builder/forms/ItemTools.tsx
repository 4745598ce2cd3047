import { ActionIcon, Group } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconTrash } from "@tabler/icons-react";

type ItemToolsProps<T> = {
  /** As the item is called at the beginning of a label, and within one. */
  names: [string, string];
  items: T[];
  index: number;
  /** The last one stays. */
  keepsOne?: boolean;
  onChange: (items: T[]) => void;
};

/** Puts an item of a list in another place, or takes it out. */
export function ItemTools<T>({ names: [name, within], items, index, keepsOne, onChange }: ItemToolsProps<T>) {
  const swap = (other: number) => {
    const next = [...items];
    const [a, b] = [next[index], next[other]];
    if (a !== undefined && b !== undefined) {
      next[index] = b;
      next[other] = a;
      onChange(next);
    }
  };
  return (
    <Group gap={4} justify="flex-end">
      <ActionIcon
        variant="subtle"
        size="sm"
        aria-label={`${name} up`}
        disabled={index === 0}
        onClick={() => swap(index - 1)}
      >
        <IconArrowUp size={14} aria-hidden />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        size="sm"
        aria-label={`${name} down`}
        disabled={index === items.length - 1}
        onClick={() => swap(index + 1)}
      >
        <IconArrowDown size={14} aria-hidden />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        color="red"
        size="sm"
        aria-label={`Take ${within} out`}
        disabled={keepsOne === true && items.length === 1}
        onClick={() => onChange(items.filter((_, at) => at !== index))}
      >
        <IconTrash size={14} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
