// The CRM: how its connection is, trying it, and what a flow's abandoned calls become there.

import { useQuery } from "@tanstack/react-query";
import { type CheckStep, checkSteps } from "./check";
import { api, ask, type Schema } from "./client";

export type CrmState = Schema<"CrmState">;
export type TaskPreview = Schema<"TaskPreview">;

/** A record of the CRM, by the names of its fields. */
export type CrmRecord = Record<string, unknown>;

/** Somebody whom the CRM knows. */
export type Person = { id: string; type: string; name: string; ownerId: string; url?: string | null };

/** What a query found. */
export type QueryResult = { soql: string; records: CrmRecord[]; paths: string[] };

export const crmKey = ["crm"] as const;

const EVERY_MS = 10_000;

/** How the connection is; looked at again and again, as it changes by itself. */
export function useCrm(mayRead: boolean) {
  return useQuery({
    queryKey: crmKey,
    queryFn: () => ask(api.GET("/crm")),
    refetchInterval: EVERY_MS,
    enabled: mayRead,
  });
}

/** Tries the connection, step by step. */
export function checkCrm(tell: (step: CheckStep) => void): Promise<void> {
  return checkSteps(api.POST("/crm/check", { parseAs: "stream" }), tell);
}

/** Runs the statement of a query step with values for its variables. */
export async function tryQuery(
  soql: string,
  limit: number,
  values: Record<string, string>,
): Promise<QueryResult> {
  // The types made of the API's document let no map have anything in it.
  const body = { soql, limit, values } as unknown as Schema<"QueryTrial">;
  return (await ask(api.POST("/crm/query", { body }))) as unknown as QueryResult;
}

/** The task that a caller makes who hangs up in the first step that waits; the CRM is asked who that is where it shall be. */
export function previewTask(
  document: object,
  from: string,
  to: string,
  askWhoCalls: boolean,
): Promise<TaskPreview> {
  const body = { document, from, to, askWhoCalls } as unknown as Schema<"PreviewRequest">;
  return ask(api.POST("/crm/task-preview", { body }));
}
