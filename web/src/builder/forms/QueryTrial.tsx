import { Button, Code, Fieldset, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../../api/client";
import { type QueryResult, tryQuery } from "../../api/crm";
import { cellOf, columnsOf, keptPaths, readsOf, withFound } from "../../flow/found";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { useBuilder } from "../store";
import { useForm } from "./context";

/** As many as a trial may ask for. */
const LIMIT_MAX = 10;
/** A caller with a number, for a start. */
const USUAL: Record<string, string> = { "call.from": "+15550199", "call.to": "+15550100" };

/** Runs a query with values for its variables, and keeps with the step which fields were found. */
export function QueryTrial({ soql, limit }: { soql: string; limit: number }) {
  const { builder } = useBuilder();
  const { step } = useForm();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const paths = readsOf(soql);
  const trial = useMutation({
    mutationFn: (soql: string) => {
      const values = Object.fromEntries(paths.map((path) => [path, typed[path] ?? USUAL[path] ?? ""]));
      return tryQuery(soql, Math.min(LIMIT_MAX, Math.max(1, limit)), values);
    },
    onSuccess: (result) => {
      const kept = keptPaths(result.paths);
      if (kept.length > 0) {
        builder.note((document) => withFound(document, step, kept));
      }
    },
  });
  // What was said of a statement says nothing of another one.
  const isOfThis = trial.variables === soql;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    trial.mutate(soql);
  };
  return (
    <Fieldset legend="Try it" p="xs">
      <form onSubmit={submit}>
        <Stack gap="xs" align="stretch">
          {paths.map((path) => (
            <TextInput
              key={path}
              size="xs"
              label={`Value of ${path}`}
              value={typed[path] ?? USUAL[path] ?? ""}
              onChange={(event) => {
                const text = event.currentTarget.value;
                setTyped((before) => ({ ...before, [path]: text }));
              }}
            />
          ))}
          <Button
            size="xs"
            type="submit"
            variant="default"
            leftSection={<IconPlayerPlay size={14} aria-hidden />}
            loading={trial.isPending}
            disabled={soql.trim() === ""}
          >
            Test query
          </Button>
          {isOfThis && trial.error && <ProblemAlert error={withoutPlaces(trial.error)} />}
          {isOfThis && trial.data && <Found result={trial.data} />}
        </Stack>
      </form>
    </Fieldset>
  );
}

/** All that is said is about the statement above: where it stood in what was sent says nothing here. */
function withoutPlaces(error: unknown): unknown {
  return error instanceof Problem
    ? new Problem(
        error.status,
        error.message,
        error.findings.map((finding) => ({ ...finding, pointer: "" })),
      )
    : error;
}

function Found({ result }: { result: QueryResult }) {
  const { records, soql } = result;
  const columns = columnsOf(records);
  return (
    <>
      <Text size="xs" role="status">
        {records.length === 0
          ? "No record was found."
          : `${records.length === 1 ? "One record was" : `${records.length} records were`} found. Texts of other steps complete its fields.`}
      </Text>
      {records.length > 0 && (
        <section
          aria-label="Records that were found"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls is scrolled by the keyboard, too
          tabIndex={0}
          style={{ overflowX: "auto" }}
        >
          <Table verticalSpacing={2} horizontalSpacing="xs" fz="xs">
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {records.map((record, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: what was found never changes
                <Table.Tr key={at}>
                  {columns.map((column) => (
                    <Table.Td key={column}>{cellOf(record, column)}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      )}
      <details>
        <Text component="summary" size="xs">
          The statement that was sent
        </Text>
        <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {soql}
        </Code>
      </details>
    </>
  );
}
