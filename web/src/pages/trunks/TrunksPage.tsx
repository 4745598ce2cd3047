import { TextInput } from "@mantine/core";
import type { TrunkState } from "../../api/trunks";
import { useTrunkStates } from "../../api/trunks";
import { DocumentsPage, type KindOfPage, opener } from "../../ui/DocumentsPage";
import { LinesField } from "../../ui/fields";
import { AccountAndLimits } from "./AccountAndLimits";
import { CarrierPreset } from "./CarrierPreset";
import { NumbersAndCallers } from "./NumbersAndCallers";
import { callsText } from "./state";
import { TrunkBadge } from "./TrunkBadge";

const labels = {
  id: "Id",
  match: "Calls come from",
  tlsNames: "Names in its certificates",
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
  username: "User name",
  password: "Password file",
  authUsername: "User name of the credentials",
  realm: "Realm",
  register: "This server registers with the trunk",
  registerExpiresS: "Seconds that a registration is asked for",
  authenticate: "Each call of the trunk brings its credentials",
  optionsIntervalS: "Seconds between OPTIONS",
  optionsThreshold: "Unanswered OPTIONS until it is down",
  testNumber: "Test number",
  priority: "Priority",
  failOver: "The next trunk is tried after",
  callsMaxIn: "Calls in at one time",
  callsMaxOut: "Calls out at one time",
  callsPerSecondIn: "New calls in a second, in",
  callsPerSecondOut: "New calls in a second, out",
};

/** The page, with how each trunk is. */
function pageWith(states: TrunkState[] | undefined): KindOfPage<"trunks"> {
  const stateOf = (id: string) => states?.find((state) => state.id === id);
  const calls = (id: string) => {
    const state = stateOf(id);
    return state
      ? `${callsText(state.callsIn, state.callsMaxIn)} in, ${callsText(state.callsOut, state.callsMaxOut)} out`
      : "–";
  };
  return {
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
      { title: "State", cell: (trunk) => <TrunkBadge state={stateOf(trunk.id)} /> },
      { title: "Calls now", from: "sm", cell: (trunk) => calls(trunk.id) },
      {
        title: "Calls come from",
        from: "md",
        cell: ({ document }) =>
          [...(document?.match ?? []), ...(document?.tlsNames ?? [])].join(", ") || "no address",
      },
      { title: "Calls go out to", from: "sm", cell: (trunk) => trunk.document?.host || "none go out" },
      { title: "Country", from: "lg", cell: (trunk) => trunk.document?.defaultCountry || "–" },
    ],
    labels,
    fresh: { id: "" },
  };
}

/** Carriers and PBXs. */
export function TrunksPage() {
  const states = useTrunkStates();
  return (
    <DocumentsPage page={pageWith(states.data)}>
      {(form) => (
        <>
          <CarrierPreset form={form} labels={labels} />
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
          <LinesField
            label="Names in its certificates"
            description="Where it connects over TLS, one a line, such as sip.carrier.example: those calls are its too, from whatever address."
            value={form.value.tlsNames}
            onChange={(names) => form.set("tlsNames", names)}
            error={form.error("tlsNames")}
          />
          <TextInput
            label="Calls go out to"
            description="Host and port of the carrier, with ;transport=tcp or tls behind where it is not UDP. Leave it empty where no calls go out over it."
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
          <AccountAndLimits form={form} />
          <NumbersAndCallers form={form} />
        </>
      )}
    </DocumentsPage>
  );
}
