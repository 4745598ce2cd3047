import { ActionIcon, Alert, Badge, Button, Group, Menu, Text } from "@mantine/core";
import { IconDots, IconEdit, IconListDetails, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api, ask, type Schema } from "../../api/client";
import { useSession } from "../../app/session";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { type Column, EmptyList, ObjectTable, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { pathOf } from "../../ui/places";
import { showTime } from "../../ui/times";
import { pauseAndDelete } from "./details";
import { NewFlowDialog } from "./NewFlowDialog";
import { useNumbersOfFlows } from "./numbersOf";
import { type Today, useToday } from "./today";

type Flow = Schema<"FlowItem">;

/** All call flows, with what leads to them and how far they are published. */
export function FlowsPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search call flows");
  const [search, setSearch] = useSearchParams();
  const [deleting, setDeleting] = useState<Flow | null>(null);
  const mayEdit = may("flows.edit");
  const flows = usePages(["flows", "list", searched], (cursor) =>
    ask(
      api.GET("/flows", {
        params: { query: { ...(searched && { text: searched }), ...(cursor && { cursor }) } },
      }),
    ),
  );
  const { isOn, today } = useToday();
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setSearch({ new: "" })}>
      New call flow
    </Button>
  );
  return (
    <Page title="Call flows" text="What happens to a caller, step by step." actions={add}>
      <FindingsBanner kind="flow" />
      {box}
      <ObjectTable
        query={flows}
        keyOf={(flow) => flow.id}
        empty={
          <EmptyList searched={searched} noun="call flow">
            {mayEdit && (
              <Text size="sm" c="dimmed">
                Make one, publish it, and lead a Smart Number to it.
              </Text>
            )}
          </EmptyList>
        }
        columns={[
          { title: "Name", cell: (flow) => <NameCell flow={flow} today={today?.get(flow.id)} /> },
          { title: "Numbers", cell: (flow) => <NumbersCell flow={flow.id} /> },
          { title: "Status", from: "sm", cell: (flow) => <StatusCell paused={flow.paused} /> },
          { title: "Live version", from: "sm", cell: (flow) => <LiveCell flow={flow} /> },
          ...(isOn ? todayColumns(today) : []),
          { title: "Draft", from: "md", cell: (flow) => <DraftCell flow={flow} /> },
          {
            title: "More",
            align: "right",
            cell: (flow) => <FlowMenu flow={flow} mayEdit={mayEdit} remove={() => setDeleting(flow)} />,
          },
        ]}
      />
      <NewFlowDialog isOpen={search.has("new")} onClose={() => setSearch({})} />
      {deleting && <DeleteFlow flow={deleting} onClose={() => setDeleting(null)} />}
    </Page>
  );
}

/** Calls of today, for whom calls concern. */
function todayColumns(today: ReadonlyMap<string, Today> | undefined): Column<Flow>[] {
  const count = (flow: Flow, which: keyof Today) =>
    today === undefined ? "" : (today.get(flow.id)?.[which] ?? 0).toLocaleString();
  return [
    { title: "Calls today", align: "right", from: "sm", cell: (flow) => count(flow, "calls") },
    { title: "Abandoned today", align: "right", from: "sm", cell: (flow) => count(flow, "abandoned") },
  ];
}

function NameCell({ flow, today }: { flow: Flow; today: Today | undefined }) {
  return (
    <div>
      <Group gap="xs">
        <Link to={`/flows/${encodeURIComponent(flow.id)}`}>{flow.name}</Link>
        <FindingMark kind="flow" id={flow.id} />
      </Group>
      <Text size="sm" c="dimmed">
        {flow.id}
      </Text>
      {/* The columns that a telephone has no room for. */}
      <Text size="sm" hiddenFrom="sm">
        {flow.paused ? "Paused" : "Active"}, {flow.live ? `version ${flow.live}` : "never published"}
        {today && `, ${today.calls} today`}
        {today && today.abandoned > 0 && `, ${today.abandoned} abandoned`}
      </Text>
    </div>
  );
}

/** More than these are counted, not named. */
const NUMBERS_SHOWN = 3;

function NumbersCell({ flow }: { flow: string }) {
  const numbers = useNumbersOfFlows();
  if (!numbers.data) {
    return numbers.error ? numbers.error.message : null;
  }
  const leading = numbers.data.byFlow.get(flow) ?? [];
  if (leading.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {numbers.data.isWhole ? "none" : "none of the first 4,000"}
      </Text>
    );
  }
  const more = leading.length - NUMBERS_SHOWN;
  return (
    <Group gap="xs">
      {leading.slice(0, NUMBERS_SHOWN).map(({ id, label }) => (
        <Link key={id} to={pathOf("number", id) ?? "/numbers"} title={label}>
          {id}
        </Link>
      ))}
      {more > 0 && <Text size="sm">and {more} more</Text>}
    </Group>
  );
}

function StatusCell({ paused }: { paused: boolean }) {
  return (
    <Badge
      variant="dot"
      color={paused ? "gray" : "teal"}
      title={paused ? "It may be deleted. Calls go through it all the same." : ""}
    >
      {paused ? "Paused" : "Active"}
    </Badge>
  );
}

function LiveCell({ flow: { live, canary, scheduled } }: { flow: Flow }) {
  return (
    <div>
      <Text size="sm">{live ? `Version ${live}` : "Never published"}</Text>
      {canary && (
        <Text size="sm" c="dimmed">
          Version {canary.version} on trial for {canary.share} %
        </Text>
      )}
      {scheduled && (
        <Text size="sm" c={scheduled.failure ? "red" : "dimmed"}>
          {scheduled.failure ?? `To be published ${showTime(scheduled.due)}`}
        </Text>
      )}
    </div>
  );
}

/** Whether the draft was saved after the live version was published. */
function DraftCell({ flow }: { flow: Flow }) {
  const { id, live, draftSaved, draftAuthor } = flow;
  const published = useQuery({
    queryKey: ["flows", "published", id, live],
    queryFn: async () => {
      const versions = await ask(
        api.GET("/flows/{id}/versions", { params: { path: { id }, query: { limit: 20 } } }),
      );
      return versions.items.find((version) => version.version === live)?.published ?? null;
    },
    enabled: typeof live === "number",
  });
  const isNewer = published.data && Date.parse(draftSaved) > Date.parse(published.data);
  return (
    <div>
      {isNewer && (
        <Badge variant="dot" color="blue" size="sm">
          Newer than live
        </Badge>
      )}
      <Text size="sm" c="dimmed">
        {showTime(draftSaved)} by {draftAuthor}
      </Text>
    </div>
  );
}

type FlowMenuProps = { flow: Flow; mayEdit: boolean; remove: () => void };

function FlowMenu({ flow, mayEdit, remove }: FlowMenuProps) {
  const path = `/flows/${encodeURIComponent(flow.id)}`;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`More for ${flow.name}`}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={path} leftSection={<IconEdit size={16} aria-hidden />}>
          {mayEdit ? "Edit its steps" : "See its steps"}
        </Menu.Item>
        <Menu.Item
          component={Link}
          to={`${path}/details`}
          leftSection={<IconListDetails size={16} aria-hidden />}
        >
          Details
        </Menu.Item>
        {mayEdit && (
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={remove}>
            Delete
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** A flow goes with all its versions, and only when it is paused. */
function DeleteFlow({ flow, onClose }: { flow: Flow; onClose: () => void }) {
  return (
    <DeleteDialog
      isOpen
      kind="flows"
      id={flow.id}
      noun="the call flow"
      remove={() => pauseAndDelete(flow.id)}
      keys={[["flows"]]}
      onClose={onClose}
    >
      <Text size="sm">Its draft and all its versions go with it. Records of past calls stay.</Text>
      {!flow.paused && (
        <Alert color="blue" title="It is active">
          <Text size="sm">
            Only a paused call flow can be deleted, so it is paused first. Pausing does not affect live call
            routing; it makes the call flow deletable. To stop calls, lead its numbers elsewhere.
          </Text>
        </Alert>
      )}
    </DeleteDialog>
  );
}
