import { TextInput } from "@mantine/core";
import { DocumentsPage, type KindOfPage, opener } from "../../ui/DocumentsPage";
import { LinesField } from "../../ui/fields";
import { NumbersAndCallers } from "./NumbersAndCallers";

const page: KindOfPage<"trunks"> = {
  kind: "trunks",
  word: "trunk",
  title: "Trunks",
  text: "The carriers and PBXs that calls come from and go out to. Calls from anywhere else are refused.",
  edits: "system.edit",
  noun: "trunk",
  add: { button: "Add a trunk", title: "Add a trunk" },
  search: { label: "Search trunks" },
  columns: [
    { title: "Id", cell: opener("trunk", (trunk) => trunk.id) },
    { title: "Calls come from", cell: (trunk) => trunk.document?.match?.join(", ") || "no address" },
    { title: "Calls go out to", from: "sm", cell: (trunk) => trunk.document?.host || "none go out" },
    { title: "Country", from: "sm", cell: (trunk) => trunk.document?.defaultCountry || "–" },
  ],
  labels: {
    id: "Id",
    match: "Calls come from",
    host: "Calls go out to",
    defaultCountry: "Country",
    prefixIn: "Prefix of numbers that come in",
    numberFormat: "Numbers go out as",
    prefixOut: "Prefix of numbers that go out",
    callerFrom: "Who calls is believed of",
    divertedFrom: "Who was called before is believed of",
    identityOut: "Who calls is told in",
    fromDomain: "Host in From",
    fromUser: "User in From",
    callerId: "Number shown",
    srtp: "Media",
  },
  fresh: { id: "" },
};

/** Carriers and PBXs. */
export function TrunksPage() {
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
          <NumbersAndCallers form={form} />
        </>
      )}
    </DocumentsPage>
  );
}
