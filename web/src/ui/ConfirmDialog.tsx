import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Dialog } from "./Dialog";
import { ProblemAlert } from "./ProblemAlert";

type ConfirmProps = {
  /** The question. */
  title: string;
  /** What becomes of it. */
  children: ReactNode;
  /** What the buttons say. */
  no: string;
  yes: string;
  act: () => Promise<unknown>;
  /** When it is done. The button waits for a promise. */
  onDone: () => unknown;
  onClose: () => void;
};

/** Asks before something is done that cannot be taken back. Shown for as long as it is rendered. */
export function ConfirmDialog({ title, children, no, yes, act, onDone, onClose }: ConfirmProps) {
  const doing = useMutation({ mutationFn: act, onSuccess: onDone });
  return (
    <Dialog isOpen onClose={onClose} title={title}>
      <Stack>
        <Text size="sm">{children}</Text>
        {doing.error && <ProblemAlert error={doing.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {no}
          </Button>
          <Button color="red.9" loading={doing.isPending} onClick={() => doing.mutate()}>
            {yes}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
