import { Button, Group, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { download } from "../../ui/csv";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { type Gathered, gatherRecords, type RecordQuery } from "./filter";
import { recordsCsv } from "./recordCsv";

/** Records in one file: some seconds of asking, some megabytes. */
export const CSV_RECORDS_MAX = 10_000;

type CsvState =
  | { kind: "idle" }
  | { kind: "running"; count: number }
  | { kind: "done"; count: number; isCut: boolean }
  | { kind: "failed"; error: unknown };

/** Makes a file of all records that fit, which are asked for page by page. */
export function CsvButton({ query, name }: { query: RecordQuery; name: string }) {
  const [state, setState] = useState<CsvState>({ kind: "idle" });
  const running = useRef<AbortController | null>(null);
  const start = async () => {
    const control = new AbortController();
    running.current = control;
    setState({ kind: "running", count: 0 });
    try {
      const gathered = await gatherRecords(
        query,
        CSV_RECORDS_MAX,
        (count) => setState({ kind: "running", count }),
        control.signal,
      );
      save(name, gathered);
      setState({ kind: "done", count: gathered.records.length, isCut: gathered.isCut });
    } catch (error) {
      setState(control.signal.aborted ? { kind: "idle" } : { kind: "failed", error });
    }
  };
  return (
    <div>
      <Group gap="xs">
        {state.kind === "running" ? (
          <Button variant="default" onClick={() => running.current?.abort()}>
            Stop at {state.count}
          </Button>
        ) : (
          <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} onClick={start}>
            CSV
          </Button>
        )}
      </Group>
      {state.kind === "done" && (
        <Text size="xs" c="dimmed" role="status">
          {state.isCut ? `The latest ${state.count} records; there are more.` : `All ${state.count} records.`}
        </Text>
      )}
      {state.kind === "failed" && <ProblemAlert error={state.error} retry={start} />}
    </div>
  );
}

function save(name: string, gathered: Gathered): void {
  download(`${name}-${new Date().toISOString().slice(0, 10)}.csv`, recordsCsv(gathered.records));
}
