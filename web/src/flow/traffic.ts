// What many calls did in a version of a flow: in which period, and where they were lost.

export type StepTraffic = { step: string; entered: number; hungUp: number; ports: Record<string, number> };

export const PERIODS = [
  { value: "today", label: "Today" },
  { value: "week", label: "Last 7 days" },
  { value: "month", label: "Last 30 days" },
  { value: "all", label: "All calls" },
] as const;

export type Period = (typeof PERIODS)[number]["value"];

const DAYS: Record<Exclude<Period, "all">, number> = { today: 1, week: 7, month: 30 };

/** The first and the last day of a period, as the server counts them: in UTC. Neither where all calls count. */
export function daysOf(period: Period, now: Date): { from?: string; until?: string } {
  if (period === "all") {
    return {};
  }
  const day = (before: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - before))
      .toISOString()
      .slice(0, 10);
  return { from: day(DAYS[period] - 1), until: day(0) };
}

export type Loss = { step: string; hungUp: number; entered: number; share: number };

/** The steps in which callers gave up, the worst first: by how many, not by which share of few. */
export function lossesOf(steps: readonly StepTraffic[]): Loss[] {
  return steps
    .filter(({ hungUp }) => hungUp > 0)
    .map(({ step, hungUp, entered }) => ({
      step,
      hungUp,
      entered,
      share: entered === 0 ? 0 : hungUp / entered,
    }))
    .sort((a, b) => b.hungUp - a.hungUp || b.share - a.share);
}
