import { Fieldset, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import type { Schema } from "../../api/client";
import type { DocumentForm } from "../../ui/documentForm";

export type Trunk = Schema<"Trunk">;

const FORMATS = [
  { value: "plus_e164", label: "+14155550123" },
  { value: "e164", label: "14155550123" },
  { value: "national", label: "as they are dialled in the country" },
  { value: "as_is", label: "as the flow has them" },
];

const HEADERS: Record<string, string> = {
  p_asserted_identity: "P-Asserted-Identity",
  p_preferred_identity: "P-Preferred-Identity",
  remote_party_id: "Remote-Party-ID",
  from: "From",
  privacy: "Privacy",
  diversion: "Diversion",
  history_info: "History-Info",
};

const CALLER_HEADERS = ["p_asserted_identity", "p_preferred_identity", "remote_party_id", "from"] as const;
const DIVERSION_HEADERS = ["diversion", "history_info"] as const;
const WRITTEN_HEADERS = [
  "p_asserted_identity",
  "p_preferred_identity",
  "remote_party_id",
  "privacy",
  "diversion",
  "history_info",
] as const;

const SRTP = [
  { value: "off", label: "Never encrypted" },
  { value: "prefer", label: "Encrypted where it can be" },
  { value: "require", label: "Always encrypted" },
];

/** How a trunk writes numbers, and what it is believed and told about callers. */
export function NumbersAndCallers({ form }: { form: DocumentForm<Trunk> }) {
  return (
    <>
      <Select
        label="Media"
        description="With keys in the description (SDES); use it with a trunk that is reached by TLS."
        data={SRTP}
        clearable
        placeholder="As the trunk offers it"
        value={form.value.srtp === "as_offered" ? null : (form.value.srtp ?? null)}
        onChange={(srtp) => form.set("srtp", srtp as Trunk["srtp"])}
        error={form.error("srtp")}
      />
      <Fieldset legend="Numbers">
        <Stack>
          <TextInput
            label="Prefix of numbers that come in"
            description="It is no part of the number, and taken off."
            maxLength={16}
            {...form.text("prefixIn")}
          />
          <Select
            label="Numbers go out as"
            data={FORMATS}
            clearable
            placeholder="+14155550123"
            value={form.value.numberFormat ?? null}
            onChange={(format) => form.set("numberFormat", format as Trunk["numberFormat"])}
            error={form.error("numberFormat")}
          />
          <TextInput
            label="Prefix of numbers that go out"
            description="What the carrier wants in front of what is dialled."
            maxLength={16}
            {...form.text("prefixOut")}
          />
        </Stack>
      </Fieldset>
      <Fieldset legend="Who calls">
        <Stack>
          <Headers
            form={form}
            field="callerFrom"
            label="Who calls is believed of"
            description="The first that is there counts; From alone where nothing is chosen."
            known={CALLER_HEADERS}
          />
          <Headers
            form={form}
            field="divertedFrom"
            label="Who was called before is believed of"
            description="Nothing is believed where nothing is chosen."
            known={DIVERSION_HEADERS}
          />
          <Headers
            form={form}
            field="identityOut"
            label="Who calls is told in"
            description="Beside From; Privacy alone where nothing is chosen."
            known={WRITTEN_HEADERS}
          />
          <TextInput
            label="Host in From"
            description="The server's own domain where it is empty."
            {...form.text("fromDomain")}
          />
          <TextInput
            label="User in From"
            description="For carriers that want the account there."
            maxLength={64}
            {...form.text("fromUser")}
          />
          <TextInput
            label="Number shown"
            description="In place of the caller's own."
            placeholder="+15550100"
            maxLength={64}
            {...form.text("callerId")}
          />
        </Stack>
      </Fieldset>
    </>
  );
}

type HeadersProps = {
  form: DocumentForm<Trunk>;
  field: "callerFrom" | "divertedFrom" | "identityOut";
  label: string;
  description: string;
  known: readonly string[];
};

/** Headers of SIP, in the order in which they are chosen. */
function Headers({ form, field, label, description, known }: HeadersProps) {
  return (
    <MultiSelect
      label={label}
      description={description}
      data={known.map((value) => ({ value, label: HEADERS[value] ?? value }))}
      value={(form.value[field] ?? []) as string[]}
      onChange={(chosen) => form.set(field, (chosen.length > 0 ? chosen : null) as Trunk[typeof field])}
      error={form.error(field)}
      clearable
    />
  );
}
