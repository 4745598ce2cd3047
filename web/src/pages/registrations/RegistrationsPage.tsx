import { Anchor, Button, Code, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { listRegistrations, type Registration, registrationsKey, removeRegistration } from "../../api/trunks";
import { useSession } from "../../app/session";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Empty } from "../../ui/Empty";
import { durationText } from "../../ui/moments";
import { type Column, ObjectTable } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { pathOf } from "../../ui/places";

const EVERY_MS = 10_000;

/** Where agents and PBXs are reached that have registered; of one account with `?account=`. */
export function RegistrationsPage() {
  const { may } = useSession();
  const [search] = useSearchParams();
  const account = search.get("account") ?? "";
  const [removed, setRemoved] = useState<Registration | null>(null);
  const registrations = usePages(
    [...registrationsKey, account],
    (cursor) => listRegistrations(account, cursor),
    () => EVERY_MS,
  );
  const columns = columnsWith(may("agents.edit") ? setRemoved : null);
  return (
    <Page
      title="Registrations"
      text="Where the telephones of agents are reached that have registered with this server, and PBXs that did."
      actions={
        account !== "" && (
          <Button variant="default" component={Link} to="/registrations">
            All registrations
          </Button>
        )
      }
    >
      <ObjectTable
        query={registrations}
        keyOf={(one) => `${one.account} ${one.id}`}
        empty={
          <Empty
            title={account === "" ? "Nobody is registered" : `Nobody is registered as ${account}`}
            text="A telephone registers with the user and the password of its agent, and the server's domain."
          />
        }
        columns={columns}
      />
      {removed && <RemoveDialog registration={removed} onClose={() => setRemoved(null)} />}
    </Page>
  );
}

function columnsWith(remove: ((registration: Registration) => void) | null): Column<Registration>[] {
  const columns: Column<Registration>[] = [
    { title: "Who", cell: (one) => <Who registration={one} /> },
    {
      title: "Rung at",
      cell: (one) => (
        <>
          <Text size="sm">{`${one.source} (${one.transport.toUpperCase()})`}</Text>
          <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {one.contact}
          </Text>
          {one.path.length > 0 && (
            <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {`by way of ${one.path.join(", ")}`}
            </Text>
          )}
        </>
      ),
    },
    {
      title: "Telephone",
      from: "sm",
      cell: (one) => (
        <>
          <Text size="sm">{one.userAgent ?? "it does not say"}</Text>
          {one.instance && (
            <Code fz="xs" style={{ overflowWrap: "anywhere" }}>
              {one.regId == null ? one.instance : `${one.instance}, flow ${one.regId}`}
            </Code>
          )}
        </>
      ),
    },
    {
      title: "Rung",
      from: "md",
      cell: (one) => (one.preference === 1 ? "first" : `by preference ${one.preference}`),
    },
    { title: "Ends in", cell: (one) => durationText(one.expiresInS) },
  ];
  if (remove) {
    columns.push({
      title: "Remove",
      align: "right",
      cell: (one) => (
        <Button
          size="compact-sm"
          variant="subtle"
          color="red"
          aria-label={`Remove ${one.account} at ${one.source}`}
          onClick={() => remove(one)}
        >
          Remove
        </Button>
      ),
    });
  }
  return columns;
}

function Who({ registration: { account, agent, trunk } }: { registration: Registration }) {
  const path = agent ? pathOf("agent", agent) : trunk ? pathOf("trunk", trunk) : null;
  const name = agent ?? trunk ?? account;
  return (
    <>
      {path ? (
        <Anchor component={Link} to={path} size="sm">
          {name}
        </Anchor>
      ) : (
        name
      )}
      {trunk && (
        <Text size="xs" c="dimmed">
          {trunk === account ? "a trunk" : `a trunk, as ${account}`}
        </Text>
      )}
    </>
  );
}

function RemoveDialog({ registration, onClose }: { registration: Registration; onClose: () => void }) {
  const queries = useQueryClient();
  const { account, source } = registration;
  const onDone = async () => {
    notifications.show({ message: `${account} is not rung there any more.`, color: "teal" });
    onClose();
    await queries.invalidateQueries({ queryKey: registrationsKey });
  };
  return (
    <ConfirmDialog
      title={`Remove ${account}?`}
      no="Keep it"
      yes="Remove"
      act={() => removeRegistration(registration)}
      onDone={onDone}
      onClose={onClose}
    >
      {`${account} is not rung at ${source} any more. `}A telephone that is still set up comes back when it
      registers next: to keep it away, change the password.
    </ConfirmDialog>
  );
}
