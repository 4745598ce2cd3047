import { Anchor, Button, Group, List, Loader, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { api, ask, Problem } from "../../api/client";
import { pointersTo } from "../../api/documents";
import { originalOf, type Prompt, readOriginal, readPrompt, replacePrompt } from "../../api/prompts";
import { DeleteButton } from "../../ui/DeleteDialog";
import { SidePanel } from "../../ui/Dialog";
import { DropZone } from "../../ui/DropZone";
import { FindingsOf } from "../../ui/FindingsBanner";
import { LanguageField } from "../../ui/fields";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { pathOf, wordOf } from "../../ui/places";
import { showSize, showTime } from "../../ui/times";
import { Waveform } from "../../ui/Waveform";
import { soundFiles, soundHint } from "./UploadPrompts";

type PanelProps = { id: string | null; mayEdit: boolean; onClose: () => void };

/** One prompt: seen, heard, named, replaced, deleted. */
export function PromptPanel({ id, mayEdit, onClose }: PanelProps) {
  const read = useQuery({
    queryKey: ["prompts", "item", id],
    queryFn: () => readPrompt(id ?? ""),
    enabled: id !== null,
    staleTime: 0,
  });
  return (
    <SidePanel isOpen={id !== null} onClose={onClose} title={id ?? ""}>
      <Stack>
        {read.error && <ProblemAlert error={read.error} retry={() => read.refetch()} />}
        {read.isPending && id !== null && <Loader aria-label="Loading" />}
        {read.data && (
          <>
            <FindingsOf kind="prompt" id={read.data.data.id} />
            <Waveform id={read.data.data.id} version={read.data.data.sha256} />
            <Facts prompt={read.data.data} />
            <UsedBy id={read.data.data.id} />
            {mayEdit && <Change key={read.data.etag} {...read.data} readAgain={() => read.refetch()} />}
            {mayEdit && <Deletion {...read.data} onDeleted={onClose} />}
          </>
        )}
      </Stack>
    </SidePanel>
  );
}

function Facts({ prompt }: { prompt: Prompt }) {
  return (
    <Text size="sm" c="dimmed">
      {prompt.format}, {prompt.sampleRate / 1000} kHz, {showSize(prompt.bytes)}, changed{" "}
      {showTime(prompt.updated)}.{" "}
      <Anchor href={originalOf(prompt.id)} download size="sm" underline="always">
        Download the file
      </Anchor>
    </Text>
  );
}

/** The call flows that play it. */
function UsedBy({ id }: { id: string }) {
  const pointers = useQuery({
    queryKey: ["pointers", "prompts", id],
    queryFn: () => pointersTo("prompts", id),
  });
  if (!pointers.data) {
    return pointers.error ? <ProblemAlert error={pointers.error} /> : null;
  }
  if (pointers.data.length === 0) {
    return <Text size="sm">No call flow plays it.</Text>;
  }
  return (
    <div>
      <Text size="sm">It is played by</Text>
      <List size="sm">
        {pointers.data.map(({ kind, id, version }) => (
          <List.Item key={`${kind} ${id} ${version ?? ""}`}>
            <Link to={pathOf(kind, id) ?? "/flows"}>
              {wordOf(kind)} {id}
              {version ? `, version ${version}` : ""}
            </Link>
          </List.Item>
        ))}
      </List>
    </div>
  );
}

type ChangeProps = { data: Prompt; etag: string; readAgain: () => void };

/** Another name, language or file. The server takes them with the file only: without another one, the same goes back. */
function Change({ data: prompt, etag, readAgain }: ChangeProps) {
  const [name, setName] = useState(prompt.name);
  const [language, setLanguage] = useState(prompt.language);
  const [file, setFile] = useState<File | null>(null);
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: async () =>
      replacePrompt(prompt.id, etag, file ?? (await readOriginal(prompt.id)), { name, language }),
    onSuccess: async () => {
      notifications.show({ message: `Saved the prompt ${prompt.id}.`, color: "teal" });
      await queries.invalidateQueries({ queryKey: ["prompts"] });
    },
  });
  const isChanged = file !== null || name !== prompt.name || language !== prompt.language;
  const isStale = change.error instanceof Problem && change.error.status === 412;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <LanguageField value={language} onChange={setLanguage} />
        <DropZone
          label={
            file
              ? `${file.name} (${showSize(file.size)})`
              : "Replace the sound: drop a file, or click to choose"
          }
          hint={file ? "takes its place once it is saved" : soundHint}
          accept={soundFiles}
          onFiles={([first]) => setFile(first ?? null)}
        />
        {change.error && <ProblemAlert error={change.error} {...(isStale && { retry: readAgain })} />}
        <Group gap="xs">
          <Button type="submit" loading={change.isPending} disabled={!isChanged}>
            Save
          </Button>
          {file && (
            <Button variant="default" onClick={() => setFile(null)}>
              Keep the sound
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function Deletion({ data: { id }, etag, onDeleted }: { data: Prompt; etag: string; onDeleted: () => void }) {
  return (
    <Group justify="flex-end">
      <DeleteButton
        kind="prompts"
        id={id}
        noun="the prompt"
        remove={() =>
          ask(api.DELETE("/prompts/{id}", { params: { path: { id }, header: { "If-Match": etag } } }))
        }
        keys={[["prompts", "list"]]}
        onDeleted={onDeleted}
      />
    </Group>
  );
}
