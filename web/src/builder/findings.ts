// What the server says about the document while it is edited.

import { useEffect } from "react";
import { useStore } from "zustand";
import { api, ask } from "../api/client";
import type { MarkState, Marks } from "../canvas/marks";
import type { FlowDocument } from "../flow/document";
import type { BuilderStore, Finding } from "./store";

/** After an edit, in milliseconds: less than what is typed between two keys. */
const WAIT_MS = 60;

/** Asks the server about each new document, one question at a time; the last answer counts. */
export function useValidation(store: BuilderStore, mayAsk: boolean): void {
  const document = useStore(store, (state) => state.document);
  useEffect(() => {
    if (!mayAsk) {
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      validate(document, stop.signal).then(
        (findings) => store.setState({ findings }),
        // The next edit asks again; saving says what is wrong with the connection.
        () => undefined,
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [document, store, mayAsk]);
}

async function validate(document: FlowDocument, signal: AbortSignal): Promise<Finding[]> {
  const { findings } = await ask(api.POST("/flows/validate", { body: asBody(document), signal }));
  return findings;
}

/** The API's document says only that it is an object. */
export function asBody(document: FlowDocument): Record<string, never> {
  return document as unknown as Record<string, never>;
}

/** The step that a finding is about, and where within it. */
export function placeOf(pointer: string): { step: string | null; field: string } {
  const [, root, id, ...rest] = pointer
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return root === "steps" && id !== undefined
    ? { step: id, field: rest.join("/") }
    : { step: null, field: pointer.slice(1) };
}

/** Findings as marks: a badge with how many, red where one forbids publishing. Notes are left to the list. */
export function findingMarks(findings: Finding[]): Marks {
  const marks: Marks = {};
  for (const finding of findings) {
    const { step } = placeOf(finding.pointer);
    if (step === null || finding.severity === "note") {
      continue;
    }
    const old = marks[step];
    const state: MarkState = finding.severity === "error" || old?.state === "failed" ? "failed" : "warning";
    const count = (old?.count ?? 0) + 1;
    marks[step] = { state, count, text: state === "failed" ? "!" : "?" };
  }
  return marks;
}

/** What is said of a field of a step, or of what lies below it; of the flow itself where `step` is empty. */
export function findingsAt(findings: Finding[], step: string, field: string): Finding[] {
  return findings.filter(({ pointer }) => {
    const place = placeOf(pointer);
    return (place.step ?? "") === step && (place.field === field || place.field.startsWith(`${field}/`));
  });
}
