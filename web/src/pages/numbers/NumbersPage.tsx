import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPhoneCheck } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import type { Item } from "../../api/documents";
import { DocumentsPage, type KindOfPage } from "../../ui/DocumentsPage";
import { FindingMark } from "../../ui/FindingsBanner";
import { editLink } from "../../ui/ObjectTable";
import { pathOf } from "../../ui/places";
import { destinationOf, missingOf } from "./destination";
import { NumberFields, numberLabels } from "./NumberFields";
import { RouteTest } from "./RouteTest";

const page: KindOfPage<"numbers"> = {
  kind: "numbers",
  word: "number",
  title: "Smart Numbers",
  text: "The numbers that can be called, and what answers each.",
  edits: "numbers.edit",
  noun: "Smart Number",
  add: { button: "Add a number", title: "Add a Smart Number" },
  search: { label: "Search Smart Numbers", placeholder: "Search by number or label" },
  columns: [
    { title: "Number", cell: (number) => <NumberCell number={number} /> },
    { title: "Leads to", cell: (number) => <LeadsTo number={number} /> },
    { title: "Kind", from: "md", cell: (number) => kindWord(number.document?.kind) },
    { title: "Status", from: "sm", cell: (number) => <Status number={number} /> },
    {
      title: "Test",
      from: "sm",
      align: "right",
      cell: (number) => (
        <Link
          to={`?test=${encodeURIComponent(number.document?.e164 ?? "")}`}
          aria-label={`Test ${number.id}`}
        >
          Test
        </Link>
      ),
    },
  ],
  labels: numberLabels,
  fresh: { e164: "" },
  check: missingOf,
};

/** The numbers that can be called, and what answers. */
export function NumbersPage() {
  const [search, setSearch] = useSearchParams();
  const tested = search.get("test");
  return (
    <DocumentsPage
      page={page}
      actions={
        <Button
          variant="default"
          leftSection={<IconPhoneCheck size={16} aria-hidden />}
          onClick={() => setSearch({ test: "" })}
        >
          Test a number
        </Button>
      }
      beside={
        <RouteTest
          key={tested}
          number={tested ?? ""}
          isOpen={tested !== null}
          onClose={() => setSearch({})}
        />
      }
    >
      {(form) => <NumberFields form={form} />}
    </DocumentsPage>
  );
}

type NumberItem = Item<"numbers">;

function NumberCell({ number }: { number: NumberItem }) {
  return (
    <div>
      <Group gap="xs">
        <Link to={editLink(number.id)}>{number.id}</Link>
        <FindingMark kind="number" id={number.id} />
      </Group>
      <Text size="sm" c="dimmed">
        {number.document?.label}
      </Text>
    </div>
  );
}

function LeadsTo({ number: { document } }: { number: NumberItem }) {
  if (document === null) {
    return null;
  }
  switch (destinationOf(document)) {
    case "flow":
      return <Link to={pathOf("flow", document.flow ?? "") ?? "/flows"}>Call flow {document.flow}</Link>;
    case "user":
      return <Link to={pathOf("agent", document.user ?? "") ?? "/agents"}>Agent {document.user}</Link>;
    case "echo":
      return "Echo test";
    default:
      return <Text size="sm">Nothing</Text>;
  }
}

function Status({ number: { document } }: { number: NumberItem }) {
  return document?.status === "inactive" ? (
    <Badge color="gray" variant="dot">
      Inactive
    </Badge>
  ) : (
    <Badge color="teal" variant="dot">
      Active
    </Badge>
  );
}

const kinds = { local: "Local", toll_free: "Toll-free", mobile: "Mobile", national: "National", sip: "SIP" };

function kindWord(kind: keyof typeof kinds | null | undefined): string {
  return kind ? kinds[kind] : "–";
}
