// What a page wants to show on the steps of a flow: where a call is, how many came by, what has changed, what is wrong.

export type MarkState = "active" | "done" | "failed" | "warning" | "added" | "removed" | "changed" | "dim";

export type PortMark = {
  state?: MarkState;
  /** How many calls went this way. */
  count?: number;
  /** A few words; they stand in place of where the port leads. */
  text?: string;
};

export type StepMark = PortMark & { ports?: Record<string, PortMark> };

/** By the id of the step. */
export type Marks = Record<string, StepMark>;

/** A state in words, for those who do not see the colour. */
export const STATE_WORDS: Record<MarkState, string> = {
  active: "the call is here",
  done: "the call was here",
  failed: "failed",
  warning: "has a warning",
  added: "added",
  removed: "removed",
  changed: "changed",
  dim: "not on the path",
};
