import { Alert, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { Problem } from "../api/client";
import type { Door } from "../api/documents";
import classes from "./DocumentEditor.module.css";
import { type DocumentForm, differing, elsewhere, onTop, tidy, useDocumentForm } from "./documentForm";
import { ProblemAlert } from "./ProblemAlert";

export type EditorProps<T extends object> = {
  door: Door<T>;
  /** What is edited; `null` for a new one. */
  id: string | null;
  /** A new one, before anything is filled in. */
  fresh: T;
  /** As it is called in a sentence: "the agent". */
  noun: string;
  /** What the fields are called, by their keys. What the server says about another place stands above the form. */
  labels: Record<string, string>;
  /** Whether it may be changed; else it is only shown. */
  mayEdit: boolean;
  children: (form: DocumentForm<T>) => ReactNode;
  onSaved?: (document: T) => void;
  onDirty?: (isDirty: boolean) => void;
  onCancel?: () => void;
  /** What else can be done with what is there, such as deleting it. */
  actions?: (etag: string) => ReactNode;
};

/** A document as a form: read with its ETag, saved with it, and put together with what others saved meanwhile. */
export function DocumentEditor<T extends object>(props: EditorProps<T>) {
  const { door, id, fresh } = props;
  const read = useQuery({
    queryKey: [...door.key, "document", id],
    queryFn: () => door.read(id ?? ""),
    enabled: id !== null,
    staleTime: 0,
    // A form does not change under somebody's hands.
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  if (id === null) {
    return <Form {...props} base={fresh} etag="" readAgain={() => {}} />;
  }
  if (read.error) {
    return <ProblemAlert error={read.error} retry={() => read.refetch()} />;
  }
  if (!read.data) {
    return <Loader aria-label="Loading" />;
  }
  return (
    <Form
      {...props}
      key={read.data.etag}
      base={read.data.data}
      etag={read.data.etag}
      readAgain={() => read.refetch()}
    />
  );
}

type FormProps<T extends object> = EditorProps<T> & { base: T; etag: string; readAgain: () => void };

function Form<T extends object>(props: FormProps<T>) {
  const { door, id, noun, labels, mayEdit, base, etag, onSaved, onDirty, onCancel, actions, readAgain } =
    props;
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: async ({ document, etag }: { document: T; etag: string }) => {
      if (id === null) {
        await door.create?.(document);
      } else {
        await door.replace(id, etag, document);
      }
      return document;
    },
    onSuccess: async (document) => {
      notifications.show({ message: `Saved ${noun}.`, color: "teal" });
      onDirty?.(false);
      onSaved?.(document);
      await Promise.all([
        queries.invalidateQueries({ queryKey: door.key }),
        queries.invalidateQueries({ queryKey: ["findings"] }),
      ]);
    },
  });
  const findings = save.error instanceof Problem ? save.error.findings : [];
  const form = useDocumentForm(base, id === null, findings);
  const isDirty = differing(base, form.value).length > 0;
  useEffect(() => onDirty?.(isDirty), [isDirty, onDirty]);
  const isStale = save.error instanceof Problem && save.error.status === 412;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ document: tidy(form.value), etag });
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        {isStale && (
          <Meanwhile
            door={door}
            id={id ?? ""}
            base={base}
            labels={labels}
            drop={readAgain}
            keep={(theirs) =>
              save.mutate({ document: tidy(onTop(base, form.value, theirs.data)), etag: theirs.etag })
            }
          />
        )}
        {save.error && !isStale && <ProblemAlert error={elsewhere(save.error, labels)} />}
        <fieldset disabled={!mayEdit} className={classes.fields}>
          <Stack>{props.children(form)}</Stack>
        </fieldset>
        <Group justify="space-between" className={classes.footer}>
          <Group gap="xs">
            {mayEdit && (
              <Button type="submit" loading={save.isPending} disabled={id !== null && !isDirty}>
                {id === null ? "Add" : "Save"}
              </Button>
            )}
            {onCancel && (
              <Button variant="default" onClick={onCancel}>
                {!mayEdit ? "Close" : isDirty ? "Discard changes" : "Cancel"}
              </Button>
            )}
          </Group>
          {mayEdit && id !== null && actions?.(etag)}
        </Group>
      </Stack>
    </form>
  );
}

type MeanwhileProps<T> = {
  door: Door<T>;
  id: string;
  base: T;
  labels: Record<string, string>;
  drop: () => void;
  keep: (theirs: { data: T; etag: string }) => void;
};

/** Somebody else saved it first: says what they changed, and what can be done about it. */
function Meanwhile<T extends object>({ door, id, base, labels, drop, keep }: MeanwhileProps<T>) {
  const [asked] = useState(() => Date.now());
  const theirs = useQuery({
    queryKey: [...door.key, "theirs", id, asked],
    queryFn: () => door.read(id),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const changed = theirs.data ? differing(base, theirs.data.data).map((key) => labels[key] ?? key) : [];
  return (
    <Alert color="yellow" title="Somebody else changed it meanwhile" role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {theirs.error
            ? theirs.error.message
            : changed.length > 0
              ? `They changed: ${changed.join(", ")}. `
              : ""}
          Your changes are still here and are not saved.
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            disabled={!theirs.data}
            onClick={() => {
              if (theirs.data) {
                keep(theirs.data);
              }
            }}
          >
            Save my changes on top of theirs
          </Button>
          <Button size="xs" variant="default" onClick={drop}>
            Drop mine and read theirs
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
