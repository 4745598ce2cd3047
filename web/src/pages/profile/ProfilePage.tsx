import { Badge, Button, Fieldset, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask, type Schema } from "../../api/client";
import { useSession } from "../../app/session";
import { Empty } from "../../ui/Empty";
import { ObjectTable } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePages } from "../../ui/paging";
import { showTime } from "../../ui/times";
import { roles } from "../users/roles";
import { browserName } from "./browser";
import { Tokens } from "./Tokens";

/** One's own password, browsers and tokens. */
export function ProfilePage() {
  const { session } = useSession();
  const name = session.user?.name ?? "You";
  return (
    <Page
      title="Your sign-in"
      text={`${name}, ${roles[session.role].label}: ${roles[session.role].text}. Your password, the browsers you are signed in with, and your tokens.`}
    >
      <Stack maw={860}>
        <Password login={session.user?.login ?? ""} />
        <Fieldset legend="Browsers">
          <Browsers />
        </Fieldset>
        <Fieldset legend="Tokens">
          <Tokens />
        </Fieldset>
      </Stack>
    </Page>
  );
}

function Password({ login }: { login: string }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: () => ask(api.PUT("/session/password", { body: { current, new: next } })),
    onSuccess: async () => {
      setCurrent("");
      setNext("");
      setAgain("");
      notifications.show({ message: "Your password is changed.", color: "teal" });
      await Promise.all(["sessions", "tokens"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const isOther = again !== "" && again !== next;
  return (
    <Fieldset legend="Password">
      <form onSubmit={submit}>
        <Stack gap="sm" maw={420}>
          <Text size="sm" c="dimmed">
            A new one signs you out of all other browsers and ends all your tokens.
          </Text>
          <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password"
            description="10 characters at least."
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password again"
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            error={isOther && "It is not the same."}
          />
          {change.error && <ProblemAlert error={change.error} />}
          <Group>
            <Button
              type="submit"
              loading={change.isPending}
              disabled={current === "" || next.length < 10 || again !== next}
            >
              Change the password
            </Button>
          </Group>
        </Stack>
      </form>
    </Fieldset>
  );
}

type Browser = Schema<"Session">;

function Browsers() {
  const queries = useQueryClient();
  const sessions = usePages<Browser>(["sessions"], () => ask(api.GET("/sessions")));
  const end = useMutation({
    mutationFn: (id: string) => ask(api.DELETE("/sessions/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <Stack gap="sm">
      {end.error && <ProblemAlert error={end.error} />}
      <ObjectTable
        query={sessions}
        keyOf={(browser) => browser.id}
        empty={<Empty title="No browser is signed in" />}
        columns={[
          {
            title: "Browser",
            cell: (browser) => <span title={browser.userAgent}>{browserName(browser.userAgent)}</span>,
          },
          { title: "From", from: "sm", cell: (browser) => browser.source },
          { title: "Last used", from: "sm", cell: (browser) => showTime(browser.lastUsed) },
          {
            title: "Sign out",
            align: "right",
            cell: (browser) =>
              browser.current ? (
                <Badge variant="dot" color="teal">
                  This one
                </Badge>
              ) : (
                <Button
                  size="xs"
                  variant="default"
                  loading={end.isPending}
                  onClick={() => end.mutate(browser.id)}
                >
                  Sign out
                </Button>
              ),
          },
        ]}
      />
    </Stack>
  );
}
