import { Code, Fieldset, NumberInput, Stack, Switch, TagsInput, Text, TextInput } from "@mantine/core";
import type { DocumentForm } from "../../ui/documentForm";
import type { Trunk } from "./NumbersAndCallers";

type FormProps = { form: DocumentForm<Trunk> };

/** The account with a trunk, whether it is watched, what it takes, and its echo. */
export function AccountAndLimits({ form }: FormProps) {
  return (
    <>
      <Fieldset legend="Account">
        <Stack>
          <TextInput
            label="User name"
            description="Of this server with the trunk, or of the trunk with this server."
            autoComplete="off"
            {...form.text("username")}
          />
          <TextInput
            label="Password file"
            description={
              <Text span size="xs">
                A file on the server that holds the password, written as{" "}
                <Code>{`\${file:/etc/cordboard/carrier}`}</Code>. Passwords are not kept in the database.
              </Text>
            }
            autoComplete="off"
            {...form.text("password")}
          />
          <TextInput
            label="User name of the credentials"
            description="Where it is another."
            autoComplete="off"
            {...form.text("authUsername")}
          />
          <TextInput
            label="Realm"
            description="The only one that the password goes to; the first that the trunk names where it is empty."
            {...form.text("realm")}
          />
          <Flag
            form={form}
            field="register"
            label="This server registers with the trunk"
            description="At the host that calls go out to."
          />
          <NumberInput
            label="Seconds that a registration is asked for"
            description="600 where it is empty. What the trunk grants is what counts."
            min={60}
            max={86_400}
            {...number(form, "registerExpiresS")}
          />
          <Flag
            form={form}
            field="authenticate"
            label="Each call of the trunk brings its credentials"
            description="For a PBX without a fixed address."
          />
        </Stack>
      </Fieldset>
      <Fieldset legend="Whether it is there">
        <Stack>
          <NumberInput
            label="Seconds between OPTIONS"
            description="None are sent where it is empty."
            min={5}
            max={3_600}
            {...number(form, "optionsIntervalS")}
          />
          <NumberInput
            label="Unanswered OPTIONS until it is down"
            description="3 where it is empty."
            min={1}
            max={100}
            {...number(form, "optionsThreshold")}
          />
          <TextInput
            label="Test number"
            description="An echo that can be called over it: whoever is called there sends back all that is said. The test of the trunk dials it."
            placeholder="+15550177"
            maxLength={64}
            {...form.text("testNumber")}
          />
        </Stack>
      </Fieldset>
      <Fieldset legend="Which calls it takes">
        <Stack>
          <NumberInput
            label="Priority"
            description="Calls go out over the lowest first; 0 where it is empty."
            min={0}
            max={1_000}
            {...number(form, "priority")}
          />
          <TagsInput
            label="The next trunk is tried after"
            description="Final codes of SIP, such as 503. All but 486, 487, 600, 603, 604 and 606 where it is empty."
            value={(form.value.failOver ?? []).map(String)}
            onChange={(codes) => form.set("failOver", codes.map(Number).filter(Number.isInteger))}
            error={form.error("failOver")}
          />
          <NumberInput label="Calls in at one time" min={0} {...number(form, "callsMaxIn")} />
          <NumberInput label="Calls out at one time" min={0} {...number(form, "callsMaxOut")} />
          <NumberInput label="New calls in a second, in" min={1} {...number(form, "callsPerSecondIn")} />
          <NumberInput label="New calls in a second, out" min={1} {...number(form, "callsPerSecondOut")} />
        </Stack>
      </Fieldset>
    </>
  );
}

type NumberKey =
  | "registerExpiresS"
  | "optionsIntervalS"
  | "optionsThreshold"
  | "priority"
  | "callsMaxIn"
  | "callsMaxOut"
  | "callsPerSecondIn"
  | "callsPerSecondOut";

/** The properties of an input for a field that is a whole number, or empty. */
function number(form: DocumentForm<Trunk>, key: NumberKey) {
  return {
    value: form.value[key] ?? "",
    onChange: (value: number | string) => form.set(key, value === "" ? null : Number(value)),
    error: form.error(key),
    allowDecimal: false,
    clampBehavior: "none" as const,
  };
}

type FlagProps = FormProps & { field: "register" | "authenticate"; label: string; description: string };

function Flag({ form, field, label, description }: FlagProps) {
  return (
    <Switch
      label={label}
      description={description}
      checked={form.value[field] ?? false}
      onChange={(event) => form.set(field, event.currentTarget.checked || null)}
      error={form.error(field)}
    />
  );
}
