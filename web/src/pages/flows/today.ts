// How many calls each call flow had today, and how many of them were given up.

import { useQuery } from "@tanstack/react-query";
import { api, ask, type Schema } from "../../api/client";
import { useSession } from "../../app/session";
import { isAbandoned } from "../../live/words";

export type Today = { calls: number; abandoned: number };

/** Sums by flow; calls that reached none are left out. */
export function sumByFlow(items: readonly Schema<"CallSumItem">[]): Map<string, Today> {
  const sums = new Map<string, Today>();
  for (const { flow, outcome, calls } of items) {
    if (flow) {
      const before = sums.get(flow) ?? { calls: 0, abandoned: 0 };
      const abandoned = before.abandoned + (isAbandoned(outcome) ? calls : 0);
      sums.set(flow, { calls: before.calls + calls, abandoned });
    }
  }
  return sums;
}

/** From midnight to midnight, where this browser is. */
export function dayOf(now: Date): { from: string; until: string } {
  const midnight = (days: number) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
  return { from: midnight(0), until: midnight(1) };
}

/** The sums of today, looked at again each half minute. Nothing for whom calls do not concern. */
export function useToday() {
  const { may } = useSession();
  const isOn = may("calls.read");
  const day = dayOf(new Date());
  const { data } = useQuery({
    queryKey: ["reports", "today", day.from],
    queryFn: async () => sumByFlow((await ask(api.GET("/reports/calls", { params: { query: day } }))).items),
    enabled: isOn,
    refetchInterval: 30_000,
  });
  return { isOn, today: data };
}
