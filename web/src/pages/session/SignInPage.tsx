import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask, type Schema } from "../../api/client";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { EntryFrame } from "./EntryFrame";

export function SignInPage({ signedIn }: { signedIn: (session: Schema<"SessionInfo">) => void }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => ask(api.POST("/session", { body: { login, password } })),
    onSuccess: signedIn,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <EntryFrame title="Sign in">
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
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {signIn.error && <ProblemAlert error={signIn.error} />}
          <Button type="submit" loading={signIn.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
    </EntryFrame>
  );
}
