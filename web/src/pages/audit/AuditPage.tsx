import { Code, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { Link } from "react-router";
import { api, ask, type Schema } from "../../api/client";
import { Empty } from "../../ui/Empty";
import { ObjectTable } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { pathOf, places, wordOf } from "../../ui/places";
import { showTime } from "../../ui/times";

type Entry = Schema<"AuditItem">;

const kinds = Object.entries(places).map(([value, { many }]) => ({ value, label: many }));

/** Who changed what, and when. */
export function AuditPage() {
  const [actor, setActor] = useState("");
  const [kind, setKind] = useState<string | null>(null);
  const [object, setObject] = useState("");
  const [wanted] = useDebouncedValue({ actor: actor.trim(), kind, object: object.trim() }, 250);
  const isFiltered = wanted.actor !== "" || wanted.kind !== null || wanted.object !== "";
  const entries = usePages(["audit", wanted], (cursor) => {
    const query = {
      ...(wanted.actor && { actor: wanted.actor }),
      ...(wanted.kind && { kind: wanted.kind }),
      ...(wanted.object && { object: wanted.object }),
      ...(cursor && { cursor }),
    };
    return ask(api.GET("/audit", { params: { query } }));
  });
  return (
    <Page title="Audit log" text="Who changed what, and when. The newest stands first.">
      <Group gap="sm" align="flex-end">
        <TextInput
          label="By"
          placeholder="a login, as it is written"
          value={actor}
          onChange={(event) => setActor(event.currentTarget.value)}
        />
        <Select
          label="What"
          placeholder="Everything"
          clearable
          searchable
          data={kinds}
          value={kind}
          onChange={setKind}
        />
        <TextInput
          label="Id"
          placeholder="of what was changed"
          value={object}
          onChange={(event) => setObject(event.currentTarget.value)}
        />
      </Group>
      <ObjectTable
        query={entries}
        keyOf={(entry) => entry.id}
        empty={<Empty title={isFiltered ? "Nothing was changed that matches" : "Nothing was changed yet"} />}
        columns={[
          { title: "When", cell: (entry) => showTime(entry.at) },
          { title: "By", cell: (entry) => entry.actor },
          { title: "What", cell: (entry) => <What entry={entry} /> },
          { title: "Details", from: "sm", cell: (entry) => entry.detail || "–" },
        ]}
      />
    </Page>
  );
}

function What({ entry: { action, kind, object } }: { entry: Entry }) {
  const path = action === "delete" ? null : pathOf(kind, object);
  return (
    <div>
      <Text size="sm">
        {action.replaceAll("_", " ")}: {wordOf(kind)}
      </Text>
      {object !== "" && (path ? <Link to={path}>{object}</Link> : <Code>{object}</Code>)}
    </div>
  );
}
