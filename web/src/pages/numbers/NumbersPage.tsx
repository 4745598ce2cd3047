import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPhoneCheck, IconPlus } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import { documents, type Item, listDocuments } from "../../api/documents";
import { useSession } from "../../app/session";
import { DocumentDrawer } from "../../ui/DocumentDrawer";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { EmptyList, editLink, ObjectTable, useOpened, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { pathOf } from "../../ui/places";
import { destinationOf } from "./destination";
import { NumberFields, numberLabels } from "./NumberFields";
import { RouteTest } from "./RouteTest";

const door = documents("numbers");

/** The numbers that can be called, and what answers. */
export function NumbersPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search Smart Numbers", "Search by number or label");
  const opened = useOpened();
  const [search, setSearch] = useSearchParams();
  const tested = search.get("test");
  const mayEdit = may("numbers.edit");
  const numbers = usePages(["numbers", "list", searched], (cursor) =>
    listDocuments("numbers", { text: searched, cursor }),
  );
  const actions = (
    <>
      <Button
        variant="default"
        leftSection={<IconPhoneCheck size={16} aria-hidden />}
        onClick={() => setSearch({ test: "" })}
      >
        Test a number
      </Button>
      {mayEdit && (
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
          Add a number
        </Button>
      )}
    </>
  );
  return (
    <Page
      title="Smart Numbers"
      text="The numbers that can be called, and what answers each."
      actions={actions}
    >
      <FindingsBanner kind="number" noun={"number(s)"} />
      {box}
      <ObjectTable
        query={numbers}
        keyOf={(number) => number.id}
        empty={<EmptyList searched={searched} noun="Smart Number" />}
        columns={[
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
        ]}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={{ e164: "" }}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? "Add a Smart Number"}
        noun="the Smart Number"
        kind="numbers"
        word="number"
        labels={numberLabels}
        mayEdit={mayEdit}
      >
        {(form) => <NumberFields form={form} />}
      </DocumentDrawer>
      <RouteTest key={tested} number={tested ?? ""} isOpen={tested !== null} onClose={() => setSearch({})} />
    </Page>
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
