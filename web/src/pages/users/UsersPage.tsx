import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { answer, api, ask, type Schema } from "../../api/client";
import type { Door } from "../../api/documents";
import { useSession } from "../../app/session";
import { SidePanel } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { editLink, ObjectTable, useOpened } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { showTime } from "../../ui/times";
import { roles } from "./roles";
import { UserPanel } from "./UserPanel";

type User = Schema<"PublicUser">;

/** A user as the form has it: with a password while there is none yet. */
export type UserForm = {
  login: string;
  name: string;
  role: User["role"];
  disabled: boolean;
  password: string;
};

export const usersDoor: Required<Door<UserForm>> = {
  key: ["users"],
  read: async (id) => {
    const { data, etag } = await answer(api.GET("/users/{id}", { params: { path: { id } } }));
    const { login, name, role, disabled } = data;
    return { data: { login, name, role, disabled, password: "" }, etag };
  },
  create: async ({ login, name, role, password }) => {
    await ask(api.POST("/users", { body: { login, name: name || login, role, password } }));
  },
  replace: async (id, etag, { name, role, disabled }) => {
    const params = { path: { id }, header: { "If-Match": etag } };
    await ask(api.PUT("/users/{id}", { params, body: { name, role, disabled } }));
  },
  remove: async (id, etag) => {
    await ask(api.DELETE("/users/{id}", { params: { path: { id }, header: { "If-Match": etag } } }));
  },
};

/** Who may sign in, and what they may do. */
export function UsersPage() {
  const { session } = useSession();
  const opened = useOpened();
  const users = usePages(["users", "list"], (cursor) =>
    ask(api.GET("/users", { params: { query: cursor ? { cursor } : {} } })),
  );
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      Add a user
    </Button>
  );
  const shown = users.data?.find((user) => user.id === opened.id);
  return (
    <Page title="Users" text="Who may sign in here, and what they may do." actions={add}>
      <ObjectTable
        query={users}
        keyOf={(user) => user.id}
        empty={<Empty title="There is no user" />}
        columns={[
          {
            title: "Name",
            cell: (user) => (
              <div>
                <Group gap="xs">
                  <Link to={editLink(user.id)}>{user.name}</Link>
                  {user.id === session.user?.id && (
                    <Text size="sm" c="dimmed">
                      (you)
                    </Text>
                  )}
                </Group>
                <Text size="sm" c="dimmed">
                  {user.login}
                </Text>
              </div>
            ),
          },
          { title: "Role", cell: (user) => roles[user.role].label },
          {
            title: "Status",
            cell: (user) => (
              <Badge variant="dot" color={user.disabled ? "gray" : "teal"}>
                {user.disabled ? "Disabled" : "May sign in"}
              </Badge>
            ),
          },
          { title: "Since", from: "md", cell: (user) => showTime(user.created) },
        ]}
      />
      <SidePanel
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id === null ? "Add a user" : (shown?.name ?? "User")}
      >
        {opened.isOpen && <UserPanel id={opened.id} onClose={opened.close} />}
      </SidePanel>
    </Page>
  );
}
