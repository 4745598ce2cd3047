import { Fieldset, NumberInput, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { answer, api, ask, type Schema } from "../../api/client";
import type { Door } from "../../api/documents";
import { useSession } from "../../app/session";
import { DocumentEditor } from "../../ui/DocumentEditor";
import { FindingsOf } from "../../ui/FindingsBanner";
import { LanguageField, ReferenceField, TimeZoneField } from "../../ui/fields";
import { Page } from "../../ui/Page";
import { ExceptionsEditor } from "../schedules/ExceptionsEditor";

type Account = Schema<"Account">;

const door: Door<Account> = {
  key: ["account"],
  read: () => answer(api.GET("/account")),
  replace: async (_, etag, account) => {
    await ask(api.PUT("/account", { params: { header: { "If-Match": etag } }, body: account }));
  },
};

const labels = {
  name: "Name",
  timeZone: "Time zone",
  language: "Language",
  voice: "Voice",
  assignAbandonedTo: "Assign abandoned call",
  appendFinalStep: "Append final step",
  abandonedSubject: "Task subject",
  abandonedComments: "Task comments",
  shortAbandonSec: "Short calls",
  holiday: "Holidays",
};

const nothing: Account = {};

/** Defaults of all call flows, and the calendar of holidays. */
export function AccountPage() {
  const { may } = useSession();
  return (
    <Page
      title="Account"
      text="What holds for all call flows that do not say otherwise, and the calendar of holidays."
    >
      <Stack maw={760}>
        <FindingsOf kind="account" id="" />
        <DocumentEditor
          door={door}
          id=""
          fresh={nothing}
          noun="the account"
          labels={labels}
          mayEdit={may("system.edit")}
        >
          {(form) => (
            <>
              <Fieldset legend="General">
                <Stack>
                  <TextInput label="Name" {...form.text("name")} />
                  <TimeZoneField
                    description="Of opening hours and holidays. Empty: UTC."
                    value={form.value.timeZone ?? ""}
                    onChange={(zone) => form.set("timeZone", zone)}
                    error={form.error("timeZone")}
                  />
                  <LanguageField
                    description="Of spoken texts and built-in prompts. Empty: en-US."
                    value={form.value.language ?? ""}
                    onChange={(language) => form.set("language", language)}
                    error={form.error("language")}
                  />
                  <TextInput
                    label="Voice"
                    description="Of spoken texts. Empty: the speech engine's own."
                    maxLength={100}
                    {...form.text("voice")}
                  />
                </Stack>
              </Fieldset>
              <Fieldset legend="Abandoned calls">
                <Stack>
                  <ReferenceField
                    kind="agents"
                    label="Assign abandoned call"
                    description="Who gets the tasks. Empty: whoever connected the CRM."
                    value={form.value.assignAbandonedTo}
                    onChange={(agent) => form.set("assignAbandonedTo", agent)}
                    error={form.error("assignAbandonedTo")}
                  />
                  <Switch
                    label="Append final call flow step details to task"
                    checked={form.value.appendFinalStep ?? false}
                    onChange={(event) =>
                      form.set("appendFinalStep", event.currentTarget.checked ? true : null)
                    }
                  />
                  <TextInput label="Task subject" maxLength={255} {...form.text("abandonedSubject")} />
                  <Textarea
                    label="Task comments"
                    autosize
                    minRows={2}
                    maxLength={32000}
                    {...form.text("abandonedComments")}
                  />
                  <NumberInput
                    label="Short calls"
                    description="Callers who hang up within so many seconds make no task. 5 where it is empty."
                    min={0}
                    max={60}
                    allowDecimal={false}
                    value={form.value.shortAbandonSec ?? ""}
                    onChange={(seconds) =>
                      form.set("shortAbandonSec", typeof seconds === "number" ? seconds : null)
                    }
                    error={form.error("shortAbandonSec")}
                  />
                </Stack>
              </Fieldset>
              <Fieldset legend="Holidays">
                <Text size="sm" c="dimmed" mb="sm">
                  They count for all schedules that use the account's holidays. A Time step has a way of its
                  own for them.
                </Text>
                <ExceptionsEditor
                  noun="holiday"
                  value={form.value.holiday}
                  onChange={(holidays) => form.set("holiday", holidays)}
                  errorAt={(index) =>
                    form.errorAt(`/holiday/${index}`) ?? form.errorAt(`/holiday/${index}/date`)
                  }
                />
              </Fieldset>
            </>
          )}
        </DocumentEditor>
      </Stack>
    </Page>
  );
}
