import {
  Button,
  Divider,
  Group,
  PasswordInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { useSession } from "../../app/session";
import { DeleteButton } from "../../ui/DeleteDialog";
import { DocumentEditor } from "../../ui/DocumentEditor";
import type { DocumentForm } from "../../ui/documentForm";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { type Role, roleOptions, roles } from "./roles";
import { type UserForm, usersDoor } from "./UsersPage";

const labels = { login: "Login", name: "Name", role: "Role", disabled: "May sign in", password: "Password" };

const fresh: UserForm = { login: "", name: "", role: "viewer", disabled: false, password: "" };

/** A user: name, role, whether they may sign in, and another password. */
export function UserPanel({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { session } = useSession();
  const isMe = id !== null && id === session.user?.id;
  return (
    <Stack>
      <DocumentEditor
        door={usersDoor}
        id={id}
        fresh={fresh}
        noun="the user"
        labels={labels}
        mayEdit
        onSaved={onClose}
        onCancel={onClose}
        actions={(etag) =>
          !isMe &&
          id !== null && (
            <DeleteButton
              kind={null}
              id={id}
              noun="the user"
              remove={() => usersDoor.remove(id, etag)}
              keys={[["users", "list"]]}
              onDeleted={onClose}
            />
          )
        }
      >
        {(form) => <UserFields form={form} isMe={isMe} />}
      </DocumentEditor>
      {id !== null && !isMe && <OtherPassword id={id} />}
    </Stack>
  );
}

function UserFields({ form, isMe }: { form: DocumentForm<UserForm>; isMe: boolean }) {
  return (
    <>
      <TextInput
        label="Login"
        description="What is typed to sign in. It cannot be changed later."
        required
        readOnly={!form.isNew}
        data-autofocus={form.isNew || undefined}
        autoComplete="off"
        {...form.text("login")}
      />
      <TextInput label="Name" description="As others see it." maxLength={120} {...form.text("name")} />
      <Select
        label="Role"
        description={`${roles[form.value.role].label}: ${roles[form.value.role].text}.`}
        allowDeselect={false}
        data={roleOptions}
        value={form.value.role}
        onChange={(role) => form.set("role", role as Role)}
        error={form.error("role")}
      />
      {form.isNew ? (
        <PasswordInput
          label="Password"
          description="10 characters at least. The user can change it after signing in."
          required
          autoComplete="new-password"
          {...form.text("password")}
        />
      ) : (
        <Switch
          label="May sign in"
          description={
            isMe ? "You cannot shut yourself out." : "Off: signed out at once, and all tokens stop to work."
          }
          disabled={isMe}
          checked={!form.value.disabled}
          onChange={(event) => form.set("disabled", !event.currentTarget.checked)}
        />
      )}
    </>
  );
}

/** Another password for somebody who forgot theirs. */
function OtherPassword({ id }: { id: string }) {
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => ask(api.PUT("/users/{id}/password", { params: { path: { id } }, body: { password } })),
    onSuccess: () => {
      setPassword("");
      notifications.show({ message: "The password is changed.", color: "teal" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Divider />
        <Title order={2} size="h5">
          Another password
        </Title>
        <Text size="sm" c="dimmed">
          It signs the user out everywhere and ends all their tokens.
        </Text>
        <PasswordInput
          label="New password"
          description="10 characters at least."
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {change.error && <ProblemAlert error={change.error} />}
        <Group>
          <Button type="submit" variant="default" loading={change.isPending} disabled={password.length < 10}>
            Change the password
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
