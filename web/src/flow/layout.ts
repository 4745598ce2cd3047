// Where steps are drawn: where people put them, else by dagre from left to right.

import dagre from "@dagrejs/dagre";
import { commentOf, type FlowDocument, type Point, positionOf, type Step } from "./document";
import { edgesOf } from "./graph";
import { portsOf } from "./ports";

/** In pixels of the canvas; the style sheet of the step says the same. */
export const STEP_WIDTH = 240;
const HEAD = 52;
const ROW = 24;
const COMMENT = 34;
const FOOT = 8;

/** How tall a step is drawn. */
export function heightOf(step: Step): number {
  const ports = portsOf(step).length;
  return HEAD + ports * ROW + (ports > 0 ? FOOT : 0) + (commentOf(step) ? COMMENT : 0);
}

/**
 * Layers that the connections given to dagre may cross, all together: it puts a dummy into each, and its time grows
 * with their square. Connections beyond that are drawn as they come.
 */
const CROSSED_MAX = 300;

/** The connections that decide where steps stand: the short ones first, which hold the flow together. */
function shapingEdges(document: FlowDocument): [from: string, to: string][] {
  const pairs = new Map(
    edgesOf(document).map(({ from, to }) => [`${from} ${to}`, [from, to] as [string, string]]),
  );
  const ranks = ranksOf(document.entry, Object.keys(document.steps), [...pairs.values()]);
  const span = ([from, to]: [string, string]) => Math.abs((ranks.get(to) ?? 0) - (ranks.get(from) ?? 0));
  const sorted = [...pairs.values()].filter(([from, to]) => from !== to).sort((a, b) => span(a) - span(b));
  let crossed = 0;
  return sorted.filter((pair) => {
    crossed += Math.max(0, span(pair) - 1);
    return crossed <= CROSSED_MAX;
  });
}

/** How far from the beginning each step is, by the longest way that leads forward. */
function ranksOf(entry: string, ids: string[], pairs: [string, string][]): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const [from, to] of pairs) {
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  // Depth first without recursion: a step is done when all behind it are; what leads to one on the path leads back.
  const state = new Map<string, "open" | "done">();
  const order: string[] = [];
  const back = new Set<string>();
  for (const start of [entry, ...ids]) {
    const path: { id: string; at: number }[] = state.has(start) ? [] : [{ id: start, at: 0 }];
    state.set(start, state.get(start) ?? "open");
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = next.get(top.id)?.[top.at];
      top.at += 1;
      if (to === undefined) {
        state.set(top.id, "done");
        order.push(top.id);
        path.pop();
      } else if (state.get(to) === "open") {
        back.add(`${top.id} ${to}`);
      } else if (!state.has(to)) {
        state.set(to, "open");
        path.push({ id: to, at: 0 });
      }
    }
  }
  const ranks = new Map<string, number>();
  for (const id of order.reverse()) {
    const rank = ranks.get(id) ?? 0;
    ranks.set(id, rank);
    for (const to of next.get(id) ?? []) {
      if (!back.has(`${id} ${to}`)) {
        ranks.set(to, Math.max(ranks.get(to) ?? 0, rank + 1));
      }
    }
  }
  return ranks;
}

/** From so many steps on, layers are found the quick way. */
const MANY = 80;

/** A place for every step, by its connections. */
export function arranged(document: FlowDocument): Record<string, Point> {
  const graph = new dagre.graphlib.Graph();
  const isLarge = Object.keys(document.steps).length > MANY;
  graph.setGraph({ rankdir: "LR", nodesep: 36, ranksep: 80, ...(isLarge && { ranker: "longest-path" }) });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, step] of Object.entries(document.steps)) {
    graph.setNode(id, { width: STEP_WIDTH, height: heightOf(step) });
  }
  for (const [from, to] of shapingEdges(document)) {
    graph.setEdge(from, to);
  }
  dagre.layout(graph);
  return Object.fromEntries(
    Object.entries(document.steps).map(([id, step]) => {
      const { x = 0, y = 0 } = graph.node(id) as Partial<Point>;
      return [id, { x: Math.round(x - STEP_WIDTH / 2), y: Math.round(y - heightOf(step) / 2) }];
    }),
  );
}

/** The places as the document says them, or, where it says none or steps would lie on each other, new ones. */
export function placesOf(document: FlowDocument): Record<string, Point> {
  const places: Record<string, Point> = {};
  for (const [id, step] of Object.entries(document.steps)) {
    const place = positionOf(step);
    if (place === null) {
      return arranged(document);
    }
    places[id] = place;
  }
  return overlap(document, places) ? arranged(document) : places;
}

/** The same document with all its steps in places that can be seen. */
export function withPlaces(document: FlowDocument): FlowDocument {
  const places = placesOf(document);
  const steps = Object.entries(document.steps).map(([id, step]): [string, Step] => {
    const place = places[id];
    const known = positionOf(step);
    const stays = place === undefined || (known?.x === place.x && known.y === place.y);
    return [id, stays ? step : { ...step, ui: { ...step.ui, ...place } }];
  });
  return { ...document, steps: Object.fromEntries(steps) };
}

/** Whether two steps cover each other by more than a rim. */
function overlap(document: FlowDocument, places: Record<string, Point>): boolean {
  const rim = 12;
  const boxes = Object.entries(places)
    .map(([id, { x, y }]) => ({ x, y, height: heightOf(document.steps[id] ?? { type: "" }) }))
    .sort((a, b) => a.x - b.x);
  return boxes.some((box, i) => {
    for (let j = i + 1; j < boxes.length; j++) {
      const other = boxes[j];
      if (other === undefined || other.x >= box.x + STEP_WIDTH - rim) {
        return false;
      }
      if (other.y < box.y + box.height - rim && box.y < other.y + other.height - rim) {
        return true;
      }
    }
    return false;
  });
}
