// The flow as steps and the ways between them.

import type { FlowDocument } from "./document";
import { fallbackOf, portsOf, target, wayOf } from "./ports";

export type Edge = { from: string; port: string; to: string };

/** All connections that are drawn. */
export function edgesOf(document: FlowDocument): Edge[] {
  const edges: Edge[] = [];
  for (const [from, step] of Object.entries(document.steps)) {
    for (const { name } of portsOf(step)) {
      const to = target(document, step, name);
      if (to !== null) {
        edges.push({ from, port: name, to });
      }
    }
  }
  return edges;
}

/** Steps that a call can come to, its fallback included. */
export function reachable(document: FlowDocument): Set<string> {
  const reached = new Set<string>();
  const open = [document.entry, fallbackOf(document) ?? ""];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const step = document.steps[id];
    if (step === undefined || reached.has(id)) {
      continue;
    }
    reached.add(id);
    for (const { name } of portsOf(step)) {
      const way = wayOf(document, step, name);
      if (way.kind !== "end") {
        open.push(way.to);
      }
    }
  }
  return reached;
}

/** Steps in the order in which a caller may meet them, breadth first; those that nothing leads to at the end. */
export function readingOrder(document: FlowDocument): string[] {
  const seen = new Set<string>();
  const walk = (start: string) => {
    const open = [start];
    for (let i = 0; i < open.length; i++) {
      const id = open[i] ?? "";
      const step = document.steps[id];
      if (step === undefined || seen.has(id)) {
        continue;
      }
      seen.add(id);
      for (const { name } of portsOf(step)) {
        const to = target(document, step, name);
        if (to !== null) {
          open.push(to);
        }
      }
    }
  };
  walk(document.entry);
  walk(fallbackOf(document) ?? "");
  return [...seen, ...Object.keys(document.steps).filter((id) => !seen.has(id))];
}
