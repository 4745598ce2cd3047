import { Alert, Button, Group, Tabs, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { useSession } from "../app/session";
import { edgeId } from "../canvas/elements";
import { type CanvasEdits, FlowCanvas, type FlowCanvasHandle } from "../canvas/FlowCanvas";
import type { Catalogue } from "../flow/catalogue";
import type { FlowDocument, Point } from "../flow/document";
import { connect, moveSteps, type PortRef } from "../flow/edits";
import { withPlaces } from "../flow/layout";

import { type Actions, actionsOf } from "./actions";
import { type Autosave, mayPass, useAutosave } from "./autosave";
import classes from "./Builder.module.css";
import { ConflictDialog } from "./ConflictDialog";
import { findingMarks, useValidation } from "./findings";
import { HelpDialog } from "./HelpDialog";
import { Inspector } from "./Inspector";
import { Outline } from "./Outline";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { QuickAdd } from "./QuickAdd";
import { StepFinder, WireDialog } from "./StepFinder";
import {
  BuilderContext,
  type Builder as BuilderDoor,
  builderOf,
  createBuilderStore,
  type PanelName,
  type Shown,
  useBuilder,
  useBuilderState,
} from "./store";
import { Toolbar } from "./Toolbar";
import { Traffic } from "./Traffic";
import { TryIt } from "./TryIt";
import { useClipboard, useKeys } from "./useKeys";
import { Versions } from "./Versions";

type BuilderProps = {
  id: string;
  document: FlowDocument;
  etag: string;
  catalogue: Catalogue;
  mayEdit: boolean;
};

/** Where a step is to be added: at a port that was let go, or wherever there is room. */
type Adding = { from?: PortRef; at?: Point } | null;

/** Palette, canvas and panel around one document. */
export function Builder({ id, document, etag, catalogue, mayEdit }: BuilderProps) {
  const [builder] = useState(() => builderOf(createBuilderStore(document)));
  const canvas = useRef<FlowCanvasHandle>(null);
  const [view, setView] = useState<"canvas" | "outline">("canvas");
  const show = useCallback((step: string, focus?: boolean) => {
    if (canvas.current !== null) {
      canvas.current.show(step, focus);
      return;
    }
    const line = window.document.getElementById(`outline-${step}`);
    line?.scrollIntoView({ block: "center" });
    if (focus) {
      line?.querySelector<HTMLElement>("button")?.focus();
    }
  }, []);
  const actions = useMemo(
    () =>
      actionsOf(
        builder,
        show,
        () => canvas.current?.centre() ?? { x: 0, y: 0 },
        () => canvas.current?.fit(),
      ),
    [builder, show],
  );
  const context = useMemo(() => ({ builder, catalogue, mayEdit, show }), [builder, catalogue, mayEdit, show]);
  const autosave = useAutosave(id, builder.store, etag, mayEdit);
  useValidation(builder.store, mayEdit);
  const [adding, setAdding] = useState<Adding>(null);
  const dialogs = useDialogs(canvas, autosave, () => setAdding({}));
  const shown = useStore(builder.store, (state) => state.shown);
  // What is not seen is not changed by a key.
  useKeys(builder, actions, dialogs.keys, mayEdit && shown === null);
  useClipboard(actions, mayEdit && shown === null);
  const outline = view === "outline";
  return (
    <BuilderContext.Provider value={context}>
      <div className={classes.page}>
        <Toolbar
          id={id}
          autosave={autosave}
          actions={actions}
          view={view}
          onView={setView}
          onFind={dialogs.keys.openFind}
          onHelp={dialogs.keys.openHelp}
        />
        {autosave.state.kind === "failed" && (
          <Alert color="red" p="xs" role="alert">
            The draft is not saved: {autosave.state.error.message}
            {mayPass(autosave.state.error) && " It is tried again every few seconds; leave this page open."}
          </Alert>
        )}
        <div className={classes.body} data-without-palette={!mayEdit || undefined}>
          {mayEdit && (
            <div className={`${classes.box} ${classes.padded}`}>
              <Palette onAdd={actions.addBehind} />
            </div>
          )}
          <div className={`${classes.box} ${classes.middle}`}>
            {shown !== null ? (
              <ShownCanvas
                shown={shown}
                canvas={canvas}
                onClose={() => builder.store.setState({ shown: null })}
              />
            ) : outline ? (
              <Outline
                onAdd={(from, port) => setAdding({ from: { from, port } })}
                onRemove={(step) => {
                  builder.select([step]);
                  actions.remove();
                }}
              />
            ) : (
              <CanvasPane
                builder={builder}
                actions={actions}
                mayEdit={mayEdit}
                canvas={canvas}
                onLetGo={setAdding}
              />
            )}
          </div>
          <Panel id={id} autosave={autosave} />
        </div>
      </div>
      <QuickAdd
        opened={adding !== null}
        title={adding?.from ? "Add a step at this port" : "Add a step"}
        onClose={() => {
          setAdding(null);
          canvas.current?.focus();
        }}
        onChoose={(type) => {
          if (adding?.from) {
            const added = actions.add(type, adding.at, adding.from);
            setTimeout(() => show(added, true));
          } else {
            actions.addBehind(type);
          }
          setAdding(null);
        }}
      />
      {dialogs.render(builder, actions, show)}
      <ConflictDialog
        theirs={autosave.state.kind === "conflict" ? autosave.state.theirs : null}
        onKeep={autosave.keepMine}
        onTake={() => {
          if (autosave.state.kind === "conflict") {
            const theirs = withPlaces(autosave.state.theirs);
            autosave.tookTheirs(theirs, autosave.state.etag);
            builder.replace(theirs);
          }
        }}
      />
    </BuilderContext.Provider>
  );
}

/** Find, wire and help. */
function useDialogs(
  canvas: React.RefObject<FlowCanvasHandle | null>,
  autosave: Autosave,
  openAdd: () => void,
) {
  const [find, onFind] = useDisclosure(false);
  const [help, onHelp] = useDisclosure(false);
  const [wire, onWire] = useDisclosure(false);
  const { flush } = autosave;
  const keys = useMemo(
    () => ({
      openFind: onFind.open,
      openHelp: onHelp.open,
      openWire: onWire.open,
      openAdd,
      toCanvas: () => canvas.current?.focus(),
      fit: () => canvas.current?.fit(),
      save: () => void flush(),
    }),
    [onFind, onHelp, onWire, openAdd, canvas, flush],
  );
  const render = (builder: BuilderDoor, actions: Actions, show: (step: string, focus?: boolean) => void) => (
    <>
      <StepFinder
        opened={find}
        title="Find a step"
        onClose={() => {
          onFind.close();
          canvas.current?.focus();
        }}
        onChoose={(step) => {
          onFind.close();
          builder.select([step]);
          setTimeout(() => show(step, true));
        }}
      />
      <WireDialog
        opened={wire}
        onClose={() => {
          onWire.close();
          setTimeout(() => canvas.current?.focus(), 50);
        }}
        onWire={(port, to) => {
          const [from] = builder.store.getState().selected;
          if (from !== undefined) {
            actions.wire({ from, port }, to);
          }
        }}
      />
      <HelpDialog opened={help} onClose={onHelp.close} />
    </>
  );
  return { keys, render };
}

type CanvasPaneProps = {
  builder: BuilderDoor;
  actions: Actions;
  mayEdit: boolean;
  canvas: React.RefObject<FlowCanvasHandle | null>;
  onLetGo: (adding: Adding) => void;
};

const CanvasPane = memo(function CanvasPane({ builder, actions, mayEdit, canvas, onLetGo }: CanvasPaneProps) {
  const document = useStore(builder.store, (state) => state.document);
  const selected = useStore(builder.store, (state) => state.selected);
  const selectedEdges = useStore(builder.store, (state) => state.selectedEdges);
  const findings = useStore(builder.store, (state) => state.findings);
  const shown = useStore(builder.store, (state) => state.marks);
  const marks = useMemo(() => shown ?? findingMarks(findings), [shown, findings]);
  const edits = useMemo<CanvasEdits>(
    () => ({
      onMove: (places) => builder.edit((before) => moveSteps(before, places)),
      onConnect: (port, to) => builder.edit((before) => connect(before, port, to)),
      onSelectEdges: (ports) => builder.selectEdges(ports.map(({ from, port }) => edgeId(from, port))),
      onDropKind: (type, at, edge) => actions.add(type, at, edge ?? undefined),
      onLetGo: (from, at) => onLetGo({ from, at: { x: at.x, y: at.y - 26 } }),
    }),
    [builder, actions, onLetGo],
  );
  return (
    <FlowCanvas
      ref={canvas}
      document={document}
      readOnly={!mayEdit}
      marks={marks}
      selected={selected}
      selectedEdges={selectedEdges}
      onSelect={builder.select}
      edits={edits}
    />
  );
});

type ShownCanvasProps = {
  shown: Shown;
  canvas: React.RefObject<FlowCanvasHandle | null>;
  onClose: () => void;
};

/** What is looked at in place of the draft, and the way back. */
function ShownCanvas({ shown, canvas, onClose }: ShownCanvasProps) {
  return (
    <section className={classes.shown} aria-label={shown.label}>
      <Group className={classes.shownHead ?? ""} justify="space-between" gap="xs">
        <Text size="sm" fw={600}>
          {shown.label}
        </Text>
        <Button size="compact-xs" variant="default" onClick={onClose}>
          Back to the draft
        </Button>
      </Group>
      <div className={classes.shownCanvas}>
        <FlowCanvas key={shown.label} ref={canvas} document={shown.document} marks={shown.marks} readOnly />
      </div>
    </section>
  );
}

function Panel({ id, autosave }: { id: string; autosave: Autosave }) {
  const { may } = useSession();
  const panel = useBuilderState((state) => state.panel);
  const errors = useBuilderState(
    (state) => state.findings.filter((finding) => finding.severity !== "note").length,
  );
  const { builder } = useBuilder();
  // A path, traffic or a difference is shown as long as its panel is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: by another panel it ends
  useEffect(() => () => builder.store.setState({ marks: null, shown: null }), [panel, builder]);
  return (
    <Tabs
      id="builder-panel"
      className={`${classes.box} ${classes.panel}`}
      value={panel}
      onChange={(next) => next && builder.setPanel(next as PanelName)}
      keepMounted={false}
    >
      <Tabs.List grow className={classes.tabs ?? ""}>
        <Tabs.Tab value="step">Fields</Tabs.Tab>
        <Tabs.Tab value="problems">Problems{errors > 0 ? ` (${errors})` : ""}</Tabs.Tab>
        {may("simulate") && <Tabs.Tab value="try">Try it</Tabs.Tab>}
        {may("calls.read") && <Tabs.Tab value="traffic">Traffic</Tabs.Tab>}
        <Tabs.Tab value="versions">Versions</Tabs.Tab>
      </Tabs.List>
      <div className={classes.panelBody}>
        <Tabs.Panel value="step">
          <Inspector />
        </Tabs.Panel>
        <Tabs.Panel value="problems">
          <Problems />
        </Tabs.Panel>
        <Tabs.Panel value="try">
          <TryIt id={id} autosave={autosave} />
        </Tabs.Panel>
        <Tabs.Panel value="traffic">
          <Traffic id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Versions id={id} autosave={autosave} />
        </Tabs.Panel>
      </div>
    </Tabs>
  );
}
