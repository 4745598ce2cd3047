// The whole flow, small, with what is seen of it. React Flow's own map listens to its store once for each step, which
// in a flow of hundreds costs most of a frame while one of them is dragged; this one draws a shape for each colour.

import { Panel, useReactFlow, useStore, type Viewport } from "@xyflow/react";
import { memo, type PointerEvent, useRef, type WheelEvent } from "react";
import { kindWords } from "../flow/catalogue";
import { STEP_WIDTH } from "../flow/layout";
import { GROUP_COLORS } from "./kindIcons";
import classes from "./SmallMap.module.css";
import type { StepNodeType } from "./StepNode";
import { ZOOM_MAX, ZOOM_MIN } from "./viewport";

/** In pixels of the screen. */
const WIDTH = 140;
const HEIGHT = 90;
/** Around all steps, as a part of the map. */
const MARGIN = 0.06;

export type Box = { left: number; top: number; right: number; bottom: number };

/** Around all of them; null where there are none. */
export function around(boxes: readonly Box[]): Box | null {
  const [first, ...rest] = boxes;
  if (first === undefined) {
    return null;
  }
  const all = { ...first };
  for (const { left, top, right, bottom } of rest) {
    all.left = Math.min(all.left, left);
    all.top = Math.min(all.top, top);
    all.right = Math.max(all.right, right);
    all.bottom = Math.max(all.bottom, bottom);
  }
  return all;
}

/** How the flow lies in the map: a place of the flow, less `x` and `y`, over `scale` is a pixel. */
export function placedInMap(all: Box): { x: number; y: number; scale: number } {
  const width = all.right - all.left;
  const height = all.bottom - all.top;
  const scale = Math.max(width / WIDTH, height / HEIGHT, 1) * (1 + 2 * MARGIN);
  return {
    x: (all.left + all.right) / 2 - (WIDTH / 2) * scale,
    y: (all.top + all.bottom) / 2 - (HEIGHT / 2) * scale,
    scale,
  };
}

function boxOf({ position: { x, y }, height = 0 }: StepNodeType): Box {
  return { left: x, top: y, right: x + STEP_WIDTH, bottom: y + height };
}

function seenBox({ x, y, zoom }: Viewport, width: number, height: number): Box {
  return { left: -x / zoom, top: -y / zoom, right: (width - x) / zoom, bottom: (height - y) / zoom };
}

type Shape = { color: string; path: string };

/** For each colour the steps that have it, as one path. */
function shapes(nodes: readonly StepNodeType[]): Shape[] {
  const drawn = new Map<string, string[]>();
  for (const node of nodes) {
    const { left, top, bottom } = boxOf(node);
    const color = GROUP_COLORS[kindWords(node.data.step.type).group];
    const parts = drawn.get(color) ?? [];
    parts.push(`M${left} ${top}h${STEP_WIDTH}v${bottom - top}h-${STEP_WIDTH}z`);
    drawn.set(color, parts);
  }
  return [...drawn].map(([color, parts]) => ({ color, path: parts.join("") }));
}

/** The shapes of all steps; those that lie still are drawn anew only where one of them has changed. */
function useShapes(nodes: readonly StepNodeType[]): Shape[] {
  const kept = useRef<{ still: StepNodeType[]; shapes: Shape[] }>({ still: [], shapes: [] });
  const still = nodes.filter((node) => !node.dragging);
  const { still: before } = kept.current;
  if (still.length !== before.length || still.some((node, at) => node !== before[at])) {
    kept.current = { still, shapes: shapes(still) };
  }
  const moving = nodes.filter((node) => node.dragging);
  return [...kept.current.shapes, ...shapes(moving)];
}

/** A click or drag on the map shows that place, a wheel comes nearer or goes away. */
export const SmallMap = memo(function SmallMap({ nodes }: { nodes: readonly StepNodeType[] }) {
  const flow = useReactFlow();
  const x = useStore((state) => state.transform[0]);
  const y = useStore((state) => state.transform[1]);
  const zoom = useStore((state) => state.transform[2]);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const seen = seenBox({ x, y, zoom }, width, height);
  // What lies under the pointer while the map is dragged: the map itself moves with what is seen.
  const held = useRef<ReturnType<typeof placedInMap> | null>(null);
  const drawn = useShapes(nodes);
  const all = around([...nodes.map(boxOf), seen]);
  if (all === null || width === 0) {
    return null;
  }
  const place = placedInMap(all);
  const go = (event: PointerEvent<SVGSVGElement>) => {
    const map = held.current;
    if (map === null) {
      return;
    }
    const box = event.currentTarget.getBoundingClientRect();
    void flow.setCenter(
      map.x + (event.clientX - box.left) * map.scale,
      map.y + (event.clientY - box.top) * map.scale,
      { zoom },
    );
  };
  const onWheel = (event: WheelEvent) => {
    const next = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, zoom * 2 ** (-event.deltaY / 500)));
    void flow.setCenter((seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2, { zoom: next });
  };
  return (
    <Panel position="bottom-right" className={classes.map ?? ""}>
      <svg
        role="img"
        aria-label="The whole flow, small"
        width={WIDTH}
        height={HEIGHT}
        viewBox={`${place.x} ${place.y} ${WIDTH * place.scale} ${HEIGHT * place.scale}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          held.current = place;
          go(event);
        }}
        onPointerMove={go}
        onPointerUp={() => {
          held.current = null;
        }}
        onPointerCancel={() => {
          held.current = null;
        }}
        onWheel={onWheel}
      >
        {drawn.map(({ color, path }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a colour comes twice while a step of it moves
          <path key={at} d={path} fill={`var(--mantine-color-${color}-filled)`} />
        ))}
        <rect
          className={classes.seen}
          x={seen.left}
          y={seen.top}
          width={seen.right - seen.left}
          height={seen.bottom - seen.top}
          strokeWidth={1.5 * place.scale}
        />
      </svg>
    </Panel>
  );
});
