// What flows and their steps are called, for pages that only know their ids.

import { useQueries, useQuery } from "@tanstack/react-query";
import { api, ask, type Schema } from "../api/client";

/** More flows than these are not offered in a choice; their ids are shown as they are. */
const FLOWS_MAX = 1_000;

async function allFlows(): Promise<Schema<"FlowItem">[]> {
  const flows: Schema<"FlowItem">[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(
      api.GET("/flows", { params: { query: { limit: 200, ...(cursor && { cursor }) } } }),
    );
    flows.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && flows.length < FLOWS_MAX);
  return flows;
}

/** All call flows, to choose from. */
export function useAllFlows(): Schema<"FlowItem">[] {
  const { data } = useQuery({ queryKey: ["flows", "all"], queryFn: allFlows });
  return data ?? [];
}

/** What a flow is called; its id until that is known, and where it is deleted. */
export function useFlowName(): (id: string | null | undefined) => string {
  const flows = useAllFlows();
  return (id) => flows.find((flow) => flow.id === id)?.name ?? id ?? "";
}

/** A step as lists show it. */
export type StepWords = { name: string; kind: string; ports: ReadonlyMap<string, string> };

/** A version's steps by id, and its document for the canvas. */
export type VersionSteps = { document: unknown; steps: ReadonlyMap<string, StepWords> };

/** The version of a flow, as query. A version never changes, and is gone only with its flow. */
function versionQuery(flow: string, version: number) {
  return {
    queryKey: ["flows", flow, "versions", version],
    queryFn: async (): Promise<VersionSteps> => {
      const document = await ask(
        api.GET("/flows/{id}/versions/{n}", { params: { path: { id: flow, n: version } } }),
      );
      return { document, steps: stepsOf(document) };
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  };
}

export function useVersion(flow: string | null | undefined, version: number | null | undefined) {
  return useQuery({ ...versionQuery(flow ?? "", version ?? 0), enabled: Boolean(flow && version) });
}

/** What a step of a flow's version is called; undefined until that is known. */
export type StepNames = (
  flow: string | null | undefined,
  version: number | null | undefined,
  step: string,
) => StepWords | undefined;

/** The names of the steps of those versions. */
export function useStepNames(versions: readonly { flow: string; version: number }[]): StepNames {
  const unique = [...new Map(versions.map((one) => [`${one.version} ${one.flow}`, one])).entries()];
  const answers = useQueries({ queries: unique.map(([, { flow, version }]) => versionQuery(flow, version)) });
  const byKey = new Map(unique.map(([key], at) => [key, answers[at]?.data?.steps]));
  return (flow, version, step) => byKey.get(`${version} ${flow}`)?.get(step);
}

/** Reads what is shown of a document; what is not as expected is left out. */
export function stepsOf(document: unknown): Map<string, StepWords> {
  const steps = new Map<string, StepWords>();
  for (const [id, step] of entries(field(document, "steps"))) {
    const ports = new Map<string, string>();
    for (const [key, option] of entries(field(field(step, "config"), "options"))) {
      ports.set(`key:${key}`, text(field(option, "label")));
    }
    for (const branch of list(field(field(step, "config"), "branches"))) {
      ports.set(`b:${text(field(branch, "id"))}`, text(field(branch, "name")));
    }
    steps.set(id, { name: text(field(step, "name")) || id, kind: text(field(step, "type")), ports });
  }
  return steps;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
