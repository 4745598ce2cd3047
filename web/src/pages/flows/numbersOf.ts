// Which Smart Numbers lead to which call flow.

import { useQuery } from "@tanstack/react-query";
import { allOf, type Item, listDocuments } from "../../api/documents";

type NumbersOfFlows = { byFlow: Map<string, { id: string; label: string }[]>; isWhole: boolean };

/** The numbers that lead to each call flow, by its id. */
export function groupByFlow(items: Item<"numbers">[]): NumbersOfFlows["byFlow"] {
  const byFlow: NumbersOfFlows["byFlow"] = new Map();
  for (const { id, document } of items) {
    if (document?.flow) {
      const numbers = byFlow.get(document.flow) ?? [];
      numbers.push({ id, label: document.label ?? "" });
      byFlow.set(document.flow, numbers);
    }
  }
  return byFlow;
}

export function useNumbersOfFlows() {
  return useQuery<NumbersOfFlows>({
    queryKey: ["numbers", "by-flow"],
    queryFn: async () => {
      const { items, isWhole } = await allOf((cursor) => listDocuments("numbers", { cursor, limit: 200 }));
      return { byFlow: groupByFlow(items), isWhole };
    },
  });
}
