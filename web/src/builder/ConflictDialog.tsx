import { Button, Group, List, Modal, ScrollArea, Text } from "@mantine/core";
import { changesOf } from "../flow/changes";
import type { FlowDocument } from "../flow/document";
import { useBuilderState } from "./store";

type ConflictDialogProps = { theirs: FlowDocument | null; onTake: () => void; onKeep: () => void };

/** Somebody else saved the draft: what is different, and the choice between the two. */
export function ConflictDialog({ theirs, onTake, onKeep }: ConflictDialogProps) {
  const mine = useBuilderState((state) => state.document);
  const changes = theirs === null ? [] : changesOf(theirs, mine, true);
  return (
    <Modal
      opened={theirs !== null}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title="Somebody else has saved this flow"
      size="lg"
    >
      <Text size="sm" mb="xs">
        Your edits are not saved. Compared with what was saved meanwhile, yours is different in this:
      </Text>
      <ScrollArea.Autosize mah={320} type="auto">
        <List size="sm" spacing={4}>
          {changes.map((change) => (
            <List.Item key={change.text}>{change.text}</List.Item>
          ))}
        </List>
        {changes.length === 0 && <Text size="sm">Nothing: both are the same.</Text>}
      </ScrollArea.Autosize>
      <Group mt="md" justify="flex-end">
        <Button variant="default" onClick={onTake}>
          Take theirs
        </Button>
        <Button onClick={onKeep}>Keep mine</Button>
      </Group>
    </Modal>
  );
}
