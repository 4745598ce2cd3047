import { Button, Group, TextInput } from "@mantine/core";
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

const door = documents("trunks");

const labels = { id: "Id", match: "Calls come from", host: "Calls go out to", defaultCountry: "Country" };

/** Carriers and PBXs. */
export function TrunksPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search trunks");
  const opened = useOpened();
  const mayEdit = may("system.edit");
  const trunks = usePages(["trunks", "list", searched], (cursor) =>
    listDocuments("trunks", { text: searched, cursor }),
  );
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      Add a trunk
    </Button>
  );
  return (
    <Page
      title="Trunks"
      text="The carriers and PBXs that calls come from and go out to. Calls from anywhere else are refused."
      actions={add}
    >
      <FindingsBanner kind="trunk" noun={"trunk(s)"} />
      {box}
      <ObjectTable
        query={trunks}
        keyOf={(trunk) => trunk.id}
        empty={<EmptyList searched={searched} noun="trunk" />}
        columns={[
          {
            title: "Id",
            cell: (trunk) => (
              <Group gap="xs">
                <Link to={editLink(trunk.id)}>{trunk.id}</Link>
                <FindingMark kind="trunk" id={trunk.id} />
              </Group>
            ),
          },
          { title: "Calls come from", cell: (trunk) => trunk.document?.match?.join(", ") || "no address" },
          { title: "Calls go out to", from: "sm", cell: (trunk) => trunk.document?.host || "none go out" },
          { title: "Country", from: "sm", cell: (trunk) => trunk.document?.defaultCountry || "–" },
        ]}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={{ id: "" }}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? "Add a trunk"}
        noun="the trunk"
        kind="trunks"
        word="trunk"
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
            <LinesField
              label="Calls come from"
              description="Addresses or ranges, one a line, such as 192.0.2.10 or 198.51.100.0/24. Give each range to one trunk."
              value={form.value.match}
              onChange={(match) => form.set("match", match)}
              error={form.error("match")}
            />
            <TextInput
              label="Calls go out to"
              description="Host and port of the carrier. Leave it empty where no calls go out over it."
              placeholder="sip.carrier.example:5060"
              {...form.text("host")}
            />
            <TextInput
              label="Country"
              description="Two letters, such as US: how numbers without a plus are read."
              maxLength={2}
              {...form.text("defaultCountry")}
              onChange={(event) => form.set("defaultCountry", event.currentTarget.value.toUpperCase())}
            />
          </>
        )}
      </DocumentDrawer>
    </Page>
  );
}
