import { Loader } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import type { Marks } from "../canvas/marks";
import { readDocument } from "../flow/document";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useVersion } from "./flowNames";
import classes from "./VersionCanvas.module.css";

/** Apart, as the lists that need no canvas stay small without it. */
const FlowCanvas = lazy(async () => ({ default: (await import("../canvas/FlowCanvas")).FlowCanvas }));

type VersionCanvasProps = { flow: string; version: number; marks: Marks };

/** A version of a flow, drawn to look at, with what calls did in it. */
export function VersionCanvas({ flow, version, marks }: VersionCanvasProps) {
  const { data, error, refetch } = useVersion(flow, version);
  const read = useMemo(() => data && readDocument(data.document), [data]);
  if (error) {
    return <ProblemAlert error={error} retry={() => refetch()} />;
  }
  if (!read) {
    return <Loader aria-label="Loading" />;
  }
  if ("error" in read) {
    return <ProblemAlert error={new Error(read.error)} />;
  }
  return (
    <section
      className={classes.frame}
      aria-label={`The call flow ${read.document.name}, version ${version}, drawn`}
    >
      <Suspense fallback={<Loader aria-label="Loading" m="md" />}>
        <FlowCanvas document={read.document} marks={marks} readOnly />
      </Suspense>
    </section>
  );
}
