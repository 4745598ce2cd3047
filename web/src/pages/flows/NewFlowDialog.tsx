import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { Dialog } from "../../ui/Dialog";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { createFlow, idFrom } from "./details";

/** Makes a call flow that greets and hangs up, and opens it. */
export function NewFlowDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [name, setName] = useState("");
  // Goes by the name until somebody writes one.
  const [written, setWritten] = useState<string | null>(null);
  const id = written ?? idFrom(name);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: () => createFlow(id, name.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["flows"] });
      await navigate(`/flows/${encodeURIComponent(id)}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New call flow">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" c="dimmed">
            It begins with a greeting and a hangup. No call goes through it until it is published and a Smart
            Number leads to it.
          </Text>
          <TextInput
            label="Name"
            required
            data-autofocus
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="Id"
            description="What other call flows and scripts name it by. It cannot be changed later."
            required
            maxLength={80}
            value={id}
            onChange={(event) => setWritten(event.currentTarget.value)}
          />
          {create.error && <ProblemAlert error={create.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending} disabled={name.trim() === "" || id === ""}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
