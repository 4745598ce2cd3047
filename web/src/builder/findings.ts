// What the server says about the document while it is edited.

import { useEffect } from "react";
import { api, ask } from "../api/client";
import type { MarkState, Marks } from "../canvas/marks";
import { same } from "../flow/changes";
import type { FlowDocument } from "../flow/document";
import type { BuilderStore, Finding } from "./store";

/** Asks the server about each new document at once, and one question at a time: the last answer is of the last document. */
export function useValidation(store: BuilderStore, mayAsk: boolean): void {
  useEffect(() => {
    if (!mayAsk) {
      return;
    }
    const stop = new AbortController();
    let isAsking = false;
    let asked: FlowDocument | null = null;
    const askAgain = async () => {
      if (isAsking) {
        return;
      }
      isAsking = true;
      for (let now = store.getState().document; now !== asked; now = store.getState().document) {
        asked = now;
        try {
          const findings = await validate(now, stop.signal);
          if (!stop.signal.aborted) {
            store.setState(kept(store.getState().findings, findings));
          }
        } catch {
          // The next edit asks again; saving says what is wrong with the connection.
          break;
        }
      }
      isAsking = false;
    };
    void askAgain();
    const end = store.subscribe((now, before) => {
      if (now.document !== before.document) {
        void askAgain();
      }
    });
    return () => {
      end();
      stop.abort();
    };
  }, [store, mayAsk]);
}

/** Findings that say the same stay the same object: with each new one the whole canvas is looked at. */
function kept(before: Finding[], findings: Finding[]): { findings: Finding[] } {
  return { findings: same(before, findings) ? before : findings };
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
