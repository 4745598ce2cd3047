import { Button, Group, Paper, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addPrompt, promptIdFrom } from "../../api/prompts";
import { DropZone } from "../../ui/DropZone";
import { LanguageField } from "../../ui/fields";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { showSize } from "../../ui/times";

/** What the server takes; it looks at the bytes. */
export const soundFiles = "audio/*,.wav,.mp3,.ogg,.flac,.m4a";
export const soundHint = "wav, mp3, ogg, flac or m4a, up to 50 MB and 30 minutes";

type Waiting = { key: number; file: File };

let lastKey = 0;

/** New prompts: each dropped file gets its id, and is sent. */
export function UploadPrompts() {
  const [waiting, setWaiting] = useState<Waiting[]>([]);
  const done = (key: number) => setWaiting((before) => before.filter((one) => one.key !== key));
  const add = (files: File[]) => {
    const more = files.map((file) => {
      lastKey += 1;
      return { key: lastKey, file };
    });
    setWaiting((before) => [...before, ...more]);
  };
  return (
    <Stack gap="sm">
      <DropZone
        label="Drop sound files here, or click to choose"
        hint={soundHint}
        accept={soundFiles}
        multiple
        onFiles={add}
      />
      {waiting.map(({ key, file }) => (
        <WaitingFile key={key} file={file} onDone={() => done(key)} />
      ))}
    </Stack>
  );
}

/** A file before it is sent: what call flows shall name it by. */
function WaitingFile({ file, onDone }: { file: File; onDone: () => void }) {
  const [id, setId] = useState(() => promptIdFrom(file.name));
  const [name, setName] = useState(() => file.name.replace(/\.[^.]*$/, ""));
  const [language, setLanguage] = useState("");
  const queries = useQueryClient();
  const upload = useMutation({
    mutationFn: () => addPrompt(id.trim(), file, { name: name.trim(), language }),
    onSuccess: async () => {
      notifications.show({ message: `The prompt ${id} is in the library.`, color: "teal" });
      onDone();
      await queries.invalidateQueries({ queryKey: ["prompts"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    upload.mutate();
  };
  return (
    <Paper withBorder p="sm">
      <form onSubmit={submit}>
        <Stack gap="xs">
          <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
            {file.name} ({showSize(file.size)})
          </Text>
          <Group gap="xs" align="flex-end">
            <TextInput
              size="xs"
              label="Id"
              required
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
            />
            <TextInput
              size="xs"
              label="Name"
              maxLength={120}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <LanguageField size="xs" value={language} onChange={setLanguage} />
            <Button size="xs" type="submit" loading={upload.isPending} disabled={id.trim() === ""}>
              Upload
            </Button>
            <Button size="xs" variant="default" onClick={onDone}>
              Leave it
            </Button>
          </Group>
          {upload.error && <ProblemAlert error={upload.error} />}
        </Stack>
      </form>
    </Paper>
  );
}
