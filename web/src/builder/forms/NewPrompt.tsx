// A prompt that is made where it is needed: out of a file, or by the microphone.

import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconMicrophone, IconPlayerStop, IconUpload } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { addPrompt, promptIdFrom } from "../../api/prompts";
import { RECORDING_MAX_S, type Recording, useRecorder } from "../../sound/useRecorder";
import { loudness } from "../../sound/wav";
import { Dialog } from "../../ui/Dialog";
import { PlayButton } from "../../ui/PlayButton";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { showSize } from "../../ui/times";
import classes from "./NewPrompt.module.css";

/** What the server takes; it looks at the bytes. */
const SOUND_FILES = "audio/*,.wav,.mp3,.ogg,.flac,.m4a";

type NewPromptProps = {
  /** What the prompt may be called where nothing else says it. */
  suggestion: string;
  onAdded: (id: string) => void;
};

/** Buttons that bring a sound into the library, and choose it. */
export function NewPrompt({ suggestion, onAdded }: NewPromptProps) {
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [isRecording, setRecording] = useState(false);
  const close = () => {
    setFile(null);
    setRecording(false);
  };
  const added = (id: string) => {
    close();
    onAdded(id);
  };
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="default"
        leftSection={<IconUpload size={14} aria-hidden />}
        onClick={() => input.current?.click()}
      >
        Upload a file
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconMicrophone size={14} aria-hidden />}
        onClick={() => setRecording(true)}
      >
        Record
      </Button>
      <input
        ref={input}
        type="file"
        accept={SOUND_FILES}
        hidden
        aria-label="A sound file"
        onChange={(event) => {
          setFile(event.currentTarget.files?.[0] ?? null);
          event.currentTarget.value = "";
        }}
      />
      <Dialog isOpen={file !== null} onClose={close} title="A new prompt from a file">
        {file && (
          <Stack>
            <Text size="sm">
              {file.name} ({showSize(file.size)})
            </Text>
            <NameForm file={file} suggestion={promptIdFrom(file.name) || suggestion} onAdded={added} />
          </Stack>
        )}
      </Dialog>
      <Dialog isOpen={isRecording} onClose={close} title="Record a prompt" closesLightly={false}>
        {isRecording && <RecordForm suggestion={suggestion} onAdded={added} />}
      </Dialog>
    </Group>
  );
}

type NameFormProps = { file: Blob; suggestion: string; onAdded: (id: string) => void };

/** By which id flows will name it. */
function NameForm({ file, suggestion, onAdded }: NameFormProps) {
  const [id, setId] = useState(suggestion);
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: () => addPrompt(id.trim(), file, {}),
    onSuccess: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["prompts"] }),
        queries.invalidateQueries({ queryKey: ["choices", "/prompts"] }),
      ]);
      onAdded(id.trim());
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        // The step's own form is around the dialog, as React sees it.
        event.stopPropagation();
        add.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Id"
          description="What call flows name it by, such as welcome or menus/main."
          required
          data-autofocus
          maxLength={120}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        {add.error && <ProblemAlert error={add.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={add.isPending} disabled={id.trim() === ""}>
            Put it into the library
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Stretches of the small picture of a recording. */
const BARS = 80;

function RecordForm({ suggestion, onAdded }: { suggestion: string; onAdded: (id: string) => void }) {
  const { state, begin, finish, reset } = useRecorder();
  if (state.kind === "done") {
    return (
      <Stack>
        <Heard recording={state.recording} />
        <Group>
          <Button size="xs" variant="default" onClick={reset}>
            Record it again
          </Button>
        </Group>
        <NameForm file={state.recording.file} suggestion={suggestion} onAdded={onAdded} />
      </Stack>
    );
  }
  const isRunning = state.kind === "recording";
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        Speak close to the microphone. The silence before and after is cut off; callers hear it with the
        quality of a telephone. At most {RECORDING_MAX_S / 60} minutes.
      </Text>
      {state.kind === "failed" && (
        <Alert color="red" role="alert">
          {state.why}
        </Alert>
      )}
      <Group>
        <Button
          color={isRunning ? "red" : ""}
          loading={state.kind === "asking"}
          leftSection={
            isRunning ? <IconPlayerStop size={16} aria-hidden /> : <IconMicrophone size={16} aria-hidden />
          }
          onClick={isRunning ? finish : begin}
        >
          {isRunning ? "Stop" : "Begin to record"}
        </Button>
        {isRunning && <Elapsed since={state.since} />}
      </Group>
    </Stack>
  );
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return (
    <Text size="sm" aria-live="off">
      {Math.max(0, Math.round((now - since) / 1000))} s recorded
    </Text>
  );
}

/** What was recorded, seen and played. */
function Heard({ recording }: { recording: Recording }) {
  const url = useMemo(() => URL.createObjectURL(recording.file), [recording]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const bars = useMemo(() => loudness(recording.samples, BARS), [recording]);
  return (
    <Group wrap="nowrap">
      <PlayButton url={url} name="the recording" />
      <svg className={classes.wave} viewBox={`0 0 ${BARS} 40`} preserveAspectRatio="none" aria-hidden>
        {bars.map((bar, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
          <rect key={i} x={i + 0.15} width={0.7} y={20 - bar * 19} height={Math.max(0.8, bar * 38)} />
        ))}
      </svg>
      <Text size="sm" className={classes.length ?? ""}>
        {recording.seconds.toFixed(1)} s
      </Text>
    </Group>
  );
}
