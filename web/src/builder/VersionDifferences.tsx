import { Button, Group, List } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Marks } from "../canvas/marks";
import { type Change, changesOf } from "../flow/changes";
import { type FlowDocument, readDocument } from "../flow/document";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useBuilder, useBuilderState } from "./store";

type Against = "before" | "draft";

type DifferencesProps = { id: string; version: number; before: number | undefined };

/** What a version changed against the one before, and what the draft changes against it: in words, and on the canvas. */
export function Differences({ id, version, before }: DifferencesProps) {
  const { builder } = useBuilder();
  const [against, setAgainst] = useState<Against | null>(null);
  const toggle = (next: Against) => {
    setAgainst(against === next ? null : next);
    builder.store.setState({ marks: null, shown: null });
  };
  return (
    <>
      <Group gap="xs" mt={4}>
        {before !== undefined && (
          <Button
            size="compact-xs"
            variant="subtle"
            aria-expanded={against === "before"}
            onClick={() => toggle("before")}
          >
            What it changed
          </Button>
        )}
        <Button
          size="compact-xs"
          variant="subtle"
          aria-expanded={against === "draft"}
          onClick={() => toggle("draft")}
        >
          Draft against it
        </Button>
      </Group>
      {against === "before" && before !== undefined && (
        <AgainstBefore id={id} version={version} before={before} />
      )}
      {against === "draft" && <AgainstDraft id={id} version={version} />}
    </>
  );
}

/** A version as it can be drawn. It never changes. */
function useVersionDocument(id: string, version: number) {
  const { data, error } = useQuery({
    queryKey: ["flow", id, "version", version],
    queryFn: async () =>
      readDocument(await ask(api.GET("/flows/{id}/versions/{n}", { params: { path: { id, n: version } } }))),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const why = data && "error" in data ? new Error(data.error) : error;
  return { document: data && "document" in data ? data.document : null, error: why };
}

function AgainstBefore({ id, version, before }: { id: string; version: number; before: number }) {
  const { builder } = useBuilder();
  const [old, now] = [useVersionDocument(id, before), useVersionDocument(id, version)];
  const error = old.error ?? now.error;
  if (error) {
    return <ProblemAlert error={error} />;
  }
  if (old.document === null || now.document === null) {
    return null;
  }
  const changes = changesOf(old.document, now.document);
  const document = now.document;
  const show = () => {
    const label = `Version ${version} against version ${before}`;
    builder.store.setState({ shown: { ...withRemoved(old.document ?? document, document, changes), label } });
  };
  return <Changes changes={changes} onShow={show} />;
}

function AgainstDraft({ id, version }: { id: string; version: number }) {
  const { builder } = useBuilder();
  const { document, error } = useVersionDocument(id, version);
  const draft = useBuilderState((state) => state.document);
  if (error) {
    return <ProblemAlert error={error} />;
  }
  if (document === null) {
    return null;
  }
  const changes = changesOf(document, draft);
  const show = () => {
    const label = `The draft against version ${version}`;
    builder.store.setState({ shown: { ...withRemoved(document, draft, changes), label } });
  };
  return <Changes changes={changes} onShow={show} />;
}

function Changes({ changes, onShow }: { changes: Change[]; onShow: () => void }) {
  return (
    <>
      <List size="xs" mt={4}>
        {changes.map((change) => (
          <List.Item key={change.text}>{change.text}</List.Item>
        ))}
        {changes.length === 0 && <List.Item>Nothing.</List.Item>}
      </List>
      {changes.some((change) => change.step !== undefined) && (
        <Button size="compact-xs" mt={4} variant="default" onClick={onShow}>
          Show on the canvas
        </Button>
      )}
    </>
  );
}

/** The newer document with the steps that it has no more, so that they can be seen where they were. */
export function withRemoved(
  before: FlowDocument,
  now: FlowDocument,
  changes: Change[],
): { document: FlowDocument; marks: Marks } {
  const steps = { ...now.steps };
  for (const [id, step] of Object.entries(before.steps)) {
    if (!Object.hasOwn(steps, id)) {
      steps[id] = step;
    }
  }
  const marks: Marks = {};
  for (const { step, what } of changes) {
    if (step !== undefined && marks[step]?.state !== "added") {
      marks[step] = { state: what, text: what };
    }
  }
  return { document: { ...now, steps }, marks };
}
