// Where steps are drawn: where people put them, else in columns from left to right.

import { commentOf, type FlowDocument, type Point, positionOf, type Step } from "./document";
import { edgesOf } from "./graph";
import { layered } from "./layers";
import { portsOf } from "./ports";

/** In pixels of the canvas; the style sheet of the step says the same. */
export const STEP_WIDTH = 240;
const HEAD = 52;
const ROW = 24;
const COMMENT = 34;
const FOOT = 8;

/** How far below a step's upper edge the line of a port begins. */
export function portTop(step: Step, row: number): number {
  return HEAD + (commentOf(step) ? COMMENT : 0) + row * ROW;
}

/** How tall a step is drawn. */
export function heightOf(step: Step): number {
  const ports = portsOf(step).length;
  return HEAD + ports * ROW + (ports > 0 ? FOOT : 0) + (commentOf(step) ? COMMENT : 0);
}

/** Between columns. */
const COLUMN = STEP_WIDTH + 80;

/** A place for every step, by its connections. */
export function arranged(document: FlowDocument): Record<string, Point> {
  const steps = Object.entries(document.steps);
  const heights = new Map(steps.map(([id, step]) => [id, heightOf(step)]));
  const boxes = steps.map(([id]) => ({ id, height: heights.get(id) ?? 0 }));
  const links = edgesOf(document).map(({ from, port, to }) => {
    const step = document.steps[from];
    const row = step ? portsOf(step).findIndex(({ name }) => name === port) : 0;
    return { from, to, offset: (step ? portTop(step, row + 0.5) : 0) - (heights.get(from) ?? 0) / 2 };
  });
  const places = layered(boxes, links, document.entry);
  return Object.fromEntries(
    boxes.map(({ id, height }) => {
      const { column, y } = places.get(id) ?? { column: 0, y: 0 };
      return [id, { x: column * COLUMN, y: Math.round(y - height / 2) }];
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
