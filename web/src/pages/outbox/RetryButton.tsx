import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ask, Problem } from "../../api/client";
import { crmKey } from "../../api/crm";
import { useSession } from "../../app/session";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { canRetry, type OutboxItem } from "./told";

/** One that is under way again by now is nothing that went wrong. */
const NOT_SET_ASIDE = 409;

async function retry(items: OutboxItem[]): Promise<number> {
  let count = 0;
  for (const { id } of items) {
    try {
      await ask(api.POST("/outbox/{id}/retry", { params: { path: { id: String(id) } } }));
      count += 1;
    } catch (error) {
      if (!(error instanceof Problem && error.status === NOT_SET_ASIDE)) {
        throw error;
      }
    }
  }
  return count;
}

type RetryProps = {
  /** Those of them that can be are tried anew. */
  items: OutboxItem[];
  label: string;
  /** For screen readers, where several buttons have the same label. */
  name?: string;
};

/** Has what was set aside or given up tried anew, at once; nothing where the role may not or there is nothing. */
export function RetryButton({ items, label, name }: RetryProps) {
  const { may } = useSession();
  const queries = useQueryClient();
  const stuck = items.filter(canRetry);
  const again = useMutation({
    mutationFn: () => retry(stuck),
    onSuccess: (count) => {
      const what = count === 1 ? "It is" : `${count} are`;
      notifications.show({ message: `${what} tried anew.`, color: "teal" });
    },
    onSettled: () =>
      Promise.all(
        [["outbox"], crmKey, ["records", "one"]].map((queryKey) => queries.invalidateQueries({ queryKey })),
      ),
  });
  if (!may("system.edit") || (stuck.length === 0 && !again.error)) {
    return null;
  }
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={again.isPending}
        disabled={stuck.length === 0}
        onClick={() => again.mutate()}
        {...(name && { "aria-label": name })}
      >
        {label}
      </Button>
      {again.error && <ProblemAlert error={again.error} />}
    </>
  );
}
