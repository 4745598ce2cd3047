// How the connection to the CRM is, in words.

import type { CrmState } from "../../api/crm";

/** Only what words are made of. */
type Known = Pick<CrmState, "kind" | "isFailing" | "lastSuccess" | "outbox">;

export type Condition = "none" | "unused" | "well" | "failing";

export function conditionOf(state: Known): Condition {
  if (!state.kind) {
    return "none";
  }
  if (state.isFailing) {
    return "failing";
  }
  return state.lastSuccess ? "well" : "unused";
}

/** What the CRM is called. */
export function crmName(kind: string | null | undefined): string {
  return kind === "salesforce" ? "Salesforce" : "The CRM";
}

const TASKS: Record<string, string> = {
  all: "every call",
  abandoned: "each abandoned call",
  none: "no call",
};

/** Which calls become a task. */
export function tasksText(tasks: string | null | undefined): string {
  return tasks ? (TASKS[tasks] ?? tasks) : "";
}

/** What somebody has to look at, in sentences; none where all is well. */
export function attention(state: Known): string[] {
  const { parked, dead } = state.outbox;
  const said: string[] = [];
  if (state.kind && state.isFailing) {
    said.push(`${crmName(state.kind)} did not take the last request.`);
  }
  if (parked > 0) {
    said.push(`${things(parked)} set aside: somebody has to look at the reason.`);
  }
  if (dead > 0) {
    said.push(`${things(dead)} given up after many tries.`);
  }
  return said;
}

function things(count: number): string {
  return count === 1
    ? "One thing that another system was to be told is"
    : `${count.toLocaleString()} things that other systems were to be told are`;
}

/** The share of the day's requests that are used, from 0 to 100. */
export function usedShare({ used, all }: { used: number; all: number }): number {
  return all <= 0 ? 100 : Math.min(100, (used / all) * 100);
}
