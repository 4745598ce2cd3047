import { Code, TagsInput, Text, TextInput } from "@mantine/core";
import { Link } from "react-router";
import { DocumentsPage, type KindOfPage, opener } from "../../ui/DocumentsPage";

const page: KindOfPage<"agents"> = {
  kind: "agents",
  word: "agent",
  title: "Agents",
  text: "The people whom calls are put through to, and where their phones are.",
  edits: "agents.edit",
  noun: "agent",
  add: { button: "Add an agent", title: "Add an agent" },
  search: { label: "Search agents" },
  columns: [
    { title: "Name", cell: opener("agent", (agent) => agent.name || agent.id) },
    { title: "Id", from: "sm", cell: (agent) => agent.id },
    {
      title: "Phone",
      cell: (agent) =>
        agent.document?.uri ?? (
          <Link to={`/registrations?account=${encodeURIComponent(agent.id)}`}>where it is registered</Link>
        ),
    },
    { title: "Skills", from: "sm", cell: (agent) => agent.document?.skills?.join(", ") || "–" },
  ],
  labels: {
    id: "Id",
    name: "Name",
    skills: "Skills",
    uri: "Phone",
    password: "Password",
    crmUser: "CRM user",
  },
  fresh: { id: "" },
};

/** The people whom calls are put through to. */
export function AgentsPage() {
  return (
    <DocumentsPage page={page}>
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
            label="CRM user"
            description="The id of the user that the agent is in the CRM, such as Salesforce: the agent gets the tasks of own calls, and callers whose record belongs to that user can be put through."
            placeholder="005Hs00000Abc12IAB"
            {...form.text("crmUser")}
          />
          <TextInput
            label="Password file"
            description={
              <Text span size="xs">
                For a phone that signs in by itself: a file on the server that holds its password, written as{" "}
                <Code>{`\${file:/etc/cordboard/alice}`}</Code>. Passwords are not kept in the database.
              </Text>
            }
            {...form.text("password")}
          />
        </>
      )}
    </DocumentsPage>
  );
}
