import {
  Alert,
  Button,
  Code,
  CopyButton,
  Group,
  MultiSelect,
  NumberInput,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask, type Schema } from "../../api/client";
import { useSession } from "../../app/session";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { ObjectTable } from "../../ui/ObjectTable";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { showTime } from "../../ui/times";
import { type Scope, scopes } from "../users/roles";

type Token = Schema<"PublicToken">;

/** What scripts sign in with. */
export function Tokens() {
  const queries = useQueryClient();
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const tokens = usePages(["tokens"], (cursor) =>
    ask(api.GET("/tokens", { params: { query: cursor ? { cursor } : {} } })),
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          Scripts send them as <Code>Authorization: Bearer …</Code>. A token may do no more than you may.
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => setMaking(true)}
        >
          New token
        </Button>
      </Group>
      <ObjectTable
        query={tokens}
        keyOf={(token) => token.id}
        empty={<Empty title="You have no token" />}
        columns={[
          { title: "Name", cell: (token) => token.name },
          { title: "May", from: "sm", cell: (token) => token.scopes.join(", ") },
          { title: "Last used", from: "sm", cell: (token) => showTime(token.lastUsed) },
          { title: "Ends", cell: (token) => showTime(token.expires) },
          {
            title: "End",
            align: "right",
            cell: (token) => (
              <Button
                size="xs"
                variant="default"
                aria-label={`End ${token.name}`}
                onClick={() => setEnding(token)}
              >
                End
              </Button>
            ),
          },
        ]}
      />
      <Dialog isOpen={isMaking} onClose={() => setMaking(false)} title="New token" closesLightly={false}>
        {isMaking && <NewToken onClose={() => setMaking(false)} />}
      </Dialog>
      {ending && (
        <ConfirmDialog
          title={`End the token ${ending.name}?`}
          no="Keep it"
          yes="End it"
          act={() => ask(api.DELETE("/tokens/{id}", { params: { path: { id: ending.id } } }))}
          onDone={async () => {
            setEnding(null);
            await queries.invalidateQueries({ queryKey: ["tokens"] });
          }}
          onClose={() => setEnding(null)}
        >
          Scripts that use it are refused from then on. It cannot be brought back.
        </ConfirmDialog>
      )}
    </Stack>
  );
}

function NewToken({ onClose }: { onClose: () => void }) {
  const { may } = useSession();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Scope[]>(["setup.read"]);
  const [days, setDays] = useState<number | null>(90);
  const make = useMutation({
    mutationFn: () =>
      ask(api.POST("/tokens", { body: { name: name.trim(), scopes: chosen, ...(days && { days }) } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  if (make.data) {
    return <MadeToken secret={make.data.token} onClose={onClose} />;
  }
  const options = Object.entries(scopes).filter(([scope]) => scope === "all" || may(scope));
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="What it is for."
          required
          data-autofocus
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <MultiSelect
          label="May"
          required
          data={options.map(([value, label]) => ({ value, label }))}
          value={chosen}
          onChange={(scopes) => setChosen(scopes as Scope[])}
        />
        <NumberInput
          label="Ends after days"
          description="Empty: never."
          min={1}
          max={3650}
          allowDecimal={false}
          value={days ?? ""}
          onChange={(days) => setDays(typeof days === "number" ? days : null)}
        />
        {make.error && <ProblemAlert error={make.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending} disabled={name.trim() === "" || chosen.length === 0}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The secret, which is shown this once. */
function MadeToken({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Stack>
      <Alert color="yellow" title="Copy it now: it is not shown again" />
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {secret}
      </Code>
      <Group justify="flex-end" gap="xs">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </Stack>
  );
}
