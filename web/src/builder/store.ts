// What the builder holds: the document with its past, and what is selected. One store for each opened flow.

import { createContext, useContext } from "react";
import { type TemporalState, temporal } from "zundo";
import { createStore, type StoreApi, useStore } from "zustand";
import type { Schema } from "../api/client";
import type { Marks } from "../canvas/marks";
import type { Catalogue } from "../flow/catalogue";
import type { FlowDocument } from "../flow/document";

export type Finding = Schema<"FlowFinding">;

export type PanelName = "step" | "problems" | "try" | "traffic" | "versions";

/** Another document than the draft, to look at: a version with its traffic, or with what it changed. */
export type Shown = { document: FlowDocument; marks: Marks; label: string };

export type BuilderState = {
  document: FlowDocument;
  selected: readonly string[];
  /** Selected connections, as `step|port`. */
  selectedEdges: readonly string[];
  findings: Finding[];
  panel: PanelName;
  /** A field of the selected step that is to be brought into view: a pointer within the step. */
  field: string | null;
  /** Shown in place of the findings: the path of a simulation, or what differs between versions. */
  marks: Marks | null;
  /** Drawn in place of the draft. */
  shown: Shown | null;
};

export type BuilderStore = StoreApi<BuilderState> & { temporal: StoreApi<TemporalState<Past>> };
type Past = Pick<BuilderState, "document">;

/** More edits than anybody takes back one by one; the documents share what is the same in them. */
const PAST_MAX = 300;

export function createBuilderStore(document: FlowDocument): BuilderStore {
  return createStore<BuilderState>()(
    temporal(
      (): BuilderState => ({
        document,
        selected: [],
        selectedEdges: [],
        findings: [],
        panel: "step",
        field: null,
        marks: null,
        shown: null,
      }),
      {
        partialize: ({ document }): Past => ({ document }),
        equality: (a, b) => a.document === b.document,
        limit: PAST_MAX,
      },
    ),
  );
}

/** Typing into one field within this time, in milliseconds, is one edit. */
const TYPING_MS = 1_000;

export type Builder = ReturnType<typeof builderOf>;

/** What can be done to a store. */
export function builderOf(store: BuilderStore) {
  let typing = { key: "", at: 0 };
  const past = () => store.temporal.getState();
  const tidy = () => {
    const { document, selected } = store.getState();
    store.setState({
      selected: selected.filter((id) => Object.hasOwn(document.steps, id)),
      selectedEdges: [],
    });
    typing = { key: "", at: 0 };
  };
  return {
    store,
    /** Changes the document. Edits with the same `key`, soon after each other, are taken back as one. */
    edit(change: (document: FlowDocument) => FlowDocument, key = "") {
      const now = Date.now();
      const goesOn = key !== "" && typing.key === key && now - typing.at < TYPING_MS;
      typing = { key, at: now };
      const before = store.getState().document;
      const document = change(before);
      if (document === before) {
        return;
      }
      if (goesOn) {
        past().pause();
      }
      store.setState({ document, marks: null });
      if (goesOn) {
        past().resume();
      }
    },
    /** Changes what is kept beside the flow, such as what a query found: it is nothing to take back. */
    note(change: (document: FlowDocument) => FlowDocument) {
      past().pause();
      store.setState({ document: change(store.getState().document) });
      past().resume();
    },
    select(selected: readonly string[], field: string | null = null) {
      const panel = store.getState().panel;
      const show = panel === "try" || panel === "traffic" || panel === "versions" ? panel : "step";
      store.setState({
        selected,
        selectedEdges: [],
        field,
        panel: field === null && selected.length === 0 ? panel : show,
      });
    },
    selectEdges(selectedEdges: readonly string[]) {
      store.setState({ selectedEdges });
    },
    setPanel(panel: PanelName) {
      store.setState({ panel });
    },
    undo() {
      past().undo();
      tidy();
    },
    redo() {
      past().redo();
      tidy();
    },
    /** Puts another document there, without a past: what somebody else saved. */
    replace(document: FlowDocument) {
      store.setState({ document, marks: null });
      past().clear();
      tidy();
    },
  };
}

export type BuilderContextValue = {
  builder: Builder;
  catalogue: Catalogue;
  /** The role may change the flow. */
  mayEdit: boolean;
  /** Brings a step into view on the canvas or in the outline. */
  show: (step: string, focus?: boolean) => void;
};

export const BuilderContext = createContext<BuilderContextValue | null>(null);

/** Only below the builder's page. */
export function useBuilder(): BuilderContextValue {
  const value = useContext(BuilderContext);
  if (value === null) {
    throw new Error("there is no builder here");
  }
  return value;
}

/** A part of the state; drawn anew when it changes. */
export function useBuilderState<T>(part: (state: BuilderState) => T): T {
  return useStore(useBuilder().builder.store, part);
}

/** Whether there is something to take back, and something to do again. */
export function usePast(): { canUndo: boolean; canRedo: boolean } {
  const { temporal } = useBuilder().builder.store;
  const canUndo = useStore(temporal, (past) => past.pastStates.length > 0);
  const canRedo = useStore(temporal, (past) => past.futureStates.length > 0);
  return { canUndo, canRedo };
}
