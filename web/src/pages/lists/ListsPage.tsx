import { Code, List, Text, TextInput } from "@mantine/core";
import { DocumentsPage, type KindOfPage, opener } from "../../ui/DocumentsPage";
import { LinesField } from "../../ui/fields";
import { showTime } from "../../ui/times";

const page: KindOfPage<"lists"> = {
  kind: "lists",
  word: "list",
  title: "Caller lists",
  text: "Callers who are treated alike: refused by a Smart Number, or told apart by a step of a call flow.",
  edits: "flows.edit",
  noun: "caller list",
  add: { button: "Add a list", title: "Add a caller list" },
  search: { label: "Search caller lists" },
  columns: [
    { title: "Name", cell: opener("list", (list) => list.name || list.id) },
    { title: "Id", cell: (list) => list.id },
    { title: "Changed", from: "sm", cell: (list) => showTime(list.updated) },
  ],
  labels: { id: "Id", name: "Name", numbers: "Callers" },
  fresh: { id: "" },
};

/** Callers who are treated alike. */
export function ListsPage() {
  return (
    <DocumentsPage page={page}>
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
    </DocumentsPage>
  );
}
