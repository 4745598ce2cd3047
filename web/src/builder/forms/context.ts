import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, ask, type Schema } from "../../api/client";
import type { Variable } from "../../flow/variables";
import { findingsAt } from "../findings";
import { type Finding, useBuilderState } from "../store";

export type FormContextValue = {
  /** The step whose fields these are. */
  step: string;
  /** Those that there are at the step; looked for when somebody begins to write one. */
  variables: () => Variable[];
  readOnly: boolean;
};

export const FormContext = createContext<FormContextValue>({
  step: "",
  variables: () => [],
  readOnly: true,
});

export function useForm(): FormContextValue {
  return useContext(FormContext);
}

/** What is wrong at a field, in words; null where nothing is. `path` is as in `config/audio`. */
export function useFieldError(path: string): string | null {
  const { step } = useForm();
  const all = useBuilderState((state) => state.findings);
  const found = findingsAt(all, step, path).filter((finding: Finding) => finding.severity !== "note");
  return found.length === 0 ? null : found.map((finding) => finding.message).join(" ");
}

export type Choice = { value: string; label: string };

type ListPath = "/agents" | "/schedules" | "/lists";

/** Objects to choose from. The first 200: where there are more, their ids can be typed. */
export function useObjects(path: ListPath): Choice[] {
  const { data } = useQuery({
    queryKey: ["choices", path],
    queryFn: () => ask(api.GET(path, { params: { query: { limit: 200 } } })),
  });
  return (data?.items ?? []).map(({ id, name }) => ({
    value: id,
    label: name && name !== id ? `${name} (${id})` : id,
  }));
}

/** Call flows to choose from. */
export function useFlows(): Choice[] {
  const { data } = useQuery({
    queryKey: ["choices", "/flows"],
    queryFn: () => ask(api.GET("/flows", { params: { query: { limit: 200 } } })),
  });
  return (data?.items ?? []).map(({ id, name }) => ({ value: id, label: `${name} (${id})` }));
}

/** Prompts of the library that fit a text. */
export function usePrompts(text: string): Schema<"PromptItem">[] {
  const { data } = useQuery({
    queryKey: ["choices", "/prompts", text],
    queryFn: () => ask(api.GET("/prompts", { params: { query: { limit: 50, ...(text && { text }) } } })),
    placeholderData: (before) => before,
  });
  return data?.items ?? [];
}
