// From a document to what React Flow draws. What has not changed stays the same object, so that nothing else is drawn anew.

import { type Edge, type NodeHandle, Position } from "@xyflow/react";
import { kindWords } from "../flow/catalogue";
import { type FlowDocument, type Point, type Step, stepName } from "../flow/document";
import { edgesOf } from "../flow/graph";
import { heightOf, portTop, STEP_WIDTH } from "../flow/layout";
import { fallbackOf, portLabel, portsOf, wayOf, wayWords } from "../flow/ports";
import type { Marks } from "./marks";
import type { StepNodeData, StepNodeType } from "./StepNode";

type Shown = {
  document: FlowDocument;
  places: Record<string, Point>;
  marks: Marks | undefined;
  readOnly: boolean;
  selected: ReadonlySet<string>;
};

/** The steps as nodes; those of `before` that are still the same are kept. */
export function nodesOf(shown: Shown, before: StepNodeType[]): StepNodeType[] {
  const { document, places, selected } = shown;
  const known = new Map(before.map((node) => [node.id, node]));
  const focusable = focusableStep(document, selected);
  const nodes = Object.keys(document.steps).map((id) => {
    const old = known.get(id);
    const data = keptData(old?.data, dataOf(shown, id));
    const height = heightOf(data.step);
    const next: StepNodeType = {
      ...old,
      id,
      type: "step",
      position: old?.dragging ? old.position : (places[id] ?? { x: 0, y: 0 }),
      data,
      selected: selected.has(id),
      focusable: id === focusable,
      width: STEP_WIDTH,
      height,
      // Said beforehand, so that no step is drawn only to be measured.
      measured: { width: STEP_WIDTH, height },
      handles: old?.data === data && old.handles ? old.handles : handlesOf(data.step),
      ariaRole: "group",
      ariaLabel: `${data.name}, ${kindWords(data.step.type).label}${data.isEntry ? ", the call begins here" : ""}`,
    };
    return old !== undefined && sameNode(old, next) ? old : next;
  });
  return nodes.length === before.length && nodes.every((node, i) => node === before[i]) ? before : nodes;
}

/** Of a port's dot, as the style sheet has it. */
const DOT = 11;
/** Around a step, and above each port. */
const BORDER = 1;

/** Where connections begin and end. */
function handlesOf(step: Step): NodeHandle[] {
  const dot = { width: DOT, height: DOT };
  const way: NodeHandle = {
    ...dot,
    id: "in",
    type: "target",
    position: Position.Left,
    x: BORDER - DOT / 2,
    y: BORDER + 26 - DOT / 2,
  };
  const ports = portsOf(step).map(({ name }, row): NodeHandle => {
    // In the middle of its line, below the line's border.
    const y = BORDER + portTop(step, row + 0.5) + BORDER / 2;
    return {
      ...dot,
      id: name,
      type: "source",
      position: Position.Right,
      x: STEP_WIDTH - BORDER - DOT / 2,
      y: y - DOT / 2,
    };
  });
  return [way, ...ports];
}

function keptData(old: StepNodeData | undefined, data: StepNodeData): StepNodeData {
  return old !== undefined && sameData(old, data) ? old : data;
}

/** The step that Tab leads to: one at a time, as in a tree. */
function focusableStep(document: FlowDocument, selected: ReadonlySet<string>): string | undefined {
  const [first] = selected;
  if (first !== undefined && Object.hasOwn(document.steps, first)) {
    return first;
  }
  return Object.hasOwn(document.steps, document.entry) ? document.entry : Object.keys(document.steps)[0];
}

function dataOf({ document, marks, readOnly }: Shown, id: string): StepNodeData {
  const step = document.steps[id] ?? { type: "" };
  const falls: Record<string, string> = {};
  for (const { name } of portsOf(step)) {
    const way = wayOf(document, step, name);
    if (way.kind !== "step") {
      falls[name] = wayWords(document, step, way);
    }
  }
  const isFallback = fallbackOf(document) === id;
  return {
    step,
    name: stepName(document, id),
    isEntry: document.entry === id,
    isFallback,
    readOnly,
    falls,
    mark: marks?.[id],
  };
}

function sameData(a: StepNodeData, b: StepNodeData): boolean {
  return (
    a.step === b.step &&
    a.isEntry === b.isEntry &&
    a.isFallback === b.isFallback &&
    a.readOnly === b.readOnly &&
    (a.mark === b.mark || JSON.stringify(a.mark) === JSON.stringify(b.mark)) &&
    JSON.stringify(a.falls) === JSON.stringify(b.falls)
  );
}

function sameNode(a: StepNodeType, b: StepNodeType): boolean {
  return (
    a.data === b.data &&
    a.selected === b.selected &&
    a.focusable === b.focusable &&
    a.height === b.height &&
    a.position.x === b.position.x &&
    a.position.y === b.position.y
  );
}

export type FlowEdge = Edge<{ port: string }>;

/** The connections as edges; those of `before` that are still the same are kept. */
export function flowEdgesOf(
  document: FlowDocument,
  marks: Marks | undefined,
  selected: ReadonlySet<string>,
  before: FlowEdge[],
): FlowEdge[] {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  return edgesOf(document).map(({ from, port, to }) => {
    const id = edgeId(from, port);
    const state = marks?.[from]?.ports?.[port]?.state;
    const isSelected = selected.has(id);
    const old = known.get(id);
    if (old?.target === to && old.selected === isSelected && old.className === (state ?? "")) {
      return old;
    }
    const label = portLabel(document.steps[from], port);
    return {
      id,
      source: from,
      sourceHandle: port,
      target: to,
      targetHandle: "in",
      selected: isSelected,
      focusable: false,
      className: state ?? "",
      data: { port },
      ariaLabel: `${label} of ${stepName(document, from)} leads to ${stepName(document, to)}`,
      interactionWidth: 16,
    };
  });
}

/** How an edge is called: by the port that it begins at, since a port leads to one step. */
export function edgeId(from: string, port: string): string {
  return `${from}|${port}`;
}

/** The step and port of an edge. */
export function edgePort(id: string): { from: string; port: string } {
  const bar = id.indexOf("|");
  return { from: id.slice(0, bar), port: id.slice(bar + 1) };
}
