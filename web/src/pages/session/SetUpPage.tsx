import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask, type Schema } from "../../api/client";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { EntryFrame } from "./EntryFrame";

/** The first user, by the link that the server wrote into its log. */
export function SetUpPage({ signedIn }: { signedIn: (session: Schema<"SessionInfo">) => void }) {
  const token = new URLSearchParams(window.location.search).get("token") ?? "";
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const setUp = useMutation({
    mutationFn: async () => {
      await ask(api.POST("/setup", { body: { token, login, name: name || login, password } }));
      return ask(api.POST("/session", { body: { login, password } }));
    },
    onSuccess: (session) => {
      signedIn(session);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUp.mutate();
  };
  return (
    <EntryFrame title="Welcome" text="Make the first user: an administrator, who can add all others.">
      {token === "" && (
        <Alert color="red" title="The link is not complete">
          Open the whole link that the server wrote into its log.
        </Alert>
      )}
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Login"
            autoComplete="username"
            autoFocus
            required
            value={login}
            onChange={(event) => setLogin(event.currentTarget.value)}
          />
          <TextInput
            label="Name"
            description="As others see it; the login where it is left empty."
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="new-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {setUp.error && <ProblemAlert error={setUp.error} />}
          <Button type="submit" loading={setUp.isPending} disabled={token === ""}>
            Make the first user
          </Button>
        </Stack>
      </form>
    </EntryFrame>
  );
}
