import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { Link } from "react-router";
import { importStudio, type StudioImport } from "../api/studio";
import type { FlowDocument } from "../flow/document";
import { readBrought } from "../flow/imported";
import { withPlaces } from "../flow/layout";
import { fromTemplate, TEMPLATES } from "../flow/templates";
import { StudioReport } from "../ui/StudioReport";
import { Dialog } from "./Dialog";
import { notify } from "./notify";
import { useBuilder } from "./store";

/** Export, import, templates, and the way to the flow's details. */
export function MoreMenu({ id }: { id: string }) {
  const { builder, mayEdit } = useBuilder();
  const input = useRef<HTMLInputElement>(null);
  const [studio, setStudio] = useState<StudioImport | null>(null);
  const take = async (file: File) => {
    try {
      const { document, report } = await brought(file);
      // A flow keeps its own id and name.
      builder.edit((before) => withPlaces({ ...document, id: before.id, name: before.name }));
      setStudio(report);
      notify("done", "Imported. Undo brings back what was there.");
    } catch (error) {
      notify("failed", error instanceof Error ? error.message : "The file cannot be read.", "Not imported");
    }
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="md" aria-label="More">
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => exportDocument(builder.store.getState().document)}>
            Export as JSON
          </Menu.Item>
          {mayEdit && (
            <>
              <Menu.Item onClick={() => input.current?.click()}>
                Import JSON, or a Twilio Studio flow …
              </Menu.Item>
              <Menu.Divider />
              <Menu.Label>Start anew from</Menu.Label>
              {TEMPLATES.map((template) => (
                <Menu.Item
                  key={template.id}
                  title={template.text}
                  onClick={() => builder.edit((before) => withPlaces(fromTemplate(template, before)))}
                >
                  {template.name}
                </Menu.Item>
              ))}
            </>
          )}
          <Menu.Divider />
          <Menu.Item component={Link} to={`/flows/${encodeURIComponent(id)}/details`}>
            Details of the flow
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="A flow as JSON"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) {
            void take(file);
          }
          event.currentTarget.value = "";
        }}
      />
      <ReportDialog studio={studio} onClose={() => setStudio(null)} />
    </>
  );
}

type ReportDialogProps = { studio: StudioImport | null; onClose: () => void };

function ReportDialog({ studio, onClose }: ReportDialogProps) {
  const { builder, show } = useBuilder();
  const go = (step: string) => {
    onClose();
    builder.select([step]);
    builder.setPanel("step");
    setTimeout(() => show(step, true));
  };
  return (
    <Dialog opened={studio !== null} onClose={onClose} title="What came from Twilio Studio" size="xl">
      {studio && <StudioReport summary={studio.summary} report={studio.report} onShow={go} />}
    </Dialog>
  );
}

async function brought(file: File): Promise<{ document: FlowDocument; report: StudioImport | null }> {
  const read = readBrought(await file.text());
  switch (read.kind) {
    case "none":
      throw new Error(read.error);
    case "flow":
      return { document: read.document, report: null };
    case "studio": {
      const report = await importStudio(read.definition);
      return { document: report.document, report };
    }
  }
}

function exportDocument(document: { id: string }) {
  const url = URL.createObjectURL(
    new Blob([`${JSON.stringify(document, null, 2)}\n`], { type: "application/json" }),
  );
  const link = window.document.createElement("a");
  link.href = url;
  link.download = `${document.id.replaceAll("/", "_")}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
