import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { api, ask, Problem } from "../../api/client";
import type { LiveCallItem } from "../../live/model";
import { ProblemAlert } from "../../ui/ProblemAlert";

/** Asks before a call is hung up: somebody may be speaking. */
export function HangUpDialog({ call, close }: { call: LiveCallItem | null; close: () => void }) {
  const hangUp = useMutation({
    mutationFn: async (id: string) => {
      try {
        await ask(api.DELETE("/calls/{id}", { params: { path: { id } } }));
      } catch (error) {
        // Over already: what was wanted.
        if (!(error instanceof Problem && error.status === 404)) {
          throw error;
        }
      }
    },
    onSuccess: close,
  });
  const caller = call?.from || "an anonymous caller";
  const dismiss = () => {
    hangUp.reset();
    close();
  };
  return (
    <Modal opened={call !== null} onClose={dismiss} title="Hang up this call?" centered>
      <Stack>
        <Text size="sm">
          The call from {caller} to {call?.number} ends at once, for the caller and for whoever is talking to
          them.
        </Text>
        {hangUp.error && <ProblemAlert error={hangUp.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={dismiss}>
            Cancel
          </Button>
          <Button color="red.9" loading={hangUp.isPending} onClick={() => call && hangUp.mutate(call.id)}>
            Hang up
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
