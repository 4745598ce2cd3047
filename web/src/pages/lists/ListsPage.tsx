import { Button, Code, Group, List, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { documents, listDocuments } from "../../api/documents";
import { useSession } from "../../app/session";
import { DocumentDrawer } from "../../ui/DocumentDrawer";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { LinesField } from "../../ui/fields";
import { EmptyList, editLink, ObjectTable, useOpened, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { showTime } from "../../ui/times";

const door = documents("lists");

const labels = { id: "Id", name: "Name", numbers: "Callers" };

/** Callers who are treated alike. */
export function ListsPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search caller lists");
  const opened = useOpened();
  const mayEdit = may("numbers.edit");
  const lists = usePages(["lists", "list", searched], (cursor) =>
    listDocuments("lists", { text: searched, cursor }),
  );
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      Add a list
    </Button>
  );
  return (
    <Page
      title="Caller lists"
      text="Callers who are treated alike: refused by a Smart Number, or told apart by a step of a call flow."
      actions={add}
    >
      <FindingsBanner kind="list" noun={"list(s)"} />
      {box}
      <ObjectTable
        query={lists}
        keyOf={(list) => list.id}
        empty={<EmptyList searched={searched} noun="caller list" />}
        columns={[
          {
            title: "Name",
            cell: (list) => (
              <Group gap="xs">
                <Link to={editLink(list.id)}>{list.name || list.id}</Link>
                <FindingMark kind="list" id={list.id} />
              </Group>
            ),
          },
          { title: "Id", cell: (list) => list.id },
          { title: "Changed", from: "sm", cell: (list) => showTime(list.updated) },
        ]}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={{ id: "" }}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? "Add a caller list"}
        noun="the caller list"
        kind="lists"
        word="list"
        labels={labels}
        mayEdit={mayEdit}
      >
        {(form) => (
          <>
            <TextInput
              label="Id"
              description="It cannot be changed later."
              required
              readOnly={!form.isNew}
              data-autofocus={form.isNew || undefined}
              {...form.text("id")}
            />
            <TextInput label="Name" {...form.text("name")} />
            <LinesField
              label="Callers"
              description={`One a line, ${(form.value.numbers ?? []).length} now.`}
              maxRows={20}
              minRows={8}
              value={form.value.numbers}
              onChange={(numbers) => form.set("numbers", numbers)}
              error={form.error("numbers")}
            />
            <Text size="sm" c="dimmed" component="div">
              <List size="sm">
                <List.Item>
                  <Code>+14155550100</Code> is that caller. Blanks, dots, dashes and brackets do not matter.
                </List.Item>
                <List.Item>
                  <Code>+1415*</Code> is everybody whose number begins so; <Code>*</Code> alone everybody who
                  shows one.
                </List.Item>
                <List.Item>
                  <Code>+1415555????</Code>: each question mark is any one digit.
                </List.Item>
              </List>
            </Text>
          </>
        )}
      </DocumentDrawer>
    </Page>
  );
}
