import { Badge, Fieldset, Switch, Text, TextInput } from "@mantine/core";
import { Link } from "react-router";
import { DocumentsPage, type KindOfPage, opener } from "../../ui/DocumentsPage";
import type { DocumentForm } from "../../ui/documentForm";
import { TimeZoneField } from "../../ui/fields";
import { ExceptionsEditor } from "./ExceptionsEditor";
import { isOver, OverrideEditor, overrideInWords } from "./OverrideEditor";
import { StateNow } from "./StateNow";
import { WeekEditor } from "./WeekEditor";
import { type Schedule, type Weekly, weekInWords } from "./week";

/** A new one is open on workdays. */
const weekdays: Weekly = [{ days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "17:00" }];

const page: KindOfPage<"schedules"> = {
  kind: "schedules",
  word: "schedule",
  title: "Schedules",
  text: "Opening hours, exceptions and switches by hand, which the Time steps of call flows go by.",
  edits: "schedules.edit",
  noun: "schedule",
  add: { button: "Add a schedule", title: "Add a schedule" },
  search: { label: "Search schedules" },
  columns: [
    { title: "Name", cell: opener("schedule", (schedule) => schedule.name || schedule.id) },
    { title: "Now", cell: (schedule) => <StateNow id={schedule.id} /> },
    { title: "Week", from: "sm", cell: (schedule) => weekInWords(schedule.document?.weekly) || "Never open" },
    { title: "By hand", cell: (schedule) => <ByHand schedule={schedule.document} /> },
    { title: "Time zone", from: "md", cell: (schedule) => schedule.document?.timeZone ?? "the account's" },
  ],
  labels: {
    id: "Id",
    name: "Name",
    timeZone: "Time zone",
    useHolidays: "Holidays",
    weekly: "Week",
    exception: "Exceptions",
    override: "By hand",
  },
  fresh: { id: "", weekly: weekdays },
  size: "xl",
};

/** Opening hours that call flows ask for. */
export function SchedulesPage() {
  return <DocumentsPage page={page}>{(form) => <ScheduleFields form={form} />}</DocumentsPage>;
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
