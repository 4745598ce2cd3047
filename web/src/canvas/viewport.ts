// What of a flow is seen first.

import { getViewportForBounds, type Viewport } from "@xyflow/react";
import type { FlowDocument, Point } from "../flow/document";
import { heightOf, STEP_WIDTH } from "../flow/layout";

/** Smaller than this nobody reads a step's name. */
const READABLE = 0.55;
/** Where a flow is shown from its beginning. */
const ENTRY_ZOOM = 0.75;
export const ZOOM_MIN = 0.1;
export const ZOOM_MAX = 2;
export const FIT = { padding: 0.15, maxZoom: 1 };

type Size = { width: number; height: number };

/**
 * All of it; one that is to be edited, and would be too small to be read, from its beginning instead. Found before
 * anything is drawn: steps that are not seen then are never drawn at all.
 */
export function firstView(
  document: FlowDocument,
  places: Record<string, Point>,
  { width, height }: Size,
  readOnly: boolean,
): Viewport {
  const boxes = Object.entries(document.steps).map(([id, step]) => {
    const { x, y } = places[id] ?? { x: 0, y: 0 };
    return { left: x, top: y, right: x + STEP_WIDTH, bottom: y + heightOf(step) };
  });
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  if (boxes.length === 0 || width === 0 || height === 0) {
    return { x: 0, y: 0, zoom: 1 };
  }
  const right = Math.max(...boxes.map((box) => box.right));
  const bottom = Math.max(...boxes.map((box) => box.bottom));
  const bounds = { x: left, y: top, width: right - left, height: bottom - top };
  const whole = getViewportForBounds(bounds, width, height, ZOOM_MIN, FIT.maxZoom, FIT.padding);
  const entry = document.steps[document.entry];
  if (readOnly || entry === undefined || whole.zoom >= READABLE) {
    return whole;
  }
  const place = places[document.entry] ?? { x: 0, y: 0 };
  return {
    x: 24 - place.x * ENTRY_ZOOM,
    y: height / 2 - (place.y + heightOf(entry) / 2) * ENTRY_ZOOM,
    zoom: ENTRY_ZOOM,
  };
}
