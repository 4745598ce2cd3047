import { Button, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { type ReactNode, useMemo } from "react";
import { Link } from "react-router";
import type { ProblemFinding } from "../api/client";
import { type Documents, documents, type Item, type Kind, listDocuments } from "../api/documents";
import { useSession } from "../app/session";
import { DocumentDrawer } from "./DocumentDrawer";
import type { DocumentForm } from "./documentForm";
import { FindingMark, FindingsBanner } from "./FindingsBanner";
import { type Column, EmptyList, editLink, ObjectTable, useOpened, useSearch } from "./ObjectTable";
import { Page } from "./Page";
import { usePages } from "./paging";

/** What is said of a kind of objects. */
export type KindOfPage<K extends Kind> = {
  /** The path of the list. */
  kind: K;
  /** Its word in findings. */
  word: string;
  title: string;
  text: string;
  /** The permission without which the objects are only shown. */
  edits: string;
  /** As it is called where there is none: "agent". */
  noun: string;
  /** The button that makes one, and the title of its form. */
  add: { button: string; title: string };
  search: { label: string; placeholder?: string };
  columns: Column<Item<K>>[];
  labels: Record<string, string>;
  /** A new one, before anything is filled in. */
  fresh: Documents[K];
  size?: string;
  check?: (document: Documents[K]) => ProblemFinding[];
};

type DocumentsPageProps<K extends Kind> = {
  page: KindOfPage<K>;
  /** What else can be done here, before the button that adds one. */
  actions?: ReactNode;
  /** What else may be open. */
  beside?: ReactNode;
  /** The fields of the form. */
  children: (form: DocumentForm<Documents[K]>) => ReactNode;
};

/** A list of objects, each with its form at the side. */
export function DocumentsPage<K extends Kind>({ page, actions, beside, children }: DocumentsPageProps<K>) {
  const { kind, word, noun, labels, fresh, size, check } = page;
  const { may } = useSession();
  const { searched, box } = useSearch(page.search.label, page.search.placeholder);
  const opened = useOpened();
  const door = useMemo(() => documents(kind), [kind]);
  const mayEdit = may(page.edits);
  const objects = usePages([kind, "list", searched], (cursor) =>
    listDocuments(kind, { text: searched, cursor }),
  );
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      {page.add.button}
    </Button>
  );
  return (
    <Page
      title={page.title}
      text={page.text}
      actions={
        <>
          {actions}
          {add}
        </>
      }
    >
      <FindingsBanner kind={word} />
      {box}
      <ObjectTable
        query={objects}
        keyOf={(object) => object.id}
        empty={<EmptyList searched={searched} noun={noun} />}
        columns={page.columns}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={fresh}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? page.add.title}
        noun={`the ${noun}`}
        kind={kind}
        word={word}
        labels={labels}
        mayEdit={mayEdit}
        {...(size && { size })}
        {...(check && { check })}
      >
        {children}
      </DocumentDrawer>
      {beside}
    </Page>
  );
}

/** The cell that opens an object, with a mark where there is something to say about it. */
export function opener<K extends Kind>(word: string, name: (item: Item<K>) => string) {
  return (item: Item<K>) => (
    <Group gap="xs">
      <Link to={editLink(item.id)}>{name(item)}</Link>
      <FindingMark kind={word} id={item.id} />
    </Group>
  );
}
