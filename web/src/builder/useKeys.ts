// The keyboard of the builder. What stands here stands in the help as well.

import { useEffect } from "react";
import type { Actions } from "./actions";
import type { Builder } from "./store";

export type Dialogs = {
  openFind: () => void;
  openHelp: () => void;
  openAdd: () => void;
  openWire: () => void;
  toCanvas: () => void;
  fit: () => void;
  save: () => void;
};

/** Every key with what it does, for the help. */
export const KEYS: [keys: string, text: string][] = [
  ["Tab", "To the canvas, and from it to the fields"],
  [
    "← ↑ → ↓",
    "From step to step: right along the first connection, left back, up and down to what is drawn there",
  ],
  ["Home", "To the step where the call begins"],
  ["A", "Add a step behind the selected one, at its first port that leads nowhere"],
  ["W", "Wire a port of the selected step to another step"],
  ["Enter", "To the fields of the selected step"],
  ["Escape", "Back from the fields to the canvas; else select nothing"],
  ["Delete or Backspace", "Take the selected steps or connections out"],
  ["Alt + arrows", "Move the selected steps"],
  ["Shift + click", "Select several; drag with Shift over the canvas for a frame"],
  ["Ctrl + A", "Select all steps"],
  ["Ctrl + C, X, V", "Copy, cut and paste steps as JSON, also into another flow"],
  ["Ctrl + D", "Duplicate the selected steps"],
  ["Ctrl + Z, Ctrl + Shift + Z", "Undo, redo"],
  ["Ctrl + F", "Find a step by its name, its texts or its id"],
  ["Ctrl + S", "Save now (it is saved by itself, too)"],
  ["L", "Lay all steps out"],
  ["F", "Show the whole flow"],
  ["?", "This help"],
];

/** Distance of one press, in pixels of the canvas. */
const NUDGE = 20;
const ARROWS: Record<string, { x: number; y: number }> = {
  ArrowLeft: { x: -NUDGE, y: 0 },
  ArrowRight: { x: NUDGE, y: 0 },
  ArrowUp: { x: 0, y: -NUDGE },
  ArrowDown: { x: 0, y: NUDGE },
};

export function useKeys(builder: Builder, actions: Actions, dialogs: Dialogs, mayEdit: boolean): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isInDialog(event.target)) {
        return;
      }
      const isDone =
        event.ctrlKey || event.metaKey
          ? withControl(event, builder, actions, dialogs, mayEdit)
          : isTyping(event.target)
            ? leaveField(event, dialogs)
            : alone(event, builder, actions, dialogs, mayEdit);
      if (isDone) {
        event.preventDefault();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [builder, actions, dialogs, mayEdit]);
}

/** Escape leads from a field of the panel back to the canvas. A list that is open closes first. */
function leaveField(event: KeyboardEvent, dialogs: Dialogs): boolean {
  const field = event.target instanceof HTMLElement ? event.target : null;
  const isOpen = field?.getAttribute("aria-expanded") === "true";
  if (event.key !== "Escape" || isOpen || field?.closest("#builder-panel") == null) {
    return false;
  }
  field.blur();
  dialogs.toCanvas();
  return true;
}

function withControl(
  event: KeyboardEvent,
  builder: Builder,
  actions: Actions,
  dialogs: Dialogs,
  mayEdit: boolean,
): boolean {
  const key = event.key.toLowerCase();
  if (key === "f") {
    dialogs.openFind();
    return true;
  }
  if (key === "s") {
    dialogs.save();
    return true;
  }
  if (mayEdit && (key === "z" || key === "y")) {
    key === "y" || event.shiftKey ? builder.redo() : builder.undo();
    return true;
  }
  if (isTyping(event.target)) {
    return false;
  }
  if (key === "a") {
    actions.selectAll();
    return true;
  }
  if (key === "d" && mayEdit) {
    actions.duplicate();
    return true;
  }
  return false;
}

function alone(
  event: KeyboardEvent,
  builder: Builder,
  actions: Actions,
  dialogs: Dialogs,
  mayEdit: boolean,
): boolean {
  selectFocused(event, builder);
  const { selected } = builder.store.getState();
  const arrow = ARROWS[event.key];
  if (event.altKey) {
    if (arrow !== undefined && selected.length > 0 && mayEdit) {
      actions.nudge(arrow);
      return true;
    }
    return false;
  }
  if (event.key === "?") {
    dialogs.openHelp();
    return true;
  }
  if (event.key === "Enter" && isStep(event.target)) {
    builder.setPanel("step");
    document.querySelector<HTMLElement>("#builder-panel input, #builder-panel textarea")?.focus();
    return true;
  }
  if (event.key === "Escape") {
    builder.select([]);
    return true;
  }
  if (event.key === "f") {
    dialogs.fit();
    return true;
  }
  return mayEdit && change(event.key, actions, dialogs, selected.length === 1);
}

/** Keys are about the step that has the focus: Tab leads to it without selecting it. */
function selectFocused(event: KeyboardEvent, builder: Builder): void {
  const step = isStep(event.target) ? event.target.dataset.id : undefined;
  if (step !== undefined && event.key !== "Escape" && !builder.store.getState().selected.includes(step)) {
    builder.select([step]);
  }
}

function change(key: string, actions: Actions, dialogs: Dialogs, isOne: boolean): boolean {
  switch (key) {
    case "a":
      dialogs.openAdd();
      return true;
    case "w":
      if (isOne) {
        dialogs.openWire();
      }
      return isOne;
    case "l":
      actions.arrange();
      return true;
    case "Delete":
    case "Backspace":
      actions.remove();
      return true;
    default:
      return false;
  }
}

/** Copy, cut and paste go by the browser's own events, so that its menu works as well. */
export function useClipboard(actions: Actions, mayEdit: boolean): void {
  useEffect(() => {
    const onCopy = (event: ClipboardEvent) => {
      const text =
        isTyping(event.target) || isInDialog(event.target) || hasTextSelection() ? null : actions.copy();
      if (text !== null) {
        event.clipboardData?.setData("text/plain", text);
        event.preventDefault();
        if (event.type === "cut" && mayEdit) {
          actions.remove();
        }
      }
    };
    const onPaste = (event: ClipboardEvent) => {
      if (mayEdit && !isTyping(event.target) && !isInDialog(event.target)) {
        actions.paste(event.clipboardData?.getData("text/plain") ?? "");
        event.preventDefault();
      }
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [actions, mayEdit]);
}

function hasTextSelection(): boolean {
  return (window.getSelection()?.toString() ?? "") !== "";
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

function isInDialog(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role="dialog"]') !== null;
}

function isStep(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && target.classList.contains("react-flow__node");
}
