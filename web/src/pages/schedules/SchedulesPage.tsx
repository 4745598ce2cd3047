import { Badge, Button, Fieldset, Group, Switch, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { documents, listDocuments } from "../../api/documents";
import { useSession } from "../../app/session";
import { DocumentDrawer } from "../../ui/DocumentDrawer";
import type { DocumentForm } from "../../ui/documentForm";
import { FindingMark, FindingsBanner } from "../../ui/FindingsBanner";
import { TimeZoneField } from "../../ui/fields";
import { EmptyList, editLink, ObjectTable, useOpened, useSearch } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";
import { ExceptionsEditor } from "./ExceptionsEditor";
import { isOver, OverrideEditor, overrideInWords } from "./OverrideEditor";
import { WeekEditor } from "./WeekEditor";
import { type Schedule, type Weekly, weekInWords } from "./week";

const door = documents("schedules");

const labels = {
  id: "Id",
  name: "Name",
  timeZone: "Time zone",
  useHolidays: "Holidays",
  weekly: "Week",
  exception: "Exceptions",
  override: "By hand",
};

/** A new one is open on workdays. */
const weekdays: Weekly = [{ days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "17:00" }];

/** Opening hours that call flows ask for. */
export function SchedulesPage() {
  const { may } = useSession();
  const { searched, box } = useSearch("Search schedules");
  const opened = useOpened();
  const mayEdit = may("schedules.edit");
  const schedules = usePages(["schedules", "list", searched], (cursor) =>
    listDocuments("schedules", { text: searched, cursor }),
  );
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={opened.add}>
      Add a schedule
    </Button>
  );
  return (
    <Page
      title="Schedules"
      text="Opening hours, exceptions and switches by hand, which the Time steps of call flows go by."
      actions={add}
    >
      <FindingsBanner kind="schedule" noun={"schedule(s)"} />
      {box}
      <ObjectTable
        query={schedules}
        keyOf={(schedule) => schedule.id}
        empty={<EmptyList searched={searched} noun="schedule" />}
        columns={[
          {
            title: "Name",
            cell: (schedule) => (
              <Group gap="xs">
                <Link to={editLink(schedule.id)}>{schedule.name || schedule.id}</Link>
                <FindingMark kind="schedule" id={schedule.id} />
              </Group>
            ),
          },
          {
            title: "Week",
            from: "sm",
            cell: (schedule) => weekInWords(schedule.document?.weekly) || "Never open",
          },
          { title: "By hand", cell: (schedule) => <ByHand schedule={schedule.document} /> },
          {
            title: "Time zone",
            from: "md",
            cell: (schedule) => schedule.document?.timeZone ?? "the account's",
          },
        ]}
      />
      <DocumentDrawer
        door={door}
        id={opened.id}
        fresh={{ id: "", weekly: weekdays }}
        isOpen={opened.isOpen}
        onClose={opened.close}
        title={opened.id ?? "Add a schedule"}
        size="xl"
        noun="the schedule"
        kind="schedules"
        word="schedule"
        labels={labels}
        mayEdit={mayEdit}
      >
        {(form) => <ScheduleFields form={form} />}
      </DocumentDrawer>
    </Page>
  );
}

function ByHand({ schedule }: { schedule: Schedule | null }) {
  const override = schedule?.override;
  if (!override || isOver(override)) {
    return (
      <Text size="sm" c="dimmed">
        –
      </Text>
    );
  }
  return (
    <Badge variant="dot" color={override.state === "open" ? "teal" : "red"} title={overrideInWords(override)}>
      {override.state}
    </Badge>
  );
}

function ScheduleFields({ form }: { form: DocumentForm<Schedule> }) {
  return (
    <>
      <TextInput
        label="Id"
        description="What call flows name it by. It cannot be changed later."
        required
        readOnly={!form.isNew}
        data-autofocus={form.isNew || undefined}
        {...form.text("id")}
      />
      <TextInput label="Name" {...form.text("name")} />
      <TimeZoneField
        description="Empty: the account's."
        value={form.value.timeZone ?? ""}
        onChange={(zone) => form.set("timeZone", zone)}
        error={form.error("timeZone")}
      />
      {!form.isNew && (
        <Fieldset legend="By hand">
          <OverrideEditor
            value={form.value.override}
            onChange={(override) => form.set("override", override)}
            error={form.error("override")}
          />
        </Fieldset>
      )}
      <Fieldset legend="Week">
        <WeekEditor
          value={form.value.weekly}
          onChange={(weekly) => form.set("weekly", weekly)}
          error={form.error("weekly")}
        />
      </Fieldset>
      <Fieldset legend="Exceptions">
        <Text size="sm" c="dimmed" mb="sm">
          Days that are unlike the week. They beat the week and the account's holidays.
        </Text>
        <ExceptionsEditor
          noun="exception"
          value={form.value.exception}
          onChange={(exceptions) => form.set("exception", exceptions)}
          errorAt={(index) => form.errorAt(`/exception/${index}`) ?? form.errorAt(`/exception/${index}/date`)}
        />
      </Fieldset>
      <Switch
        label="The account's holidays count"
        description={
          <>
            Their calendar is on the <Link to="/account">Account</Link> page.
          </>
        }
        checked={form.value.useHolidays ?? true}
        onChange={(event) => form.set("useHolidays", event.currentTarget.checked ? null : false)}
      />
    </>
  );
}
