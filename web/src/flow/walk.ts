// From step to step by the arrow keys.

import type { FlowDocument, Point } from "./document";
import { edgesOf } from "./graph";
import { portsOf, target } from "./ports";

/** Where an arrow leads: right along the first connection, left back to where one comes from, up and down to what is drawn there. */
export function neighbour(
  document: FlowDocument,
  places: Record<string, Point>,
  id: string,
  key: string,
): string | null {
  const step = document.steps[id];
  if (step === undefined) {
    return null;
  }
  switch (key) {
    case "ArrowRight": {
      const targets = portsOf(step).map((port) => target(document, step, port.name));
      return targets.find((to) => to !== null && to !== id) ?? nearest(places, id, "x", 1);
    }
    case "ArrowLeft":
      return (
        edgesOf(document).find((edge) => edge.to === id && edge.from !== id)?.from ??
        nearest(places, id, "x", -1)
      );
    case "ArrowDown":
      return nearest(places, id, "y", 1);
    case "ArrowUp":
      return nearest(places, id, "y", -1);
    case "Home":
      return document.entry in document.steps ? document.entry : null;
    default:
      return null;
  }
}

/** The nearest step in a direction; what lies aside counts as twice as far. */
function nearest(places: Record<string, Point>, id: string, axis: "x" | "y", sign: 1 | -1): string | null {
  const here = places[id];
  const across = axis === "x" ? "y" : "x";
  let best: { id: string; far: number } | null = null;
  for (const [other, place] of Object.entries(places)) {
    const ahead = here === undefined ? 0 : (place[axis] - here[axis]) * sign;
    if (here === undefined || other === id || ahead <= 0) {
      continue;
    }
    const far = ahead + 2 * Math.abs(place[across] - here[across]);
    if (best === null || far < best.far) {
      best = { id: other, far };
    }
  }
  return best?.id ?? null;
}
