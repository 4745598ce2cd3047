// What palette, canvas, outline and keyboard do alike.

import { edgePort } from "../canvas/elements";
import type { Point } from "../flow/document";
import {
  type Alignment,
  addStep,
  align,
  arrange,
  connect,
  copySteps,
  disconnect,
  freePlace,
  type PortRef,
  pasteSteps,
  placeAfter,
  removeSteps,
} from "../flow/edits";
import { portsOf, target } from "../flow/ports";
import { notify } from "./notify";
import type { Builder } from "./store";

export type Actions = ReturnType<typeof actionsOf>;

/** `show` brings a step into view; `centre` is the middle of what is seen; `fit` shows the whole flow. */
export function actionsOf(
  builder: Builder,
  show: (id: string, focus?: boolean) => void,
  centre: () => Point,
  fit: () => void,
) {
  const state = () => builder.store.getState();
  const add = (type: string, at?: Point, from?: PortRef): string => {
    const { document } = state();
    const place =
      at ?? (from === undefined ? freePlace(document, centre()) : placeAfter(document, from.from));
    const added = addStep(document, type, place, from);
    builder.edit(() => added.document);
    builder.select([added.id]);
    return added.id;
  };
  return {
    add,
    /** Adds a step behind the selected one, at its first port that leads nowhere; else by itself. */
    addBehind(type: string): void {
      const { document, selected } = state();
      const [from] = selected;
      const step = selected.length === 1 && from !== undefined ? document.steps[from] : undefined;
      const open = step && portsOf(step).find((port) => target(document, step, port.name) === null);
      const id = add(type, undefined, from !== undefined && open ? { from, port: open.name } : undefined);
      setTimeout(() => show(id, true));
    },
    wire(port: PortRef, to: string): void {
      builder.edit((document) => connect(document, port, to));
    },
    remove(): void {
      const { document, selected, selectedEdges } = state();
      if (selected.length > 0) {
        const next = removeSteps(document, selected);
        builder.edit(() => next);
        builder.select(next.entry && selected.length === 1 ? [next.entry] : []);
        setTimeout(() => next.entry && show(next.entry, true));
      } else if (selectedEdges.length > 0) {
        builder.edit((before) => disconnect(before, selectedEdges.map(edgePort)));
        builder.selectEdges([]);
      }
    },
    copy(): string | null {
      const { document, selected } = state();
      return selected.length === 0 ? null : copySteps(document, selected);
    },
    paste(text: string, at?: Point): void {
      const pasted = pasteSteps(state().document, text, at);
      if (pasted === null) {
        notify("hint", "The clipboard holds no steps.");
        return;
      }
      builder.edit(() => pasted.document);
      builder.select(pasted.ids);
      const [first] = pasted.ids;
      setTimeout(() => first !== undefined && show(first, true));
    },
    duplicate(): void {
      const { document, selected } = state();
      if (selected.length > 0) {
        const pasted = pasteSteps(document, copySteps(document, selected));
        if (pasted !== null) {
          builder.edit(() => pasted.document);
          builder.select(pasted.ids);
        }
      }
    },
    selectAll(): void {
      builder.select(Object.keys(state().document.steps));
    },
    align(how: Alignment): void {
      builder.edit((document) => align(document, state().selected, how));
    },
    arrange(): void {
      builder.edit(arrange);
      setTimeout(fit);
    },
    /** Moves the selected steps a little. */
    nudge({ x, y }: Point): void {
      const ids = state().selected;
      builder.edit((document) => {
        const steps = { ...document.steps };
        for (const id of ids) {
          const step = steps[id];
          if (step !== undefined) {
            steps[id] = {
              ...step,
              ui: { ...step.ui, x: Number(step.ui?.x ?? 0) + x, y: Number(step.ui?.y ?? 0) + y },
            };
          }
        }
        return { ...document, steps };
      }, `nudge ${ids.join()}`);
    },
  };
}
