import { Button, Code, Group, TagsInput, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { documents, listDocuments } from "../../api/documents";
import { useSession } from "../../app/session";
import { DocumentDrawer } from "../../ui/DocumentDrawer";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { EmptyList, editLink, ObjectTable, useOpened, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";

const door = documents("agents");

const labels = { id: "Id", name: "Name", skills: "Skills", uri: "Phone", password: "Password" };

/** The people whom calls are put through to. */
export function AgentsPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search agents");
  const opened = useOpened();
  const mayEdit = may("agents.edit");
  const agents = usePages(["agents", "list", searched], (cursor) =>
    listDocuments("agents", { text: searched, cursor }),
  );
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      Add an agent
    </Button>
  );
  return (
    <Page
      title="Agents"
      text="The people whom calls are put through to, and where their phones are."
      actions={add}
    >
      <FindingsBanner kind="agent" noun={"agent(s)"} />
      {box}
      <ObjectTable
        query={agents}
        keyOf={(agent) => agent.id}
        empty={<EmptyList searched={searched} noun="agent" />}
        columns={[
          {
            title: "Name",
            cell: (agent) => (
              <Group gap="xs">
                <Link to={editLink(agent.id)}>{agent.name || agent.id}</Link>
                <FindingMark kind="agent" id={agent.id} />
              </Group>
            ),
          },
          { title: "Id", from: "sm", cell: (agent) => agent.id },
          { title: "Phone", cell: (agent) => agent.document?.uri ?? "registers with a password" },
          { title: "Skills", from: "sm", cell: (agent) => agent.document?.skills?.join(", ") || "–" },
        ]}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={{ id: "" }}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? "Add an agent"}
        noun="the agent"
        kind="agents"
        word="agent"
        labels={labels}
        mayEdit={mayEdit}
      >
        {(form) => (
          <>
            <TextInput
              label="Id"
              description="What call flows name the agent by. It cannot be changed later."
              required
              readOnly={!form.isNew}
              data-autofocus={form.isNew || undefined}
              {...form.text("id")}
            />
            <TextInput label="Name" {...form.text("name")} />
            <TagsInput
              label="Skills"
              description="A call flow can ring all who have a skill. Press Enter after each."
              value={form.value.skills ?? []}
              onChange={(skills) => form.set("skills", skills)}
              error={form.error("skills")}
            />
            <TextInput
              label="Phone"
              description="The SIP address of a phone that stays where it is."
              placeholder="sip:alice@192.0.2.5:5060"
              {...form.text("uri")}
            />
            <TextInput
              label="Password file"
              description={
                <Text span size="xs">
                  For a phone that signs in by itself: a file on the server that holds its password, written
                  as <Code>{`\${file:/etc/cordboard/alice}`}</Code>. Passwords are not kept in the database.
                </Text>
              }
              {...form.text("password")}
            />
          </>
        )}
      </DocumentDrawer>
    </Page>
  );
}
