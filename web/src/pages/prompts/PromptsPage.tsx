import { Group, Text } from "@mantine/core";
import { Link } from "react-router";
import { api, ask } from "../../api/client";
import { type Prompt, wavOf } from "../../api/prompts";
import { useSession } from "../../app/session";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { EmptyList, editLink, ObjectTable, useOpened, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { PlayButton } from "../../ui/PlayButton";
import { usePages } from "../../ui/paging";
import { showLength, showSize, showTime } from "../../ui/times";
import { PromptPanel } from "./PromptPanel";
import { UploadPrompts } from "./UploadPrompts";

/** The library of sounds. */
export function PromptsPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search prompts");
  const opened = useOpened();
  const mayEdit = may("flows.edit");
  const prompts = usePages(["prompts", "list", searched], (cursor) =>
    ask(
      api.GET("/prompts", {
        params: { query: { ...(searched && { text: searched }), ...(cursor && { cursor }) } },
      }),
    ),
  );
  return (
    <Page title="Prompts" text="Sound files that callers hear. Call flows name them by their ids.">
      <FindingsBanner kind="prompt" noun={"prompt(s)"} />
      {mayEdit && <UploadPrompts />}
      {box}
      <ObjectTable
        query={prompts}
        keyOf={(prompt) => prompt.id}
        empty={<EmptyList searched={searched} noun="prompt" />}
        columns={[
          {
            title: "Play",
            cell: (prompt) => <PlayButton url={wavOf(prompt.id)} name={prompt.name || prompt.id} />,
          },
          { title: "Name", cell: (prompt) => <NameCell prompt={prompt} /> },
          { title: "Length", align: "right", cell: (prompt) => showLength(prompt.lengthMs) },
          { title: "File", from: "sm", cell: (prompt) => `${prompt.format}, ${showSize(prompt.bytes)}` },
          { title: "Language", from: "md", cell: (prompt) => prompt.language || "–" },
          { title: "Changed", from: "md", cell: (prompt) => showTime(prompt.updated) },
        ]}
      />
      <PromptPanel id={opened.id} mayEdit={mayEdit} onClose={opened.close} />
    </Page>
  );
}

function NameCell({ prompt }: { prompt: Prompt }) {
  return (
    <div>
      <Group gap="xs">
        <Link to={editLink(prompt.id)}>{prompt.name || prompt.id}</Link>
        <FindingMark kind="prompt" id={prompt.id} />
      </Group>
      {prompt.name !== prompt.id && (
        <Text size="sm" c="dimmed">
          {prompt.id}
        </Text>
      )}
    </div>
  );
}
