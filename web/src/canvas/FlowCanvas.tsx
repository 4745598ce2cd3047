import "@xyflow/react/dist/style.css";
import { useComputedColorScheme } from "@mantine/core";
import {
  applyNodeChanges,
  Background,
  BackgroundVariant,
  type Connection,
  Controls,
  type EdgeChange,
  type FinalConnectionState,
  MarkerType,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  type Viewport,
} from "@xyflow/react";
import {
  type DragEvent,
  type KeyboardEvent,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Catalogue } from "../flow/catalogue";
import type { FlowDocument, Point } from "../flow/document";
import { heightOf, placesOf, STEP_WIDTH } from "../flow/layout";
import { neighbour } from "../flow/walk";
import { edgePort, type FlowEdge, flowEdgesOf, nodesOf } from "./elements";
import classes from "./FlowCanvas.module.css";
import type { Marks } from "./marks";
import { SmallMap } from "./SmallMap";
import { StepNode, type StepNodeType } from "./StepNode";
import { FIT, firstView, ZOOM_MAX, ZOOM_MIN } from "./viewport";

/** A port of a step. */
export type PortOf = { from: string; port: string };

/** What is done on the canvas; the page makes edits of it. */
export type CanvasEdits = {
  onMove: (places: Record<string, Point>) => void;
  onConnect: (port: PortOf, to: string) => void;
  onSelectEdges: (ports: PortOf[]) => void;
  /** A kind was dropped from the palette; on a connection where `edge` says one. */
  onDropKind: (type: string, at: Point, edge: PortOf | null) => void;
  /** A port was let go over nothing. `screen` is where on the screen, `at` where on the canvas. */
  onLetGo: (port: PortOf, at: Point, screen: Point) => void;
};

export type FlowCanvasHandle = {
  /** Brings a step into view, and the keyboard to it where `focus` says so. */
  show: (step: string, focus?: boolean) => void;
  fit: () => void;
  /** The middle of what is seen. */
  centre: () => Point;
  focus: () => void;
};

export type FlowCanvasProps = {
  document: FlowDocument;
  /** Names the kinds; the canvas draws without it too. */
  catalogue?: Catalogue | undefined;
  /** Nothing can be moved or wired. So it is where there is no `edits`. */
  readOnly?: boolean;
  /** What is shown on steps and ports. */
  marks?: Marks | undefined;
  /** Selected steps. Without it the canvas keeps its own selection. */
  selected?: readonly string[];
  onSelect?: (steps: string[]) => void;
  /** Selected connections, as `step|port`. */
  selectedEdges?: readonly string[];
  edits?: CanvasEdits;
  ref?: Ref<FlowCanvasHandle>;
};

/** The type that a step's kind has while it is dragged from the palette. */
export const KIND_MIME = "application/x-cordboard-step";

const nodeTypes = { step: StepNode };
const edgeOptions = { markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 } };
const none: readonly string[] = [];

/** A call flow, drawn. To look at on any page; with `edits` to change it. */
export function FlowCanvas(props: FlowCanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

function Canvas(props: FlowCanvasProps) {
  const { document, marks, edits, onSelect, ref } = props;
  const readOnly = props.readOnly === true || edits === undefined;
  const frame = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const flow = useReactFlow<StepNodeType, FlowEdge>();
  const [ownSelection, setOwnSelection] = useState<readonly string[]>(none);
  const selectedList = props.selected ?? ownSelection;
  const selected = useMemo(() => new Set(selectedList), [selectedList]);
  const places = useMemo(() => (readOnly ? placesOf(document) : knownPlaces(document)), [document, readOnly]);
  const [nodes, setNodes] = useState<StepNodeType[]>(() =>
    nodesOf({ document, places, marks, readOnly, selected }, []),
  );
  useEffect(() => {
    setNodes((before) => nodesOf({ document, places, marks, readOnly, selected }, before));
  }, [document, places, marks, readOnly, selected]);
  const edges = useEdges(document, marks, props.selectedEdges ?? none);
  const [viewport, setViewport] = useState<Viewport | null>(null);
  useLayoutEffect(() => {
    const { clientWidth: width = 0, clientHeight: height = 0 } = frame.current ?? {};
    setViewport((known) => known ?? firstView(document, places, { width, height }, readOnly));
  }, [document, places, readOnly]);

  const select = useCallback(
    (steps: string[]) => {
      setOwnSelection(steps);
      onSelect?.(steps);
    },
    [onSelect],
  );
  const onNodesChange = useCallback(
    (changes: NodeChange<StepNodeType>[]) => {
      const rest = changes.filter((change) => change.type !== "select");
      if (rest.length > 0) {
        setNodes((before) => applyNodeChanges(rest, before));
      }
      if (rest.length < changes.length) {
        select(applySelection(selectedList, changes));
      }
    },
    [select, selectedList],
  );
  useHandle(ref, frame);

  const show = useShow(frame);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = stepOfElement(event.target);
    if (step === null || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
      return;
    }
    const next = neighbour(document, places, step, event.key);
    if (next !== null) {
      event.preventDefault();
      select([next]);
      show(next, true);
    }
  };
  const wiring = useWiring(edits, flow);
  const dropping = useDropping(edits, flow);
  const moved = (_: unknown, __: unknown, dragged: StepNodeType[]) =>
    edits?.onMove(Object.fromEntries(dragged.map((node) => [node.id, rounded(node.position)])));
  const onEdgesChange = (changes: EdgeChange<FlowEdge>[]) => {
    const selections = changes.filter((change) => change.type === "select");
    if (selections.length > 0) {
      edits?.onSelectEdges(applySelection(props.selectedEdges ?? none, selections).map(edgePort));
    }
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the steps inside are what has the focus; arrows go from one to another
    <div ref={frame} className={classes.frame} onKeyDown={onKeyDown} {...dropping}>
      {viewport && (
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          defaultEdgeOptions={edgeOptions}
          colorMode={scheme}
          onNodesChange={onNodesChange}
          onEdgesChange={onEdgesChange}
          onNodeDragStop={moved}
          onSelectionDragStop={(event, dragged) => moved(event, null, dragged)}
          nodesDraggable={!readOnly}
          nodesConnectable={!readOnly}
          edgesFocusable={false}
          elementsSelectable
          selectionMode={SelectionMode.Partial}
          multiSelectionKeyCode={["Shift", "Control", "Meta"]}
          deleteKeyCode={null}
          disableKeyboardA11y
          connectionRadius={28}
          minZoom={ZOOM_MIN}
          maxZoom={ZOOM_MAX}
          defaultViewport={viewport}
          onlyRenderVisibleElements={nodes.length > 80}
          {...wiring}
        >
          <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} />
          <Controls showInteractive={false} fitViewOptions={FIT} />
          <SmallMap nodes={nodes} />
        </ReactFlow>
      )}
    </div>
  );
}

function useEdges(
  document: FlowDocument,
  marks: Marks | undefined,
  selectedEdges: readonly string[],
): FlowEdge[] {
  const before = useRef<FlowEdge[]>([]);
  return useMemo(() => {
    before.current = flowEdgesOf(document, marks, new Set(selectedEdges), before.current);
    return before.current;
  }, [document, marks, selectedEdges]);
}

/** Brings a step into view where it is not, and the focus to it. */
function useShow(frame: React.RefObject<HTMLDivElement | null>) {
  const { getNode, setCenter, getZoom, getViewport } = useReactFlow<StepNodeType, FlowEdge>();
  return useCallback(
    (id: string, focus = false) => {
      const node = getNode(id);
      const box = frame.current?.getBoundingClientRect();
      if (node === undefined || box === undefined) {
        return;
      }
      const { x, y, zoom } = getViewport();
      const height = heightOf(node.data.step);
      const left = node.position.x * zoom + x;
      const top = node.position.y * zoom + y;
      const isSeen =
        left >= 0 && top >= 0 && left + STEP_WIDTH * zoom <= box.width && top + height * zoom <= box.height;
      if (!isSeen || zoom < 0.4) {
        const to = Math.max(getZoom(), 0.8);
        void setCenter(node.position.x + STEP_WIDTH / 2, node.position.y + height / 2, {
          zoom: to,
          duration: 150,
        });
      }
      if (focus) {
        focusStep(frame.current, id, 5);
      }
    },
    [frame, getNode, setCenter, getZoom, getViewport],
  );
}

/** A step that has just come into view is there a frame or two later. */
function focusStep(frame: HTMLElement | null, id: string, tries: number) {
  const element = frame?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
  if (element?.tabIndex === 0) {
    element.focus({ preventScroll: true });
  } else if (tries > 0) {
    setTimeout(() => focusStep(frame, id, tries - 1), 60);
  }
}

function useHandle(ref: Ref<FlowCanvasHandle> | undefined, frame: React.RefObject<HTMLDivElement | null>) {
  const show = useShow(frame);
  const { fitView, screenToFlowPosition } = useReactFlow();
  useImperativeHandle(
    ref,
    () => ({
      show,
      fit: () => void fitView({ ...FIT, duration: 150 }),
      centre: () => {
        const box = frame.current?.getBoundingClientRect();
        const { left = 0, top = 0, width = 0, height = 0 } = box ?? {};
        return rounded(screenToFlowPosition({ x: left + width / 2, y: top + height / 2 }));
      },
      focus: () => frame.current?.querySelector<HTMLElement>('.react-flow__node[tabindex="0"]')?.focus(),
    }),
    [show, fitView, screenToFlowPosition, frame],
  );
}

type Flow = ReturnType<typeof useReactFlow<StepNodeType, FlowEdge>>;

function useWiring(edits: CanvasEdits | undefined, flow: Flow) {
  const { screenToFlowPosition } = flow;
  return useMemo(() => {
    if (edits === undefined) {
      return {};
    }
    return {
      onConnect: ({ source, sourceHandle, target }: Connection) => {
        if (sourceHandle !== null) {
          edits.onConnect({ from: source, port: sourceHandle }, target);
        }
      },
      onConnectEnd: (
        event: MouseEvent | TouchEvent,
        { fromHandle, fromNode, toHandle }: FinalConnectionState,
      ) => {
        if (toHandle !== null || fromHandle?.id == null || fromNode === null) {
          return;
        }
        const port = { from: fromNode.id, port: fromHandle.id };
        const screen = pointOf(event);
        const under = stepOfElement(window.document.elementFromPoint(screen.x, screen.y));
        if (under !== null) {
          edits.onConnect(port, under);
        } else {
          edits.onLetGo(port, rounded(screenToFlowPosition(screen)), screen);
        }
      },
    };
  }, [edits, screenToFlowPosition]);
}

function useDropping(edits: CanvasEdits | undefined, flow: Flow) {
  if (edits === undefined) {
    return {};
  }
  return {
    onDragOver: (event: DragEvent) => {
      if (event.dataTransfer.types.includes(KIND_MIME)) {
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }
    },
    onDrop: (event: DragEvent) => {
      const type = event.dataTransfer.getData(KIND_MIME);
      if (type === "") {
        return;
      }
      event.preventDefault();
      const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      const edge = edgeUnder(event.clientX, event.clientY);
      edits.onDropKind(type, rounded({ x: at.x - STEP_WIDTH / 2, y: at.y - 26 }), edge);
    },
  };
}

/** The connection at a place of the screen. */
function edgeUnder(x: number, y: number): PortOf | null {
  for (const element of window.document.elementsFromPoint(x, y)) {
    const id = element.closest(".react-flow__edge")?.getAttribute("data-id");
    if (id != null) {
      return edgePort(id);
    }
  }
  return null;
}

function stepOfElement(element: EventTarget | null): string | null {
  return element instanceof Element
    ? (element.closest(".react-flow__node")?.getAttribute("data-id") ?? null)
    : null;
}

function pointOf(event: MouseEvent | TouchEvent): Point {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
}

function rounded({ x, y }: Point): Point {
  return { x: Math.round(x), y: Math.round(y) };
}

function applySelection<Change extends { type: string }>(
  before: readonly string[],
  changes: Change[],
): string[] {
  const after = new Set(before);
  for (const change of changes) {
    if (change.type === "select" && "id" in change && typeof change.id === "string" && "selected" in change) {
      change.selected ? after.add(change.id) : after.delete(change.id);
    }
  }
  return [...after];
}

/** Where the document puts its steps; the builder has given each a place. */
function knownPlaces(document: FlowDocument): Record<string, Point> {
  return Object.fromEntries(
    Object.entries(document.steps).map(([id, step]) => [
      id,
      { x: Number(step.ui?.x ?? 0), y: Number(step.ui?.y ?? 0) },
    ]),
  );
}
