import { Button, Group, Radio, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { api, ask } from "../../api/client";
import { importStudio, type StudioImport } from "../../api/studio";
import type { FlowDocument } from "../../flow/document";
import { readBrought } from "../../flow/imported";
import { fromTemplate, TEMPLATES } from "../../flow/templates";
import { Dialog } from "../../ui/Dialog";
import { DropZone } from "../../ui/DropZone";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { StudioReport } from "../../ui/StudioReport";
import { asDocument, type FlowBody, idFrom, startingFlow } from "./details";

type Source = "greeting" | "template" | "file";

/** What a file became; the report where it came from Twilio Studio. */
type FromFile = { name: string; document: FlowDocument; studio: StudioImport | null };

/** Makes a call flow and opens it: one that greets and hangs up, a template, or what a file holds. */
export function NewFlowDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [source, setSource] = useState<Source>("greeting");
  const [template, setTemplate] = useState(TEMPLATES[0]?.id ?? "");
  const [file, setFile] = useState<FromFile | null>(null);
  const [name, setName] = useState("");
  // Goes by the name until somebody writes one.
  const [written, setWritten] = useState<string | null>(null);
  const id = written ?? idFrom(name);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: () => {
      const document = documentOf(source, template, file, id, name.trim());
      return ask(api.POST("/flows", { body: asDocument(document) }));
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["flows"] });
      await navigate(`/flows/${encodeURIComponent(id)}`);
    },
  });
  const take = (next: FromFile) => {
    setFile(next);
    setName((before) => before || next.document.name);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const isReady = name.trim() !== "" && id !== "" && (source !== "file" || file !== null);
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New call flow" size={file?.studio ? "xl" : "md"}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" c="dimmed">
            No call goes through it until it is published and a Smart Number leads to it.
          </Text>
          <SegmentedControl
            fullWidth
            aria-label="What it starts from"
            value={source}
            onChange={(next) => setSource(next as Source)}
            data={[
              { value: "greeting", label: "A greeting" },
              { value: "template", label: "A template" },
              { value: "file", label: "A file" },
            ]}
          />
          {source === "template" && <Templates value={template} onChange={setTemplate} />}
          {source === "file" && <File file={file} onFile={take} />}
          <TextInput
            label="Name"
            required
            data-autofocus
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="Id"
            description="What other call flows and scripts name it by. It cannot be changed later."
            required
            maxLength={80}
            value={id}
            onChange={(event) => setWritten(event.currentTarget.value)}
          />
          {create.error && <ProblemAlert error={create.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending} disabled={!isReady}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function documentOf(
  source: Source,
  templateId: string,
  file: FromFile | null,
  id: string,
  name: string,
): FlowBody {
  const plain = startingFlow(id, name);
  const template = TEMPLATES.find((one) => one.id === templateId);
  if (source === "template" && template) {
    return fromTemplate(template, plain as FlowDocument) as FlowBody;
  }
  return source === "file" && file ? ({ ...file.document, id, name } as FlowBody) : plain;
}

function Templates({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  return (
    <Radio.Group label="Template" value={value} onChange={onChange}>
      <Stack gap="xs" mt="xs">
        {TEMPLATES.map(({ id, name, text }) => (
          <Radio key={id} value={id} label={name} description={text} />
        ))}
      </Stack>
    </Radio.Group>
  );
}

/** A call flow as JSON, of this server's or of Twilio Studio. */
function File({ file, onFile }: { file: FromFile | null; onFile: (file: FromFile) => void }) {
  const read = useMutation({
    mutationFn: async (chosen: globalThis.File): Promise<FromFile> => {
      const brought = readBrought(await chosen.text());
      switch (brought.kind) {
        case "none":
          throw new Error(brought.error);
        case "flow":
          return { name: chosen.name, document: brought.document, studio: null };
        case "studio": {
          const studio = await importStudio(brought.definition);
          return { name: chosen.name, document: studio.document, studio };
        }
      }
    },
    onSuccess: onFile,
  });
  return (
    <Stack gap="xs">
      <DropZone
        label={file ? file.name : "Drop a call flow here, or click to choose"}
        hint="JSON: an export of this console, or a flow of Twilio Studio"
        accept="application/json,.json"
        onFiles={([chosen]) => chosen && read.mutate(chosen)}
      />
      {read.error && <ProblemAlert error={read.error} />}
      {file?.studio && <StudioReport summary={file.studio.summary} report={file.studio.report} />}
      {file && !file.studio && (
        <Text size="sm">
          A call flow with {Object.keys(file.document.steps).length} steps: “{file.document.name}”.
        </Text>
      )}
    </Stack>
  );
}
