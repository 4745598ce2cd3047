import { Alert, Button, Group, List, Loader, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Schema } from "../api/client";
import { type Kind, pointersTo } from "../api/documents";
import { Dialog } from "./Dialog";
import { ProblemAlert } from "./ProblemAlert";
import { pathOf, wordOf } from "./places";

type DeleteProps = {
  /** The path of its list, by which what points to it is found; none where nothing can. */
  kind: Kind | "flows" | "prompts" | null;
  id: string;
  /** As it is called in a sentence: "the agent". */
  noun: string;
  remove: () => Promise<unknown>;
  /** The lists that are to be read again. */
  keys: (readonly unknown[])[];
  onDeleted?: () => void;
};

type DialogProps = DeleteProps & { isOpen: boolean; onClose: () => void; children?: ReactNode };

/** Asks before something is deleted, and says what still points to it. */
export function DeleteDialog({
  kind,
  id,
  noun,
  remove,
  keys,
  onDeleted,
  isOpen,
  onClose,
  children,
}: DialogProps) {
  const queries = useQueryClient();
  const pointers = useQuery({
    queryKey: ["pointers", kind, id],
    queryFn: () => (kind === null ? Promise.resolve([]) : pointersTo(kind, id)),
    enabled: isOpen,
    staleTime: 0,
    gcTime: 0,
  });
  const deletion = useMutation({
    mutationFn: remove,
    onSuccess: async () => {
      notifications.show({ message: `Deleted ${noun} ${id}.`, color: "teal" });
      onClose();
      onDeleted?.();
      await Promise.all([...keys, ["findings"]].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  const isPointedTo = (pointers.data?.length ?? 0) > 0;
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={`Delete ${noun} ${id}?`}>
      <Stack>
        {pointers.isPending && <Loader size="sm" aria-label="Loading" />}
        {pointers.error && <ProblemAlert error={pointers.error} retry={() => pointers.refetch()} />}
        {isPointedTo && pointers.data && <PointerList pointers={pointers.data} />}
        {children}
        {pointers.data && !isPointedTo && (
          <Text size="sm">Nothing leads to it. It cannot be brought back.</Text>
        )}
        {deletion.error && <ProblemAlert error={deletion.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button
            color="red.9"
            disabled={!pointers.data || isPointedTo}
            loading={deletion.isPending}
            onClick={() => deletion.mutate()}
          >
            Delete
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

/** What has to be led elsewhere first. */
function PointerList({ pointers }: { pointers: Schema<"PointerItem">[] }) {
  return (
    <Alert color="yellow" title="It is still in use">
      <Text size="sm">Lead these elsewhere first:</Text>
      <List size="sm" mt="xs">
        {pointers.map(({ kind, id, version }) => {
          const path = pathOf(kind, id);
          const text = `${wordOf(kind)} ${id}${version ? `, version ${version}` : ""}`;
          return (
            <List.Item key={`${kind} ${id} ${version ?? ""}`}>
              {path ? <Link to={path}>{text}</Link> : text}
            </List.Item>
          );
        })}
      </List>
    </Alert>
  );
}

/** A button that opens the dialog. */
export function DeleteButton(props: DeleteProps) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button variant="subtle" color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={open}>
        Delete
      </Button>
      <DeleteDialog {...props} isOpen={isOpen} onClose={close} />
    </>
  );
}
